package openstacktest

import (
	"slices"
)

// settle makes true what follows from the rest of a state.
func (s *state) settle() {
	for id, p := range s.ports {
		status := p.Status
		if v, bound := s.servers[p.DeviceID]; bound {
			status = map[bool]string{true: "ACTIVE", false: "DOWN"}[v.powered() && p.AdminUp]
		} else if p.DeviceOwner == "" || p.DeviceOwner == "compute:nova" {
			status = "DOWN"
		}
		if status != p.Status {
			p.Status = status
			s.ports[id] = p
		}
	}
	for id, last := range s.claims {
		carrier := s.ports[last.Carrier]
		if !s.servers[carrier.DeviceID].powered() || !slices.Contains(s.parents(s.ports[id]), last.Carrier) {
			delete(s.claims, id) // the binding goes with the parent's, and with the type "virtual"
		}
	}
	s.refreshDetails()
}
