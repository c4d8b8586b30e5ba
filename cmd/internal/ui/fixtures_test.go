package ui

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/strict"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/failover"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/preflight"
)

// The fixed values that every golden file is made from.

const (
	server1 = "3b1c8e52-0001-4000-8000-000000000001"
	server2 = "9f77a410-0002-4000-8000-000000000002"
	vipPort = "c0de0000-0003-4000-8000-000000000003"
	port2   = "5f0c2f1e-0004-4000-8000-000000000004"
	network = "aaaa0000-0005-4000-8000-000000000005"
)

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func identity() openstack.Identity {
	return openstack.Identity{
		Cloud: "mycloud", AuthURL: "https://cloud.example:5000/v3", Region: "RegionOne",
		ProjectID: "0f00", Project: "ops", UserID: "0a00", User: "ann",
	}
}

func resources() []plan.VIPResource {
	return []plan.VIPResource{{PortID: vipPort, Address: addr("10.0.0.136"), FloatingIP: addr("203.0.113.10")}}
}

// creation is the plan of cli.md: two members, nothing there yet.
func creation() plan.Plan {
	joined := func(member, own string) plan.Action {
		return plan.Action{
			ID: "member-port/" + member, Verb: plan.Modify, Kind: "port", Name: member,
			Note: own + "  + allowed address 10.0.0.136  + security group havip-bastion",
			Changes: []plan.Change{
				{Field: "allowed address", After: "10.0.0.136"},
				{Field: "security group", After: "havip-bastion"},
			},
			Needs:   []string{"security-group", "vip-port/v4"},
			Inverse: "take off allowed address 10.0.0.136 and security group havip-bastion",
			Op:      plan.JoinPort{},
		}
	}
	agent := func(member, priority string) plan.Action {
		return plan.Action{
			ID: "agent/" + member, Verb: plan.Create, Kind: "agent", Name: member, Server: member,
			Note:    "ens3  havip-agent 0.3.0, priority " + priority,
			Changes: []plan.Change{{Field: "binary", After: "0.3.0 (aaaaaaaa)"}, {Field: "priority", After: priority}},
			Needs:   []string{"member-port/" + member}, Inverse: "stop the agent and remove it",
			Op: plan.ConvergeAgent{New: true},
		}
	}
	return plan.Plan{Group: "bastion", Actions: []plan.Action{
		{
			ID: "vip-port/v4", Verb: plan.Create, Kind: "port", Name: "havip-bastion-v4",
			Note:    "VIP 10.0.0.136 on internal (10.0.0.0/24), no security group",
			Changes: []plan.Change{{Field: "address", After: "10.0.0.136"}, {Field: "vrid", After: "1"}},
			Inverse: "delete the port", Op: plan.CreateVIPPort{},
		},
		{
			ID: "security-group", Verb: plan.Create, Kind: "group", Name: "havip-bastion",
			Note: "protocol 112 between members, nothing else", Inverse: "delete the group", Op: plan.CreateSecurityGroup{},
		},
		joined("bastion-1", "10.0.0.9"),
		joined("bastion-2", "10.0.0.131"),
		{
			ID: "floating-ip/v4", Verb: plan.Modify, Kind: "floating ip", Name: "203.0.113.10",
			Note:    "unattached -> 10.0.0.136",
			Changes: []plan.Change{{Field: "attached to", Before: "unattached", After: "10.0.0.136"}},
			Inverse: "detach it", Op: plan.AttachFloatingIP{},
		},
		agent("bastion-1", "250"),
		agent("bastion-2", "249"),
	}}
}

