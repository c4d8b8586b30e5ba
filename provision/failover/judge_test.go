package failover

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
)

const ms = time.Millisecond

// beats are questions every 50 ms for so long, answered after a millisecond but
// in the spans.
func beats(length time.Duration, silent ...Span) []api.Beat {
	var all []api.Beat
	for at := time.Duration(0); at < length; at += 50 * ms {
		b := api.Beat{Seq: len(all), Sent: api.Duration(at), Heard: api.Duration(at + ms)}
		for _, s := range silent {
			if at >= s.From && at < s.To {
				b.Heard, b.Err = 0, "no answer"
			}
		}
		all = append(all, b)
	}
	return all
}

// without leaves out the questions of some time.
func without(of []api.Beat, gap Span) []api.Beat {
	return slices.DeleteFunc(of, func(b api.Beat) bool {
		return time.Duration(b.Sent) >= gap.From && time.Duration(b.Sent) < gap.To
	})
}

// failing is a round in which the active is killed at 2 s: another holds the VIP
// at 2.9 s and announces it; inside it answers at 3 s, outside at 3.2 s.
func failing() Record {
	fault, _ := Find(ServerReboot)
	return Record{
		Fault: fault, Number: 1, Before: "bastion-1", After: "bastion-2",
		Began: 0, Injected: 2000 * ms, Settled: 3500 * ms, Undoing: 5500 * ms, Undone: 6 * time.Second, Ended: 8 * time.Second,
		Paths: []Path{
			{Name: Outside, Every: 50 * ms, Beats: beats(8*time.Second, Span{2000 * ms, 3200 * ms})},
			{Name: Inside, Every: 50 * ms, Beats: beats(8*time.Second, Span{2000 * ms, 3000 * ms})},
			{Name: Outside, Control: true, Every: 50 * ms, Beats: beats(8 * time.Second)},
		},
		Members: []Witnessed{
			{Name: "bastion-1", Told: true, ClockError: ms, Held: []Span{{0, 2000 * ms}}},
			{
				Name: "bastion-2", Told: true, ClockError: 2 * ms, Held: []Span{{2900 * ms, 8 * time.Second}},
				Events: []Stamped{{2901 * ms, api.Event{Kind: "announce"}}, {2902 * ms, api.Event{Kind: "transition", From: api.Backup, To: api.Active}}},
			},
		},
	}
}

func limits() Limits { return UsualLimits(Theory(300*ms, 249)) }

func TestASilenceCountsWhereItBegan(t *testing.T) {
	for name, tt := range map[string]struct {
		silent             []Span // outside, in milliseconds
		nat                time.Duration
		failover, failback time.Duration
	}{
		"after the fault":                      {[]Span{{2000, 3200}}, 200 * ms, 1200 * ms, 0},
		"a pace before the fault, as it seems": {[]Span{{1950, 3200}}, 200 * ms, 1250 * ms, 0},
		"before the fault, and on":             {[]Span{{500, 4500}}, 0, 4000 * ms, 0},
		"before the fault, and then after it":  {[]Span{{100, 1900}, {2000, 3200}}, 200 * ms, 1800 * ms, 0},
		"when the fault was undone":            {[]Span{{5500, 6500}}, 0, 0, 1000 * ms},
		"a pace before it was undone":          {[]Span{{5450, 6500}}, 0, 0, 1050 * ms},
		"before it was undone, and on":         {[]Span{{5000, 7000}}, 2000 * ms, 2000 * ms, 0},
		"after both":                           {[]Span{{2000, 3200}, {5600, 7900}}, 200 * ms, 1200 * ms, 2300 * ms},
	} {
		rec := failing()
		for i, s := range tt.silent {
			tt.silent[i] = Span{s.From * ms, s.To * ms}
		}
		rec.Paths[0].Beats = beats(8*time.Second, tt.silent...)
		r := Judge(rec, limits())
		near := func(got, want time.Duration) bool { return got-want > -5*ms && got-want < 5*ms }
		p, layer := r.Paths[0], r.Layers[len(r.Layers)-1]
		if !near(p.Failover, tt.failover) || !near(p.Failback, tt.failback) || !near(layer.Took, tt.nat) || layer.Layer != NAT {
			t.Errorf("%s: failover %s, failback %s, %v; want %s, %s and %s", name, p.Failover, p.Failback, layer, tt.failover, tt.failback, tt.nat)
		}
	}
	t.Run("this machine asked nothing before the fault", func(t *testing.T) {
		rec := failing()
		rec.Paths[0].Beats = slices.DeleteFunc(beats(8*time.Second, Span{2000 * ms, 3200 * ms}), func(b api.Beat) bool {
			return time.Duration(b.Sent) > 1500*ms && time.Duration(b.Sent) < 2000*ms
		})
		if r := Judge(rec, limits()); r.Layers[len(r.Layers)-1].Took < 195*ms {
			t.Errorf("the silence is not the fault's: %v", r.Layers)
		}
	})
}

