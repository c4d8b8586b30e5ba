package bench

import (
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/havip/havip/test/field"
)

// What `make bench` sets.
var (
	rounds   = flag.Int("rounds", 0, "compare in full, with `N` rounds of each fault")
	costs    = flag.String("costs", "", "compare processor and memory alone, in the rows that match `REGEXP`")
	jsonFile = flag.String("result", "", "write the result to `FILE`")
	document = flag.String("document", "", "write the tables into `FILE`, between its marks")
)

func TestMain(m *testing.M) {
	flag.Parse()
	// The lanes take turns: all of them have to be there. And the prober's
	// thread must not wait for a processor that the runtime has given away.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	runtime.GOMAXPROCS(8)
	os.Exit(field.Main(m))
}

// It judges no time: whether the bench works, and without -rounds in seconds.
func TestTheAgentAgainstKeepalived(t *testing.T) {
	plan := chosenPlan(t)
	result := Run(t, plan)
	if t.Failed() || t.Skipped() {
		return
	}
	checkComplete(t, plan, result)
	text := result.Markdown()
	t.Log("\n" + text)
	if *jsonFile != "" {
		data, err := json.MarshalIndent(result, "", " ")
		must(t, err)
		must(t, os.WriteFile(*jsonFile, data, 0o644))
	}
	if *document != "" {
		must(t, replaceTables(*document, text))
	}
}

func chosenPlan(t *testing.T) Plan {
	t.Helper()
	switch {
	case *costs != "":
		rows, err := regexp.Compile(*costs)
		must(t, err)
		plan := CostsAlone(rows)
		if len(plan.Costs) == 0 {
			t.Fatalf("no row matches %q: the rows are %v", *costs, Full(0).Costs)
		}
		return plan
	case *rounds > 0:
		return Full(*rounds)
	}
	return Tiny()
}

// checkComplete wants something in every cell, and a silence where there must
// be one.
func checkComplete(t *testing.T, plan Plan, r *Result) {
	t.Helper()
	for _, interval := range plan.Intervals {
		for _, c := range contenders() {
			for _, f := range faults() {
				all := r.of(c.Name, f.Name, interval)
				if len(all) != plan.Rounds {
					t.Errorf("%s, %s at %v: %d rounds, want %d", c.Name, f.Name, interval, len(all), plan.Rounds)
				}
				shared := 0
				for _, x := range all {
					if x.Probes == 0 || x.SinceAdvert <= 0 {
						t.Errorf("%s, %s at %v saw nothing: %+v", c.Name, f.Name, interval, x)
					}
					if f.Name == linkCut && x.Lost == 0 {
						t.Errorf("%s, %s at %v: no probe was lost while the owner was cut off", c.Name, f.Name, interval)
					}
					if x.TwoOwners > 0 {
						shared++
					}
				}
				// keepalived's address may have been on the move when the fault came.
				if f.lasting && (shared == 0 || c.Name == havip && shared < len(all)) {
					t.Errorf("%s, %s at %v: two owners in %d of %d rounds only", c.Name, f.Name, interval, shared, len(all))
				}
			}
		}
	}
	for _, c := range plan.Costs {
		for _, name := range []string{havip, tuned} {
			for _, active := range []bool{true, false} {
				if u := r.cost(name, c, active); u.PSS == 0 || u.CPU <= 0 {
					t.Errorf("%s, %v: the cost is missing: %+v", name, c, u)
				}
			}
		}
	}
	wanted := "| " + linkCut + " |"
	if len(plan.Intervals) == 0 {
		wanted = "PSS: " + havip
	}
	if text := r.Markdown(); !strings.Contains(text, wanted) || strings.Contains(text, "NaN") {
		t.Errorf("the tables are not whole:\n%s", text)
	}
}
