//go:build acceptance

package acceptance

import (
	"fmt"
	"strings"
	"testing"
)

// The server's network manager takes off addresses that it does not know, and
// the server's own for a moment: the VIP is back at once, without a
// transition. A second address, put there as a daemon without an agent's watch
// would, shows what is taken away.
func TestANetworkManagerTakesAwayTheVIP(t *testing.T) {
	one, two := the.servers[0], the.servers[1]
	g := newGroup(t, "networkd", "10.77.0.232", one, two)
	mustHavip(t, 0, g.create("--floating-ip", the.vipFIP)...)
	active := g.owner(t)
	before := healthy(t, g.name)
	nic := before.member(t, active).Agent.Routers[0].Interface
	active.manage(t, nic)
	const canary = "10.77.0.240"
	for _, do := range []struct {
		command string
		takes   bool // everything that is not its own
	}{
		{"networkctl renew " + nic, false},
		{"networkctl reconfigure " + nic, true},
		{"systemctl restart systemd-networkd", false},
	} {
		active.must(t, "sudo ip addr replace "+canary+"/32 dev "+nic)
		active.must(t, "sudo "+do.command)
		wait(t, do.command+": the NIC is as before", func() error {
			o := active.ssh("networkctl --no-pager status " + nic + " && ip -o -4 addr show")
			switch {
			case o.code != 0 || !strings.Contains(o.out, "(configured)") || !strings.Contains(o.out, " "+active.fixed+"/"):
				return fmt.Errorf("%v", o)
			case !strings.Contains(o.out, " "+g.vip+"/32 "):
				return fmt.Errorf("the VIP is gone:\n%v", o)
			case do.takes && strings.Contains(o.out, " "+canary+"/32 "):
				return fmt.Errorf("it takes nothing away, and shows nothing:\n%v", o)
			}
			return nil
		})
		after := healthy(t, g.name)
		for _, h := range g.members {
			was, is := before.member(t, h).Agent.Routers[0], after.member(t, h).Agent.Routers[0]
			if !was.Since.Equal(is.Since) {
				t.Errorf("%s: %s changed its state: since %v (%s), before since %v (%s)", do.command, h.name, is.Since, is.Reason, was.Since, was.Reason)
			}
		}
		answers(t, the.vipFIP, active)
	}
	if events := active.must(t, "sudo havip-agent events --group "+g.name); !strings.Contains(events, "put back: somebody had removed it") {
		t.Errorf("the agent never put the VIP back:\n%s", events)
	}
}

// manage hands a NIC to systemd-networkd, with DHCP, as cloud images have it.
// When the test ends it is as before; the addresses stay. An image whose NIC is
// networkd's already is left as it is.
func (h *host) manage(t *testing.T, nic string) {
	t.Helper()
	managed := func() error {
		if o := h.ssh("networkctl --no-pager status " + nic); !strings.Contains(o.out, "(configured)") || !strings.Contains(o.out, " "+h.fixed) {
			return fmt.Errorf("%v", o)
		}
		return nil
	}
	if managed() == nil {
		return
	}
	t.Cleanup(func() {
		h.must(t, "sudo systemctl disable --now systemd-networkd.socket systemd-networkd && sudo systemctl mask systemd-networkd && "+
			"sudo rm /etc/systemd/network/10-acceptance.network")
	})
	h.must(t, "printf '[Match]\\nName="+nic+"\\n[Network]\\nDHCP=ipv4\\nKeepConfiguration=dhcp-on-stop\\n' | "+
		"sudo tee /etc/systemd/network/10-acceptance.network && sudo systemctl unmask systemd-networkd && sudo systemctl enable --now systemd-networkd")
	wait(t, nic+" is networkd's", managed)
}
