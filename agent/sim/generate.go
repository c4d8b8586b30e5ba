package sim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/havip/havip/agent/vrrp"
)

// Generate makes the scenario of a seed.
func Generate(seed uint64) Scenario {
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	version := pick(g, 3, 3, 3, 2)
	interval := pick(g, 10*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond, time.Second, 3*time.Second)
	if version == 2 {
		interval = pick(g, time.Second, 2*time.Second)
	}
	s := Scenario{
		Seed:    seed,
		Late:    pick(g, time.Millisecond, 7*time.Millisecond),
		Members: g.members(version, interval),
		Storm:   max(20*interval, 500*time.Millisecond),
		Weather: Weather{
			Loss:  pick(g, 0, 0, 5, 20, 50),
			Twice: pick(g, 0, 10),
			Delay: pick(g, calmDelay, interval/10, interval/2, 2*interval),
		},
	}
	for range g.rng.IntN(12) {
		f := g.fault(len(s.Members), version, interval, false)
		f.At = g.upTo(s.Storm)
		s.Faults = append(s.Faults, f)
	}
	slices.SortStableFunc(s.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	for range g.rng.IntN(5) {
		s.Drills = append(s.Drills, Drill{g.fault(len(s.Members), version, interval, true)})
	}
	return s
}

type generator struct{ rng *rand.Rand }

func pick[T any](g generator, from ...T) T { return from[g.rng.IntN(len(from))] }

func (g generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func (g generator) upTo(d time.Duration) time.Duration { return time.Duration(g.rng.Int64N(int64(d))) }

// members are 2 to 5, most often few.
func (g generator) members(version int, interval time.Duration) []Member {
	n := pick(g, 2, 2, 2, 3, 3, 3, 4, 5)
	priorities := g.priorities(n)
	macs := g.rng.Perm(n)
	preempt := g.chance(50)
	var preemptDelay, startDelay time.Duration
	if preempt && g.chance(30) {
		preemptDelay = pick(g, 2*interval, 10*interval)
	}
	if g.chance(25) {
		startDelay = pick(g, interval, 5*interval)
	}
	routers := 1
	if version == 3 && g.chance(25) {
		routers = 2
	}
	var all []Member
	for i := range n {
		own := interval
		if version == 3 && g.chance(5) {
			own *= pick(g, time.Duration(2), 5)
		}
		all = append(all, Member{
			Config: vrrp.Config{
				VRID: 51, Version: version, Priority: priorities[i], Interval: own,
				Preempt: preempt, PreemptDelay: preemptDelay, StartDelay: startDelay,
				Source: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}),
			},
			Routers: routers,
			MAC:     macs[i],
			Start:   g.upTo(3 * interval),
			PPM:     g.rng.IntN(1001) - 500,
			Offset:  g.upTo(time.Hour),
		})
	}
	return all
}

// priorities are as havip create gives them, or any; one may be the owner's.
func (g generator) priorities(n int) []int {
	var all []int
	gap := pick(g, 1, 5, 17, 60)
	any := g.chance(50)
	for i := range n {
		p := max(10, 250-i*gap)
		if any {
			p = pick(g, 10, 100, 100, 200, 249, 250, 253)
		}
		all = append(all, p)
	}
	if g.chance(15) {
		all[g.rng.IntN(n)] = vrrp.PriorityOwner
	}
	g.rng.Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// fault is any; one of a drill has an end, unless it is of a moment.
func (g generator) fault(members, version int, interval time.Duration, drill bool) Fault {
	f := Fault{
		Kind:  pick(g, Stop, Stop, Freeze, Suspend, Crash, Crash, Off, Leave, Unlink, Mute, Sick, Sick, Strip, TakeOver, TakeOver, Reload, Reload, Cut, OneWay, Isolate),
		Who:   g.rng.IntN(members),
		Other: g.rng.IntN(members - 1),
		For:   g.span(interval),
	}
	if f.Other >= f.Who {
		f.Other++
	}
	if drill && g.chance(50) {
		f.Other, f.Who = max(f.Other, f.Who), 0
	}
	if interval >= 100*time.Millisecond && g.chance(7) {
		// A contest takes seconds, whatever the interval is.
		f.Kind, f.For = pick(g, Block, BlockFrom), time.Duration(5+g.rng.IntN(30))*time.Second
		if drill {
			f.For += 10 * interval
		}
	}
	switch f.Kind {
	case Strip, TakeOver, Reload:
		f.For = 0
	case Crash, Off, Leave, Sick:
		if g.chance(20) {
			f.For = 0
		}
	case Cut, OneWay, Isolate:
		f.Only = pick(g, 0, 0, 0, 1, 2)
	case Stop, Freeze, Suspend:
		f.Mid = g.chance(20)
	}
	if f.Kind == Reload {
		f.Settings = g.settings(version, interval)
	}
	return f
}

// span is from a tenth of an interval to 16 intervals, as often short as long.
func (g generator) span(interval time.Duration) time.Duration {
	factor := math.Pow(2, g.rng.Float64()*7.3-3.3)
	return time.Duration(factor * float64(interval)).Round(time.Microsecond)
}

// settings change one thing. Members of version 2 discard what comes at another
// interval than their own, so there it is never changed.
func (g generator) settings(version int, interval time.Duration) Settings {
	switch g.rng.IntN(3) {
	case 0:
		if version == 3 {
			return Settings{Interval: max(10*time.Millisecond, pick(g, interval/4, interval/2, interval*2, interval*4).Truncate(10*time.Millisecond))}
		}
		fallthrough
	case 1:
		return Settings{Priority: pick(g, 10, 100, 200, 240, 253)}
	default:
		preempt := g.chance(50)
		return Settings{Preempt: &preempt}
	}
}
