package server

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	until(t, "the lock", func() bool { return h.exists("state/held") })
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

// groups are those that an inspection sees on the server.
func groups(t *testing.T, h *host) []string {
	t.Helper()
	got, err := inspect(t.Context(), h, h.place(), "bastion")
	if err != nil {
		t.Fatal(err)
	}
	return got.host.Agent.Groups
}

// wantNothingLeft compares the server with one that havip never saw.
func wantNothingLeft(t *testing.T, h *host) {
	t.Helper()
	for _, name := range []string{
		"etc/havip", "usr/local/bin/havip-agent", "etc/systemd/system/havip-agent@.service", "state/running", "state/enabled", "run/havip.lock",
	} {
		if h.exists(name) {
			t.Errorf("%s is left", name)
		}
	}
	if users := h.read("etc/passwd"); strings.Contains(users, "havip") {
		t.Errorf("the user is left: %q", users)
	}
	if left, err := filepath.Glob(h.path("usr/local/bin/.havip-agent.*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// until waits for what another goroutine's script does.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// The CLI that began it may be gone: the script on the server is not.
func TestRemovalWaitsForAnInstallationThatIsAtWork(t *testing.T) {
	test := func(t *testing.T, h *host) {
		h.standIn("sleep", "exec /bin/sleep 0.05")
		h.standIn("useradd", `: >"$HOST/state/adding"
until [ -e "$HOST/state/go" ] || [ ! -d "$HOST/state" ]; do /bin/sleep 0.01; done
`+standIns["useradd"])
		s := h.server(agentText)
		installed, removed := make(chan error, 1), make(chan error, 1)
		go func() { installed <- s.Converge(t.Context(), bastion(300*time.Millisecond)) }()
		until(t, "the installation", func() bool { return h.exists("state/adding") })
		if got := groups(t, h); !slices.Equal(got, []string{"bastion"}) {
			t.Errorf("groups on the server: %v, want bastion", got)
		}
		go func() { removed <- s.Remove(t.Context(), "bastion") }()
		h.write("state/go", "")
		if err := <-installed; err != nil {
			t.Errorf("the installation: %v", err)
		}
		if err := <-removed; err != nil {
			t.Errorf("the removal: %v", err)
		}
		wantNothingLeft(t, h)
	}
	eachShell(t, func(t *testing.T, shell string) { withAndWithoutFlock(t, shell, test) })
}

func TestInstallationThatWaitsEndsWhenItsGroupIsRemoved(t *testing.T) {
	test := func(t *testing.T, h *host) {
		h.write("etc/havip/other.yaml", "group: other\n") // the binary stays
		h.standIn("sleep", "exec /bin/sleep 0.05")
		h.write("usr/local/bin/havip-agent", agentText)
		if err := os.Chmod(h.path("usr/local/bin/havip-agent"), 0o755); err != nil {
			t.Fatal(err)
		}
		s := h.server(agentText)
		release := hold(t, h)
		defer release()
		installed := make(chan error, 1)
		go func() { installed <- s.Converge(t.Context(), bastion(300*time.Millisecond)) }()
		until(t, "the installation", func() bool { return slices.Contains(groups(t, h), "bastion") })
		// The removal had its turn first.
		waiting, err := filepath.Glob(h.path("etc/havip/bastion.yaml.*.new"))
		if err != nil || len(waiting) != 1 {
			t.Fatalf("configurations that wait: %v, %v", waiting, err)
		}
		if err := os.Remove(waiting[0]); err != nil {
			t.Fatal(err)
		}
		release()
		if err := <-installed; err == nil || !strings.Contains(err.Error(), "the group was removed from this server meanwhile") {
			t.Errorf("the installation: %v", err)
		}
		if got := groups(t, h); !slices.Equal(got, []string{"other"}) || h.exists("state/running") {
			t.Errorf("groups on the server: %v, want other alone", got)
		}
	}
	eachShell(t, func(t *testing.T, shell string) { withAndWithoutFlock(t, shell, test) })
}

func TestUploadThatWasCutOffIsSeenAndRemoved(t *testing.T) {
	h := newHost(t, "sh")
	s := h.server(agentText)
	f, err := inspect(t.Context(), h, h.place(), "bastion")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.upload(t.Context(), "bastion", f); err != nil {
		t.Fatal(err)
	}
	if got := groups(t, h); !slices.Equal(got, []string{"bastion"}) {
		t.Errorf("groups on the server: %v, want bastion", got)
	}
	if err := s.Remove(t.Context(), "bastion"); err != nil {
		t.Fatal(err)
	}
	wantNothingLeft(t, h)
	if got := groups(t, h); len(got) > 0 {
		t.Errorf("groups on the server: %v", got)
	}
}
