package metrics

import (
	"bytes"
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/havip/havip/agent/api"
)

var update = flag.Bool("update", false, "write the golden file")

// status has a bit of everything.
func status() api.Status {
	at := time.Unix(1_700_000_000, 250_000_000)
	return api.Status{
		Agent: "0.4.0", Group: "bastion", Started: at,
		Routers: []api.Router{
			{
				VRID: 51, State: api.Active, Since: at.Add(time.Minute), Priority: 250, Interval: api.Duration(300 * time.Millisecond),
				Interface: "ens3", Source: netip.MustParseAddr("10.0.0.130"), Held: true,
				Problems:    []api.Problem{{Code: api.ProblemAdvertsBlocked}},
				Transitions: map[string]uint64{"started": 1, `no "advert"` + "\nheard\\": 2},
				Counters: map[string]uint64{
					"adverts_sent": 1000000, "adverts_received": 3, "transitions": 3, "renewals": 1000000, "late_wakeups": 1, "rivals": 2,
					"dropped_ttl": 5, "dropped_peer": 7, "failed_send": 1, "checksum_message": 2, "something-new": 9,
				},
				Peers: []api.Peer{{Address: netip.MustParseAddr("10.0.0.131"), LastAdvert: at, Priority: 249}, {Address: netip.MustParseAddr("10.0.0.132")}},
			},
			{
				VRID: 51, State: api.Init, Since: at, Priority: 250, Interval: api.Duration(300 * time.Millisecond),
				Selector: "fa:16:3e:12:34:56 fd00::130", Source: netip.MustParseAddr("fd00::130"), Counters: map[string]uint64{"dropped_ttl": 1},
			},
		},
		Checks: []api.Check{{Name: "ssh", OK: true, Since: at}, {Name: "web", Since: at, Why: "refused"}},
	}
}

func golden(t *testing.T) []byte {
	t.Helper()
	return page(status(), process{
		goVersion: "go1.26", goroutines: 12, resident: 9 << 20, cpu: 1500 * time.Millisecond, started: status().Started,
	})
}

func TestThePage(t *testing.T) {
	const path = "testdata/page.txt"
	got := golden(t)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("go test ./agent/metrics -update writes it (-want +got)\n%s", diff)
	}
}

// Prometheus' own parser reads the page, and its linter has nothing to say.
func TestThePageIsAsPrometheusWantsIt(t *testing.T) {
	problems, err := promlint.New(bytes.NewReader(golden(t))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Prometheus takes one value for each name with its labels, and warns of others.
func TestRoutersThatWaitForTheirInterfacesAreToldApart(t *testing.T) {
	waiting := func(selector string) api.Router {
		return api.Router{VRID: 51, State: api.Init, Selector: selector, Source: netip.MustParseAddr("10.0.0.130"), Counters: map[string]uint64{"failed_close": 1}}
	}
	s := api.Status{Group: "bastion", Routers: []api.Router{waiting("ens3"), waiting("ens4")}}
	seen := map[string]bool{}
	for line := range strings.Lines(string(page(s, process{}))) {
		series := line[:strings.LastIndexByte(line, ' ')]
		if seen[series] && !strings.HasPrefix(line, "#") {
			t.Errorf("%s stands twice", series)
		}
		seen[series] = true
	}
	if !seen[`havip_router_state{group="bastion",vrid="51",family="ipv4",interface="ens4",state="init"}`] {
		t.Errorf("no state of a router that waits for ens4")
	}
}

func TestAnAgentWithNothingHasAPageToo(t *testing.T) {
	if _, err := promlint.New(bytes.NewReader(page(api.Status{}, readProcess(time.Time{})))).Lint(); err != nil {
		t.Fatal(err)
	}
}
