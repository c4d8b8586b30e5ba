//go:build acceptance

package acceptance

import (
	"cmp"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// Those whose outcome no busy machine changes.
var usualFaults = []string{"--fault", "switchover,port-down,server-reboot"}

// asked is a way on which the VIP was asked.
type asked struct {
	Path     string
	Failover float64 `json:"failover_ms"`
}

// With HAVIP_ACC_MEASURE=FILE every fault is made three times (HAVIP_ACC_ROUNDS)
// on three servers that networkd manages, which takes half an hour and more, and
// the report is written to the file: `make failover-table PLACE=cloud`.
func TestFaultsAreMadeAndPutBack(t *testing.T) {
	measure := os.Getenv("HAVIP_ACC_MEASURE")
	// Two servers: what is seen from the third is the other tests'.
	g, faults := newGroup(t, "failover", "10.77.0.213", the.servers[0], the.servers[1]), usualFaults
	if measure != "" {
		g.members = the.servers
		faults = []string{"--all", "--rounds", cmp.Or(os.Getenv("HAVIP_ACC_ROUNDS"), "3")}
	}
	mustHavip(t, 0, g.create("--verify", "http:http://havip.test/", "--check", "ssh=tcp:22", "--floating-ip", the.vipFIP)...)
	before := healthy(t, g.name)
	if measure != "" {
		for _, h := range g.members {
			h.manage(t, before.member(t, h).Agent.Routers[0].Interface)
		}
	}

	args := append([]string{
		"failover-test", g.name, "--max-downtime", "60s", "-o", "json",
		"--html", os.TempDir() + "/havip-failover.html",
		"--probe", "icmp", // pages are not served by servers that were started again, nor let through from inside
	}, faults...)
	o := within(2*time.Hour, nil, append([]string{the.bin}, on(args...)...)...)
	if measure != "" {
		if err := os.WriteFile(measure, []byte(o.out), 0o644); err != nil {
			t.Error(err)
		}
	}
	var rep struct {
		Verdict string
		Left    []string
		Rounds  []struct {
			Fault, Verdict, Expect, Before, After, Answers string
			Why                                            []string
			TwoOwners                                      float64 `json:"two_owners_ms"`
			Failback                                       float64 `json:"failback_ms"`
			Paths                                          []asked
		}
	}
	if err := json.Unmarshal([]byte(o.out), &rep); err != nil {
		t.Fatalf("%v\n%v", err, o)
	}
	if o.code != 0 || len(rep.Left) > 0 {
		t.Errorf("exit code %d, left %v\n%v", o.code, rep.Left, o)
	}
	for _, r := range rep.Rounds {
		t.Logf("%s: %s %v, two owners %.0f ms, failback %.0f ms, %v", r.Fault, r.Verdict, r.Why, r.TwoOwners, r.Failback, r.Paths)
		if measure != "" && r.Verdict != "not possible" && !slices.ContainsFunc(r.Paths, func(w asked) bool { return w.Path == "inside" }) {
			t.Errorf("%s: inside was left out", r.Fault)
		}
		switch {
		case r.Verdict == "not possible":
			// A foreign cloud's image may lack nft, its hypervisor may be unable to pause.
			if len(r.Why) == 0 || !slices.Contains([]string{"vrrp-block", "service", "server-pause", "net-reload"}, r.Fault) {
				t.Errorf("%s was not possible: %v", r.Fault, r.Why)
			}
		case r.Verdict != "passed":
			t.Errorf("%s: %s: %s", r.Fault, r.Verdict, strings.Join(r.Why, "; "))
		case (r.Before != r.After) != (r.Expect == "moves"):
			t.Errorf("%s: %s, from %s to %s", r.Fault, r.Expect, r.Before, r.After)
		case r.TwoOwners > float64(30*time.Second/time.Millisecond):
			t.Errorf("%s: two owners for %.0f ms", r.Fault, r.TwoOwners)
		}
	}
	healthy(t, g.name)
}