func TestTheLongerOfFailoverAndFailbackIsToldApart(t *testing.T) {
	reboot, _ := Find(ServerReboot)
	for want, p := range map[string]PathResult{
		"680ms":                             {Failover: 680 * ms, Failback: 700 * ms},
		"680ms, 2.4s when it was undone":    {Failover: 680 * ms, Failback: 2400 * ms},
		"2.4s":                              {Failover: 2400 * ms, Failback: 680 * ms},
		"1m0s, and still silent at the end": {Failover: time.Minute, Open: time.Minute},
		"0s, 1m0s when it was undone, and still silent at the end": {Failback: time.Minute, Open: time.Minute},
	} {
		r := Round{Fault: reboot, Paths: []PathResult{p, {Control: true, Failover: time.Hour, Failback: time.Hour, Open: time.Hour}}}
		if got := r.Silences(time.Duration.String); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestARoundSaysWhoWasActive(t *testing.T) {
	for after, want := range map[string]string{
		"bastion-2": "server-reboot: bastion-1 -> bastion-2, silent for 1.2s, passed",
		"bastion-1": "server-reboot: stayed on bastion-1, silent for 1.2s, failed",
		"":          "server-reboot: bastion-1 -> nobody, silent for 1.2s, failed",
	} {
		rec := failing()
		rec.After = after
		if got := Judge(rec, limits()).String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for name, tt := range map[string]struct {
		bend func(*Record, *Limits)
		want Verdict
		why  string
	}{
		"within the limits": {func(*Record, *Limits) {}, Passed, ""},
		"too long": {
			func(_ *Record, l *Limits) { l.Downtime = time.Second },
			Failed, "outside: silent for 1.2s, the limit is 1s",
		},
		"this machine asked nothing for longer than the limit": {
			func(r *Record, _ *Limits) { r.Paths[0].Beats = without(r.Paths[0].Beats, Span{2500 * ms, 5000 * ms}) },
			Inconclusive, "outside: nothing was asked for 2.5s, and whether it kept the limit, 1.908s, is not known",
		},
		"this machine asked nothing, and the VIP was silent for too long beside": {
			func(r *Record, _ *Limits) {
				r.Paths[0].Beats = without(beats(8*time.Second, Span{2000 * ms, 7 * time.Second}), Span{2500 * ms, 5000 * ms})
			},
			Failed, "outside: silent for 2.5s, the limit is 1.908s",
		},
		"the control was not asked, and excuses nothing": {
			func(r *Record, _ *Limits) {
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 6 * time.Second})
				r.Paths[2].Beats = without(r.Paths[2].Beats, Span{2000 * ms, 6 * time.Second})
			},
			Failed, "outside: silent for 4s, the limit is 1.908s",
		},
		"a way was never asked": {
			func(r *Record, _ *Limits) { r.Paths[1].Beats = nil },
			Inconclusive, "inside: nothing was asked for 7.95s",
		},
		"too long when it was undone": {
			func(r *Record, _ *Limits) {
				r.Paths[0].Beats = beats(8*time.Second, Span{5500 * ms, 7600 * ms})
			},
			Failed, "outside: silent for 2.1s when it was undone, the limit is 1.908s",
		},
		"too long after a switchover": {
			func(r *Record, _ *Limits) {
				r.Fault, _ = Find(Switchover)
				r.Paths[0].Beats = beats(8*time.Second, Span{5500 * ms, 7600 * ms})
			},
			Failed, "outside: silent for 2.1s afterwards, the limit is",
		},
		"too many lost": {
			func(_ *Record, l *Limits) { l.Lost = 20 },
			Failed, "outside: 24 questions were not answered, the limit is 20",
		},
		"nothing lost is allowed and nothing was": {
			func(r *Record, l *Limits) {
				l.Lost = 0
				r.Paths[0].Beats, r.Paths[1].Beats = beats(8*time.Second), beats(8*time.Second)
			},
			Passed, "",
		},
		"the line loses packets, and the group does not": {
			func(r *Record, _ *Limits) {
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 6000 * ms})
				r.Paths[2].Beats = beats(8*time.Second, Span{2100 * ms, 5900 * ms})
			},
			Inconclusive, "the line loses packets",
		},
		"the line was silent at another time": {
			func(r *Record, _ *Limits) {
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 6000 * ms})
				r.Paths[2].Beats = beats(8*time.Second, Span{6500 * ms, 7500 * ms})
			},
			Failed, "outside: silent for",
		},
		"the line was silent as well, and the group for longer than it may be": {
			func(r *Record, _ *Limits) {
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 6500 * ms})
				r.Paths[2].Beats = beats(8*time.Second, Span{2000 * ms, 4300 * ms})
			},
			Failed, "outside: silent for 4.5s",
		},
		"the line was silent for a part of it": {
			func(r *Record, _ *Limits) {
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 4100 * ms})
				r.Paths[2].Beats = beats(8*time.Second, Span{2500 * ms, 3000 * ms})
			},
			Failed, "outside: silent for 2.1s",
		},
		"the control never answered": {
			func(r *Record, _ *Limits) {
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 6000 * ms})
				r.Paths[2].Beats = beats(8*time.Second, Span{0, 8 * time.Second})
			},
			Failed, "outside: silent for 4s",
		},
		"the control never answered, and the lost are limited": {
			func(r *Record, l *Limits) {
				l.Lost = 20
				r.Paths[2].Beats = beats(8*time.Second, Span{0, 8 * time.Second})
			},
			Failed, "outside: 24 questions were not answered, the limit is 20",
		},
		"the control did not answer before the fault either": {
			func(r *Record, _ *Limits) {
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 6000 * ms})
				r.Paths[2].Beats = beats(8*time.Second, Span{0, 7 * time.Second})
			},
			Failed, "outside: silent for 4s",
		},
		"the line loses a packet now and then, and the group was silent": {
			func(r *Record, _ *Limits) {
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 5000 * ms})
				for i := range r.Paths[2].Beats {
					if i%2 == 1 {
						r.Paths[2].Beats[i].Heard = 0
					}
				}
			},
			Failed, "outside: silent for 3s",
		},
		"the line loses a packet now and then, and so many were lost": {
			func(r *Record, l *Limits) {
				l.Lost = 20
				for i := range r.Paths[2].Beats {
					if i%5 == 1 {
						r.Paths[2].Beats[i].Heard = 0
					}
				}
			},
			Inconclusive, "outside: 24 questions were not answered, the limit is 20",
		},
		"the line was silent at failback, and the group at failover": {
			func(r *Record, _ *Limits) {
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 4200 * ms}, Span{5500 * ms, 7900 * ms})
				r.Paths[2].Beats = beats(8*time.Second, Span{5500 * ms, 7900 * ms})
			},
			Failed, "outside: silent for 2.2s, the limit is 1.908s\noutside: silent for 2.4s when it was undone",
		},
		"of two silences the shorter is the group's own": {
			func(r *Record, _ *Limits) {
				r.Undoing, r.Undone = 7500*ms, 7600*ms
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 4500 * ms}, Span{5000 * ms, 7000 * ms})
				r.Paths[2].Beats = beats(8*time.Second, Span{2000 * ms, 4500 * ms})
			},
			Failed, "outside: silent for 2s, the limit is 1.908s",
		},
		"the line loses packets, and two owners are no fault of the line": {
			func(r *Record, l *Limits) {
				l.TwoOwners = 0
				r.Members[0].Held[0].To = 4 * time.Second
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 6000 * ms})
				r.Paths[2].Beats = beats(8*time.Second, Span{2000 * ms, 6000 * ms})
			},
			Failed, "two servers held the VIP for 1.1s",
		},
		"it was to move and stayed": {
			func(r *Record, _ *Limits) { r.After = "bastion-1" },
			Failed, "the VIP stayed on bastion-1; it was to move",
		},
		"it was to stay, moved and came back": {
			func(r *Record, _ *Limits) { r.Fault, _ = Find(VIPDelete); r.After = "bastion-1" },
			Failed, "the VIP moved to bastion-2 and back; it was to stay",
		},
		"nobody says who answers": {
			func(r *Record, _ *Limits) { r.Silent = "connection refused" },
			Failed, "outside nobody says who answers: connection refused",
		},
		"nobody says who answers, for the line is silent": {
			func(r *Record, _ *Limits) {
				r.Undoing, r.Undone = 7500*ms, 7600*ms
				r.Silent, r.Asked = "i/o timeout", Span{4000 * ms, 7000 * ms}
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 7800 * ms})
				r.Paths[2].Beats = r.Paths[0].Beats
			},
			Inconclusive, "outside nobody says who answers: i/o timeout\noutside: silent for 5.8s",
		},
		"nobody says who answers, and the line was silent before": {
			func(r *Record, _ *Limits) {
				r.Undoing, r.Undone = 7500*ms, 7600*ms
				r.Silent, r.Asked = "i/o timeout", Span{4000 * ms, 7000 * ms}
				r.Paths[0].Beats = beats(8*time.Second, Span{2000 * ms, 5000 * ms})
				r.Paths[2].Beats = r.Paths[0].Beats
			},
			Failed, "outside nobody says who answers: i/o timeout",
		},
		"another one answers": {
			func(r *Record, _ *Limits) { r.Answers, r.Asked = "bastion-1", Span{5400 * ms, 5450 * ms} },
			Failed, "outside bastion-1 answers, while bastion-2 is active",
		},
		"one that has preempted answers": {
			func(r *Record, _ *Limits) {
				r.Answers, r.Asked = "bastion-1", Span{5400 * ms, 5450 * ms}
				r.Members[0].Held = append(r.Members[0].Held, Span{5000 * ms, 8 * time.Second})
				r.Members[1].Held[0].To = 5001 * ms
			},
			Passed, "",
		},
		"the one that ought to have let go answers": {
			func(r *Record, _ *Limits) {
				r.Answers, r.Asked = "bastion-1", Span{5400 * ms, 5450 * ms}
				r.Members[0].Held[0].To = 8 * time.Second
			},
			Failed, "outside bastion-1 answers, while bastion-2 is active",
		},
		"one that has the VIP again answers, and the other does not let go": {
			func(r *Record, _ *Limits) {
				r.Answers, r.Asked = "bastion-1", Span{5400 * ms, 5450 * ms}
				r.Members[0].Held = append(r.Members[0].Held, Span{5000 * ms, 8 * time.Second})
			},
			Failed, "outside bastion-1 answers, while bastion-2 is active",
		},
		"one that never let go answers, and the other was not heard then": {
			func(r *Record, _ *Limits) {
				r.Answers, r.Asked = "bastion-1", Span{5400 * ms, 5450 * ms}
				r.Members[0].Held[0].To = 8 * time.Second
				r.Members[1].Held[0].To = 5000 * ms
				r.Members[1].Blind = []Span{{5000 * ms, 8 * time.Second}}
			},
			Failed, "outside bastion-1 answers, while bastion-2 is active",
		},
		"one answers that preempts at this moment": {
			func(r *Record, _ *Limits) {
				r.Answers, r.Asked = "bastion-1", Span{5400 * ms, 5450 * ms}
				r.Members[0].Held = append(r.Members[0].Held, Span{5390 * ms, 8 * time.Second})
				r.Members[1].Held[0].To = 5460 * ms
			},
			Passed, "",
		},
		"two owners are limited, and a server told nothing": {
			func(r *Record, l *Limits) { l.TwoOwners, r.Members[0].Told = time.Second, false },
			Inconclusive, "two owners could not be seen: bastion-1 told nothing",
		},
		"two owners are limited, and the one that was cut off was not seen to let go": {
			func(r *Record, l *Limits) {
				r.Fault, _ = Find(PortDown)
				l.TwoOwners = 0
				r.Members[0].Blind = []Span{{2000 * ms, 6 * time.Second}}
			},
			Inconclusive, "two servers held the VIP for 0s to 3.103s, the limit is 0s: bastion-1 told nothing for a time, and held it before",
		},
		"two owners are limited, and less than that was not seen": {
			func(r *Record, l *Limits) {
				r.Fault, _ = Find(PortDown)
				l.TwoOwners = 4 * time.Second
				r.Members[0].Blind = []Span{{2000 * ms, 6 * time.Second}}
			},
			Passed, "",
		},
		"two owners are limited, and the one that was cut off had let go": {
			func(r *Record, l *Limits) {
				r.Fault, _ = Find(PortDown)
				l.TwoOwners = 0
				r.Members[0].Blind = []Span{{2100 * ms, 6 * time.Second}}
			},
			Passed, "",
		},
		"two owners are limited, and the power was cut": {
			func(r *Record, l *Limits) {
				l.TwoOwners = 0
				r.Members[0].Blind = []Span{{2000 * ms, 6 * time.Second}}
			},
			Passed, "",
		},
		"two owners are limited, and the one that was rebooted fell silent when it had the VIP back": {
			func(r *Record, l *Limits) {
				l.TwoOwners = 0
				r.Members[0].Held = append(r.Members[0].Held, Span{6500 * ms, 6600 * ms})
				r.Members[1].Held[0].To = 6400 * ms
				r.Members[1].Held = append(r.Members[1].Held, Span{7 * time.Second, 8 * time.Second})
				r.Members[0].Blind = []Span{{2000 * ms, 6 * time.Second}, {6600 * ms, 8 * time.Second}}
			},
			Inconclusive, "two servers held the VIP for 0s to 1.002s, the limit is 0s: bastion-1 told nothing",
		},
		"two owners for longer than is allowed, but for the clocks": {
			func(r *Record, l *Limits) {
				l.TwoOwners = 0
				r.Members[0].Held[0].To = 2910 * ms
				r.Members[0].ClockError, r.Members[1].ClockError = 40*ms, 30*ms
			},
			Inconclusive, "two servers held the VIP for 0s to 80ms, the limit is 0s: the servers' clocks are compared within 40ms",
		},
		"two owners for no longer than is allowed, but for the clocks": {
			func(r *Record, l *Limits) {
				l.TwoOwners = 20 * ms
				r.Members[0].Held[0].To = 2910 * ms
				r.Members[0].ClockError, r.Members[1].ClockError = 40*ms, 30*ms
			},
			Inconclusive, "two servers held the VIP for 0s to 80ms, the limit is 20ms: the servers' clocks are compared within 40ms",
		},
		"two owners for longer than is allowed, by any clock": {
			func(r *Record, l *Limits) {
				l.TwoOwners = 20 * ms
				r.Members[0].Held[0].To = 3000 * ms
				r.Members[0].ClockError, r.Members[1].ClockError = 40*ms, 30*ms
			},
			Failed, "two servers held the VIP for 100ms, the limit is 20ms",
		},
		"a server told nothing, and two owners are not limited": {
			func(r *Record, _ *Limits) { r.Members[0].Told = false },
			Passed, "",
		},
		"it was to stay and moved": {
			func(r *Record, _ *Limits) { r.Fault, _ = Find(VIPDelete) },
			Failed, "the VIP moved to bastion-2; it was to stay",
		},
		"nobody is active again": {
			func(r *Record, _ *Limits) { r.After = "" },
			Failed, "no member was active again",
		},
		"it had moved by itself before the fault": {
			func(r *Record, _ *Limits) {
				r.Members[0].Events = []Stamped{{1200 * ms, api.Event{Kind: "transition", From: api.Active, To: api.Backup}}}
			},
			Inconclusive, "bastion-1 gave the VIP up by itself 800ms before the fault",
		},
		"it moved by itself, and came back before the fault": {
			func(r *Record, _ *Limits) {
				r.Members[0].Events = []Stamped{
					{1200 * ms, api.Event{Kind: "transition", From: api.Active, To: api.Backup}},
					{1500 * ms, api.Event{Kind: "transition", From: api.Backup, To: api.Active}},
				}
			},
			Passed, "",
		},
		"it moved because of the fault, as far as the clocks can tell": {
			func(r *Record, _ *Limits) {
				r.Members[0].Events = []Stamped{{1999 * ms, api.Event{Kind: "transition", From: api.Active, To: api.Backup}}}
			},
			Passed, "",
		},
		"nothing answers at all": {
			func(r *Record, _ *Limits) { r.Paths[1].Beats = beats(8*time.Second, Span{0, 8 * time.Second}) },
			Failed, "inside: nothing answered",
		},
	} {
		t.Run(name, func(t *testing.T) {
			rec, l := failing(), limits()
			tt.bend(&rec, &l)
			r := Judge(rec, l)
			if r.Verdict != tt.want || !strings.Contains(strings.Join(r.Why, "\n"), tt.why) || tt.want == Passed && len(r.Why) > 0 {
				t.Errorf("%s: %q, want %s with %q", r.Verdict, r.Why, tt.want, tt.why)
			}
		})
	}
}

