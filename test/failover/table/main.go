// Command table makes a Markdown table of what `havip failover-test -o json` printed:
// a row for each fault, the least, median and greatest of its rounds.
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

type report struct {
	Every_ms float64 //nolint:revive // as in the JSON
	Probe    string
	Rounds   []struct {
		Fault, Verdict, Expect string
		Why                    []string
		Two_owners_ms          float64 //nolint:revive // as in the JSON
		Failback_ms            float64 //nolint:revive // as in the JSON
		Paths                  []struct {
			Path        string
			Control     bool
			Lost        int
			Failover_ms float64 //nolint:revive // as in the JSON
		}
		Layers []struct {
			Layer   string
			Took_ms float64 //nolint:revive // as in the JSON
		}
	}
}

// row is one fault's figures, in milliseconds.
type row struct {
	expect, why                 string
	outside, inside, back, both []float64
	slowest                     map[string]int
	failed                      int
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	var rep report
	if err := json.NewDecoder(in).Decode(&rep); err != nil {
		return fmt.Errorf("read the report: %w", err)
	}
	rows := map[string]*row{}
	var order []string
	for _, r := range rep.Rounds {
		x := rows[r.Fault]
		if x == nil {
			x = &row{expect: r.Expect, slowest: map[string]int{}}
			rows[r.Fault] = x
			order = append(order, r.Fault)
		}
		if r.Verdict == "not possible" {
			x.why = strings.Join(r.Why, "; ")
			continue
		}
		if r.Verdict != "passed" {
			x.failed++
		}
		for _, p := range r.Paths {
			switch {
			case p.Control:
			case p.Path == "outside":
				x.outside = append(x.outside, p.Failover_ms)
			default:
				x.inside = append(x.inside, p.Failover_ms)
			}
		}
		if r.Fault != "switchover" { // else nothing is undone
			x.back = append(x.back, r.Failback_ms)
		}
		x.both = append(x.both, r.Two_owners_ms)
		slowest, most := "", -1.0
		for _, l := range r.Layers {
			if l.Took_ms > most {
				slowest, most = l.Layer, l.Took_ms
			}
		}
		x.slowest[slowest]++
	}
	fmt.Fprintln(out, "| fault | the VIP | silent outside, ms | silent inside, ms | silent at failback, ms | two owners, ms | slowest layer | rounds |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|")
	for _, f := range order {
		x := rows[f]
		if x.why != "" {
			fmt.Fprintf(out, "| `%s` | - | not possible: %s | | | | | |\n", f, x.why)
			continue
		}
		note := fmt.Sprint(len(x.both))
		if x.failed > 0 {
			note += fmt.Sprintf(", %d failed", x.failed)
		}
		fmt.Fprintf(out, "| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", f, x.expect, spread(x.outside), spread(x.inside), spread(x.back), spread(x.both), x.layer(), note)
	}
	return nil
}

// spread is "least / median / greatest".
func spread(v []float64) string {
	if len(v) == 0 {
		return "-"
	}
	slices.Sort(v)
	return fmt.Sprintf("%.0f / %.0f / %.0f", v[0], v[len(v)/2], v[len(v)-1])
}

// layer is the one that was the slowest most often.
func (x *row) layer() string {
	best := ""
	for l := range x.slowest {
		if best == "" || cmp.Compare(x.slowest[l], x.slowest[best]) > 0 {
			best = l
		}
	}
	return cmp.Or(best, "-")
}