// rolling is a plan that interrupts, takes away and leaves something behind.
func rolling() plan.Plan {
	return plan.Plan{
		Group: "bastion",
		Actions: []plan.Action{
			{
				ID: "stop-agent/bastion-1", Verb: plan.Modify, Kind: "agent", Name: "bastion-1", Server: "bastion-1",
				Note: "stop: this change would leave two members active", Interrupts: true,
				Changes: []plan.Change{{Field: "running", Before: "yes", After: "no"}},
				Inverse: "not reversible: the agents start again with the next step", Op: plan.StopAgent{},
			},
			{
				ID: "agent/bastion-1", Verb: plan.Modify, Kind: "agent", Name: "bastion-1", Server: "bastion-1",
				Note: "ens3  restart: vrid 51 -> 52", Interrupts: true,
				Changes: []plan.Change{{Field: "vrid", Before: "51", After: "52"}},
				Inverse: "not reversible: run create again with the former group file", Op: plan.ConvergeAgent{Restart: true},
			},
			{
				ID: "remove-agent/bastion-3", Verb: plan.Delete, Kind: "agent", Name: "bastion-3", Server: "bastion-3",
				Note:    "stop, then remove configuration and service",
				Changes: []plan.Change{{Field: "running", Before: "yes"}},
				Inverse: "not reversible: add the member again", Op: plan.RemoveAgent{},
			},
		},
		Left: leftAgent(),
	}
}

func leftAgent() []plan.Left {
	return []plan.Left{{
		What: "agent of group bastion on bastion-4", Why: "reach 10.0.0.134:22 from here: no answer in time",
		Hint: "when the server can be reached again, run the same command once more",
	}}
}

func member(name, id string, state api.State, priority int, since time.Duration, reason string) provision.MemberStatus {
	own, other := addr("10.0.0.130"), addr("10.0.0.131")
	if state == api.Backup {
		own, other = other, own
	}
	return provision.MemberStatus{Name: name, ServerID: id, Status: &api.Status{
		Version: api.Version, Agent: "0.3.0", Group: "bastion", PID: 417,
		Started: noon().Add(-since - time.Second), Now: noon(),
		Routers: []api.Router{{
			VRID: 1, State: state, Since: noon().Add(-since), Reason: reason, Priority: priority,
			Interval: api.Duration(300 * time.Millisecond), Interface: "ens3", Source: own,
			Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.136/32")},
			Peers:     []api.Peer{{Address: other, LastAdvert: noon().Add(-time.Second), Priority: 499 - priority}},
			Version:   3, Mode: "unicast",
			Transitions: map[string]uint64{reason: 1},
			Held:        state == api.Active, Counters: map[string]uint64{"adverts_sent": 12},
		}},
		Checks:       []api.Check{{Name: "ssh", OK: true, Since: noon().Add(-since)}},
		ConfigSHA256: "cccccccc",
	}}
}

func members() []provision.MemberStatus {
	return []provision.MemberStatus{
		member("bastion-1", server1, api.Active, 250, 12*24*time.Hour, "no advertisement heard"),
		member("bastion-2", server2, api.Backup, 249, 90*time.Minute, "started"),
	}
}

func desired() plan.Desired {
	return plan.Desired{Group: "bastion", VRID: 1, Interval: 300 * time.Millisecond, Members: []plan.Member{
		{Server: openstack.Server{Name: "bastion-1"}, Priority: 250},
		{Server: openstack.Server{Name: "bastion-2"}, Priority: 249},
	}}
}

func healthy() StatusView {
	return StatusView{Status: provision.GroupStatus{Desired: desired(), VIPs: resources(), Members: members()}}
}

func degraded() StatusView {
	v := healthy()
	v.Status.Members[1].Status = nil
	v.Status.Members[1].Err = &provision.Problem{Message: "log in to 10.0.0.131:22 as \"debian\": access refused\ntried SHA256:abc"}
	v.Status.Members[0].Status.Checks[0].OK = false
	v.Status.Members[0].Status.Routers[0].Problems = []api.Problem{{
		Code: api.ProblemAdvertsBlocked, Detail: "announces 10.0.0.136, but its advertisements do not arrive",
		Since: noon().Add(-time.Minute), Peer: addr("10.0.0.131"),
	}}
	v.Status.Deviations = []plan.Deviation{
		{
			Object: "port bastion-2", ID: port2, Message: "allowed address 10.0.0.136 is missing",
			Consequence: "A takeover by bastion-2 would not be reachable.",
			Cure:        "Mend it: havip create bastion\nTerraform-managed? Add ignore_changes = [allowed_address_pairs] to openstack_networking_port_v2.",
		},
		{Object: "VIP 10.0.0.136", Message: "no member is active"},
	}
	return v
}