func TestOwnersAreCountedFromWhatWasHeld(t *testing.T) {
	s := func(from, to int) Span { return Span{time.Duration(from) * ms, time.Duration(to) * ms} }
	for name, tt := range map[string]struct {
		held      [][]Span
		two, none time.Duration
	}{
		"one after the other":       {[][]Span{{s(0, 400)}, {s(400, 1000)}}, 0, 0},
		"a gap":                     {[][]Span{{s(0, 400)}, {s(600, 1000)}}, 0, 200 * ms},
		"both for a while":          {[][]Span{{s(0, 700)}, {s(400, 1000)}}, 300 * ms, 0},
		"three at once count once":  {[][]Span{{s(0, 700)}, {s(400, 1000)}, {s(500, 600)}}, 300 * ms, 0},
		"nobody at the end":         {[][]Span{{s(0, 700)}}, 0, 300 * ms},
		"before and after the span": {[][]Span{{s(-500, 700)}, {s(700, 5000)}}, 0, 0},
		"nothing is known":          {[][]Span{nil, nil}, 0, 0},
	} {
		var members []Witnessed
		for _, h := range tt.held {
			members = append(members, Witnessed{Held: h})
		}
		if two, none := owners(members, s(0, 1000)); two != tt.two || none != tt.none {
			t.Errorf("%s: two for %s, none for %s; want %s and %s", name, two, none, tt.two, tt.none)
		}
	}
}

