package vip

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip/netnstest"
)

// notification is one message as the kernel multicasts it.
func notification(kind uint16, index int, prefix string, flags uint32) []byte {
	p := netip.MustParsePrefix(prefix)
	request := nl.NewNetlinkRequest(int(kind), 0)
	header := nl.NewIfAddrmsg(unix.AF_INET)
	header.Index = uint32(index)
	header.Prefixlen = uint8(p.Bits())
	request.AddData(header)
	request.AddData(nl.NewRtAttr(unix.IFA_LOCAL, p.Addr().AsSlice()))
	request.AddData(nl.NewRtAttr(unix.IFA_FLAGS, binary.NativeEndian.AppendUint32(nil, flags)))
	return request.Serialize()
}

func TestARefreshOfAKnownAddressIsNoNews(t *testing.T) {
	const vip = "10.99.0.100/32"
	added := notification(unix.RTM_NEWADDR, 2, vip, unix.IFA_F_NOPREFIXROUTE)
	forEver := notification(unix.RTM_NEWADDR, 2, vip, unix.IFA_F_PERMANENT)
	removed := notification(unix.RTM_DELADDR, 2, vip, unix.IFA_F_NOPREFIXROUTE)
	steps := []struct {
		what     string
		datagram []byte
		news     bool
	}{
		{"the first that is heard of an address", added, true},
		{"its refresh", added, false},
		{"the next refresh", added, false},
		{"the same address on another NIC", notification(unix.RTM_NEWADDR, 3, vip, unix.IFA_F_NOPREFIXROUTE), true},
		{"somebody made it permanent", forEver, true},
		{"it is a lease again", added, true},
		{"two refreshes in one datagram", append(added[:len(added):len(added)], added...), false},
		{"a refresh and a removal in one", append(added[:len(added):len(added)], removed...), true},
		{"it was added again", added, true},
		{"it was removed", removed, true},
		{"what is no netlink message", []byte{1, 2, 3}, true},
		{"a link", nl.NewNetlinkRequest(unix.RTM_NEWLINK, 0).Serialize(), true},
	}
	known := make(refreshFilter)
	for _, s := range steps {
		if got := known.news(s.datagram); got != s.news {
			t.Errorf("%s: got news %v, want %v", s.what, got, s.news)
		}
	}
}

func TestWatchReportsWhatChangesUntilItsContextEnds(t *testing.T) {
	defer goleak.VerifyNone(t)
	a, b := netnstest.Pair(t, "10.99.0.1/24", "10.99.0.2/24")
	a.Do(t, func() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		const never = time.Hour // so that a report is of a change and not the tick
		changes, err := watch(ctx, never)
		netnstest.Must(t, err)
		i := config.Interface{Name: netnstest.Device}
		nic, err := Find(i)
		netnstest.Must(t, err)
		s := NewSet(Config{
			NIC:       nic,
			Source:    netip.MustParseAddr("10.99.0.1"),
			Addresses: []netip.Prefix{netip.MustParsePrefix("10.99.0.100/32")},
		})

		// As the engine does it: look after each report, and only then.
		expect := func(what string, seen func(State) bool) {
			t.Helper()
			limit := time.After(30 * time.Second)
			for {
				select {
				case <-changes:
				case <-limit:
					t.Fatalf("not reported: %s", what)
				}
				view, err := Look()
				netnstest.Must(t, err)
				state, err := s.Inspect(view, i)
				netnstest.Must(t, err)
				if seen(state) {
					return
				}
			}
		}
		netnstest.AddAddress(t, netnstest.Device, "10.99.0.100/32")
		expect("the VIP was added by hand", func(s State) bool { return s.Held })
		netnstest.DelAddress(t, netnstest.Device, "10.99.0.100/32")
		expect("the VIP was deleted by hand", func(s State) bool { return !s.Held })
		_, err = s.Add(time.Second) // our own doing is no news
		netnstest.Must(t, err)
		expect("its lease ran out", func(s State) bool { return !s.Held })
		netnstest.DelAddress(t, netnstest.Device, "10.99.0.1/24")
		expect("the own address was deleted", func(s State) bool { return !s.Usable })
		netnstest.AddAddress(t, netnstest.Device, "10.99.0.1/24")
		expect("the own address is back", func(s State) bool { return s.Usable })
		b.Do(t, func() { netnstest.SetUp(t, netnstest.Device, false) })
		expect("the cable has no carrier", func(s State) bool { return !s.Usable })
		b.Do(t, func() { netnstest.SetUp(t, netnstest.Device, true) })
		expect("the cable has carrier again", func(s State) bool { return s.Usable })
		netnstest.SetUp(t, netnstest.Device, false)
		expect("the NIC was switched off", func(s State) bool { return !s.Usable })

		cancel()
		netnstest.Eventually(t, "the channel is closed", func() bool {
			select {
			case _, open := <-changes:
				return !open
			default:
				return false
			}
		})
	})
}

