package pulse

import (
	"slices"
	"time"

	"github.com/havip/havip/agent/api"
)

// Summary is what a run of beats comes to.
type Summary struct {
	Asked    int
	Answered int
	Lost     int
	Skipped  int // not asked: this machine was busy
	// Silence is the longest time without an answer beyond the pace at which
	// they come, and From and To are when it began and ended.
	Silence  time.Duration
	From, To time.Duration
}

// Sum sums beats up that were asked between from and to, since the start of
// their run.
func Sum(beats []api.Beat, every time.Duration, from, to time.Duration) Summary {
	var s Summary
	for _, b := range asked(beats, from, to) {
		s.Asked++
		s.Skipped += b.Skipped
		if b.Answered() {
			s.Answered++
		} else {
			s.Lost++
		}
	}
	for _, l := range Silences(beats, every, from, to) {
		if l.Length > s.Silence {
			s.Silence, s.From, s.To = l.Length, l.From, l.To
		}
	}
	return s
}

// Silence is a time without an answer, from one to the next. An answer that came
// late ends it when it came, not when it was asked for: a packet that waits in a
// neighbour cache until the address is found does not shorten it.
type Silence struct {
	From, To time.Duration
	// Asked is when the first question of it was asked. What lies between From
	// and it is the pace, or a time in which this machine was busy.
	Asked  time.Duration
	Length time.Duration // beyond the pace, as far as was asked
	// Unasked is how much longer it may have been: for so long nothing was asked.
	Unasked time.Duration
	Open    bool // it was not over
}

// Silences are those among the beats that were asked between from and to, since
// the start of their run, in order. A beginning without an answer counts from from
// on, and an end without one until to.
func Silences(beats []api.Beat, every time.Duration, from, to time.Duration) []Silence {
	var sent, heard []time.Duration
	for _, b := range asked(beats, from, to) {
		sent = append(sent, time.Duration(b.Sent))
		if b.Answered() {
			heard = append(heard, time.Duration(b.Heard))
		}
	}
	slices.Sort(sent)
	slices.Sort(heard)
	gaps := gapsOf(sent, every, from, to)
	var all []Silence
	last := from
	end := func(at time.Duration, open bool) {
		if most := at - last - every; most > 0 {
			s := Silence{From: last, To: at, Asked: at, Open: open}
			if i, _ := slices.BinarySearch(sent, last); i < len(sent) {
				s.Asked = min(sent[i], at)
			}
			s.Length = most
			for _, g := range gaps {
				s.Length -= max(0, min(g.To, at)-max(g.From, last))
			}
			s.Length = max(0, min(s.Length, at-s.Asked))
			s.Unasked = most - s.Length
			all = append(all, s)
		}
		last = max(last, at)
	}
	for _, at := range heard {
		end(at, false)
	}
	end(to, true)
	return all
}

// Gap is a time in which nothing was asked, from when the next question was due.
type Gap struct{ From, To time.Duration }

// Gaps are the times between from and to in which nothing was asked, as far as is known:
// who asked was busy, or could not be heard. Where two questions that are not much apart
// had no answer, there would have been none between them: that is no gap.
func Gaps(beats []api.Beat, every time.Duration, from, to time.Duration) []Gap {
	var sent []time.Duration
	for _, b := range asked(beats, from, to) {
		sent = append(sent, time.Duration(b.Sent))
	}
	slices.Sort(sent)
	return gapsOf(sent, every, from, to)
}

func gapsOf(sent []time.Duration, every, from, to time.Duration) []Gap {
	const much = 500 * time.Millisecond
	var gaps []Gap
	last := from
	for _, at := range append(slices.Clip(sent), to) {
		if at-last > max(much, 4*every) {
			gaps = append(gaps, Gap{last + every, at})
		}
		last = at
	}
	return gaps
}

// asked are the beats that were asked between from and to.
func asked(beats []api.Beat, from, to time.Duration) []api.Beat {
	var in []api.Beat
	for _, b := range beats {
		if sent := time.Duration(b.Sent); sent >= from && sent < to {
			in = append(in, b)
		}
	}
	return in
}