func TestATestIsAsGoodAsItsWorstRound(t *testing.T) {
	for _, tt := range []struct {
		rounds []Verdict
		want   Verdict
	}{
		{nil, NotPossible},
		{[]Verdict{NotPossible}, NotPossible},
		{[]Verdict{Passed, NotPossible}, Passed},
		{[]Verdict{Passed, Inconclusive, Passed}, Inconclusive},
		{[]Verdict{Failed, Inconclusive, Passed}, Failed},
	} {
		var rounds []Round
		for _, v := range tt.rounds {
			rounds = append(rounds, Round{Verdict: v})
		}
		if got := Worst(rounds); got != tt.want {
			t.Errorf("of %v the worst is %s, want %s", tt.rounds, got, tt.want)
		}
	}
}

func TestLimitsThatThePaceCannotTellAreRefused(t *testing.T) {
	if err := (Limits{Downtime: 199 * ms}).Check(50 * ms); err == nil {
		t.Error("a limit below four paces was taken")
	}
	if err := (Limits{Downtime: 200 * ms}).Check(50 * ms); err != nil {
		t.Error(err)
	}
	if got, want := Theory(300*ms, 249), 900*ms+7*300*ms/256; got != want {
		t.Errorf("theory is %s, want %s", got, want)
	}
}

