package openstacktest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack/openstacktest"
)

// hand is Machines that do what a test lets them.
type hand struct {
	mu    sync.Mutex
	calls []string
	gate  chan struct{} // not nil: each call waits for one
	fail  error
}

func (h *hand) call(ctx context.Context, format string, args ...any) error {
	if h.gate != nil {
		select {
		case <-h.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, fmt.Sprintf(format, args...))
	return h.fail
}

func (h *hand) Start(ctx context.Context, s openstacktest.Server) error {
	return h.call(ctx, "start %s with %d ports", s.Name, len(s.Ports))
}

func (h *hand) Stop(ctx context.Context, _ string, soft bool) error {
	return h.call(ctx, "stop soft=%t", soft)
}
func (h *hand) Pause(ctx context.Context, _ string) error  { return h.call(ctx, "pause") }
func (h *hand) Resume(ctx context.Context, _ string) error { return h.call(ctx, "resume") }
func (h *hand) Delete(ctx context.Context, _ string) error { return h.call(ctx, "delete") }
func (h *hand) Console(string) string                      { return "one\ntwo\nthree\n" }

func (h *hand) did() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}

// until waits for a state of the cloud.
func until(t *testing.T, c *openstacktest.Cloud, what string, is func(openstacktest.View) bool) {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		changed := c.Changed()
		if is(c.View()) {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func status(want string) func(openstacktest.View) bool {
	return func(v openstacktest.View) bool { return len(v.Servers) == 1 && v.Servers[0].Status == want }
}

func TestServersRunByMachinesChangeWhenTheirMachineHas(t *testing.T) {
	h := &hand{gate: make(chan struct{})}
	c := openstacktest.New(openstacktest.Config{Machines: h})
	t.Cleanup(c.Close)
	site := c.Seed(openstacktest.Seed{Servers: 1, FloatingIPs: -1})
	server := "/compute/v2.1/servers/" + site.Servers[0].ID
	act := func(name string, value any) int {
		return c.Demo().Do("POST", server+"/action", map[string]any{name: value}).Status
	}
	until(t, c, "built", status("BUILD"))
	if got := act("os-stop", nil); got != 409 {
		t.Errorf("a server that is built was stopped: %d", got)
	}
	h.gate <- struct{}{}
	until(t, c, "runs", status("ACTIVE"))
	for _, step := range []struct {
		name  string
		value any
		calls int
		want  string
	}{
		{"pause", nil, 1, "PAUSED"},
		{"unpause", nil, 1, "ACTIVE"},
		{"os-stop", nil, 1, "SHUTOFF"},
		{"os-start", nil, 1, "ACTIVE"},
		{"reboot", map[string]any{"type": "SOFT"}, 2, "ACTIVE"},
		{"reboot", map[string]any{"type": "HARD"}, 2, "ACTIVE"},
	} {
		if got := act(step.name, step.value); got != 202 {
			t.Fatalf("%s: %d", step.name, got)
		}
		if got := act("os-stop", nil); got != 409 {
			t.Errorf("%s is under way, and stop gives %d", step.name, got)
		}
		for range step.calls {
			h.gate <- struct{}{}
		}
		until(t, c, step.name, func(v openstacktest.View) bool {
			var o struct {
				Status string
				Task   *string `json:"OS-EXT-STS:task_state"`
			}
			c.Demo().Get(server).Into(&o)
			return o.Status == step.want && o.Task == nil
		})
	}
	c.Demo().Delete(server)
	h.gate <- struct{}{}
	until(t, c, "gone", func(v openstacktest.View) bool { return len(v.Servers) == 0 })
	want := []string{
		"start bastion-1 with 1 ports", "pause", "resume", "stop soft=true", "start bastion-1 with 1 ports",
		"stop soft=true", "start bastion-1 with 1 ports", "stop soft=false", "start bastion-1 with 1 ports", "delete",
	}
	if diff := cmp.Diff(want, h.did()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAMachineThatFailsMakesItsServerAnError(t *testing.T) {
	h := &hand{fail: errors.New("no more room")}
	c := openstacktest.New(openstacktest.Config{Machines: h})
	t.Cleanup(c.Close)
	site := c.Seed(openstacktest.Seed{Servers: 1})
	until(t, c, "in error", status("ERROR"))
	var o struct{ Fault struct{ Message string } }
	c.Demo().Get("/compute/v2.1/servers/" + site.Servers[0].ID).Into(&o)
	if o.Fault.Message != "no more room" {
		t.Errorf("fault is %q", o.Fault.Message)
	}
}

func TestAConsoleHasTheLastLines(t *testing.T) {
	c := openstacktest.New(openstacktest.Config{Machines: &hand{}})
	t.Cleanup(c.Close)
	site := c.Seed(openstacktest.Seed{Servers: 1})
	until(t, c, "runs", status("ACTIVE"))
	for length, want := range map[any]string{nil: "one\ntwo\nthree\n", 2: "two\nthree\n", "1": "three\n", 9: "one\ntwo\nthree\n", 0: ""} {
		var got string
		body := map[string]any{"os-getConsoleOutput": map[string]any{"length": length}}
		c.Demo().Post("/compute/v2.1/servers/"+site.Servers[0].ID+"/action", body).Into(&got)
		if got != want {
			t.Errorf("with length %v: %q, want %q", length, got, want)
		}
	}
}

func TestCloseEndsWhatMachinesStillDo(t *testing.T) {
	h := &hand{gate: make(chan struct{})}
	c := openstacktest.New(openstacktest.Config{Machines: h})
	c.Seed(openstacktest.Seed{Servers: 3})
	c.Close()
	if got := h.did(); len(got) != 0 {
		t.Errorf("calls that ended are %v", got)
	}
}