func refusal() error {
	return &provision.PreflightError{Findings: preflight.Findings{
		{Severity: preflight.Warning, Subject: "servers bastion-1, bastion-2", Message: "run on one hypervisor: when it fails, all of them do"},
		{
			Severity: preflight.Error, Subject: `server "bastion"`, Message: "matches 2 servers",
			Details: []string{"bastion  3b1c...  ACTIVE   10.0.0.130", "bastion  9f77...  SHUTOFF  10.0.0.144"},
			Hint:    "use the ID, or --server 3b1c...",
		},
		{Severity: preflight.Error, Subject: "quota port", Message: "1 more needed, 100 of 100 used"},
	}}
}

func problems() error {
	return Usage(strict.Problems{
		{File: "bastion.yaml", Line: 3, Column: 8, Field: "vrrp.intervall", Message: "unknown key", Hint: "did you mean interval?"},
		{File: "bastion.yaml", Line: 7, Column: 5, Field: "vips[0].network", Message: "is missing", Hint: "give the network's name or ID"},
		{Field: "--vrid", Message: `want auto or a number from 1 to 255, got "0"`},
	})
}

func apiFailure() error {
	return fmt.Errorf("observe: %w", &openstack.Error{
		Op: "list ports", Status: 403, Message: "rule get_port is not allowed",
		Cure: "your role in this project does not allow it: ask the cloud's operators, naming the rule above",
	})
}

// tested is a failover test with a round of each kind.
func tested() failover.Report {
	fault := func(n failover.Name) failover.Fault {
		f, _ := failover.Find(n)
		return f
	}
	paths := func(outside, inside time.Duration, lost int) []failover.PathResult {
		return []failover.PathResult{
			{Name: failover.Inside, From: "bastion-3", To: "10.0.0.136 icmp", Asked: 120, Lost: lost, Silence: inside, Failover: inside, Failback: inside / 4},
			{Name: failover.Outside, From: "here", To: "203.0.113.10 icmp", Asked: 121, Lost: lost, Silence: outside, Failover: outside, Failback: outside / 3},
			{Name: failover.Outside, From: "here", To: "203.0.113.1 icmp", Control: true, Asked: 121},
		}
	}
	const ms = time.Millisecond
	return failover.Report{
		Group: "bastion", VIP: addr("10.0.0.136"), Outside: addr("203.0.113.10"), Target: "icmp", Every: 50 * ms,
		Limits: failover.Limits{Downtime: 1908 * ms, Lost: 20, TwoOwners: -1}, Took: 42 * time.Second,
		Rounds: []failover.Round{
			{
				Number: 1, Fault: fault(failover.Switchover), Verdict: failover.Passed, Before: "bastion-1", After: "bastion-2", Moved: true,
				Answers: "bastion-2", Session: failover.Broken, Paths: paths(0, 0, 0), TwoOwners: 3 * ms, ClockError: ms,
				Layers: []failover.Share{{Layer: failover.Detection, Took: 4 * ms}, {Layer: failover.Takeover}, {Layer: failover.Neighbours}, {Layer: failover.NAT}},
			},
			{
				Number: 2, Fault: fault(failover.ServerReboot), Verdict: failover.Failed, Before: "bastion-2", After: "bastion-1", Moved: true,
				Why:     []string{"outside: silent for 2.1s, the limit is 1.908s"},
				Answers: "bastion-1", Session: failover.Broken, Paths: paths(2100*ms, 940*ms, 19), NoOwner: 900 * ms, ClockError: ms,
				Layers:  []failover.Share{{Layer: failover.Detection, Took: 900 * ms}, {Layer: failover.Takeover, Took: 8 * ms}, {Layer: failover.Neighbours, Took: 31 * ms}, {Layer: failover.NAT, Took: 1160 * ms}},
				Slowest: failover.NAT, Trouble: []string{"bastion-2 at 9.1s: run: the connection ended: EOF"},
			},
			{Number: 3, Fault: fault(failover.NetReload), Verdict: failover.NotPossible, Before: "bastion-1", Why: []string{"neither systemd-networkd nor NetworkManager nor netplan runs there"}},
		},
	}
}

