package server

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// withoutFlock leaves the server the commands that the scripts need and no
// flock.
func (h *host) withoutFlock() {
	h.t.Helper()
	h.tools = h.t.TempDir()
	for _, name := range []string{
		"base64", "basename", "cat", "chmod", "cp", "cut", "find", "grep", "gunzip", "gzip", "head", "ln", "mkdir", "mv",
		"readlink", "rm", "rmdir", "sed", "sh", "sha256sum", "tail", "timeout", "tr",
	} {
		path, err := exec.LookPath(name)
		if err != nil {
			h.t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(h.tools, name)); err != nil {
			h.t.Fatal(err)
		}
	}
}

// withAndWithoutFlock runs a test with either kind of lock.
func withAndWithoutFlock(t *testing.T, shell string, test func(t *testing.T, h *host)) {
	t.Helper()
	t.Run("with flock", func(t *testing.T) { test(t, newHost(t, shell)) })
	t.Run("without flock", func(t *testing.T) {
		h := newHost(t, shell)
		h.withoutFlock()
		test(t, h)
	})
}

func TestScriptsTakeTurns(t *testing.T) {
	const script = `set -e
exclusive
mkdir "$root/state/busy" || die "two at once"
/bin/sleep 0.02
rmdir "$root/state/busy"
`
	test := func(t *testing.T, h *host) {
		h.standIn("sleep", "exec /bin/sleep 0.05")
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				// One that waits in vain would say so.
				if _, err := h.place().asRoot(t.Context(), h, script, map[string]string{"group": "bastion"}, nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if h.exists("run/havip.lock") {
			t.Error("the lock is left")
		}
	}
	eachShell(t, func(t *testing.T, shell string) { withAndWithoutFlock(t, shell, test) })
}

// hold makes a script hold the server's lock until release is called.
func hold(t *testing.T, h *host) (release func()) {
	t.Helper()
	const script = "exclusive\n: >\"$root/state/held\"\nread -r _ || true\n"
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := h.place().asRoot(context.Background(), h, script, map[string]string{"group": "other"}, r)
		done <- err
	}()
	for deadline := time.Now().Add(30 * time.Second); !h.exists("state/held"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the lock was not taken")
		}
	}
	return sync.OnceFunc(func() {
		w.Close()
		if err := <-done; err != nil {
			t.Errorf("the holder: %v", err)
		}
		r.Close()
	})
}

func TestRunThatWasCutOffIsWaitedForAndNotForEver(t *testing.T) {
	withAndWithoutFlock(t, "sh", func(t *testing.T, h *host) {
		s := h.server(agentText)
		converge(t, s, bastion(300*time.Millisecond))
		h.log()
		release := hold(t, h)
		defer release()
		for name, do := range map[string]func() error{
			"converge": func() error { return s.Converge(t.Context(), bastion(500*time.Millisecond)) },
			"upload":   func() error { return h.server(agentText+"#").Converge(t.Context(), bastion(300*time.Millisecond)) },
			"stop":     func() error { return s.Stop(t.Context(), "bastion") },
			"remove":   func() error { return s.Remove(t.Context(), "bastion") },
		} {
			if err := do(); err == nil || !strings.Contains(err.Error(), "another run of havip is at work") {
				t.Errorf("%s: error %v", name, err)
			}
		}
		wantLog(t, h)
		if !h.exists("run/havip.lock") {
			t.Error("the lock of the other run was taken away")
		}
		release()
		converge(t, s, bastion(500*time.Millisecond))
		wantLog(t, h, "systemctl reload "+instance)
	})
}

func TestLockOfADeadRunIsTakenOver(t *testing.T) {
	h := newHost(t, "sh")
	h.withoutFlock()
	if err := os.Symlink("pid.999999999", h.path("run/havip.lock")); err != nil {
		t.Fatal(err)
	}
	converge(t, h.server(agentText), bastion(300*time.Millisecond))
	for _, name := range []string{"run/havip.lock", "run/havip.lock.dead"} {
		if h.exists(name) {
			t.Errorf("%s is left", name)
		}
	}
}

func TestRemovalLeavesTheBinaryToAGroupThatIsBeingInstalled(t *testing.T) {
	h := newHost(t, "sh")
	s := h.server(agentText)
	// Its configuration follows the binary.
	f, err := inspect(t.Context(), h, h.place(), "bastion")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.upload(t.Context(), "bastion", f); err != nil {
		t.Fatal(err)
	}
	remove := func(wantBinary bool) {
		t.Helper()
		h.write("etc/havip/other.yaml", "group: other\n")
		if err := s.Remove(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
		if h.exists("usr/local/bin/havip-agent") != wantBinary {
			t.Errorf("the binary is there: %t", !wantBinary)
		}
	}
	remove(true)
	// A mark that nobody came back to is no group.
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(h.path("etc/havip/.bastion.pending"), old, old); err != nil {
		t.Fatal(err)
	}
	remove(false)
	if h.exists("etc/havip") {
		t.Error("the folder is left")
	}
}
