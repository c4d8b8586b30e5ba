package preflight_test

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/preflight"
	"github.com/havip/havip/provision/spec"
)

// world is everything that a check looks at; each test changes one thing.
type world struct {
	g   spec.Group
	o   plan.Observed
	opt preflight.Options
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// sound is a world in which nothing is in the way: two servers on "internal",
// a router to "public", a free floating IP.
func sound() *world {
	w := &world{
		g: spec.Group{
			Name:    "bastion",
			Servers: []spec.Server{{Ref: "bastion-1"}, {Ref: "bastion-2"}},
			VIPs: []spec.VIP{{
				Network: "internal", Address: addr("10.0.0.136"),
				FloatingIP: spec.FloatingIP{Address: addr("203.0.113.10")},
			}},
			VRRP: spec.VRRP{Interval: 300 * time.Millisecond, Version: 3, Mode: "unicast"},
		},
		o: plan.Observed{
			Identity: openstack.Identity{ProjectID: "ops"},
			Servers:  map[string][]openstack.Server{},
			Networks: map[string][]openstack.Network{"internal": {{ID: "net-1", Name: "internal", ProjectID: "ops"}}},
			Subnets: []openstack.Subnet{
				{ID: "sub-v4", Name: "internal-v4", NetworkID: "net-1", CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: addr("10.0.0.1")},
				{ID: "sub-v6", Name: "internal-v6", NetworkID: "net-1", CIDR: netip.MustParsePrefix("fd00::/64"), Gateway: addr("fd00::1")},
			},
			External: []openstack.Network{{ID: "net-pub", Name: "public", External: true}},
			FloatingIPs: []openstack.FloatingIP{
				{ID: "fip-10", Address: addr("203.0.113.10"), NetworkID: "net-pub"},
				{ID: "fip-11", Address: addr("203.0.113.11"), NetworkID: "net-pub", PortID: "port-3", Fixed: addr("10.0.0.133")},
			},
			Routers: []openstack.Router{{ID: "router-1", Name: "edge", ExternalNetwork: "net-pub"}},
			Extensions: map[string]bool{
				"allowed-address-pairs": true, "security-group": true, "router": true,
				"standard-attr-tag": true, "revision-if-match": true, "port-security": true,
			},
			Hosts: map[string]plan.Host{},
		},
		opt: preflight.Options{Release: plan.AgentRelease{Version: "0.3.0", SHA256: map[string]string{"amd64": "aaaa", "arm64": "bbbb"}}},
	}
	w.o.Ports = []openstack.Port{
		{
			ID: "port-gw", NetworkID: "net-1", DeviceID: "router-1", DeviceOwner: "network:router_interface", PortSecurity: true,
			FixedIPs: []openstack.FixedIP{{SubnetID: "sub-v4", IP: addr("10.0.0.1")}},
		},
		{
			ID: "port-3", Name: "web", NetworkID: "net-1", DeviceID: "server-3", DeviceOwner: "compute:nova", PortSecurity: true,
			FixedIPs: []openstack.FixedIP{{SubnetID: "sub-v4", IP: addr("10.0.0.133")}},
		},
	}
	for i := 1; i <= 2; i++ {
		w.server(i)
	}
	return w
}

// server adds server i with its port and host.
func (w *world) server(i int) {
	s := openstack.Server{
		ID: fmt.Sprintf("server-%d", i), Name: fmt.Sprintf("bastion-%d", i), Status: "ACTIVE",
		HostID: fmt.Sprintf("hypervisor-%d", i),
	}
	own, mac := addr(fmt.Sprintf("10.0.0.%d", 129+i)), fmt.Sprintf("fa:16:3e:00:00:0%d", i)
	s.Addresses = []openstack.Address{{Network: "internal", IP: own, MAC: mac}}
	w.o.Servers[s.Name] = []openstack.Server{s}
	w.o.Ports = append(w.o.Ports, openstack.Port{
		ID: fmt.Sprintf("port-%d", i), NetworkID: "net-1", ProjectID: "ops", DeviceID: s.ID, DeviceOwner: "compute:nova",
		MAC: mac, PortSecurity: true, FixedIPs: []openstack.FixedIP{{SubnetID: "sub-v4", IP: own}},
	})
	w.o.Hosts[s.ID] = plan.Host{
		Address: own.String(), User: "debian", Root: true, Arch: "amd64", Init: plan.Systemd,
		NICs: []plan.NIC{{Name: "ens3", MAC: mac, Addresses: []netip.Prefix{netip.PrefixFrom(own, 24)}}},
	}
}

// made adds the group as an earlier run made it, with VRID 4.
func (w *world) made() {
	w.o.Ports = append(w.o.Ports, openstack.Port{
		ID: "vip-port", Name: "havip-bastion-v4", NetworkID: "net-1", ProjectID: "ops", Tags: plan.VIPPortTags("bastion", 4),
		FixedIPs: []openstack.FixedIP{{SubnetID: "sub-v4", IP: addr("10.0.0.136")}},
	})
	w.o.SecurityGroups = []openstack.SecurityGroup{{ID: "sg-1", Name: "havip-bastion", ProjectID: "ops", Description: plan.Description("bastion", 4)}}
}

// port changes port i's of the servers.
func (w *world) port(id string, change func(*openstack.Port)) {
	for i := range w.o.Ports {
		if w.o.Ports[i].ID == id {
			change(&w.o.Ports[i])
		}
	}
}

// nova changes the first server.
func (w *world) nova(change func(*openstack.Server)) {
	s := w.o.Servers["bastion-1"][0]
	change(&s)
	w.o.Servers["bastion-1"] = []openstack.Server{s}
}

// host changes the first server's host.
func (w *world) host(change func(*plan.Host)) {
	h := w.o.Hosts["server-1"]
	change(&h)
	w.o.Hosts["server-1"] = h
}

// agentOf is a configuration as an earlier run left it.
func agentOf(vrid int, vip string) *config.Config {
	return &config.Config{Group: "bastion", Routers: []config.Router{{
		VRID: vrid, Addresses: []netip.Prefix{netip.PrefixFrom(addr(vip), 32)}, Source: addr("10.0.0.130"),
		Interval: api.Duration(300 * time.Millisecond),
	}}}
}

// text is findings as a person reads them.
func text(fs preflight.Findings) string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "%s: %s\n", f.Severity, f)
		for _, d := range f.Details {
			fmt.Fprintf(&b, "  %s\n", d)
		}
		if f.Hint != "" {
			fmt.Fprintf(&b, "hint: %s\n", f.Hint)
		}
	}
	return b.String()
}
