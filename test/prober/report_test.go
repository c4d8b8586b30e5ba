package prober

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var epoch = time.Unix(1_000_000, 0)

func at(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

// seen makes a report from a drawing of its slots: a letter is an answer of that
// server, two answers in a slot stand in brackets, "." is a lost probe and "-" one
// that did not leave.
func seen(drawing string) Report {
	r := Report{Every: time.Millisecond}
	inBrackets := false
	for _, c := range drawing {
		slot := len(r.Probes)
		switch c {
		case '(':
			inBrackets = true
			r.Probes = append(r.Probes, Probe{At: at(slot)})
		case ')':
			inBrackets = false
		case '-':
			r.Probes = append(r.Probes, Probe{})
		case '.':
			r.Probes = append(r.Probes, Probe{At: at(slot)})
		default:
			if !inBrackets {
				r.Probes = append(r.Probes, Probe{At: at(slot)})
			}
			p := &r.Probes[len(r.Probes)-1]
			p.Answers = append(p.Answers, Answer{At: p.At, By: string(c)})
		}
	}
	return r
}

func TestTheLongestSilence(t *testing.T) {
	tests := []struct {
		name    string
		drawing string
		want    Silence
	}{
		{"nothing was lost", "aaaa", Silence{}},
		{"nothing was sent", "----", Silence{}},
		{"from the first lost to the next answered", "aa...bb", Silence{From: at(2), To: at(5), Lost: 3}},
		{"the longer of two", "a..a...a.a", Silence{From: at(4), To: at(7), Lost: 3}},
		{"not sent is not lost", "aa---aa", Silence{}},
		{"not sent within it", "a.-.a", Silence{From: at(1), To: at(4), Lost: 2, Blind: 0}},
		{"not sent before it", "a--..a", Silence{From: at(3), To: at(5), Lost: 2, Blind: ms(2)}},
		{"not sent after it", "a..---a", Silence{From: at(1), To: at(6), Lost: 2, Blind: ms(3)}},
		{"from the start", "..a", Silence{From: at(0), To: at(2), Lost: 2}},
		{"to the end", "a..", Silence{From: at(1), To: at(2), Lost: 2, Open: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, seen(tt.drawing).Longest()); diff != "" {
				t.Errorf("silence (-want +got):\n%s", diff)
			}
		})
	}
}

func TestThePauseInWhichNoProbeLeft(t *testing.T) {
	tests := []struct {
		name     string
		drawing  string
		from, to int // ms
		want     time.Duration
	}{
		{"none", "aaaaa", 0, 4, ms(1)},
		{"lost is sent", "a...a", 0, 4, ms(1)},
		{"between two that left", "aa---a-a", 0, 7, ms(4)},
		{"at the beginning", "a----aa", 2, 6, ms(3)},
		{"at the end", "aaa----a", 0, 6, ms(4)},
		{"before and after it", "a----aa----a", 5, 7, ms(1)},
		{"nothing left", "-----", 1, 4, ms(3)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := seen(tt.drawing).Pause(at(tt.from), at(tt.to)); got != tt.want {
				t.Errorf("pause %v, want %v", got, tt.want)
			}
		})
	}
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func TestCounts(t *testing.T) {
	r := seen("aa-..(ab)b-b")
	got := []int{r.Sent(), r.Unsent(), r.Lost(), r.Duplicates()}
	if diff := cmp.Diff([]int{7, 2, 2, 1}, got); diff != "" {
		t.Errorf("sent, unsent, lost, duplicates (-want +got):\n%s", diff)
	}
}

func TestTheTimelineSaysWhoAnswered(t *testing.T) {
	want := []Span{
		{By: "a", From: at(0), To: at(1), Answers: 2},
		{By: "b", From: at(4), To: at(6), Answers: 2},
		{By: "a", From: at(7), To: at(7), Answers: 1},
	}
	if diff := cmp.Diff(want, seen("aa..b-ba").Timeline()); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
}

func TestSinceLeavesOutWhatWasBefore(t *testing.T) {
	r := seen("..a-.b")
	for _, tt := range []struct{ from, probes, lost int }{{0, 6, 3}, {1, 5, 2}, {3, 2, 1}, {5, 1, 0}, {6, 0, 0}} {
		if got := r.Since(at(tt.from)); len(got.Probes) != tt.probes || got.Lost() != tt.lost {
			t.Errorf("since slot %d: %d slots, %d lost, want %d, %d", tt.from, len(got.Probes), got.Lost(), tt.probes, tt.lost)
		}
	}
}

func TestSharedAndVacantTime(t *testing.T) {
	holdings := []Holding{
		{Server: "a", From: at(0), To: at(10)},
		{Server: "b", From: at(6), To: at(20)},
		{Server: "a", From: at(25)},
		{Server: "b", From: at(30)},
	}
	if got := Shared(holdings, at(-5), at(40)); got != ms(4+10) {
		t.Errorf("two owners for %v, want 14ms", got)
	}
	if got := Vacant(holdings, at(-5), at(40)); got != ms(5+5) {
		t.Errorf("no owner for %v, want 10ms", got)
	}
	if got := Shared(holdings, at(8), at(9)); got != ms(1) {
		t.Errorf("two owners for %v within a holding, want 1ms", got)
	}
}
