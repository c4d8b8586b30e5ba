package sim

import (
	"net/netip"
	"testing"
	"time"

	"github.com/havip/havip/agent/vrrp"
)

// The priorities that havip create gives three or more members (provision/plan) have
// skews 20 ms apart: more than a late wake-up of each of two backups and a packet's way.
func TestNoTwoBackupsTakeOverAtOnceWithThePrioritiesOfCreate(t *testing.T) {
	steps := map[time.Duration]int{100 * time.Millisecond: 51, 300 * time.Millisecond: 17, time.Second: 5}
	for interval, step := range steps {
		var total Stats
		for seed := range uint64(100) {
			s := Scenario{Seed: seed, Late: 7 * time.Millisecond, Storm: 20 * interval, Weather: Weather{Delay: calmDelay}}
			for i := range 3 {
				s.Members = append(s.Members, Member{Routers: 1, MAC: i, PPM: 500 - 500*i, Config: vrrp.Config{
					VRID: 51, Version: 3, Interval: interval, Priority: 250 - i*step,
					Source: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}),
				}})
			}
			for _, kind := range []Kind{Crash, Leave, Sick} {
				s.Drills = []Drill{{Fault{Kind: kind}}}
				r := Run(s, false)
				if r.Violation != nil || r.Stats.Doubles > 0 {
					t.Fatalf("interval %v, seed %d, %s: %v, %v\n%s", interval, seed, kind, r.Violation, r.Stats, Run(s, true).Trace)
				}
				total.Takeovers += r.Stats.Takeovers
			}
		}
		if total.Takeovers < 290 {
			t.Errorf("interval %v: %d takeovers, want nearly 300", interval, total.Takeovers)
		}
		t.Logf("interval %v: %d takeovers, none by two at once", interval, total.Takeovers)
	}
}
