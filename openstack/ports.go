package openstack

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
)

// Port reads one port.
func (c *Client) Port(ctx context.Context, id string) (Port, error) {
	p, err := single[portWire](ports.Get(ctx, c.network, id).Result, "port")
	return p, failure("read port", id, err)
}

// Ports lists ports.
func (c *Client) Ports(ctx context.Context, f PortFilter) ([]Port, error) {
	opts := ports.ListOpts{NetworkID: f.NetworkID, Name: f.Name, Tags: strings.Join(f.Tags, ",")}
	if f.Own {
		opts.ProjectID = c.identity.ProjectID
	}
	if f.SecurityGroup != "" {
		opts.SecurityGroups = []string{f.SecurityGroup}
	}
	found, err := list[portWire](ctx, ports.List(c.network, opts), "ports")
	if f.SecurityGroup != "" {
		// Neutron without the extension port-security-groups-filtering lists
		// all ports.
		found = slices.DeleteFunc(found, func(p Port) bool { return !slices.Contains(p.SecurityGroups, f.SecurityGroup) })
	}
	return found, failure("list ports", f.Name, err)
}

// CreatePort makes a port without a device and without security groups: a VIP
// has none of its own, those of the members' ports apply.
func (c *Client) CreatePort(ctx context.Context, p PortCreate) (Port, error) {
	opts := ports.CreateOpts{
		Name: p.Name, Description: p.Description,
		NetworkID: p.NetworkID, DeviceOwner: p.DeviceOwner,
		SecurityGroups: &[]string{},
	}
	fixed := ports.IP{SubnetID: p.SubnetID}
	if p.Address.IsValid() {
		fixed.IPAddress = p.Address.String()
	}
	if fixed != (ports.IP{}) {
		opts.FixedIPs = []ports.IP{fixed}
	}
	made, err := single[portWire](ports.Create(ctx, c.network, opts).Result, "port")
	return made, failure("create port", p.Name, err)
}

// UpdatePort changes a port if it is still at revision; ErrConflict says that
// it is not (Neutron API, "Revisions"). Pairs are written as they are given:
// foreign ones must stay as their owners wrote them, ours come from PairOf.
func (c *Client) UpdatePort(ctx context.Context, id string, revision int, u PortUpdate) (Port, error) {
	// ports.UpdateOpts itself and no extension's wrapper around it:
	// gophercloud looks for If-Match in the outermost struct only.
	opts := ports.UpdateOpts{SecurityGroups: u.SecurityGroups, AdminStateUp: u.AdminUp, RevisionNumber: &revision}
	if u.Pairs != nil {
		pairs := make([]ports.AddressPair, len(*u.Pairs))
		for i, p := range *u.Pairs {
			pairs[i] = ports.AddressPair{IPAddress: p.IP, MACAddress: p.MAC}
		}
		opts.AllowedAddressPairs = &pairs
	}
	p, err := single[portWire](ports.Update(ctx, c.network, id, opts).Result, "port")
	return p, failure("update port", id, err)
}

// DescribePort changes a port's description, at whatever revision it is: OVN
// bumps that of a VIP's port each time the VIP moves.
func (c *Client) DescribePort(ctx context.Context, id, description string) error {
	opts := ports.UpdateOpts{Description: &description}
	return failure("describe port", id, ports.Update(ctx, c.network, id, opts).Err)
}

// DeletePort deletes a port; one that is gone already is no error.
func (c *Client) DeletePort(ctx context.Context, id string) error {
	return gone(failure("delete port", id, ports.Delete(ctx, c.network, id).Err))
}

// PairOf is the allowed-address pair for an address: bare, never /32 or /128.
// OVN compares it as a string with the VIP port's address (ovn_client.py,
// _set_unset_virtual_port_type). Without a MAC Neutron fills in the port's.
func PairOf(a netip.Addr) AddressPair {
	return AddressPair{IP: a.Unmap().WithZone("").String()}
}

type portWire struct {
	ID             string        `json:"id"`
	Name           string        `json:"name"`
	Description    string        `json:"description"`
	NetworkID      string        `json:"network_id"`
	ProjectID      string        `json:"project_id"`
	TenantID       string        `json:"tenant_id"`
	DeviceID       string        `json:"device_id"`
	DeviceOwner    string        `json:"device_owner"`
	MAC            string        `json:"mac_address"`
	Status         string        `json:"status"`
	AdminUp        bool          `json:"admin_state_up"`
	FixedIPs       []fixedIPWire `json:"fixed_ips"`
	Pairs          []pairWire    `json:"allowed_address_pairs"`
	SecurityGroups []string      `json:"security_groups"`
	PortSecurity   *bool         `json:"port_security_enabled"` // absent without the extension
	VNICType       string        `json:"binding:vnic_type"`
	Trunk          *struct{}     `json:"trunk_details"` // absent on a port that is no trunk's parent
	Tags           []string      `json:"tags"`
	Revision       int           `json:"revision_number"`
	CreatedAt      timestamp     `json:"created_at"`
}

type fixedIPWire struct {
	SubnetID string     `json:"subnet_id"`
	IP       netip.Addr `json:"ip_address"`
}

type pairWire struct {
	IP  string `json:"ip_address"`
	MAC string `json:"mac_address"`
}

func (w portWire) model() Port {
	p := Port{
		ID: w.ID, Name: w.Name, Description: w.Description,
		NetworkID: w.NetworkID, ProjectID: project(w.ProjectID, w.TenantID),
		DeviceID: w.DeviceID, DeviceOwner: w.DeviceOwner,
		MAC: w.MAC, Status: w.Status, AdminUp: w.AdminUp,
		SecurityGroups: w.SecurityGroups,
		PortSecurity:   w.PortSecurity == nil || *w.PortSecurity,
		VNICType:       w.VNICType, TrunkParent: w.Trunk != nil,
		Tags: w.Tags, Revision: w.Revision, CreatedAt: w.CreatedAt.Time,
	}
	for _, f := range w.FixedIPs {
		p.FixedIPs = append(p.FixedIPs, FixedIP(f))
	}
	for _, a := range w.Pairs {
		p.Pairs = append(p.Pairs, AddressPair(a))
	}
	return p
}

// project is an object's project; Neutron before Newton calls it tenant.
func project(id, tenant string) string { return cmp.Or(id, tenant) }
