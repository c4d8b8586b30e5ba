package bench

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Markdown is the result as docs/performance.md has it.
func (r *Result) Markdown() string {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "Measured on %s in %v at commit `%s`: %s, %d processors, %s, Linux %s; %s; %s. Load of the machine (1, 5, 15 minutes): %s at the beginning, %s at the end; the hypervisor gave %s of the processors' time to others.",
		r.Begun.UTC().Format("2 January 2006, 15:04 UTC"), r.Took.Round(time.Second), m.Commit, m.Processor, m.Processors, m.Memory, m.Kernel,
		m.Keepalived, m.Go, averages(r.LoadFrom), averages(r.LoadTo), percent(r.Stolen))
	if len(r.Rounds) > 0 {
		fmt.Fprintf(&b, " %d rounds of each fault, %d in all, of which %d were made again; %s of the probes could not be sent.",
			r.Each, len(r.Rounds), r.again(), percent(r.unsent()))
	}
	b.WriteString("\n")
	if len(r.Rounds) > 0 {
		r.faults(&b)
	}
	if len(r.Costs) > 0 {
		r.costs(&b)
	}
	r.goals(&b)
	return b.String()
}

// faults is what the rounds have shown.
func (r *Result) faults(b *strings.Builder) {
	b.WriteString("\n### Silence\n\nFor how long the client got no answer, in ms: least, median, greatest.\n")
	for _, interval := range r.intervals() {
		r.silence(b, interval)
	}
	r.detection(b)
	r.owners(b)
}

func (r *Result) silence(b *strings.Builder, interval time.Duration) {
	fmt.Fprintf(b, "\nAdvertisements each %v:\n\n| fault | %s | %s | %s | %s / tuned |\n|---|--:|--:|--:|--:|\n", interval, havip, usual, tuned, havip)
	for _, f := range faults() {
		ours, theirs := r.silent(havip, f.Name, interval), r.silent(tuned, f.Name, interval)
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", f.Name, ours.ms(), r.silent(usual, f.Name, interval).ms(), theirs.ms(),
			ratio(float64(ours.median), float64(theirs.median)))
	}
}

func (r *Result) silent(contender, fault string, interval time.Duration) spread {
	return spreadOf(r.of(contender, fault, interval), func(x Round) time.Duration { return x.Silence })
}

// detection compares the link cut with what the protocol allows.
func (r *Result) detection(b *strings.Builder) {
	b.WriteString("\n### A cut against theory\n\nFrom the old owner's last advertisement to the new owner's first answer, in ms. Theory: 3 intervals and the backup's skew.\n\n")
	fmt.Fprintf(b, "| interval | contender | theory | least, median, greatest | median beyond theory |\n|---|---|--:|--:|--:|\n")
	for _, interval := range r.intervals() {
		for _, c := range contenders() {
			theory := settings{interval: interval}.down(c.priority[1])
			took := spreadOf(r.of(c.Name, linkCut, interval), func(x Round) time.Duration { return x.SinceAdvert })
			fmt.Fprintf(b, "| %v | %s | %s | %s | %s |\n", interval, c.Name, ms(theory), took.ms(), ms(took.median-theory))
		}
	}
}

// owners says for how long two nodes had the address.
func (r *Result) owners(b *strings.Builder) {
	b.WriteString("\n### Two owners\n\nFor how long both nodes had the address after the fault, in ms. \"never ended\": until the round did.\n\n")
	fmt.Fprintf(b, "| fault | interval | %s | %s | %s |\n|---|---|--:|--:|--:|\n", havip, usual, tuned)
	for _, f := range faults() {
		if !f.lasting {
			continue
		}
		for _, interval := range r.intervals() {
			fmt.Fprintf(b, "| %s | %v |", f.Name, interval)
			for _, c := range contenders() {
				rounds := r.of(c.Name, f.Name, interval)
				cell := spreadOf(rounds, func(x Round) time.Duration { return x.TwoOwners }).ms()
				if n := stillTwo(rounds); n > 0 {
					watched := spreadOf(rounds, func(x Round) time.Duration { return x.Watched })
					cell = fmt.Sprintf("never ended (%d of %d, watched for %s)", n, len(rounds), ms(watched.median))
				}
				fmt.Fprintf(b, " %s |", cell)
			}
			b.WriteString("\n")
		}
	}
}

func stillTwo(rounds []Round) int {
	n := 0
	for _, x := range rounds {
		if x.StillTwo {
			n++
		}
	}
	return n
}

func (r *Result) costs(b *strings.Builder) {
	b.WriteString("\n### Processor and memory\n\nOne agent against keepalived's two processes. Processor: share of one processor, in %. Memory: PSS, in MiB.\n\n")
	fmt.Fprintf(b, "| interval | routers | on the | processor: %s | keepalived | ratio | PSS: %s | keepalived | ratio |\n|---|--:|---|--:|--:|--:|--:|--:|--:|\n", havip, havip)
	for _, c := range r.measuredCosts() {
		for _, active := range []bool{true, false} {
			ours, theirs := r.cost(havip, c, active), r.cost(tuned, c, active)
			fmt.Fprintf(b, "| %v | %d | %s | %.2f | %.2f | %s | %.1f | %.1f | %s |\n", c.Interval, c.Routers, role(active),
				ours.CPU, theirs.CPU, ratio(ours.CPU, theirs.CPU),
				float64(ours.PSS)/1024, float64(theirs.PSS)/1024, ratio(float64(ours.PSS), float64(theirs.PSS)))
		}
	}
}

func role(active bool) string {
	if active {
		return "active"
	}
	return "backup"
}

// intervals are those that were measured, in the order of the run.
func (r *Result) intervals() []time.Duration {
	var all []time.Duration
	for _, x := range r.Rounds {
		if !slices.Contains(all, x.Interval) {
			all = append(all, x.Interval)
		}
	}
	return all
}

func (r *Result) measuredCosts() []Cost {
	var all []Cost
	for _, u := range r.Costs {
		if c := (Cost{u.Interval, u.Routers}); !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

func (r *Result) unsent() float64 {
	sent, unsent := 0, 0
	for _, x := range r.Rounds {
		sent, unsent = sent+x.Probes, unsent+x.Unsent
	}
	return float64(unsent) / float64(max(1, sent+unsent))
}

// again is how many rounds were made more than once.
func (r *Result) again() int {
	n := 0
	for _, x := range r.Rounds {
		if x.Tries > 1 {
			n++
		}
	}
	return n
}

func averages(loadavg string) string {
	if f := strings.Fields(loadavg); len(f) > 3 {
		return strings.Join(f[:3], ", ")
	}
	return "unknown"
}

func percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }

func (s spread) ms() string {
	if s.max == 0 {
		return "0"
	}
	return ms(s.min) + " / **" + ms(s.median) + "** / " + ms(s.max)
}

// ms is a time in ms with three digits that count.
func ms(d time.Duration) string {
	v := float64(d) / float64(time.Millisecond)
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v == 0:
		return "0"
	default:
		return fmt.Sprintf("%.1f", v)
	}
}

func ratio(ours, theirs float64) string {
	if theirs == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", ours/theirs)
}
