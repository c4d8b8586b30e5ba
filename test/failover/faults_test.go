package failover

import (
	"slices"
	"testing"
	"time"

	provision "github.com/havip/havip/provision/failover"
	"github.com/havip/havip/test/lab/labtest"
)

// The lab's servers have no network manager to reload.
var notInTheLab = []string{string(provision.NetReload)}

func TestEveryFaultIsMadeAndPutBack(t *testing.T) {
	t.Parallel()
	group(t, "faults", "10.0.0.201", "bastion-1", "bastion-2")
	// A limit that only what is broken exceeds: this machine may be busy.
	out := labtest.Must(t, 0, "failover-test", "faults", "--all", "--max-downtime", "30s", "-o", "json")
	r := parse(t, out.Out)
	if r.Verdict != "passed" || len(r.Left) > 0 {
		t.Errorf("verdict %s, left %v", r.Verdict, r.Left)
	}
	var made []string
	for _, x := range r.Rounds {
		made = append(made, x.Fault)
		if slices.Contains(notInTheLab, x.Fault) {
			if x.Verdict != "not possible" || len(x.Why) == 0 {
				t.Errorf("%s: %s, %v; want that it is not possible, and why", x.Fault, x.Verdict, x.Why)
			}
			continue
		}
		if x.Verdict != "passed" {
			t.Errorf("%s: %s: %v", x.Fault, x.Verdict, x.Why)
		}
		if moved := x.Before != x.After; moved != (x.Expect == "moves") {
			t.Errorf("%s: %s, from %s to %s", x.Fault, x.Expect, x.Before, x.After)
		}
		// One that could not be seen is left out, and the trouble is told; the agent tells its own.
		if got := x.layers(); x.Expect == "moves" && len(x.Trouble) == 0 && (len(got) < 2 || got[0] != "detection" || got[1] != "takeover") {
			t.Errorf("%s: of the layers only %q are known", x.Fault, got)
		}
		if x.Answers != x.After {
			t.Errorf("%s: outside %q answers, and %s is active", x.Fault, x.Answers, x.After)
		}
		if x.silence("outside") < 0 || x.silence("inside") < 0 {
			t.Errorf("%s: the ways that were asked are %v", x.Fault, x.Paths)
		}
		two := time.Duration(x.Two_owners_ms * float64(time.Millisecond))
		switch provision.Name(x.Fault) {
		case provision.AgentFreeze, provision.VRRPBlock:
			// A frozen active holds the VIP until its lease ends, one that is not
			// heard until the other's announcement tells it. Both end.
			if two <= 0 || two > 20*time.Second {
				t.Errorf("%s: two owners for %s; want some time that ends", x.Fault, two)
			}
		case provision.VIPDelete:
			if x.Session != "kept" {
				t.Errorf("%s: the long session is %q; the VIP stayed", x.Fault, x.Session)
			}
		case provision.ServerReboot:
			if x.Session != "broken" || x.silence("outside") < interval {
				t.Errorf("%s: the long session is %q, the silence %s", x.Fault, x.Session, x.silence("outside"))
			}
		}
	}
	if !slices.Equal(made, provision.Names()) {
		t.Errorf("made %v, want %v", made, provision.Names())
	}
	if s, _ := labtest.Look(t, "faults"); !s.Healthy || s.Active() != r.Rounds[0].Before {
		t.Errorf("afterwards the group is %+v; %s was active before", s, r.Rounds[0].Before)
	}
}
