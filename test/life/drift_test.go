package life

import (
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/havip/havip/test/lab/labtest"
	"github.com/havip/havip/test/project"
)

// Whatever somebody does to a group, status names it and says what to do, and
// one create mends it.
func TestEachKindOfDriftIsNamedAndMended(t *testing.T) {
	g := newGroup(t, "drift")
	g.create(t)
	c := g.cloud
	set := func(t *testing.T, server string, fields map[string]any) {
		t.Helper()
		put(t, c, "ports/"+port(t, c, server).Text("id"), map[string]any{"port": fields})
	}
	vipPort := func(t *testing.T) project.Object { t.Helper(); return one(t, c, "ports?name=havip-drift-v4") }
	securityGroup := func(t *testing.T) project.Object { t.Helper(); return one(t, c, "security-groups?name=havip-drift") }
	const service = "/etc/init.d/havip-agent-drift"
	for _, d := range []struct {
		name string
		done func(t *testing.T)
		says string // "object: message" begins so
		more []string
	}{
		{"the pair is wiped", func(t *testing.T) {
			set(t, "bastion-2", map[string]any{"allowed_address_pairs": []any{}})
		}, "port bastion-2: allowed address 10.0.0.136 is missing", nil},
		{"the group is taken off", func(t *testing.T) {
			set(t, "bastion-2", map[string]any{"security_groups": []any{one(t, c, "security-groups?name=default").Text("id")}})
		}, "port bastion-2: security group havip-drift is not on it", nil},
		{"a rule is deleted", func(t *testing.T) {
			rules := list(t, c, "security-group-rules?direction=ingress&security_group_id="+securityGroup(t).Text("id"))
			if len(rules) != 1 {
				t.Fatalf("rules: %v", rules)
			}
			remove(t, c, "security-group-rules/"+rules[0].Text("id"))
		}, "security group havip-drift: rule is missing: ", nil},
		{"a rule is added", func(t *testing.T) {
			create(t, c, "security-group-rules", map[string]any{"security_group_rule": map[string]any{
				"security_group_id": securityGroup(t).Text("id"), "direction": "egress", "ethertype": "IPv4",
			}})
		}, "security group havip-drift: rule was added: ", nil},
		{"the VIP port is deleted", func(t *testing.T) {
			remove(t, c, "ports/"+vipPort(t).Text("id"))
		}, "VIP port havip-drift-v4: it is gone", nil},
		{"the VIP port loses its tags", func(t *testing.T) {
			put(t, c, "ports/"+vipPort(t).Text("id")+"/tags", map[string]any{"tags": []string{"havip:group=drift"}})
		}, "VIP port havip-drift-v4: its tags are not as havip left them", nil},
		{"a member's port loses its tag", func(t *testing.T) {
			remove(t, c, "ports/"+port(t, c, "bastion-2").Text("id")+"/tags/havip:member=drift")
		}, "port bastion-2: tag havip:member=drift is missing", nil},
		{"the floating IP is detached", func(t *testing.T) {
			put(t, c, "floatingips/"+one(t, c, "floatingips?floating_ip_address="+fip).Text("id"),
				map[string]any{"floatingip": map[string]any{"port_id": nil}})
		}, "floating ip " + fip + ": it is not attached", nil},
		{"an agent is stopped", func(t *testing.T) {
			on(t, "bastion-1", service+" stop")
		}, "agent on bastion-1: it does not run", nil},
		{"an agent is not enabled", func(t *testing.T) {
			on(t, "bastion-1", "rm /etc/rc2.d/S*havip-agent-drift /etc/rc3.d/S*havip-agent-drift /etc/rc4.d/S*havip-agent-drift /etc/rc5.d/S*havip-agent-drift")
		}, "agent on bastion-1: it is not enabled", nil},
		{"the configuration is edited", func(t *testing.T) {
			on(t, "bastion-2", "sed -i 's/interval: .*/interval: 700ms/' /etc/havip/drift.yaml")
		}, "agent on bastion-2: its configuration file was changed and not reloaded", nil},
		{"the configuration is gone", func(t *testing.T) {
			on(t, "bastion-2", "rm /etc/havip/drift.yaml")
		}, "agent on bastion-2: ", nil},
		{"the binary is replaced", func(t *testing.T) {
			on(t, "bastion-2", "cp /bin/true /usr/local/bin/havip-agent.new && mv /usr/local/bin/havip-agent.new /usr/local/bin/havip-agent")
		}, "agent on bastion-2: the binary is ", nil},
		{"the binary is gone", func(t *testing.T) {
			on(t, "bastion-2", "rm /usr/local/bin/havip-agent")
		}, "agent on bastion-2: the binary is gone", nil},
		{"the script is edited", func(t *testing.T) {
			on(t, "bastion-2", "echo '# mine' >> "+service)
		}, "agent on bastion-2: the service file ", nil},
	} {
		d.done(t)
		// Without the file a port is known for a member's by its tag.
		s, o := labtest.Look(t, "-f", g.file)
		if o.Code != 3 || s.Healthy {
			t.Errorf("%s: status says healthy, with exit code %d", d.name, o.Code)
		}
		found := false
		for _, dev := range s.Deviations {
			if strings.HasPrefix(dev.Object+": "+dev.Message, d.says) {
				found = true
				if dev.Cure == "" {
					t.Errorf("%s: status does not say what to do: %+v", d.name, dev)
				}
			}
		}
		if !found {
			t.Errorf("%s: status does not say %q:\n%s", d.name, d.says, o.Out)
		}
		g.create(t, d.more...)
		if got := labtest.Healthy(t, g.name).VIPs[0]; got.Address != vip || got.FloatingIP != fip {
			t.Errorf("%s: mended to %+v", d.name, got)
		}
	}
	g.gone(t)
}

// create makes an object beside havip.
func create(t *testing.T, c *gophercloud.ServiceClient, path string, body any) {
	t.Helper()
	resp, err := c.Post(t.Context(), c.ServiceURL(path), body, nil, &gophercloud.RequestOpts{OkCodes: []int{201}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}
