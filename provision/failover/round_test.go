package failover

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestARoundLastsUntilTheWaysAnswerAgain(t *testing.T) {
	const long = 20 * time.Second
	for _, way := range []string{Outside, Inside} {
		t.Run(way+", by the fault", func(t *testing.T) {
			w := &world{struck: func(w *world) { w.darken(way, long) }}
			w.run(t, 1, func(rep Report, err error) {
				if err != nil {
					t.Fatal(err)
				}
				r := rep.Rounds[0]
				near(t, "failover", r.Failover(), long)
				near(t, "failback", r.Failback(), 0)
				if want := map[string]Layer{Outside: NAT, Inside: Neighbours}[way]; r.Slowest != want || r.Verdict != Failed {
					t.Errorf("%s, slowest %s of %v; want %s", r.Verdict, r.Slowest, r.Layers, want)
				}
				if waited := r.Record.Undoing - r.Record.Injected; waited < long+tail {
					t.Errorf("it was undone after %s, and the way was silent for %s", waited, long)
				}
			})
		})
		t.Run(way+", by its undoing", func(t *testing.T) {
			w := &world{undone: func(w *world) { w.darken(way, long) }}
			w.run(t, 1, func(rep Report, err error) {
				if err != nil {
					t.Fatal(err)
				}
				r := rep.Rounds[0]
				near(t, "failover", r.Failover(), 0)
				near(t, "failback", r.Failback(), long)
				judged(t, r, Failed, fmt.Sprintf("%s: silent for %s when it was undone, the limit is 5s", way, round(r.Failback())))
				if line := r.String(); !strings.Contains(line, "s when it was undone, failed") {
					t.Errorf("its line is %q", line)
				}
				if r.Slowest == NAT || r.Slowest == Neighbours {
					t.Errorf("the failover's slowest layer is %s of %v", r.Slowest, r.Layers)
				}
			})
		})
	}
}

// The member that asks inside is the one that takes over, and the SSH connection to it is
// lost meanwhile: the VIP may have been silent, and the takeover is not known.
func TestALostConnectionToTheMemberThatAsksIsNoSilence(t *testing.T) {
	const long = 10 * time.Second
	w := &world{struck: func(w *world) { w.away = time.Now().Add(long) }}
	w.run(t, 1, func(rep Report, err error) {
		if err != nil {
			t.Fatal(err)
		}
		r := rep.Rounds[0]
		near(t, "silence", r.Silence(), 0)
		near(t, "no owner", r.NoOwner, 0)
		if why := strings.Join(r.Why, "; "); r.Verdict != Inconclusive || !strings.HasPrefix(why, "inside: nothing was asked for ") || !strings.HasSuffix(why, "s, and whether it kept the limit, 5s, is not known") {
			t.Errorf("%s: %q", r.Verdict, why)
		}
		if len(r.Layers) > 0 {
			t.Errorf("layers %v of a takeover that nobody saw", r.Layers)
		}
	})
}

func TestAWayThatNeverAnswersAgainHasFailedAndSaysSo(t *testing.T) {
	w := &world{undone: func(w *world) { w.darken(Outside, forever) }}
	w.run(t, 2, func(rep Report, err error) {
		if err != nil {
			t.Fatal(err)
		}
		r := rep.Rounds[0]
		if r.Verdict != Failed || r.Open() < patience || len(r.Why) != 1 ||
			!strings.HasPrefix(r.Why[0], "outside: silent for at least 1m") || !strings.HasSuffix(r.Why[0], "s, and still silent at the end") {
			t.Errorf("%s: %q", r.Verdict, r.Why)
		}
		if line := r.String(); !strings.HasSuffix(line, "when it was undone, and still silent at the end, failed") {
			t.Errorf("its line is %q", line)
		}
		const silent = "203.0.113.10 icmp did not answer from here for 1m0s before the fault, and none was made"
		judged(t, rep.Rounds[1], Inconclusive, silent)
		if line := rep.Rounds[1].String(); line != "agent-stop: not made, inconclusive: "+silent {
			t.Errorf("its line is %q", line)
		}
		if len(w.made) != 1 {
			t.Errorf("%d faults were made, want one", len(w.made))
		}
		if rep.Verdict() != Failed {
			t.Errorf("the test %s", rep.Verdict())
		}
	})
}

