package vip_test

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vip/netnstest"
)

// hears returns a function that reads the next frame of this protocol that comes
// to the namespace, in hex.
func hears(t *testing.T, in *netnstest.Namespace, protocol int) (next func() string) {
	t.Helper()
	var conn *packet.Conn
	in.Do(t, func() {
		nic, err := net.InterfaceByName(netnstest.Device)
		netnstest.Must(t, err)
		conn, err = packet.Listen(nic, packet.Raw, protocol, nil)
		netnstest.Must(t, err)
	})
	t.Cleanup(func() { _ = conn.Close() })
	netnstest.Must(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	return func() string {
		t.Helper()
		frame := make([]byte, 200)
		n, _, err := conn.ReadFrom(frame)
		netnstest.Must(t, err)
		return hex.EncodeToString(frame[:n])
	}
}

func TestAnnounceIsOneGratuitousARPRequestForEachVIP(t *testing.T) {
	inPair(t, func(other *netnstest.Namespace) {
		s := newSet(t, vip1, vip2)
		mac := hex.EncodeToString(find(t, config.Interface{Name: netnstest.Device}).MAC)
		next := hears(t, other, unix.ETH_P_ARP)
		for range 2 { // the second time uses the same socket
			netnstest.Must(t, s.Announce())
			for _, address := range []string{"0a630064", "0a630065"} {
				// RFC 826, as RFC 5227 section 3 fills it in; the frame is padded
				// to the 60 bytes that Ethernet demands.
				want := "ffffffffffff" + mac + "0806" + "0001" + "0800" + "06" + "04" + "0001" +
					mac + address + "000000000000" + address + strings.Repeat("00", 18)
				if diff := cmp.Diff(want, next()); diff != "" {
					t.Errorf("frame (-want +got):\n%s", diff)
				}
			}
		}
	})
}

func TestAnnounceHasTheReplyFormTooWhenThatIsConfigured(t *testing.T) {
	inPair(t, func(other *netnstest.Namespace) {
		nic := find(t, config.Interface{Name: netnstest.Device})
		mac := hex.EncodeToString(nic.MAC)
		s := vip.NewSet(vip.Config{NIC: nic, Source: own, Addresses: []netip.Prefix{vip1}, Replies: true})
		t.Cleanup(func() { _ = s.Close() })
		next := hears(t, other, unix.ETH_P_ARP)
		netnstest.Must(t, s.Announce())
		request := "0001" + mac + "0a630064" + "000000000000" + "0a630064"
		reply := "0002" + mac + "0a630064" + mac + "0a630064"
		for _, form := range []string{request, reply} {
			want := "ffffffffffff" + mac + "0806" + "0001" + "0800" + "06" + "04" + form + strings.Repeat("00", 18)
			if diff := cmp.Diff(want, next()); diff != "" {
				t.Errorf("frame (-want +got):\n%s", diff)
			}
		}
	})
}

func TestTwoCapabilitiesAreEnough(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, vip1)
		netnstest.WithOnly(t, 1<<unix.CAP_NET_ADMIN|1<<unix.CAP_NET_RAW, func() {
			add(t, s, time.Minute)
			netnstest.Must(t, s.Announce())
			if _, ok, err := s.LastRenewal(); err != nil || !ok {
				t.Errorf("last renewal: %v, %v", ok, err)
			}
			state := inspect(t, s, config.Interface{Name: netnstest.Device})
			if !state.Usable || !state.Held {
				t.Errorf("inspect: %+v", state)
			}
			_, err := vip.Watch(t.Context())
			netnstest.Must(t, err)
			netnstest.Must(t, s.Remove())
		})
		netnstest.WithOnly(t, 1<<unix.CAP_NET_RAW, func() {
			if _, err := s.Add(time.Minute); err == nil {
				t.Error("an address was added without CAP_NET_ADMIN: the test has not given it up")
			}
		})
	})
}
