package openstacktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"time"
)

// Fault is what happens to requests besides, or instead of, their ordinary
// course.
type Fault struct {
	// Method and Path select requests. Path is a pattern of path.Match, as
	// "/network/v2.0/ports/*". Empty: any, but for the login.
	Method, Path string
	// Nth is the one of the selected, from 1, that it happens to; 0: each.
	Nth int

	Rival  func()        // runs before the request is served
	Delay  time.Duration // before it is served
	Status int           // not 0: it is refused
	Body   string        // of the refusal; "": as the service would say it
	Header map[string]string
	Drop   bool // it is served, and the connection closed instead of an answer
}

type fault struct {
	Fault
	seen int
}

// Inject adds a fault and returns how to take it away again.
func (c *Cloud) Inject(f Fault) (remove func()) {
	if _, err := path.Match(f.Path, ""); err != nil {
		panic(fmt.Sprintf("openstacktest: path of a fault %q: %v", f.Path, err))
	}
	added := &fault{Fault: f}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, added)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for i, x := range c.faults {
			if x == added {
				c.faults = append(c.faults[:i:i], c.faults[i+1:]...)
			}
		}
	}
}

// faultsOf are those that a request meets, each of them counted.
func (c *Cloud) faultsOf(r *http.Request) []Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Fault
	for _, f := range c.faults {
		if f.selects(r) {
			if f.seen++; f.Nth == 0 || f.seen == f.Nth {
				out = append(out, f.Fault)
			}
		}
	}
	return out
}

func (f *fault) selects(r *http.Request) bool {
	if f.Method != "" && f.Method != r.Method {
		return false
	}
	if f.Path == "" {
		return !isLogin(r.URL.Path)
	}
	matched, _ := path.Match(f.Path, r.URL.Path) // checked by Inject
	return matched
}

func isLogin(path string) bool { return strings.HasPrefix(path, "/identity/") }

// ServeHTTP serves all services, each below its name.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	// Neutron unescapes a path before it splits it: an escaped slash in a tag
	// is a slash.
	r.URL.RawPath = ""
	seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	reads := readsConsole(r)
	defer func() { c.record(r, seen.status, start, reads) }()
	if !sleep(r.Context(), c.latency()) {
		return
	}
	drop := false
	for _, f := range c.faultsOf(r) {
		if f.Rival != nil {
			f.Rival()
		}
		if !sleep(r.Context(), f.Delay) {
			return
		}
		if f.Status != 0 {
			c.refuseFor(seen, r, f)
			return
		}
		drop = drop || f.Drop
	}
	if drop {
		unheard := httptest.NewRecorder()
		c.routes.ServeHTTP(unheard, r)
		seen.status = unheard.Code
		panic(http.ErrAbortHandler) // closes the connection
	}
	c.routes.ServeHTTP(seen, r)
}

// refuseFor answers with a fault's status.
func (c *Cloud) refuseFor(w http.ResponseWriter, r *http.Request, f Fault) {
	for k, v := range f.Header {
		w.Header().Set(k, v)
	}
	if f.Body != "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body))
		return
	}
	say := (*refusal).keystoneBody
	switch {
	case strings.HasPrefix(r.URL.Path, "/network"):
		say = (*refusal).neutronBody
	case strings.HasPrefix(r.URL.Path, "/compute"):
		say = (*refusal).novaBody
	}
	c.reply(w, service{say: say}, answer{}, refuse(f.Status, "", "%s", http.StatusText(f.Status)))
}

// readsConsole tells whether an action on a server is only a look.
func readsConsole(r *http.Request) bool {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/action") {
		return false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in map[string]json.RawMessage
	_ = json.Unmarshal(body, &in) // what is no JSON is refused later
	_, console := in["os-getConsoleOutput"]
	return console
}

func (c *Cloud) latency() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.config.Latency
}

// sleep waits, unless the one who asks goes away.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
