package netnstest

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Device is the name of each end of the cable that Pair lays.
const Device = "eth0"

// Namespace is a network namespace that lives as long as the test.
type Namespace struct {
	handle netns.NsHandle
}

// New makes a namespace with only a loopback device. Without the privilege it
// skips the test, or fails it when HAVIP_REQUIRE_NETNS=1.
func New(t testing.TB) *Namespace {
	t.Helper()
	runtime.LockOSThread()
	outer, err := netns.Get()
	if err != nil {
		t.Fatalf("get the namespace of the test: %v", err)
	}
	handle, err := netns.New()
	if err != nil { // still in the outer one
		runtime.UnlockOSThread()
		if os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
			t.Fatalf("make a network namespace: %v (HAVIP_REQUIRE_NETNS=1)", err)
		}
		t.Skipf("needs root to make a network namespace: %v", err)
	}
	leave(t, outer)
	t.Cleanup(func() { _ = handle.Close() })
	return &Namespace{handle: handle}
}

// FD is a descriptor of it, for a device that is to be made there.
func (n *Namespace) FD() int { return int(n.handle) }

// Do runs f with the calling goroutine locked to a thread in the namespace.
func (n *Namespace) Do(t testing.TB, f func()) {
	t.Helper()
	runtime.LockOSThread()
	outer, err := netns.Get()
	if err != nil {
		t.Fatalf("get the namespace of the test: %v", err)
	}
	if err := netns.Set(n.handle); err != nil {
		t.Fatalf("enter the namespace: %v", err)
	}
	defer leave(t, outer)
	f()
}

// leave goes back to the outer namespace. A thread that cannot go back stays
// locked, so that no other test runs on it.
func leave(t testing.TB, outer netns.NsHandle) {
	t.Helper()
	defer outer.Close()
	if err := netns.Set(outer); err != nil {
		t.Errorf("leave the namespace: %v", err)
		return
	}
	runtime.UnlockOSThread()
}

// Pair makes two namespaces joined by a cable, with Device in each, up and with
// these addresses (CIDR).
func Pair(t testing.TB, addressA, addressB string) (a, b *Namespace) {
	t.Helper()
	a, b = New(t), New(t)
	a.Do(t, func() {
		Must(t, netlink.LinkAdd(&netlink.Veth{
			LinkAttrs:     netlink.LinkAttrs{Name: Device},
			PeerName:      Device,
			PeerNamespace: netlink.NsFd(b.handle),
		}))
	})
	for n, address := range map[*Namespace]string{a: addressA, b: addressB} {
		n.Do(t, func() {
			AddAddress(t, Device, address)
			SetUp(t, Device, true)
		})
	}
	for _, n := range []*Namespace{a, b} {
		n.Do(t, func() {
			Eventually(t, "the cable has carrier", func() bool {
				return Link(t, Device).Attrs().OperState == netlink.OperUp
			})
		})
	}
	return a, b
}

// Link is a device of the current namespace.
func Link(t testing.TB, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	Must(t, err)
	return l
}

// AddAddress puts an address on a device, for ever. An IPv6 one can be used at
// once, without duplicate address detection.
func AddAddress(t testing.TB, device, cidr string) {
	t.Helper()
	a, err := netlink.ParseAddr(cidr)
	Must(t, err)
	if a.IP.To4() == nil {
		a.Flags = unix.IFA_F_NODAD
	}
	Must(t, netlink.AddrAdd(Link(t, device), a))
}

// DelAddress takes it off.
func DelAddress(t testing.TB, device, cidr string) {
	t.Helper()
	a, err := netlink.ParseAddr(cidr)
	Must(t, err)
	Must(t, netlink.AddrDel(Link(t, device), a))
}

// SetUp switches a device on or off.
func SetUp(t testing.TB, device string, up bool) {
	t.Helper()
	if up {
		Must(t, netlink.LinkSetUp(Link(t, device)))
		return
	}
	Must(t, netlink.LinkSetDown(Link(t, device)))
}

// LittleRoomForFilters sets what a socket of the current namespace may have for its
// filter to the least that is the default anywhere. Kernels before 6.8 have it so, and
// no setting in a namespace.
func LittleRoomForFilters(t testing.TB) {
	t.Helper()
	err := os.WriteFile("/proc/sys/net/core/optmem_max", []byte("20480"), 0)
	if !errors.Is(err, fs.ErrNotExist) {
		Must(t, err)
	}
}

// Must ends the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Eventually waits until the condition holds, with a limit that only a broken
// program reaches.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	EventuallyOr(t, holds, func() string { return what })
}

// EventuallyOr is Eventually with a message that is made when it is needed.
func EventuallyOr(t testing.TB, holds func() bool, what func() string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what())
		}
		time.Sleep(5 * time.Millisecond)
	}
}
