//go:build acceptance

package acceptance

import (
	"fmt"
	"testing"
)

// extraServer is a fourth server that the test may destroy, made as people
// make one that is to keep its address: with a port of its own. It is reached
// through the floating IP that is otherwise the VIP's.
func (w *world) extraServer(t *testing.T) *host {
	t.Helper()
	h := &host{world: w, name: w.prefix + "extra", fip: w.vipFIP}
	var port struct {
		ID       string
		FixedIPs []struct {
			IP string `json:"ip_address"`
		} `json:"fixed_ips"`
	}
	openstackCLI(t, &port, "port", "create", "--network", w.network, "--security-group", w.prefix+"locked", h.name)
	t.Cleanup(func() { openstackCLI(t, nil, "port", "delete", port.ID) })
	h.port, h.fixed = port.ID, port.FixedIPs[0].IP
	var server struct{ ID string }
	openstackCLI(t, &server, "server", "create", "--wait", "--image", w.image, "--flavor", w.flavor,
		"--key-name", w.prefix+"key", "--nic", "port-id="+port.ID, h.name)
	h.id = server.ID
	t.Cleanup(func() {
		command(nil, "env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "openstack", "server", "delete", "--wait", h.id)
	})
	openstackCLI(t, nil, "floating", "ip", "set", "--port", port.ID, w.vipFIP)
	wait(t, h.name+" answers by SSH", func() error {
		if o := h.ssh("true"); o.code != 0 {
			return fmt.Errorf("%v", o)
		}
		return nil
	})
	return h
}

// messages are what a status says differs.
func messages(st status) []string {
	var all []string
	for _, d := range st.Deviations {
		all = append(all, d.Object+": "+d.Message)
	}
	return all
}
