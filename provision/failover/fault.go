package failover

import (
	"fmt"
	"slices"
	"strings"
)

// Name names a fault on the command line and in reports; it never changes.
type Name string

// The faults, safest first.
const (
	Switchover   Name = "switchover"
	AgentStop    Name = "agent-stop"
	AgentKill    Name = "agent-kill"
	AgentFreeze  Name = "agent-freeze"
	VRRPBlock    Name = "vrrp-block"
	VIPDelete    Name = "vip-delete"
	Service      Name = "service"
	NetReload    Name = "net-reload"
	PortDown     Name = "port-down"
	ServerStop   Name = "server-stop"
	ServerReboot Name = "server-reboot"
	ServerPause  Name = "server-pause"
)

// Outcome is what ought to become of the VIP.
type Outcome string

// The outcomes.
const (
	Moves Outcome = "moves" // another member takes it over
	Stays Outcome = "stays" // the active keeps it, or has it back before a backup notices
)

// Place is where a fault is made, and so who can undo it.
type Place string

// The places.
const (
	ByAgent Place = "agent" // asked of the agent: nothing to undo
	InGuest Place = "guest" // on the server, which undoes it by a timer of its own
	InCloud Place = "cloud" // through Nova or Neutron: undone by us, or by --restore
)

// Fault is one way to take the VIP from its active member.
type Fault struct {
	Name   Name
	Does   string // what it does to the active member, for people
	Expect Outcome
	Place  Place
}

// later is when that is what comes after the fault.
func (f Fault) later() string {
	if f.Place == ByAgent {
		return "afterwards" // nothing is undone
	}
	return "when it was undone"
}

// stopsServer tells whether nothing runs on the server meanwhile.
func (f Fault) stopsServer() bool {
	return f.Name == ServerStop || f.Name == ServerReboot || f.Name == ServerPause
}

// Faults are all of them, safest first.
func Faults() []Fault {
	return []Fault{
		{Switchover, "a backup is asked to take over", Moves, ByAgent},
		{AgentStop, "the agent is stopped", Moves, InGuest},
		{AgentKill, "the agent is killed (kill -9)", Stays, InGuest},
		{AgentFreeze, "the agent is frozen (SIGSTOP)", Moves, InGuest},
		{VRRPBlock, "the server drops protocol 112, in and out", Moves, InGuest},
		{VIPDelete, "the VIP is deleted from the NIC", Stays, InGuest},
		{Service, "what a health check asks refuses", Moves, InGuest},
		{NetReload, "the network configuration is applied anew", Stays, InGuest},
		{PortDown, "the port is set down in Neutron", Moves, InCloud},
		{ServerStop, "the server is shut down", Moves, InCloud},
		{ServerReboot, "the power is cut (a hard reboot)", Moves, InCloud},
		{ServerPause, "the server is paused", Moves, InCloud},
	}
}

// Usual are the faults that are tested when none are named.
func Usual() []Name { return []Name{Switchover, ServerStop, ServerReboot} }

// Find is the fault of a name.
func Find(n Name) (Fault, bool) {
	all := Faults()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == n })
	if i < 0 {
		return Fault{}, false
	}
	return all[i], true
}

// Choose finds the named faults, in the order in which they were named, each once.
func Choose(names []Name) ([]Fault, error) {
	var chosen []Fault
	for _, n := range names {
		f, ok := Find(n)
		if !ok {
			return nil, fmt.Errorf("%q is no fault: want %s", n, strings.Join(Names(), ", "))
		}
		if !slices.Contains(chosen, f) {
			chosen = append(chosen, f)
		}
	}
	return chosen, nil
}

// Names are the names of all faults.
func Names() []string {
	var names []string
	for _, f := range Faults() {
		names = append(names, string(f.Name))
	}
	return names
}
