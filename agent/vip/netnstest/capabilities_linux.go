package netnstest

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// WithOnly runs f on a thread whose effective capabilities are only these.
func WithOnly(t testing.TB, capabilities uint32, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var before [2]unix.CapUserData
	Must(t, unix.Capget(&header, &before[0]))
	during := before
	during[0].Effective, during[1].Effective = capabilities, 0
	Must(t, unix.Capset(&header, &during[0]))
	defer func() { Must(t, unix.Capset(&header, &before[0])) }()
	f()
}
