package openstacktest

import (
	"net/http"
	"net/netip"
	"slices"
)

// subnet is Neutron's.
type subnet struct {
	standard
	Name         string       `json:"name"`
	NetworkID    string       `json:"network_id"`
	Version      int          `json:"ip_version"`
	CIDR         netip.Prefix `json:"cidr"`
	Gateway      *netip.Addr  `json:"gateway_ip"`
	DHCP         bool         `json:"enable_dhcp"`
	Pools        []pool       `json:"allocation_pools"`
	DNS          []string     `json:"dns_nameservers"`
	Routes       []hostRoute  `json:"host_routes"`
	RAMode       *string      `json:"ipv6_ra_mode"`
	AddressMode  *string      `json:"ipv6_address_mode"`
	SubnetPool   *string      `json:"subnetpool_id"`
	ServiceTypes []string     `json:"service_types"`
}

type pool struct {
	Start netip.Addr `json:"start"`
	End   netip.Addr `json:"end"`
}

type hostRoute struct {
	Destination string `json:"destination"`
	NextHop     string `json:"nexthop"`
}

// has tells whether an address is one of the subnet that a port may have.
func (s subnet) has(ip netip.Addr) bool {
	if !s.CIDR.Contains(ip) || s.Version == 4 && ip == lastOf(s.CIDR) {
		return false
	}
	return ip != s.CIDR.Addr() || s.CIDR.Bits() >= ip.BitLen()-1
}

// lastOf is the last address of a prefix: of IPv4 the broadcast address.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

// visible subnets are the caller's own and those of shared networks.
func (r *request) visibleSubnet(s subnet) bool {
	return r.who.owns(s.ProjectID) || r.s.networks[s.NetworkID].Shared || r.who.owns(r.s.networks[s.NetworkID].ProjectID)
}

func (r *request) subnet(id string) (subnet, error) {
	s, found := r.s.subnets[id]
	if !found || !r.visibleSubnet(s) {
		return s, notFound("SubnetNotFound", "Subnet %s could not be found.", id)
	}
	return s, nil
}

func listSubnets(r *request) (answer, error) {
	var out []object
	for _, s := range r.s.subnets.all() {
		if r.visibleSubnet(s) {
			out = append(out, r.show(s))
		}
	}
	return r.listed("subnets", subnet{}, out)
}

func getSubnet(r *request) (answer, error) {
	s, err := r.subnet(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(object{"subnet": pick(r.show(s), r.URL.Query()["fields"])})
}

func createSubnet(r *request) (answer, error) {
	a, err := r.attributes("subnet")
	if err != nil {
		return answer{}, err
	}
	s := subnet{
		standard: r.s.newStandard(a.owner(r, "create_subnet"), r.now), DHCP: true,
		DNS: []string{}, Routes: []hostRoute{}, ServiceTypes: []string{},
	}
	a.required("network_id")
	a.id("network_id", &s.NetworkID)
	a.number("ip_version", &s.Version)
	var cidr string
	a.text("cidr", &cidr)
	if a.err != nil {
		return answer{}, a.err
	}
	n, err := r.network(s.NetworkID)
	if err != nil {
		return answer{}, err
	}
	if !r.who.owns(n.ProjectID) {
		return answer{}, disallowed("create_subnet", "")
	}
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return answer{}, badBody("Invalid input for cidr. Reason: '%s' is not a valid IP subnet.", cidr)
	}
	s.CIDR = p.Masked()
	if v := map[bool]int{true: 4, false: 6}[p.Addr().Is4()]; s.Version != v {
		return answer{}, invalid("cidr %s does not match the ip_version '%d'", cidr, s.Version)
	}
	if p.Bits() == 0 {
		return answer{}, invalid("0 is not allowed as CIDR prefix length")
	}
	for _, other := range r.s.subnets.all() {
		if other.NetworkID == s.NetworkID && other.CIDR.Overlaps(s.CIDR) {
			return answer{}, invalid("Requested subnet with cidr: %s for network: %s overlaps with another subnet", s.CIDR, s.NetworkID)
		}
	}
	if string(a.raw["gateway_ip"]) != "null" {
		gw := s.CIDR.Addr().Next()
		s.Gateway = &gw
	}
	if err := s.read(a); err != nil {
		return answer{}, err
	}
	if err := r.within("subnet", count(r.s.subnets, s.ProjectID), 1); err != nil {
		return answer{}, err
	}
	n.Subnets = append(slices.Clone(n.Subnets), s.ID)
	n.Revision++
	r.s.networks[n.ID] = n
	r.s.subnets[s.ID] = s
	return made(object{"subnet": r.show(s)})
}

