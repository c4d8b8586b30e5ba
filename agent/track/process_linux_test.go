package track

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip/netnstest"
)

// copyOf puts a copy of a program where every user may run it.
func copyOf(t *testing.T, program, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "track")
	netnstest.Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	netnstest.Must(t, os.Chmod(dir, 0o755))
	from, err := os.Open(program)
	netnstest.Must(t, err)
	defer from.Close()
	path := filepath.Join(dir, name)
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	netnstest.Must(t, err)
	_, err = io.Copy(to, from)
	netnstest.Must(t, err)
	netnstest.Must(t, to.Close())
	return path
}

// begin starts a program that sleeps until the test ends.
func begin(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(path, "1000")
	netnstest.Must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func sleepProgram(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("sleep")
	netnstest.Must(t, err)
	return path
}

func TestAProcessRuns(t *testing.T) {
	for _, name := range []string{"hv-proc", "hv) odd (S 1", "hv-a-name-longer-than-the-kernel-keeps"} {
		t.Run(name, func(t *testing.T) {
			path := copyOf(t, sleepProgram(t), name)
			verdict(t, config.Check{Process: name}, "no process "+name+" runs")
			verdict(t, config.Check{Process: path}, "no process "+path+" runs")
			process := begin(t, path)
			verdict(t, config.Check{Process: name}, "")
			verdict(t, config.Check{Process: path}, "")

			netnstest.Must(t, os.Remove(path))
			verdict(t, config.Check{Process: path}, "") // as after an upgrade

			// Not waited for, so it stays as a zombie.
			netnstest.Must(t, process.Process.Kill())
			netnstest.Eventually(t, "the process is a zombie", func() bool {
				_, alive := stat(process.Process.Pid)
				return !alive
			})
			verdict(t, config.Check{Process: name}, "no process")
			verdict(t, config.Check{Process: path}, "no process")
		})
	}
}

func TestAProcessThatWasFoundAndEndsIsMissed(t *testing.T) {
	path := copyOf(t, sleepProgram(t), "hv-twice")
	probe := probeProcess(path)
	first := begin(t, path)
	want(t, probeOnce(t.Context(), probe, 30*time.Second), "")
	netnstest.Must(t, first.Process.Kill())
	_ = first.Wait()
	want(t, probeOnce(t.Context(), probe, 30*time.Second), "no process")
	begin(t, path)
	want(t, probeOnce(t.Context(), probe, 30*time.Second), "")
}
