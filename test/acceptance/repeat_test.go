//go:build acceptance

package acceptance

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// request is one line of what -v writes to stderr for each API request.
type request struct {
	Request string
	Status  int
	Start   time.Time
	MS      float64
}

func (r request) end() time.Time { return r.Start.Add(time.Duration(r.MS * float64(time.Millisecond))) }

// requests are the API requests of a run with -v.
func requests(t *testing.T, o output) []request {
	t.Helper()
	var all []request
	for line := range strings.Lines(o.err) {
		if !strings.HasPrefix(line, `{"request"`) {
			continue
		}
		var r request
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		t.Fatalf("no request was recorded:\n%v", o)
	}
	return all
}

// writes are the requests that change something; logging in does not.
func writes(all []request) []string {
	var w []string
	for _, r := range all {
		if !strings.HasPrefix(r.Request, "GET ") && !strings.HasSuffix(r.Request, "/auth/tokens") {
			w = append(w, r.Request)
		}
	}
	return w
}

// depth is the length of the longest chain of requests of which each began
// after the one before had ended: no fewer round trips than that in a row.
func depth(all []request) int {
	byEnd := slices.SortedFunc(slices.Values(all), func(a, b request) int { return a.end().Compare(b.end()) })
	n, last := 0, time.Time{}
	for _, r := range byEnd {
		if !r.Start.Before(last) {
			n, last = n+1, r.end()
		}
	}
	return n
}

// disturbed tells whether somebody else wrote meanwhile, so that a request had
// to be made again: Neutron's own agents do after a server was started.
func disturbed(all []request) bool {
	return slices.ContainsFunc(all, func(r request) bool { return r.Status == http.StatusPreconditionFailed || r.Status >= 500 })
}

func TestCreateTwiceAndDeleteTwice(t *testing.T) {
	one, two := the.servers[0], the.servers[1]
	const group, vip = "twice", "10.77.0.211"
	before := snapshot(t)
	wanted := on(group, "--server", one.name, "--server", two.id,
		"--network", the.network, "--address", vip, "--floating-ip", the.vipFIP, "--verify", "http:http://havip.test/",
		"--host-keys", "accept-new", "-v")
	args := append([]string{"create", "--yes"}, wanted...)
	t.Cleanup(func() { havip(on("delete", group, "--yes")...) })

	first := mustHavip(t, 0, args...)
	all := requests(t, first)
	// Requests that were made at once may also seem to come one after the other
	// on a machine with much else to do. What really does, does so each time.
	for range 4 {
		if !disturbed(all) && depth(all) <= 10 {
			break
		}
		t.Log("somebody else wrote meanwhile, or the machine was busy: counted anew")
		mustHavip(t, 0, on("delete", group, "--yes")...)
		first = mustHavip(t, 0, args...)
		all = requests(t, first)
	}
	n := 2
	t.Logf("create with %d servers: %d API requests (limit %d), depth %d (limit 10), %.1f s", n, len(all), 25+3*n, depth(all), first.took.Seconds())
	if len(all) > 25+3*n {
		t.Errorf("create made %d API requests, at most %d are allowed", len(all), 25+3*n)
	}
	if d := depth(all); d > 10 {
		t.Errorf("create made %d API requests one after the other, at most 10 are allowed", d)
	}
	if t.Failed() {
		for _, r := range all {
			t.Logf("%s %7.1f ms  %d %s", r.Start.Format("05.000"), r.MS, r.Status, r.Request)
		}
	}

	made := snapshot(t)
	second := mustHavip(t, 0, args...)
	if !strings.Contains(second.out, "no changes") {
		t.Errorf("the second create does not say so:\n%v", second)
	}
	if w := writes(requests(t, second)); w != nil {
		t.Errorf("the second create writes: %v", w)
	}
	if diff := cmp.Diff(made, snapshot(t)); diff != "" {
		t.Errorf("the second create changed the cloud (-before +after):\n%s", diff)
	}
	plan := mustHavip(t, 0, append([]string{"plan", "--exit-code"}, wanted...)...)
	if w := writes(requests(t, plan)); w != nil {
		t.Errorf("plan writes: %v", w)
	}

	mustHavip(t, 0, on("delete", group, "--yes")...)
	if diff := cmp.Diff(before, snapshot(t)); diff != "" {
		t.Errorf("delete leaves the cloud changed (-before +after):\n%s", diff)
	}
	for _, h := range []*host{one, two} {
		if left := h.must(t, "ls -d /etc/havip /usr/local/bin/havip-agent /etc/systemd/system/havip-agent@.service 2>/dev/null; getent passwd havip; true"); left != "" {
			t.Errorf("delete leaves on %s:\n%s", h.name, left)
		}
		if h.holds(t, vip) {
			t.Errorf("delete leaves the VIP on %s", h.name)
		}
	}
	again := mustHavip(t, 0, on("delete", group, "--yes", "-v")...)
	if w := writes(requests(t, again)); w != nil {
		t.Errorf("the second delete writes: %v", w)
	}
}
