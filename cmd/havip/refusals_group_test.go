package main

import (
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
)

// A group that is there already, or is not, sets limits of its own.
func TestRefusesForAGroup(t *testing.T) {
	refuse(t, []refusal{
		{
			name: "status of none",
			run:  "status nobody",
			code: 1,
			says: `
error: there is no group "nobody" in this project
hint: havip list shows the groups of the project
`,
		},
		{
			name: "switchover of none",
			run:  "switchover nobody",
			code: 1,
			says: `
error: there is no group "nobody" in this project
hint: havip list shows the groups of the project
`,
		},
		{
			name: "known-hosts of none",
			run:  "known-hosts nobody",
			code: 1,
			says: `
error: there is no group "nobody" in this project
hint: havip list shows the groups of the project
`,
		},
		{
			name: "another VIP",
			bend: func(w *world) { w.made() },
			run:  "create -f bastion.yaml --address 10.0.0.140 --yes",
			code: 4,
			says: `
error: vips[0].address is 10.0.0.140, the group has 10.0.0.136; a group's VIP cannot change
hint: havip delete bastion, then create it anew; or make a second group beside it
`,
		},
		{
			name: "another network",
			bend: func(w *world) {
				w.made()
				storage := w.addNetwork("storage", "10.9.0.0/24")
				w.joins("bastion-1", "ens4", storage, "10.9.0.10")
				w.joins("bastion-2", "ens4", storage, "10.9.0.11")
			},
			run:  "create bastion --server bastion-1 --server bastion-2 --network storage --yes",
			code: 4,
			says: `
error: vips[0].network: group bastion is on another network ({internal}, port {VIP port 10.0.0.136}); a group's network cannot change
hint: havip delete bastion, then create it anew; or make a second group beside it
`,
		},
		{
			name: "the VRID that another group took at the same moment",
			bend: func(w *world) { w.made(); w.addVIPPort("web", 51, "10.0.0.150") },
			code: 4,
			says: `
error: vrrp.id: 51 is the VRID of group bastion and of group web on one network
hint: give bastion or web another VRID, e.g. 1: vrrp.id in its group file, then havip create, which interrupts that group
`,
		},
		{
			name: "two VIP ports that two runs made",
			bend: func(w *world) { w.made(); w.addVIPPort("bastion", 51, "10.0.0.137") },
			code: 4,
			says: `
error: group bastion: 2 v4 VIP ports carry its mark; two runs at once may have made them
  havip-bastion-v4  {VIP port 10.0.0.137}  10.0.0.137
  havip-bastion-v4  {VIP port 10.0.0.136}  10.0.0.136
hint: delete the one that is not in use: openstack port delete ID
`,
		},
		{
			name: "another run that has the lock",
			bend: func(w *world) { w.made(); w.locked("ann@laptop pid 77", time.Now().Add(5*time.Minute)) },
			run:  "create -f bastion.yaml --yes --quiet",
			code: 1,
			says: `
error: group "bastion" is being changed by ann@laptop pid 77
hint: wait for it to end; should it have died, its lock runs out at {then}
`,
		},
		{
			name: "a switchover to a server that is no member",
			bend: func(w *world) { w.made(); w.addServer("web-1") },
			run:  "switchover bastion --to web-1",
			code: 1,
			says: `
error: server "web-1" is not a member of bastion
  bastion-1  {bastion-1}
  bastion-2  {bastion-2}
hint: name one of its members
`,
		},
		{
			name: "a switchover where nobody is active",
			bend: func(w *world) { w.made(); w.agentIs("bastion-1", api.Backup) },
			run:  "switchover bastion",
			code: 1,
			says: `
error: the group has no single active member that holds the VIP: bastion-1 backup, bastion-2 backup
hint: havip status bastion
`,
		},
		{
			name: "a switchover to a member that does not answer",
			bend: func(w *world) { w.made(); w.agentIs("bastion-2", "") },
			run:  "switchover bastion --to bastion-2",
			code: 1,
			says: `
error: bastion-2 cannot take over: it is silent, not backup
  ask agent for its status: ask for the status: no agent is running there (/run/havip/bastion/control.sock)
hint: havip status bastion
`,
		},
		{
			name: "a failover test with flags that are wrong",
			run:  "failover-test bastion --fault earthquake",
			code: 2,
			says: `
error: --fault: "earthquake" is no fault: want switchover, agent-stop, agent-kill, agent-freeze, vrrp-block, vip-delete, service, net-reload, port-down, server-stop, server-reboot, server-pause
hint: havip failover-test --help
`,
		},
		{
			name: "a failover test of none",
			run:  "failover-test nobody",
			code: 1,
			says: `
error: there is no group "nobody" in this project
hint: havip list shows the groups of the project
`,
		},
		{
			name: "a failover test whose faults follow each other too soon",
			run:  "failover-test bastion --pause 1s",
			code: 2,
			says: `
error: --pause: want 12s or more, got 1s: OVN postpones claims of the VIP that follow each other sooner
hint: havip failover-test --help
`,
		},
		{
			name: "a failover test of a group that is not well",
			bend: func(w *world) { w.made() }, // by hand, and so it lacks much
			run:  "failover-test bastion",
			code: 4,
			says: `
error: bastion is not well, and a test of it would say nothing
  security group havip-bastion: rule is missing: ingress IPv4 protocol 112 between members
  security group havip-bastion: rule is missing: egress IPv4 protocol 112 between members
  security group havip-bastion: rule was added: egress IPv4 everything
  security group havip-bastion: rule was added: egress IPv6 everything
  agent on bastion-1: the binary is gone
  agent on bastion-1: the service file is gone
  agent on bastion-1: it runs but does not answer
  agent on bastion-2: the binary is gone
  agent on bastion-2: the service file is gone
  agent on bastion-2: it runs but does not answer
hint: havip status bastion, havip create; or --allow-degraded
`,
		},
		{
			name: "a failover test with a limit that cannot be told",
			bend: func(w *world) { w.made() },
			run:  "failover-test bastion --max-downtime 100ms --allow-degraded",
			code: 4,
			says: `
error: a limit of 100ms is tighter than four questions at one each 50ms: want 200ms or more, or ask more often
hint: --max-downtime, --every
`,
		},
		{
			name: "a failover test that asks what cannot be asked",
			run:  "failover-test bastion --probe carrier-pigeon",
			code: 2,
			says: `
error: --probe: "carrier-pigeon": want icmp, tcp:PORT or a URL
hint: havip failover-test --help
`,
		},
		{
			name: "a failover test after one that is not put back",
			bend: func(w *world) {
				w.made()
				w.tag("security-groups", w.cloud.ID("security-groups", "havip-bastion"), "havip:undo=server-stop:bcc47ce024440c4a8d736cff822a279b")
			},
			run:  "failover-test bastion",
			code: 4,
			says: `
error: an earlier failover test of bastion is not put back
hint: havip failover-test --restore bastion
`,
		},
	})
}