// views are what every golden test shows, by the name of its files.
func views() map[string]View {
	outcome := provision.Outcome{
		Changed: true, Took: 3600 * time.Millisecond, Active: "bastion-1", Members: members(),
		Resources: plan.Resources{VIPs: resources()},
		Reachable: []provision.Reach{
			{Address: addr("10.0.0.136"), How: "tcp 22", Err: context.DeadlineExceeded, Hint: "from outside the network that is usual"},
			{Address: addr("203.0.113.10"), Floating: true, How: "tcp 22"},
		},
	}
	unchanged := outcome
	unchanged.Changed, unchanged.Reachable = false, nil
	behind := unchanged
	behind.Left = leftAgent()
	moved := provision.Moved{From: "bastion-1", To: "bastion-2", Took: 120 * time.Millisecond, Members: members()}
	again := moved
	again.From = "bastion-2"
	narrow := degraded()
	narrow.Width = 80
	silent := errors.New(`read host keys of "bastion-2": reach 10.0.0.131:22 from here: no answer in time`)
	brief := func(name string) StatusView {
		return StatusView{Status: provision.GroupStatus{Desired: plan.Desired{Group: name, VRID: 1}, VIPs: resources()}}
	}
	all := StatusAllView{Groups: []StatusView{brief("bastion"), brief("web")}, Err: fmt.Errorf("look at group %q: %w", "mail", apiFailure())}
	line := "203.0.113.10,10.0.0.136 ssh-ed25519 AAAAC3Nza bastion/bastion-1"
	warnings := preflight.Findings{{Severity: preflight.Warning, Subject: "port bastion-1", Message: "is a trunk's parent"}}
	return map[string]View{
		"create":                CreateView{"bastion", outcome},
		"create-no-changes":     CreateView{"bastion", unchanged},
		"create-left":           CreateView{"bastion", behind},
		"plan":                  PlanView{Identity: identity(), Plan: creation(), Warnings: warnings},
		"plan-verbose":          PlanView{Identity: identity(), Plan: rolling(), Verbose: true},
		"plan-no-changes":       PlanView{Identity: openstack.Identity{AuthURL: "https://cloud.example:5000/v3", Project: "ops"}, Plan: plan.Plan{Group: "bastion"}},
		"delete":                DeleteView{"bastion", provision.Outcome{Changed: true, Took: 2 * time.Second}},
		"delete-left":           DeleteView{"bastion", provision.Outcome{Changed: true, Took: 2 * time.Second, Left: leftAgent()}},
		"delete-nothing":        DeleteView{"bastion", provision.Outcome{}},
		"failover-test":         FailoverView{tested()},
		"failover-restore":      RestoreView{"bastion", []string{"server-stop of bastion-1"}},
		"failover-restore-none": RestoreView{"bastion", nil},
		"switchover":            SwitchoverView{"bastion", moved},
		"switchover-active":     SwitchoverView{"bastion", again},
		"status":                healthy(),
		"status-degraded":       degraded(),
		"status-narrow":         narrow,
		"status-nothing-known":  StatusView{Status: provision.GroupStatus{Desired: plan.Desired{Group: "bastion"}, VIPs: []plan.VIPResource{{}}}},
		"status-all":            all,
		"status-all-none":       StatusAllView{},
		"list":                  ListView{[]provision.GroupSummary{{Name: "bastion", VRID: 1, VIP: addr("10.0.0.136"), Network: network, FloatingIP: addr("203.0.113.10"), Members: []string{server1, server2}}, {Name: "mail", VRID: 2, VIP: addr("10.0.0.137"), Network: network}}},
		"list-none":             ListView{},
		"known-hosts":           KnownHostsView{Group: "bastion", Lines: []string{line}, Err: silent},
		"version":               VersionView{Version: "0.3.0", Go: "go1.26.0", Platform: "linux/amd64", Agent: "0.3.0", Arches: []string{"amd64", "arm64"}},
		"version-without-agent": VersionView{Version: "dev", Go: "go1.26.0", Platform: "linux/amd64"},
		"error":                 NewFailure(apiFailure()),
		"error-group-file":      NewFailure(problems()),
		"error-preflight":       NewFailure(refusal()),
		"error-left":            NewFailure(&NotedError{Err: &provision.LeftError{Left: leftAgent(), Err: errors.Join(apiFailure(), silent)}, Note: "What was made so far stays."}),
	}
}