// That a limit allows more than a way is waited for makes no difference.
func TestAWayThatNeverAnswersAgainHasFailedWhateverTheLimit(t *testing.T) {
	rec := failing()
	rec.Ended = 70 * time.Second
	for i := range rec.Paths {
		rec.Paths[i].Beats = beats(rec.Ended)
	}
	rec.Paths[1].Beats = beats(rec.Ended, Span{2 * time.Second, rec.Ended})
	l := limits()
	l.Downtime = time.Hour
	judged(t, Judge(rec, l), Failed, "inside: silent for at least 1m7.999s, and still silent at the end")
	// A few packets are lost at the end.
	rec.Paths[1].Beats = beats(rec.Ended, Span{2 * time.Second, 3 * time.Second}, Span{rec.Ended - 500*ms, rec.Ended})
	judged(t, Judge(rec, l), Passed, "")
}

func TestAFaultIsMadeWhenTheWaysAnswer(t *testing.T) {
	const long = 20 * time.Second
	for _, way := range []string{Outside, Inside} {
		t.Run(way, func(t *testing.T) {
			var silent time.Time
			n := 0
			w := &world{observed: func(w *world) {
				if n++; n == 2 { // in the first round it is learned that inside can answer
					silent = time.Now()
					w.darken(way, long)
				}
			}}
			w.run(t, 2, func(rep Report, err error) {
				if err != nil {
					t.Fatal(err)
				}
				r := rep.Rounds[1]
				judged(t, r, Passed, "")
				if after := w.made[1].Sub(silent); after < long+lead || after > long+lead+time.Second {
					t.Errorf("the fault was made %s after the silence of %s began; want when it was over for %s", after, long, lead)
				}
				near(t, "the round's silence", r.Silence(), 0)
				if r.Slowest == NAT || r.Slowest == Neighbours {
					t.Errorf("the slowest layer is %s of %v", r.Slowest, r.Layers)
				}
				if len(r.Paths) != 2 {
					t.Errorf("the ways are %v", r.Paths)
				}
			})
		})
	}
}

func TestATestDoesNotBeginInSilence(t *testing.T) {
	w := &world{observed: func(w *world) { w.darken(Outside, forever) }}
	w.run(t, 1, func(rep Report, err error) {
		if silent := (*SilentError)(nil); !errors.As(err, &silent) || len(rep.Rounds) > 0 || len(w.made) > 0 {
			t.Errorf("%v, %d rounds, %d faults; want that none is made", err, len(rep.Rounds), len(w.made))
		}
	})
}

func TestAWayInsideThatIsClosedIsLeftOutAndNotWaitedFor(t *testing.T) {
	w := &world{observed: func(w *world) { w.darken(Inside, forever) }}
	w.run(t, 2, func(rep Report, err error) {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rep.Rounds {
			judged(t, r, Passed, "")
			if len(r.Paths) != 1 || !slices.Equal(r.Trouble, []string{"inside is left out: 10.0.0.136 icmp did not answer from two before the fault either"}) {
				t.Errorf("the ways are %v, the trouble %q", r.Paths, r.Trouble)
			}
			if took := r.Record.Ended - r.Record.Began; took > 10*time.Second {
				t.Errorf("a round took %s", took)
			}
		}
		if took := rep.Took; took > time.Minute {
			t.Errorf("two rounds took %s", took)
		}
	})
}

func TestARoundWhoseVIPMovesByItselfBeginsOnceMore(t *testing.T) {
	for name, tt := range map[string]struct {
		moves int
		want  Verdict
		why   string
		made  int
	}{
		"once":  {1, Passed, "", 1},
		"twice": {2, Inconclusive, "the VIP moved by itself before the fault was made, twice", 0},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			w := &world{observed: func(w *world) {
				if n++; n <= tt.moves {
					w.active = map[string]string{"1": "2", "2": "1"}[w.active]
				}
			}}
			w.run(t, 1, func(rep Report, err error) {
				if err != nil {
					t.Fatal(err)
				}
				r := rep.Rounds[0]
				judged(t, r, tt.want, tt.why)
				if len(w.made) != tt.made || r.Number != 1 {
					t.Errorf("round %d, %d faults were made, want %d", r.Number, len(w.made), tt.made)
				}
				if tt.made > 0 && (r.Before != "two" || r.After != "one") {
					t.Errorf("the fault was made on %s, and %s took over; the VIP had moved to two", r.Before, r.After)
				}
				if w.active != "1" {
					t.Error("in the end the active member is not the one that was in the beginning")
				}
			})
		})
	}
}

