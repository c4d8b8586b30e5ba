package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/havip/havip/agent/vrrp"
)

// Scenario is all that a run depends on: first a storm of faults, then, with
// the wire whole, drills one after the other.
type Scenario struct {
	Seed    uint64 // of the chances that are drawn while it runs
	Members []Member
	Late    time.Duration // how late a wake-up of an agent may be
	Storm   time.Duration // how long the faults and the weather last
	Weather Weather
	Faults  []Fault // in order of At
	Drills  []Drill
}

// Member is a server and its agent.
type Member struct {
	Config  vrrp.Config
	Routers int // that move together
	MAC     int // rank of its MAC; the greater stays where adverts cannot decide
	Start   time.Duration
	// PPM is how much faster than true time its clock runs, Offset how far it is
	// ahead.
	PPM    int
	Offset time.Duration
}

// Weather is what the wire does to packets. What the delays differ by puts them
// in another order.
type Weather struct {
	Loss, Twice int           // percent
	Delay       time.Duration // at most
}

// Kind is what a fault does.
type Kind string

// The faults. Where it says until, the end comes after For, or with the end of
// the storm.
const (
	Stop      Kind = "stop"       // the agent's process is stopped, until
	Freeze    Kind = "freeze"     // the guest is paused and its clock stands still, until
	Suspend   Kind = "suspend"    // the guest is paused and its clock runs on, until
	Crash     Kind = "crash"      // the agent is killed; started again after For, if that is not zero
	Off       Kind = "off"        // the server loses its power; on again after For, if that is not zero
	Leave     Kind = "leave"      // the agent is stopped in order; started again after For, if that is not zero
	Unlink    Kind = "unlink"     // the NIC has no carrier, until
	Mute      Kind = "mute"       // the kernel refuses to send, until
	Sick      Kind = "sick"       // a health check fails, until; for good if For is zero
	Strip     Kind = "strip"      // somebody removes the VIPs
	TakeOver  Kind = "take-over"  // a switchover to this member
	Reload    Kind = "reload"     // new settings
	Cut       Kind = "cut"        // nothing passes between it and Other, until
	OneWay    Kind = "one-way"    // nothing passes from it to Other, until
	Isolate   Kind = "isolate"    // nothing passes between it and any other, until
	Block     Kind = "block"      // no advert passes between it and any other, announcements do, until
	BlockFrom Kind = "block-from" // no advert of it passes, announcements do, until
)

// Fault is one thing that goes wrong, or that somebody does.
type Fault struct {
	At, For time.Duration
	Kind    Kind
	Who     int
	Other   int
	// Mid lets a Stop, Freeze or Suspend begin between two effects of the machine
	// rather than between two turns of the loop.
	Mid bool
	// Only is the router that a fault of the wire is of, counted from 1; 0: all.
	Only int
	// Settings are what a Reload puts in force.
	Settings Settings
}

// Settings are those that a reload changes in a scenario; zero: as it is.
type Settings struct {
	Priority int
	Interval time.Duration
	Preempt  *bool
}

// Drill is a fault on a whole wire. Who and Other count from the active: 0 is
// the active, 1 the next member, and so on.
type Drill struct{ Fault }

// String is the scenario for people.
func (s Scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, wake-ups late by up to %v\n", s.Seed, s.Late)
	for i, m := range s.Members {
		c := m.Config
		fmt.Fprintf(&b, "  %s  version %d priority %d interval %v preempt %t", name(i), c.Version, c.Priority, c.Interval, c.Preempt)
		if c.PreemptDelay > 0 {
			fmt.Fprintf(&b, " preempt-delay %v", c.PreemptDelay)
		}
		if c.StartDelay > 0 {
			fmt.Fprintf(&b, " start-delay %v", c.StartDelay)
		}
		fmt.Fprintf(&b, " routers %d mac %d start %v clock %+d ppm %+v\n", m.Routers, m.MAC, m.Start, m.PPM, m.Offset)
	}
	fmt.Fprintf(&b, "storm of %v: loss %d %%, twice %d %%, delay up to %v\n", s.Storm, s.Weather.Loss, s.Weather.Twice, s.Weather.Delay)
	for _, f := range s.Faults {
		fmt.Fprintf(&b, "  %9.4fs %s\n", f.At.Seconds(), f.text(name))
	}
	if len(s.Drills) > 0 {
		fmt.Fprintln(&b, "drills")
	}
	for _, d := range s.Drills {
		fmt.Fprintf(&b, "  %s\n", d.text(role))
	}
	return b.String()
}

func (f Fault) text(who func(int) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", who(f.Who), f.Kind)
	switch f.Kind {
	case Cut, OneWay:
		fmt.Fprintf(&b, " %s", who(f.Other))
	case Reload:
		b.WriteString(f.Settings.text())
	}
	if f.For > 0 {
		fmt.Fprintf(&b, " for %v", f.For)
	}
	if f.Only > 0 {
		fmt.Fprintf(&b, ", only of router %d", f.Only-1)
	}
	if f.Mid {
		b.WriteString(", between two effects")
	}
	return b.String()
}

func (s Settings) text() string {
	var b strings.Builder
	if s.Priority != 0 {
		fmt.Fprintf(&b, " priority %d", s.Priority)
	}
	if s.Interval != 0 {
		fmt.Fprintf(&b, " interval %v", s.Interval)
	}
	if s.Preempt != nil {
		fmt.Fprintf(&b, " preempt %t", *s.Preempt)
	}
	return b.String()
}

// name is that of a member: a, b, c.
func name(i int) string { return string(rune('a' + i)) }

func role(i int) string {
	if i == 0 {
		return "the active"
	}
	return fmt.Sprintf("other %d", i)
}
