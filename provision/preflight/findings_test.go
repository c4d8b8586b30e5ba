package preflight_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/preflight"
	"github.com/havip/havip/provision/spec"
)

var updateGolden = flag.Bool("update", false, "write the golden file")

// TestFindings has one entry for each finding; testdata/findings.golden holds
// what each of them says. An entry named "no ..." or "an own ..." says nothing.
func TestFindings(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
	}{
		{"nothing is in the way", func(*world) {}},

		{"no pairs in this Neutron", func(w *world) { delete(w.o.Extensions, "allowed-address-pairs") }},
		{"no security groups in this Neutron", func(w *world) { delete(w.o.Extensions, "security-group") }},
		{"no tags in this Neutron", func(w *world) { delete(w.o.Extensions, "standard-attr-tag") }},
		{"no routers in this Neutron", func(w *world) { delete(w.o.Extensions, "router") }},
		{"no routers, and no floating ip wanted", func(w *world) {
			delete(w.o.Extensions, "router")
			w.g.VIPs[0].FloatingIP = spec.FloatingIP{}
		}},
		{"no if-match in this Neutron", func(w *world) { delete(w.o.Extensions, "revision-if-match") }},
		{"no port security in this Neutron", func(w *world) { delete(w.o.Extensions, "port-security") }},
		{"extensions unknown", func(w *world) { w.o.Extensions = nil }},

		{"all quotas used up", func(w *world) {
			full := &openstack.Quota{Limit: 10, Used: 10}
			w.o.Quotas = openstack.Quotas{Port: full, SecurityGroup: full, SecurityGroupRule: &openstack.Quota{Limit: 10, Used: 9}, FloatingIP: full}
		}},
		{"quotas used up, and all is there already", func(w *world) {
			full := &openstack.Quota{Limit: 10, Used: 10}
			w.o.Quotas = openstack.Quotas{Port: full, SecurityGroup: full, SecurityGroupRule: full, FloatingIP: full}
			w.made()
		}},
		{"quota for an allocated floating ip", func(w *world) {
			w.o.Quotas.FloatingIP = &openstack.Quota{Limit: 2, Used: 2}
			w.g.VIPs[0].FloatingIP = spec.FloatingIP{Network: "public"}
		}},
		{"quota without a limit", func(w *world) { w.o.Quotas.Port = &openstack.Quota{Limit: -1, Used: 99} }},

		{"two servers of one name", func(w *world) {
			other := openstack.Server{ID: "9f77", Name: "bastion-1", Status: "SHUTOFF", Addresses: []openstack.Address{{IP: addr("10.0.0.144")}}}
			w.o.Servers["bastion-1"] = append(w.o.Servers["bastion-1"], other)
		}},
		{"no such server", func(w *world) { w.g.Servers[1].Ref = "bastion-9" }},
		{"one server by name and by id", func(w *world) {
			w.g.Servers[1].Ref = "server-1"
			w.o.Servers["server-1"] = w.o.Servers["bastion-1"]
		}},
		{"server shut off", func(w *world) {
			w.nova(func(s *openstack.Server) { s.Status = "SHUTOFF" })
			delete(w.o.Hosts, "server-1")
		}},
		{"server in error", func(w *world) { w.nova(func(s *openstack.Server) { s.Status = "ERROR" }) }},
		{"server being built", func(w *world) { w.nova(func(s *openstack.Server) { s.Status, s.TaskState = "BUILD", "spawning" }) }},
		{"server paused", func(w *world) { w.nova(func(s *openstack.Server) { s.Status = "PAUSED" }) }},
		{"server locked", func(w *world) { w.nova(func(s *openstack.Server) { s.Locked = true }) }},
		{"one hypervisor", func(w *world) { w.nova(func(s *openstack.Server) { s.HostID = "hypervisor-2" }) }},
		{"hypervisors hidden", func(w *world) {
			for name := range w.o.Servers {
				w.o.Servers[name][0].HostID = ""
			}
		}},

		{"no such network", func(w *world) { w.g.VIPs[0].Network = "extern" }},
		{"two networks of one name", func(w *world) {
			w.o.Networks["internal"] = append(w.o.Networks["internal"], openstack.Network{ID: "net-2", Name: "internal"})
		}},
		{"another project's network", func(w *world) { w.o.Networks["internal"][0].ProjectID = "infra" }},
		{"no such subnet", func(w *world) { w.g.VIPs[0].Subnet = "dmz" }},
		{"a network without a subnet", func(w *world) { w.o.Subnets = nil }},
		{"a member's own address", func(w *world) { w.g.VIPs[0].Address = addr("10.0.0.130") }},
		{"two possible subnets", func(w *world) {
			w.g.VIPs[0].Address = addr("0.0.0.0").Prev()
			w.o.Subnets = append(w.o.Subnets, openstack.Subnet{ID: "sub-b", Name: "internal-b", NetworkID: "net-1", CIDR: w.o.Subnets[0].CIDR})
			w.port("port-1", func(p *openstack.Port) {
				p.FixedIPs = append(p.FixedIPs, openstack.FixedIP{SubnetID: "sub-b", IP: addr("10.0.0.150")})
			})
		}},
		{"an address of no subnet", func(w *world) { w.g.VIPs[0].Address = addr("192.0.2.1") }},
		{"an address outside the chosen subnet", func(w *world) { w.g.VIPs[0].Subnet, w.g.VIPs[0].Address = "internal-v4", addr("10.0.1.9") }},
		{"the gateway's address", func(w *world) {
			w.o.Ports = w.o.Ports[1:]
			w.g.VIPs[0].Address, w.g.VIPs[0].FloatingIP = addr("10.0.0.1"), spec.FloatingIP{}
		}},
		{"the network's address", func(w *world) { w.g.VIPs[0].Address = addr("10.0.0.0") }},
		{"the broadcast address", func(w *world) { w.g.VIPs[0].Address = addr("10.0.0.255") }},
		{"a server's address", func(w *world) { w.g.VIPs[0].Address = addr("10.0.0.133") }},
		{"a VIP of another group", func(w *world) {
			w.made()
			w.port("vip-port", func(p *openstack.Port) { p.Tags = plan.VIPPortTags("other", 9) })
			w.o.SecurityGroups = nil
		}},
		{"two VIPs of one family", func(w *world) {
			w.g.VIPs = append(w.g.VIPs, spec.VIP{Network: "internal", Address: addr("10.0.0.137")})
		}},

		{"server without a port in the subnet", func(w *world) {
			w.port("port-1", func(p *openstack.Port) { p.FixedIPs[0].SubnetID = "sub-x" })
		}},
		{"server with two ports in the subnet", func(w *world) { w.secondPort() }},
		{"two ports and one chosen by name", func(w *world) { w.secondPort(); w.g.Servers[0].Port = "second" }},
		{"two ports and one chosen by address", func(w *world) { w.secondPort(); w.g.Servers[0].Port = "10.0.0.130" }},
		{"a chosen port that it does not have", func(w *world) { w.g.Servers[0].Port = "port-2" }},
		{"port security off", func(w *world) { w.port("port-1", func(p *openstack.Port) { p.PortSecurity = false }) }},
		{"an SR-IOV port", func(w *world) { w.port("port-1", func(p *openstack.Port) { p.VNICType = "direct" }) }},
		{"a port of another type", func(w *world) { w.port("port-1", func(p *openstack.Port) { p.VNICType = "vdpa" }) }},
		{"a trunk's parent", func(w *world) { w.port("port-1", func(p *openstack.Port) { p.TrunkParent = true }) }},
		{"ten pairs already", func(w *world) {
			w.port("port-1", func(p *openstack.Port) { p.Pairs = make([]openstack.AddressPair, 10) })
		}},
		{"ten pairs already, and more on another port", func(w *world) {
			w.port("port-1", func(p *openstack.Port) { p.Pairs = make([]openstack.AddressPair, 10) })
			w.port("port-2", func(p *openstack.Port) { p.Pairs = make([]openstack.AddressPair, 11) })
		}},
		{"ten pairs already, the VIP among them", func(w *world) {
			w.port("port-1", func(p *openstack.Port) {
				p.Pairs = append(make([]openstack.AddressPair, 9), openstack.AddressPair{IP: "10.0.0.136"})
			})
		}},
		{"a member that may take any address", func(w *world) {
			w.port("port-1", func(p *openstack.Port) { p.Pairs = []openstack.AddressPair{{IP: "0.0.0.0/0"}} })
		}},
		{"a stranger that may take the VIP", func(w *world) {
			w.port("port-3", func(p *openstack.Port) {
				p.Pairs = []openstack.AddressPair{{IP: "10.0.0.136", MAC: "fa:16:3e:00:00:03"}}
			})
		}},

		{"server unreachable", func(w *world) { w.o.Hosts["server-1"] = plan.Host{Err: "no route to host", Hint: "give ssh.jump"} }},
		{"servers unreachable for one reason", func(w *world) {
			for id := range w.o.Hosts {
				w.o.Hosts[id] = plan.Host{Err: "reach 192.0.2.1:22 from here: no answer in time", Hint: "give ssh.jump"}
			}
		}},
		{"server not looked at", func(w *world) { delete(w.o.Hosts, "server-1") }},
		{"no root", func(w *world) { w.host(func(h *plan.Host) { h.Root = false }) }},
		{"an architecture without an agent", func(w *world) { w.host(func(h *plan.Host) { h.Arch = "riscv64" }) }},
		{"a CLI without agents", func(w *world) { w.opt.Release = plan.AgentRelease{} }},
		{"an unknown init system", func(w *world) { w.host(func(h *plan.Host) { h.Init = "" }) }},
		{"no NIC with the port's address", func(w *world) {
			w.host(func(h *plan.Host) { h.NICs = []plan.NIC{{Name: "ens3", MAC: "fa:16:3e:00:00:01"}} })
		}},
		{"the VIP by hand on a NIC", func(w *world) { w.vipOnNIC(false) }},
		{"the VIP by our agent on a NIC", func(w *world) { w.vipOnNIC(true) }},
		{"keepalived with the VIP", func(w *world) {
			w.foreign(plan.Foreign{Name: "keepalived", PID: 411, Addresses: w.vip()})
		}},
		{"keepalived with the VRID", func(w *world) {
			w.g.VRRP.ID = 51
			w.foreign(plan.Foreign{Name: "keepalived", PID: 411, VRIDs: []int{51}})
		}},
		{"keepalived with the VRID that the group has", func(w *world) {
			w.made()
			w.foreign(plan.Foreign{Name: "keepalived", PID: 411, VRIDs: []int{4}})
		}},
		{"keepalived with something else", func(w *world) { w.foreign(plan.Foreign{Name: "keepalived", PID: 411, VRIDs: []int{51}}) }},
		{"an agent newer than ours", func(w *world) {
			w.host(func(h *plan.Host) { h.Agent = plan.Agent{BinarySHA256: "cccc", Version: "0.10.0"} })
		}},
		{"an agent older than ours", func(w *world) {
			w.host(func(h *plan.Host) { h.Agent = plan.Agent{BinarySHA256: "cccc", Version: "0.2.9"} })
		}},

		{"the VRID of another group", func(w *world) { w.g.VRRP.ID = 7; w.otherGroup(7) }},
		{"the group's VRID is another group's too", func(w *world) { w.made(); w.otherGroup(4); w.otherGroup(1) }},
		{"the group's VRID is another group's too, and asked for", func(w *world) { w.made(); w.otherGroup(4); w.g.VRRP.ID = 4 }},
		{"the group's VRID is another group's too, and changes", func(w *world) { w.made(); w.otherGroup(4); w.g.VRRP.ID = 9 }},
		{"all VRIDs taken", func(w *world) {
			for id := 1; id <= 255; id++ {
				w.otherGroup(id)
			}
		}},

		{"another project's floating ip", func(w *world) { w.g.VIPs[0].FloatingIP.Address = addr("203.0.113.77") }},
		{"a floating ip that is in use", func(w *world) { w.g.VIPs[0].FloatingIP.Address = addr("203.0.113.11") }},
		{"a floating ip that is in use, to be moved", func(w *world) {
			w.g.VIPs[0].FloatingIP.Address, w.opt.MoveFloatingIP = addr("203.0.113.11"), true
		}},
		{"a floating ip that SSH comes through, to be moved", func(w *world) {
			w.g.VIPs[0].FloatingIP.Address, w.opt.MoveFloatingIP = addr("203.0.113.11"), true
			w.host(func(h *plan.Host) { h.Address = "203.0.113.11" })
		}},
		{"a network that is not external", func(w *world) { w.g.VIPs[0].FloatingIP = spec.FloatingIP{Network: "internal"} }},
		{"two external networks of one name", func(w *world) {
			w.g.VIPs[0].FloatingIP = spec.FloatingIP{Network: "public"}
			w.o.External = append(w.o.External, openstack.Network{ID: "net-pub2", Name: "public"})
		}},
		{"a floating ip for IPv6", func(w *world) {
			w.g.VIPs[0].Address = addr("fd00::136")
			for _, id := range []string{"port-1", "port-2"} {
				w.port(id, func(p *openstack.Port) { p.FixedIPs[0].SubnetID = "sub-v6" })
			}
		}},
		{"somebody's floating ip on our VIP", func(w *world) {
			w.made()
			w.o.FloatingIPs[1].PortID, w.o.FloatingIPs[1].Fixed = "vip-port", addr("10.0.0.136")
		}},
		{"no router on the subnet", func(w *world) { w.o.Ports = w.o.Ports[1:] }},
		{"a router to elsewhere", func(w *world) { w.o.Routers[0].ExternalNetwork = "net-other" }},
		{"a router that we may not see", func(w *world) { w.o.Routers = nil }},
		{"a distributed router", func(w *world) { w.o.Routers[0].Distributed = true }},

		{"an own group is no obstacle", func(w *world) { w.made() }},
		{"an own group's VIP changes", func(w *world) { w.made(); w.g.VIPs[0].Address = addr("10.0.0.140") }},
		{"an own group's VIP is left out", func(w *world) {
			w.made()
			w.o.Ports = append(w.o.Ports, openstack.Port{
				ID: "vip-port-6", Name: "havip-bastion-v6", NetworkID: "net-1", ProjectID: "ops", Tags: plan.VIPPortTags("bastion", 4),
				FixedIPs: []openstack.FixedIP{{SubnetID: "sub-v6", IP: addr("fd00::136")}},
			})
		}},
		{"an own group on another network", func(w *world) {
			w.made()
			w.port("vip-port", func(p *openstack.Port) { p.NetworkID = "net-9" })
		}},
		{"two VIP ports of one group", func(w *world) { w.made(); w.made() }},
		{"two security groups of one group", func(w *world) {
			w.made()
			w.o.SecurityGroups = append(w.o.SecurityGroups, w.o.SecurityGroups[0])
		}},

		{"everything at once", func(w *world) {
			w.g.Servers[0].Ref = "bastion-9"
			delete(w.o.Extensions, "standard-attr-tag")
			w.port("port-2", func(p *openstack.Port) { p.PortSecurity = false })
			w.g.VIPs[0].Address = addr("10.0.0.255")
			w.g.VIPs[0].FloatingIP.Address = addr("203.0.113.77")
		}},
	}
	var b strings.Builder
	for _, tt := range tests {
		w := sound()
		tt.change(w)
		_, findings := preflight.Check(w.g, w.o, w.opt)
		b.WriteString("# " + tt.name + "\n" + text(findings) + "\n")
	}
	file := filepath.Join("testdata", "findings.golden")
	if *updateGolden {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

func (w *world) secondPort() {
	w.o.Ports = append(w.o.Ports, openstack.Port{
		ID: "port-1b", Name: "second", NetworkID: "net-1", DeviceID: "server-1", MAC: "fa:16:3e:00:00:1b", PortSecurity: true,
		FixedIPs: []openstack.FixedIP{{SubnetID: "sub-v4", IP: addr("10.0.0.140")}},
	})
	w.host(func(h *plan.Host) {
		h.NICs = append(h.NICs, plan.NIC{Name: "ens4", MAC: "fa:16:3e:00:00:1b", Addresses: prefixes("10.0.0.140/24")})
	})
}

func (w *world) vipOnNIC(running bool) {
	w.host(func(h *plan.Host) {
		h.NICs[0].Addresses = append(h.NICs[0].Addresses, prefixes("10.0.0.136/32")...)
		h.Agent.Running = running
	})
}

func (w *world) foreign(f plan.Foreign) {
	w.host(func(h *plan.Host) { h.Foreign = append(h.Foreign, f) })
}

func (w *world) otherGroup(vrid int) {
	w.o.Ports = append(w.o.Ports, openstack.Port{NetworkID: "net-1", ProjectID: "dev", Tags: plan.VIPPortTags("web", vrid)})
}