func TestWatchDoesNotHearOfOurOwnRenewals(t *testing.T) {
	netnstest.New(t).Do(t, func() {
		nic, err := Find(config.Interface{Name: "lo"})
		netnstest.Must(t, err)
		var sets []*Set
		for i := range 3 { // each has a port of its own
			vip := netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 9, 9, byte(i)}), 32)
			s := NewSet(Config{NIC: nic, Addresses: []netip.Prefix{vip}})
			defer s.Close()
			_, err := s.Add(time.Minute)
			netnstest.Must(t, err)
			sets = append(sets, s)
		}
		events, err := subscribe()
		netnstest.Must(t, err)
		defer events.Close()
		for i := range 10 {
			for _, s := range sets {
				_, err := s.Add(time.Minute + time.Duration(i))
				netnstest.Must(t, err)
			}
		}
		netnstest.Must(t, sets[0].Remove()) // a removal is heard, whoever's it is
		netnstest.Must(t, events.SetReadDeadline(time.Now().Add(30*time.Second)))
		buffer := make([]byte, 32<<10)
		n, err := events.Read(buffer)
		netnstest.Must(t, err)
		if kind := binary.NativeEndian.Uint16(buffer[4:n]); kind != unix.RTM_DELADDR {
			t.Errorf("got a notification of type %d first, want the removal", kind)
		}
	})
}

func TestWatchReportsAfterNotificationsWereLost(t *testing.T) {
	n := netnstest.New(t)
	n.Do(t, func() {
		events, err := subscribe()
		netnstest.Must(t, err)
		raw, err := events.SyscallConn()
		netnstest.Must(t, err)
		netnstest.Must(t, raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 0) // the least there is
		}))
		netnstest.Must(t, err)
		refresh := func(seconds int) { // as another agent does it
			netnstest.Must(t, netlink.AddrReplace(netnstest.Link(t, "lo"), &netlink.Addr{
				IPNet: netlink.NewIPNet(net.IPv4(127, 9, 9, 9)), ValidLft: seconds, PreferedLft: seconds,
			}))
		}
		refresh(60)
		all, err := readAddresses()
		netnstest.Must(t, err)
		known := make(refreshFilter) // so that no refresh is news
		for _, a := range all {
			known[keyOf(a)] = a.flags
		}
		for range 100 { // far more than fit
			refresh(60)
		}

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		changes := make(chan struct{}, 1)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			follow(ctx, events, time.Hour, known, changes)
		}()
		netnstest.Eventually(t, "a report of the overrun", func() bool { return len(changes) == 1 })
		cancel()
		netnstest.Must(t, events.Close())
		<-ended
	})
}

func TestWatchReportsOnATickWhenNothingHappens(t *testing.T) {
	netnstest.New(t).Do(t, func() {
		changes, err := watch(t.Context(), 10*time.Millisecond)
		netnstest.Must(t, err)
		for range 3 {
			select {
			case <-changes:
			case <-time.After(30 * time.Second):
				t.Fatal("no tick")
			}
		}
	})
}
