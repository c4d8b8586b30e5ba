package openstacktest

import (
	"net/http"
	"net/netip"
	"slices"
)

// fixedIP is one address of a port as Neutron writes it.
type fixedIP struct {
	SubnetID string     `json:"subnet_id"`
	Address  netip.Addr `json:"ip_address"`
}

// fixedIPWanted is one that a request asks for.
type fixedIPWanted struct {
	SubnetID string `json:"subnet_id"`
	Address  string `json:"ip_address"`
}

// holder is the port that has an address of a subnet.
func (s *state) holder(subnetID string, ip netip.Addr) (port, bool) {
	for _, p := range s.ports {
		if slices.Contains(p.FixedIPs, fixedIP{subnetID, ip}) {
			return p, true
		}
	}
	return port{}, false
}

// subnetsOf are the subnets of a network, as they were made.
func (s *state) subnetsOf(networkID string) []subnet {
	var out []subnet
	for _, id := range s.networks[networkID].Subnets {
		out = append(out, s.subnets[id])
	}
	return out
}

// free is the lowest unused address of a subnet's pools. Neutron takes any.
func (s *state) free(of subnet) (netip.Addr, bool) {
	used := map[netip.Addr]bool{}
	for _, p := range s.ports {
		for _, f := range p.FixedIPs {
			if f.SubnetID == of.ID {
				used[f.Address] = true
			}
		}
	}
	for _, p := range of.Pools {
		for ip := p.Start; ip.IsValid() && !p.End.Less(ip); ip = ip.Next() {
			if !used[ip] && of.has(ip) {
				return ip, true
			}
		}
	}
	return netip.Addr{}, false
}

// allocate gives a port its addresses: those wanted, or without a wish one of
// each IP version that the network has.
func (s *state) allocate(p port, wanted []fixedIPWanted, asked bool) ([]fixedIP, error) {
	subnets := s.subnetsOf(p.NetworkID)
	if !asked {
		var out []fixedIP
		for _, version := range []int{4, 6} {
			f, found, err := s.anyOf(p.NetworkID, subnets, version)
			if err != nil {
				return nil, err
			}
			if found {
				out = append(out, f)
			}
		}
		return out, nil
	}
	out := []fixedIP{}
	for _, w := range wanted {
		f, err := s.one(p, w, subnets)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
		p.FixedIPs = out
		s.ports[p.ID] = p // counts for the next one
	}
	return out, nil
}

// anyOf is an address of the first subnet of an IP version that has one.
func (s *state) anyOf(networkID string, subnets []subnet, version int) (fixedIP, bool, error) {
	tried := false
	for _, sub := range subnets {
		if sub.Version != version {
			continue
		}
		tried = true
		if ip, found := s.free(sub); found {
			return fixedIP{sub.ID, ip}, true, nil
		}
	}
	if tried {
		return fixedIP{}, false, refuse(http.StatusConflict, "IpAddressGenerationFailure", "No more IP addresses available on network %s.", networkID)
	}
	return fixedIP{}, false, nil
}

// one is the address that a request wants.
func (s *state) one(p port, w fixedIPWanted, subnets []subnet) (fixedIP, error) {
	var ip netip.Addr
	if w.Address != "" {
		var err error
		if ip, err = netip.ParseAddr(w.Address); err != nil {
			return fixedIP{}, badBody("Invalid input for fixed_ips. Reason: '%s' is not a valid IP address.", w.Address)
		}
	}
	if w.SubnetID == "" && !ip.IsValid() {
		return fixedIP{}, invalid("IP allocation requires subnet_id or ip_address")
	}
	if len(subnets) == 0 {
		return fixedIP{}, invalid("IP allocation requires subnets for network")
	}
	at := slices.IndexFunc(subnets, func(sub subnet) bool {
		if w.SubnetID != "" {
			return sub.ID == w.SubnetID
		}
		return sub.has(ip)
	})
	switch {
	case at < 0 && w.SubnetID != "":
		if _, found := s.subnets[w.SubnetID]; !found {
			return fixedIP{}, notFound("SubnetNotFound", "Subnet %s could not be found.", w.SubnetID)
		}
		return fixedIP{}, invalid("Failed to create port on network %s, because fixed_ips included invalid subnet %s", p.NetworkID, w.SubnetID)
	case at < 0:
		return fixedIP{}, refuse(http.StatusBadRequest, "InvalidIpForNetwork",
			"IP address %s is not a valid IP for any of the subnets on the specified network.", ip)
	}
	sub := subnets[at]
	if !ip.IsValid() {
		free, found := s.free(sub)
		if !found {
			return fixedIP{}, refuse(http.StatusConflict, "IpAddressGenerationFailure", "No more IP addresses available on network %s.", p.NetworkID)
		}
		return fixedIP{sub.ID, free}, nil
	}
	if !sub.has(ip) {
		return fixedIP{}, refuse(http.StatusBadRequest, "InvalidIpForSubnet", "IP address %s is not a valid IP for the specified subnet.", ip)
	}
	if other, taken := s.holder(sub.ID, ip); taken && other.ID != p.ID {
		return fixedIP{}, refuse(http.StatusConflict, "IpAddressAlreadyAllocated", "IP address %s already allocated in subnet %s", ip, sub.ID)
	}
	return fixedIP{sub.ID, ip}, nil
}