func TestAGroupThatIsNotWellAgainAfterAFaultHasFailed(t *testing.T) {
	for name, struck := range map[string]func(*world){
		"another one took over": nil,
		"nobody took over":      func(w *world) { w.active = "" },
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{struck: struck, undone: func(w *world) { w.active = "" }}
			w.run(t, 2, func(rep Report, err error) {
				const unwell = "the group is not well again: one backup, two backup"
				if apart := (*DisagreeError)(nil); !errors.As(err, &apart) || rep.Broken != "round 1, agent-stop: "+unwell {
					t.Errorf("%v, broken off: %q", err, rep.Broken)
				}
				if len(rep.Rounds) != 1 || rep.Verdict() != Failed || len(rep.Left) > 0 {
					t.Fatalf("%d rounds, %s, left %q; want the one that was made, failed", len(rep.Rounds), rep.Verdict(), rep.Left)
				}
				r := rep.Rounds[0]
				if r.Verdict != Failed || r.Why[0] != unwell || len(r.Paths) != 2 {
					t.Errorf("%s: %q, ways %v", r.Verdict, r.Why, r.Paths)
				}
			})
		})
	}
}

func TestTheFirstActiveMemberThatIsNotActiveAgainIsLeft(t *testing.T) {
	w := &world{undone: func(w *world) { w.active = "2" }, refuses: errors.New("a check fails")}
	w.run(t, 1, func(rep Report, err error) {
		want := []string{"active member one: make one active again: a check fails"}
		if left := (*LeftError)(nil); !errors.As(err, &left) || !slices.Equal(rep.Left, want) {
			t.Errorf("%v, left %q; want %q", err, rep.Left, want)
		}
		if rep.Verdict() != Inconclusive || len(rep.Rounds) != 1 || rep.Rounds[0].Verdict != Passed {
			t.Errorf("the test %s, its rounds %v", rep.Verdict(), rep.Rounds)
		}
	})
}

func TestMembersThatAreNotWellInTheBeginningAreLeftOutOfADegradedGroup(t *testing.T) {
	three := Member{Name: "three", ServerID: "3"}
	t.Run("one of three", func(t *testing.T) {
		w := &world{bend: func(test *Test) {
			test.Degraded, test.Cloud, test.Members = true, nova("SHUTOFF"), append(test.Members, three)
		}}
		w.run(t, 2, func(rep Report, err error) {
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rep.Rounds {
				judged(t, r, Passed, "")
				if len(r.Record.Members) != 2 {
					t.Errorf("%d members told something, want the two that are well", len(r.Record.Members))
				}
			}
			if len(rep.Rounds) != 2 || rep.Took > 2*time.Minute {
				t.Errorf("%d rounds in %s", len(rep.Rounds), rep.Took)
			}
		})
	})
	for name, bend := range map[string]func(*Test){
		"one of two": func(test *Test) {
			test.Degraded, test.Cloud, test.Members = true, nova("SHUTOFF"), []Member{test.Members[0], three}
		},
		"one of three, that may take over": func(test *Test) {
			test.Degraded, test.Cloud, test.Members = true, nova("ACTIVE"), append(test.Members, three)
		},
		"one of three, where none may be": func(test *Test) { test.Members = append(test.Members, three) },
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{bend: bend}
			w.run(t, 1, func(rep Report, err error) {
				if apart := (*DisagreeError)(nil); !errors.As(err, &apart) || len(w.made) > 0 || len(rep.Rounds) > 0 {
					t.Errorf("%v, %d faults; want that none is made", err, len(w.made))
				}
			})
		})
	}
}
