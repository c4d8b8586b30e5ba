package field

import (
	"runtime"
	"testing"

	"github.com/vishvananda/netns"

	"github.com/havip/havip/test/lab/space"
)

// thread is an operating system's thread in a namespace, which lives as long
// as the test. It starts the node's processes: the kernel ends them with the
// thread that started them, and so with a test that is killed.
type thread chan func()

func newThread(t testing.TB, s *space.Space) thread {
	t.Helper()
	work, entered := make(thread), make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: nothing else runs where it went
		entered <- netns.Set(netns.NsHandle(s.FD()))
		for f := range work {
			f()
		}
	}()
	must(t, <-entered)
	t.Cleanup(func() { close(work) })
	return work
}

// do runs f there.
func (w thread) do(f func() error) error {
	done := make(chan error)
	w <- func() { done <- f() }
	return <-done
}
