package failover

import (
	"slices"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
)

func TestARoundNamesEachLayersShare(t *testing.T) {
	r := Judge(failing(), limits())
	if r.Verdict != Passed || !r.Moved {
		t.Fatalf("verdict %s, moved %v: %v", r.Verdict, r.Moved, r.Why)
	}
	want := []Share{{Detection, 900 * ms}, {Takeover, ms}, {Neighbours, 100 * ms}, {NAT, 200 * ms}}
	for i, s := range r.Layers {
		if d := s.Took - want[i].Took; s.Layer != want[i].Layer || d < -2*ms || d > 2*ms {
			t.Errorf("layer %d is %v, want %v", i, s, want[i])
		}
	}
	if len(r.Layers) != len(want) || r.Slowest != Detection {
		t.Errorf("%d layers, the slowest %s", len(r.Layers), r.Slowest)
	}
	if r.TwoOwners != 0 || r.NoOwner != 900*ms || r.ClockError != 2*ms {
		t.Errorf("two owners for %s, none for %s, clocks within %s", r.TwoOwners, r.NoOwner, r.ClockError)
	}
}

// An announcement that the member did not tell of is not one that took no time.
func TestATakeoverOfWhichNothingIsKnownIsNoShare(t *testing.T) {
	rec := failing()
	for i := range rec.Members {
		rec.Members[i].Events = slices.DeleteFunc(rec.Members[i].Events, func(e Stamped) bool { return e.Event.Kind == "announce" })
	}
	var got []Layer
	r := Judge(rec, limits())
	for _, s := range r.Layers {
		got = append(got, s.Layer)
	}
	if want := []Layer{Detection, Neighbours, NAT}; !slices.Equal(got, want) {
		t.Errorf("layers %v, want %v", got, want)
	}
	if r.Verdict != Passed || r.Slowest != Detection {
		t.Errorf("%s, the slowest %s", r.Verdict, r.Slowest)
	}
}

func TestATakeoverEndsWithItsOwnAnnouncement(t *testing.T) {
	announce := func(at time.Duration) Stamped { return Stamped{at, api.Event{Kind: "announce"}} }
	for name, tt := range map[string]struct {
		events []Stamped
		want   []Share // detection and, where it is known, the takeover
	}{
		"a moment before the witness saw the VIP come": {
			[]Stamped{announce(2880 * ms)},
			[]Share{{Detection, 900 * ms}, {Takeover, 0}},
		},
		"late": {
			[]Stamped{announce(4400 * ms)},
			[]Share{{Detection, 900 * ms}, {Takeover, 1500 * ms}},
		},
		"before the fault, of an earlier time": {
			[]Stamped{announce(1500 * ms)},
			[]Share{{Detection, 900 * ms}},
		},
		"not told, and another when the fault was undone": {
			[]Stamped{announce(5600 * ms)},
			[]Share{{Detection, 900 * ms}},
		},
		"not told, and another when it was active again": {
			[]Stamped{{3000 * ms, api.Event{Kind: "transition", From: api.Active, To: api.Backup}}, announce(4 * time.Second)},
			[]Share{{Detection, 900 * ms}},
		},
	} {
		rec := failing()
		rec.Members[1].Events = tt.events
		for _, p := range rec.Paths[:2] { // so that the takeover's share is not another's
			copy(p.Beats, beats(8*time.Second, Span{2000 * ms, 4500 * ms}))
		}
		got := Judge(rec, limits()).Layers
		if got = got[:len(got)-2]; !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// What was not asked when the VIP moved is not a way that took no time.
func TestAWayThatNobodyAskedAtTheTakeoverIsNoShare(t *testing.T) {
	for name, tt := range map[string]struct {
		gap  Span
		want []Layer
	}{
		"at the takeover":       {Span{2500 * ms, 3500 * ms}, []Layer{Detection, Takeover, NAT}},
		"when it answered":      {Span{2950 * ms, 3700 * ms}, []Layer{Detection, Takeover, NAT}},
		"before the takeover":   {Span{500 * ms, 1900 * ms}, []Layer{Detection, Takeover, Neighbours, NAT}},
		"when all is long over": {Span{4000 * ms, 5500 * ms}, []Layer{Detection, Takeover, Neighbours, NAT}},
	} {
		rec := failing()
		rec.Paths[1].Beats = without(rec.Paths[1].Beats, tt.gap)
		var got []Layer
		for _, s := range Judge(rec, limits()).Layers {
			got = append(got, s.Layer)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: layers %v, want %v", name, got, tt.want)
		}
	}
}

func TestTheLayerThatWasLateIsNamed(t *testing.T) {
	for name, tt := range map[string]struct {
		outside, inside time.Duration // when they answer again
		want            Layer
	}{
		"the subnet learns late": {7 * time.Second, 7 * time.Second, Neighbours},
		"the world learns late":  {7 * time.Second, 3 * time.Second, NAT},
	} {
		rec := failing()
		rec.Undone = 7500 * ms
		rec.Paths[0].Beats = beats(8*time.Second, Span{2 * time.Second, tt.outside})
		rec.Paths[1].Beats = beats(8*time.Second, Span{2 * time.Second, tt.inside})
		if r := Judge(rec, limits()); r.Slowest != tt.want || r.Verdict != Failed {
			t.Errorf("%s: %s, slowest %s of %v", name, r.Verdict, r.Slowest, r.Layers)
		}
	}
}

// A way that answered at the takeover, and fell silent for a moment later, takes no
// time from the next layer.
func TestAMomentOfSilenceLaterIsNoLongerThanItWas(t *testing.T) {
	rec := failing()
	rec.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 4500 * ms})
	rec.Paths[1].Beats = beats(8*time.Second, Span{3900 * ms, 4000 * ms})
	want := []Share{{Detection, 900 * ms}, {Takeover, ms}, {Neighbours, 100 * ms}, {NAT, 1599 * ms}}
	r := Judge(rec, limits())
	for i, s := range r.Layers {
		if d := s.Took - want[i].Took; s.Layer != want[i].Layer || d < -2*ms || d > 2*ms {
			t.Errorf("layer %d is %v, want %v", i, s, want[i])
		}
	}
	if r.Slowest != NAT {
		t.Errorf("the slowest is %s", r.Slowest)
	}
}
