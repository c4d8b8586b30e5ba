package plan_test

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

const group = "bastion"

var (
	internal = openstack.Network{ID: "net-internal", Name: "internal", ProjectID: "ops"}
	public   = openstack.Network{ID: "net-public", Name: "public", External: true}
	subnet4  = openstack.Subnet{
		ID: "sub-v4", Name: "internal-v4", NetworkID: "net-internal",
		CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.1"),
	}
	subnet6 = openstack.Subnet{
		ID: "sub-v6", Name: "internal-v6", NetworkID: "net-internal",
		CIDR: netip.MustParsePrefix("fd00::/64"), Gateway: netip.MustParseAddr("fd00::1"),
	}
	release = plan.AgentRelease{
		Version: "0.3.0",
		SHA256:  map[string]string{"amd64": "aaaaaaaa11111111", "arm64": "bbbbbbbb22222222"},
		Units:   map[plan.Init]string{plan.Systemd: "cccccccc33333333"},
	}
	sshCheck = config.Check{
		Name: "ssh", TCP: ":22", Interval: api.Duration(time.Second), Timeout: api.Duration(time.Second), Fall: 3, Rise: 2,
	}
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// fresh is a cloud with four servers, the floating IP 203.0.113.10 unattached
// and nothing of havip's.
func fresh() plan.Observed {
	o := plan.Observed{
		Identity: openstack.Identity{ProjectID: "ops"},
		Servers:  map[string][]openstack.Server{},
		Networks: map[string][]openstack.Network{"internal": {internal}},
		Subnets:  []openstack.Subnet{subnet4, subnet6},
		External: []openstack.Network{public},
		FloatingIPs: []openstack.FloatingIP{
			{ID: "fip-10", Address: addr("203.0.113.10"), NetworkID: public.ID},
			{ID: "fip-11", Address: addr("203.0.113.11"), NetworkID: public.ID},
		},
		Hosts: map[string]plan.Host{},
	}
	for i := 1; i <= 4; i++ {
		s := openstack.Server{ID: fmt.Sprintf("server-%d", i), Name: fmt.Sprintf("bastion-%d", i), Status: "ACTIVE"}
		own4, own6 := addr(fmt.Sprintf("10.0.0.%d", 129+i)), addr(fmt.Sprintf("fd00::%d", 129+i))
		mac := fmt.Sprintf("fa:16:3e:00:00:0%d", i)
		o.Servers[s.Name] = []openstack.Server{s}
		o.Ports = append(o.Ports, openstack.Port{
			ID: fmt.Sprintf("port-%d", i), NetworkID: internal.ID, ProjectID: "ops", DeviceID: s.ID, DeviceOwner: "compute:nova",
			MAC: mac, PortSecurity: true, SecurityGroups: []string{"default"},
			FixedIPs: []openstack.FixedIP{{SubnetID: subnet4.ID, IP: own4}, {SubnetID: subnet6.ID, IP: own6}},
		})
		o.Hosts[s.ID] = plan.Host{
			Address: own4.String(), User: "debian", Root: true, Arch: "amd64", Init: plan.Systemd,
			NICs: []plan.NIC{{Name: "ens3", MAC: mac, Addresses: []netip.Prefix{netip.PrefixFrom(own4, 24), netip.PrefixFrom(own6, 64)}}},
		}
	}
	return o
}

// want is the group with these servers of o, the floating IP 203.0.113.10 and
// VRID 1; change adapts it.
func want(o plan.Observed, servers string, change ...func(*plan.Desired)) plan.Desired {
	d := plan.Desired{
		Group: group, VRID: 1, Interval: 300 * time.Millisecond, Version: 3, Mode: "unicast",
		Checks: []config.Check{sshCheck}, Agent: release,
		VIPs: []plan.VIP{{
			Family: plan.IPv4, Network: internal, Subnet: subnet4, Address: addr("10.0.0.136"),
			FloatingIP: &plan.FloatingIP{ID: "fip-10", Address: addr("203.0.113.10"), Network: public},
		}},
	}
	for _, f := range change {
		f(&d)
	}
	ids := strings.Fields(servers)
	priorities := plan.Priorities(len(ids), d.Interval)
	for i, id := range ids {
		m := plan.Member{Server: o.Servers["bastion-"+id][0], Priority: priorities[i]}
		p := port(o, "port-"+id)
		for _, v := range d.VIPs {
			m.Ports = append(m.Ports, plan.MemberPort{Port: p, Address: plan.PortAddress(p, v.Family)})
		}
		d.Members = append(d.Members, m)
	}
	return d
}

// dual adds an IPv6 VIP.
func dual(d *plan.Desired) {
	d.VIPs = append(d.VIPs, plan.VIP{Family: plan.IPv6, Network: internal, Subnet: subnet6, Address: addr("fd00::136")})
}

func port(o plan.Observed, id string) openstack.Port {
	for _, p := range o.Ports {
		if p.ID == id {
			return p
		}
	}
	panic("no port " + id)
}

// editPort changes one port of o.
func editPort(o *plan.Observed, id string, change func(*openstack.Port)) {
	for i := range o.Ports {
		if o.Ports[i].ID == id {
			change(&o.Ports[i])
		}
	}
}

// editHost changes one host of o.
func editHost(o *plan.Observed, id string, change func(*plan.Host)) {
	h := o.Hosts[id]
	change(&h)
	o.Hosts[id] = h
}

// settled is the cloud with the group of these servers made by a plan.
func settled(t tb, servers string, change ...func(*plan.Desired)) plan.Observed {
	t.Helper()
	o := fresh()
	return carryOut(t, plan.Diff(want(o, servers, change...), o), o)
}

// rendered is a plan as golden files have it.
func rendered(p plan.Plan) string {
	var b strings.Builder
	if p.Empty() {
		b.WriteString("no changes\n")
	}
	signs := map[plan.Verb]string{plan.Create: "+", plan.Modify: "~", plan.Delete: "-"}
	for _, a := range p.Actions {
		fmt.Fprintf(&b, "%s %s\n    %s %s: %s\n", signs[a.Verb], a.ID, a.Kind, a.Name, a.Note)
		for _, c := range a.Changes {
			fmt.Fprintf(&b, "    %s: %q -> %q\n", c.Field, c.Before, c.After)
		}
		if len(a.Needs) > 0 {
			fmt.Fprintf(&b, "    needs %s\n", strings.Join(a.Needs, ", "))
		}
		if a.Interrupts {
			b.WriteString("    interrupts\n")
		}
		if op, ok := a.Op.(plan.ConvergeAgent); ok && op.Restart {
			b.WriteString("    restarts\n")
		}
		fmt.Fprintf(&b, "    inverse: %s\n", a.Inverse)
	}
	for _, l := range p.Left {
		fmt.Fprintf(&b, "left: %s: %s\n    %s\n", l.What, l.Why, l.Hint)
	}
	if p.Settle {
		b.WriteString("then the agents agree\n")
	}
	return b.String()
}
