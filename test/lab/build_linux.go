package lab

import (
	"context"
	"net/netip"

	"github.com/havip/havip/openstack/openstacktest"
	"github.com/havip/havip/test/lab/fabric"
)

// lab is a site with its cloud.
type lab struct {
	order order
	site  *site
	cloud cloud
	auth  string
}

type hand struct{ v openstacktest.View }

func (h *hand) View() openstacktest.View { return h.v }
func (h *hand) Changed() <-chan struct{} { return make(chan struct{}) }

func build(o order, say func(string, ...any)) (*lab, error) {
	s, err := newSite(fabric.Options{})
	if err != nil {
		return nil, err
	}
	ip := netip.MustParseAddr
	allow := func(ingress bool, proto, low, high int) openstacktest.Rule {
		return openstacktest.Rule{Ingress: ingress, Protocol: proto, PortMin: low, PortMax: high}
	}
	h := &hand{openstacktest.View{
		Networks: []openstacktest.Network{{ID: "net-internal-1", Name: "internal"}, {ID: "net-public-1", Name: "public", External: true}},
		Subnets: []openstacktest.Subnet{
			{ID: "si", NetworkID: "net-internal-1", CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: ip("10.0.0.1")},
			{ID: "sp", NetworkID: "net-public-1", CIDR: netip.MustParsePrefix("203.0.113.0/24"), Gateway: ip("203.0.113.1")},
		},
		Ports: []openstacktest.Port{
			{ID: "p1-aaaaaaaaaaa", NetworkID: "net-internal-1", MAC: "fa:16:3e:00:00:01", FixedIPs: []openstacktest.FixedIP{{"si", ip("10.0.0.11")}}, AdminUp: true, PortSecurity: true, DeviceOwner: "compute:nova", DeviceID: "s1", SecurityGroups: []string{"g"}},
			{ID: "p2-aaaaaaaaaaa", NetworkID: "net-internal-1", MAC: "fa:16:3e:00:00:02", FixedIPs: []openstacktest.FixedIP{{"si", ip("10.0.0.12")}}, AdminUp: true, PortSecurity: true, DeviceOwner: "compute:nova", DeviceID: "s2", SecurityGroups: []string{"g"}},
			{ID: "ri-aaaaaaaaaaa", NetworkID: "net-internal-1", MAC: "fa:16:3e:00:00:03", FixedIPs: []openstacktest.FixedIP{{"si", ip("10.0.0.1")}}, AdminUp: true, DeviceOwner: "network:router_interface"},
			{ID: "rg-aaaaaaaaaaa", NetworkID: "net-public-1", MAC: "fa:16:3e:00:00:04", FixedIPs: []openstacktest.FixedIP{{"sp", ip("203.0.113.2")}}, AdminUp: true, DeviceOwner: "network:router_gateway"},
		},
		SecurityGroups: []openstacktest.SecurityGroup{{ID: "g", Rules: []openstacktest.Rule{allow(true, 6, 22, 22), allow(true, 1, -1, -1), allow(false, -1, -1, -1)}}},
		Routers:        []openstacktest.Router{{ID: "r", Name: "r", Gateway: "rg-aaaaaaaaaaa", Interfaces: []string{"ri-aaaaaaaaaaa"}}},
		FloatingIPs:    []openstacktest.FloatingIP{{ID: "f", Address: ip("203.0.113.11"), PortID: "p1-aaaaaaaaaaa", Fixed: ip("10.0.0.11"), Router: "r"}},
		Servers: []openstacktest.Server{
			{ID: "s1", Name: "bastion-1", Ports: []string{"p1-aaaaaaaaaaa"}, PublicKey: s.access.Public},
			{ID: "s2", Name: "bastion-2", Ports: []string{"p2-aaaaaaaaaaa"}, PublicKey: s.access.Public},
		},
	}}
	if err := s.open(h); err != nil {
		return nil, err
	}
	for _, m := range h.v.Servers {
		if err := s.host.Start(context.Background(), m); err != nil {
			return nil, err
		}
		say("%s starts", m.Name)
	}
	for _, m := range h.v.Servers {
		<-s.host.Up(m.ID)
		say("%s", s.host.Console(m.ID))
	}
	return &lab{order: o, site: s, cloud: h, auth: "x"}, nil
}