// read takes the attributes that may change, and makes pools where none are
// named: all addresses but the gateway's.
func (s *subnet) read(a *attrs) error {
	a.text("name", &s.Name)
	a.text("description", &s.Description)
	a.flag("enable_dhcp", &s.DHCP)
	if string(a.raw["gateway_ip"]) == "null" {
		s.Gateway = nil
	}
	var gw netip.Addr
	if a.address("gateway_ip", &gw); gw.IsValid() {
		s.Gateway = &gw
	}
	a.take("dns_nameservers", &s.DNS, "a list of addresses")
	a.take("host_routes", &s.Routes, "a list of routes")
	a.take("ipv6_ra_mode", &s.RAMode, "a mode")
	a.take("ipv6_address_mode", &s.AddressMode, "a mode")
	a.take("service_types", &s.ServiceTypes, "a list")
	a.ignore("subnetpool_id", "prefixlen", "segment_id", "use_default_subnetpool", "dns_publish_fixed_ip")
	pools := []pool{}
	if a.take("allocation_pools", &pools, "a list of pools") && a.err == nil && len(pools) > 0 {
		for _, p := range pools {
			if !p.Start.IsValid() || !p.End.IsValid() || p.End.Less(p.Start) || p.Start.Is4() != s.CIDR.Addr().Is4() {
				return refuse(http.StatusBadRequest, "InvalidAllocationPool", "The allocation pool %s-%s is not valid.", p.Start, p.End)
			}
			if !s.CIDR.Contains(p.Start) || !s.CIDR.Contains(p.End) {
				return refuse(http.StatusBadRequest, "OutOfBoundsAllocationPool",
					"The allocation pool %s-%s spans beyond the subnet cidr %s.", p.Start, p.End, s.CIDR)
			}
			if s.Gateway != nil && !s.Gateway.Less(p.Start) && !p.End.Less(*s.Gateway) {
				return refuse(http.StatusConflict, "GatewayConflictWithAllocationPools",
					"Gateway ip %s conflicts with allocation pool %s-%s.", s.Gateway, p.Start, p.End)
			}
		}
		s.Pools = pools
	}
	if s.Pools == nil {
		s.Pools = s.wholePools()
	}
	return a.end()
}

func (s *subnet) wholePools() []pool {
	first, last := s.CIDR.Addr().Next(), lastOf(s.CIDR)
	if s.Version == 4 {
		last = last.Prev()
	}
	switch {
	case s.Gateway == nil || !s.CIDR.Contains(*s.Gateway):
		return []pool{{first, last}}
	case *s.Gateway == first:
		return []pool{{first.Next(), last}}
	case *s.Gateway == last:
		return []pool{{first, last.Prev()}}
	}
	return []pool{{first, s.Gateway.Prev()}, {s.Gateway.Next(), last}}
}

func updateSubnet(r *request) (answer, error) {
	s, err := r.subnet(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if !r.who.owns(s.ProjectID) {
		return answer{}, disallowed("update_subnet", "")
	}
	if err := r.ifMatch(s.standard); err != nil {
		return answer{}, err
	}
	a, err := r.attributes("subnet")
	if err != nil {
		return answer{}, err
	}
	a.fixed("id", "network_id", "cidr", "ip_version", "tenant_id", "project_id")
	if err := s.read(a); err != nil {
		return answer{}, err
	}
	s.bump(r.now)
	r.s.subnets[s.ID] = s
	return ok(object{"subnet": r.show(s)})
}

func deleteSubnet(r *request) (answer, error) {
	s, err := r.subnet(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if !r.who.owns(s.ProjectID) {
		return answer{}, disallowed("delete_subnet", "")
	}
	for _, p := range r.s.ports.all() {
		if slices.ContainsFunc(p.FixedIPs, func(f fixedIP) bool { return f.SubnetID == s.ID }) {
			return answer{}, refuse(http.StatusConflict, "SubnetInUse",
				"Unable to complete operation on subnet %s: One or more ports have an IP allocation from this subnet.", s.ID)
		}
	}
	n := r.s.networks[s.NetworkID]
	n.Subnets = slices.DeleteFunc(slices.Clone(n.Subnets), func(id string) bool { return id == s.ID })
	n.Revision++
	r.s.networks[n.ID] = n
	delete(r.s.subnets, s.ID)
	return done(http.StatusNoContent)
}