func TestTheJournalIsReadAsItWasWritten(t *testing.T) {
	const id = "bcc47ce0-2444-4c0a-8d73-6cff822a279b"
	for _, f := range Faults() {
		u := Undo{f.Name, id}
		got, ok := ParseUndo(u.Tag())
		if !ok || got != u {
			t.Errorf("%q is read as %v, %v", u.Tag(), got, ok)
		}
		if f.Place == InCloud && len(u.Tag()) > 60 {
			t.Errorf("%q has %d characters; Neutron before Zed takes 60", u.Tag(), len(u.Tag()))
		}
	}
	for _, tag := range []string{"", "havip", "havip:undo=", "havip:undo=server-stop", "havip:undo=server-stop:", "havip:undo=earthquake:" + id, "other:undo=server-stop:" + id} {
		if u, ok := ParseUndo(tag); ok {
			t.Errorf("%q is read as %v", tag, u)
		}
	}
}

func TestClocksAreComparedByTheQuickestAnswer(t *testing.T) {
	start := time.Now()
	c := clock{start: start}
	ahead := 7 * time.Second
	wall := func(after time.Duration) time.Time { return start.Round(0).Add(after + ahead) }
	c.learn(start.Add(ms), start.Add(101*ms), wall(100*ms)) // a slow way back
	c.learn(start.Add(200*ms), start.Add(202*ms), wall(201*ms))
	c.learn(start.Add(300*ms), start.Add(390*ms), wall(301*ms))
	if c.err != ms || c.offset != ahead {
		t.Errorf("off by %s within %s, want %s within 1ms", c.offset, c.err, ahead)
	}
	if got := c.at(wall(5 * time.Second)); got != 5*time.Second {
		t.Errorf("the server's time is %s on the timeline, want 5s", got)
	}
}
