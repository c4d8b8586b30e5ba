package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/provision/failover"
)

func TestTheSlowestRoundSaysWhereItsTimeWentOrWhyThatIsNotKnown(t *testing.T) {
	stop, _ := failover.Find(failover.ServerStop)
	for name, tt := range map[string]struct {
		round     failover.Round
		row, says string
	}{
		"it moved": {
			failover.Round{Before: "one", After: "two", Layers: []failover.Share{{Layer: failover.Detection, Took: 900 * time.Millisecond}}},
			"one two", "detection 0.90 s",
		},
		"it moved, and the successor told nothing": {failover.Round{Before: "one", After: "two"}, "one two", "two did not tell when it took over"},
		"it stayed":              {failover.Round{Before: "one", After: "one"}, "one one", "the VIP stayed"},
		"nobody took it over":    {failover.Round{Before: "one"}, "one nobody", "nobody took over"},
		"the fault was not made": {failover.Round{}, "-", "the fault was not made"},
	} {
		tt.round.Number, tt.round.Fault, tt.round.Verdict = 1, stop, failover.Inconclusive
		var b strings.Builder
		FailoverView{failover.Report{Rounds: []failover.Round{tt.round}}}.Human(&b)
		var row, slowest string
		for line := range strings.Lines(b.String()) {
			words := strings.Fields(line)
			switch {
			case len(words) > 0 && words[0] == "1":
				row, _, _ = strings.Cut(strings.Join(words[2:], " "), " -")
			case len(words) > 0 && words[0] == "slowest":
				slowest = strings.TrimSpace(line)
			}
		}
		if row != tt.row || !strings.HasSuffix(slowest, ": "+tt.says) {
			t.Errorf("%s: %q and %q, want %q and %q", name, row, slowest, tt.row, tt.says)
		}
	}
}
