package failover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havip/havip/test/lab/labtest"
)

// interval is of the groups' advertisements.
const interval = 500 * time.Millisecond

// running is a havip that was started and not waited for.
type running struct {
	*exec.Cmd
	out   bytes.Buffer // to be read when it has ended
	errs  screen
	ended chan struct{}
	err   error
}

// screen is what was printed so far.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// start starts havip.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{Cmd: labtest.Command(t.Context(), args...), ended: make(chan struct{})}
	r.Stdout, r.Stderr = &r.out, &r.errs
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		r.err = r.Wait()
	}()
	return r
}

// until waits for something to hold while it runs.
func (r *running) until(t *testing.T, what string, f func() error) {
	t.Helper()
	labtest.Eventually(t, what, func() error {
		err := f()
		select {
		case <-r.ended:
			if err != nil {
				t.Fatalf("%s: havip ended before: %v\n%s%s", what, r.err, r.out.String(), r.errs.String())
			}
		default:
		}
		return err
	})
}

// group makes a group of two servers, which is gone when the test ends.
func group(t *testing.T, name, address string, servers ...string) {
	t.Helper()
	groupWith(t, "", name, address, servers...)
}

// groupWith makes one with more settings of VRRP.
func groupWith(t *testing.T, more, name, address string, servers ...string) {
	t.Helper()
	labtest.Need(t)
	// Three groups are made at once, and each would find the same VRID free.
	vrid := address[strings.LastIndexByte(address, '.')+1:]
	file := filepath.Join(t.TempDir(), name+".yaml")
	text := fmt.Sprintf("version: 1\nname: %s\nservers: [%s]\nvrrp: {id: %s, interval: %s%s}\nchecks: [{name: ssh, tcp: \":22\"}]\nvips:\n  - {network: internal, address: %s}\n",
		name, strings.Join(servers, ", "), vrid, interval, more, address)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { labtest.Havip(t, "delete", name, "--yes") })
	labtest.Must(t, 0, "create", "-f", file, "--yes")
	labtest.Healthy(t, name)
}

// report is what the tests read of `havip failover-test -o json`.
type report struct {
	Verdict string
	Rounds  []round
	Left    []string
	Probe   string
}

type round struct {
	Fault, Verdict, Expect, Before, After, Answers, Session string
	Why, Trouble                                            []string
	Two_owners_ms, Failback_ms                              float64 //nolint:revive // as in the JSON
	Paths                                                   []struct {
		Path       string
		Control    bool
		Asked      int
		Lost       int
		Silence_ms float64
	}
	Layers []struct {
		Layer   string
		Took_ms float64
	}
}

// silence is the longest on a way.
func (r round) silence(path string) time.Duration {
	for _, p := range r.Paths {
		if p.Path == path && !p.Control {
			return time.Duration(p.Silence_ms * float64(time.Millisecond))
		}
	}
	return -1
}

// layers are the names of those whose time is known.
func (r round) layers() []string {
	var names []string
	for _, l := range r.Layers {
		names = append(names, l.Layer)
	}
	return names
}

// slowest is the layer that took longest.
func (r round) slowest() string {
	var name string
	most := -1.0
	for _, l := range r.Layers {
		if l.Took_ms > most {
			name, most = l.Layer, l.Took_ms
		}
	}
	return name
}

func parse(t *testing.T, out string) report {
	t.Helper()
	var r report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("read the report: %v\n%s", err, out)
	}
	return r
}
