package sim

import (
	"net/netip"
	"testing"
	"time"

	"github.com/havip/havip/agent/vrrp"
)

// Seed 10003685 had the VIPs of both put back.
func TestARouterThatHasHandedOverGetsNoVIPsBackWhileAnotherLeaves(t *testing.T) {
	const interval = 300 * time.Millisecond
	s := Scenario{
		Late: time.Millisecond, Storm: 5 * time.Second, Weather: Weather{Delay: calmDelay},
		Faults: []Fault{
			{At: 3 * time.Second, Kind: OneWay, Who: 1, Other: 0, Only: 1, For: time.Second},
			{At: 3100 * time.Millisecond, Kind: Leave, Who: 0},
			{At: 3550 * time.Millisecond, Kind: Strip, Who: 0}, // the first router leaves until 3.72 s
		},
	}
	for i, priority := range []int{250, 200} {
		s.Members = append(s.Members, Member{Routers: 2, MAC: i, Config: vrrp.Config{
			VRID: 51, Version: 3, Interval: interval, Priority: priority,
			Source: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}),
		}})
	}
	if r := Run(s, true); r.Violation != nil {
		t.Errorf("%s\n%s", r.Violation, r.Trace)
	}
}

// Seed 33035491 had its timers go first, with one router at the old priority.
func TestAMemberThatIsStoppedWithinAReloadFinishesItFirst(t *testing.T) {
	s := Scenario{
		Late: time.Millisecond, Storm: 5 * time.Second, Weather: Weather{Delay: calmDelay},
		Faults: []Fault{
			{At: 3 * time.Second, Kind: Reload, Who: 0, Settings: Settings{Priority: 240}},
			{At: 3 * time.Second, Kind: Stop, Who: 0, Mid: true, For: 400 * time.Millisecond},
		},
	}
	for i, priority := range []int{250, 200} {
		s.Members = append(s.Members, Member{Routers: 2, MAC: i, Config: vrrp.Config{
			VRID: 51, Version: 3, Interval: 300 * time.Millisecond, Priority: priority,
			Source: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}),
		}})
	}
	if r := Run(s, true); r.Violation != nil {
		t.Errorf("%s\n%s", r.Violation, r.Trace)
	}
}
