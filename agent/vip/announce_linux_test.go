package vip_test

import (
	"encoding/hex"
	"net"
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

func TestAnnounceIsOneGratuitousARPRequestForEachVIP(t *testing.T) {
	inPair(t, func(other *netnstest.Namespace) {
		s := newSet(t, vip1, vip2)
		mac := find(t, config.Interface{Name: netnstest.Device}).MAC
		var conn *packet.Conn
		other.Do(t, func() {
			nic, err := net.InterfaceByName(netnstest.Device)
			netnstest.Must(t, err)
			conn, err = packet.Listen(nic, packet.Raw, unix.ETH_P_ARP, nil)
			netnstest.Must(t, err)
		})
		defer conn.Close()
		netnstest.Must(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))

		for range 2 { // the second time uses the same socket
			netnstest.Must(t, s.Announce())
			for _, address := range []string{"0a630064", "0a630065"} {
				// RFC 826, as RFC 5227 section 3 fills it in; the frame is padded
				// to the 60 bytes that Ethernet demands.
				want := "ffffffffffff" + hex.EncodeToString(mac) + "0806" +
					"0001" + "0800" + "06" + "04" + "0001" +
					hex.EncodeToString(mac) + address +
					"000000000000" + address +
					strings.Repeat("00", 18)
				frame := make([]byte, 200)
				n, _, err := conn.ReadFrom(frame)
				netnstest.Must(t, err)
				if diff := cmp.Diff(want, hex.EncodeToString(frame[:n])); diff != "" {
					t.Errorf("frame (-want +got):\n%s", diff)
				}
			}
		}
	})
}

func TestTwoCapabilitiesAreEnough(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, vip1)
		netnstest.WithOnly(t, 1<<unix.CAP_NET_ADMIN|1<<unix.CAP_NET_RAW, func() {
			netnstest.Must(t, s.Add(time.Minute))
			netnstest.Must(t, s.Announce())
			if _, ok, err := s.LastRenewal(); err != nil || !ok {
				t.Errorf("last renewal: %v, %v", ok, err)
			}
			state, err := s.Inspect(config.Interface{Name: netnstest.Device})
			if err != nil || !state.Usable || !state.Held {
				t.Errorf("inspect: %+v, %v", state, err)
			}
			_, err = vip.Watch(t.Context())
			netnstest.Must(t, err)
			netnstest.Must(t, s.Remove())
		})
		netnstest.WithOnly(t, 1<<unix.CAP_NET_RAW, func() {
			if err := s.Add(time.Minute); err == nil {
				t.Error("an address was added without CAP_NET_ADMIN: the test has not given it up")
			}
		})
	})
}
