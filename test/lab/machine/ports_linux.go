package machine

import (
	"fmt"
	"slices"

	"github.com/havip/havip/openstack/openstacktest"
)

// updatePorts makes the wires of a running server those of its ports. A NIC
// keeps its name as long as it is there.
func (h *Host) updatePorts(m *server, s openstacktest.Server) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.init == nil {
		return nil
	}
	for i, p := range m.ports {
		if p == "" || slices.Contains(s.Ports, p) {
			continue
		}
		if err := h.Fabric.Unplug(p); err != nil {
			return err
		}
		m.ports[i] = ""
	}
	for _, p := range s.Ports {
		if slices.Contains(m.ports, p) {
			continue
		}
		i := slices.Index(m.ports, "")
		if i < 0 {
			i, m.ports = len(m.ports), append(m.ports, "")
		}
		if err := h.Fabric.Plug(p, m.space, fmt.Sprintf("eth%d", i), false); err != nil {
			m.ports = slices.Delete(m.ports, i, i+1)
			return err
		}
		m.ports[i] = p
	}
	return nil
}
