package engine

import (
	"testing"

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
