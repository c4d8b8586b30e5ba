package main

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/api"
)

// Who reads the log may end or hang: lines are lost, and the address is served.
func TestALogThatNobodyReadsEndsAndHoldsUpNothing(t *testing.T) {
	requireNamespaces(t)
	for _, tt := range []struct {
		name   string
		before func(t *testing.T, read, write *os.File) // of the agent's start
		after  func(t *testing.T, read *os.File)
	}{
		{"since its reader has ended", func(*testing.T, *os.File, *os.File) {}, hangUp},
		{"since its reader had ended before the start", func(t *testing.T, read, _ *os.File) { hangUp(t, read) }, func(*testing.T, *os.File) {}},
		{"since its reader hangs", func(t *testing.T, _, write *os.File) { fill(t, write) }, func(*testing.T, *os.File) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := segment(t)[0]
			m.configure(testInterval)
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer read.Close()
			tt.before(t, read, write)
			m.startWith(write)
			write.Close()
			eventually(t, "it becomes active", m.is(api.Active))
			tt.after(t, read)
			before := m.transitions()
			ip(t, "-n", m.ns, "addr", "del", testVIP+"/32", "dev", "eth0") // has lines in the log
			eventually(t, "the address that was deleted is back", m.holds)
			m.signal(syscall.SIGHUP)
			if n := m.transitions(); n != before || !m.is(api.Active)() {
				t.Errorf("%d transitions", n-before)
			}
			m.signal(syscall.SIGTERM)
			if code := m.wait(); code != exitDone {
				t.Errorf("it ended with %d", code)
			}
		})
	}
}

func hangUp(t *testing.T, read *os.File) {
	t.Helper()
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
}

// fill writes as much into a pipe as it takes.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	fd := int(pipe.Fd()) // which makes it blocking, and so the agent finds it
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for err := error(nil); !errors.Is(err, unix.EAGAIN); _, err = unix.Write(fd, []byte{'x'}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
}
