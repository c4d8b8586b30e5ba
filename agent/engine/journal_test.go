package engine

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/havip/havip/agent/api"
)

func TestTheJournalKeepsTheLastEventsInOrder(t *testing.T) {
	j := NewJournal()
	_, more := j.Events(0)
	const total = journalSize + journalSize/2
	for range total {
		j.Append(api.Event{Kind: "announce"})
	}
	select {
	case <-more:
	default:
		t.Error("the reader was not told of new events")
	}
	for _, tt := range []struct {
		name        string
		after       uint64
		first, many uint64
	}{
		{"from the start: the oldest that is kept", 0, total - journalSize + 1, journalSize},
		{"from the middle", total - 10, total - 9, 10},
		{"from the end", total, 0, 0},
		{"from the future, of an agent that was restarted", total + 5, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events, _ := j.Events(tt.after)
			if uint64(len(events)) != tt.many {
				t.Fatalf("%d events, want %d", len(events), tt.many)
			}
			for i, ev := range events {
				if want := tt.first + uint64(i); ev.Seq != want {
					t.Fatalf("event %d has Seq %d, want %d", i, ev.Seq, want)
				}
			}
		})
	}
}

// What recurs must not push the history out of the journal.
func TestWhatComesAndGoesIsAnEventOnceInAWhile(t *testing.T) {
	count := func(r *rig, kind string) int { return len(r.kinds(kind)) - len(r.kinds()) }
	const often = 400 // intervals, in less than `forget`
	synctest.Test(t, func(t *testing.T) {
		r := active(t, newFakeNIC(), testConfig())
		send := func(errs ...error) {
			for i := range often {
				r.nic.wire.fail(errs[i%len(errs)])
				r.pass(interval)
			}
		}
		denied, full := errors.New("operation not permitted"), errors.New("no buffer space available")
		send(denied, nil)
		if n := count(r, "fault"); n != 1 {
			t.Errorf("%d events of a send that fails now and then, want 1", n)
		}
		if n := r.router().Counters["failed_send"]; n != often/2 {
			t.Errorf("%d failures counted, want %d", n, often/2)
		}
		if r.nic.wire.fail(nil); len(r.router().Problems) > 0 {
			t.Errorf("problems %+v of what went well the last time", r.router().Problems)
		}
		send(full, nil, denied, nil)
		if n := count(r, "fault"); n != 2 {
			t.Errorf("%d events when it fails for another reason too, want 2", n)
		}
		r.nic.wire.fail(nil)
		r.pass(forget)
		send(denied, nil)
		if n := count(r, "fault"); n != 3 {
			t.Errorf("%d events when it fails after it was well for long, want 3", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), testConfig())
		for range often {
			advert := r.nic.wire.advert(250)
			r.nic.wire.deliver(advert)
			advert.Interval = 2 * interval
			r.nic.wire.deliver(advert)
			r.pass(interval)
		}
		if n := count(r, "mismatch"); n != 1 || r.router().Counters["interval_mismatches"] != often {
			t.Errorf("%d events of a mismatch now and then, want 1; %d counted, want %d", n, r.router().Counters["interval_mismatches"], often)
		}
	})
}
