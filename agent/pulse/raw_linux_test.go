package pulse_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/havip/havip/agent/pulse"
	"github.com/havip/havip/agent/vip/netnstest"
)

// waiting tells that somebody waits for it to end: for Ask, that its question is sent.
type waiting struct {
	context.Context
	began chan<- struct{}
}

func (w waiting) Done() <-chan struct{} {
	w.began <- struct{}{}
	return w.Context.Done()
}

// Where only raw sockets are allowed each of them gets the replies to all.
func TestWhatAnswersAnotherQuestionOnARawSocketAnswersNone(t *testing.T) {
	for name, tt := range map[string]struct{ here, there, vip, length string }{
		"IPv4": {"10.98.0.1", "10.98.0.2", "10.98.0.9", "/24"},
		"IPv6": {"fd98::1", "fd98::2", "fd98::9", "/64"},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := netnstest.Pair(t, tt.here+tt.length, tt.there+tt.length)
			var mac net.HardwareAddr
			there.Do(t, func() { mac = netnstest.Link(t, netnstest.Device).Attrs().HardwareAddr })
			open := func(addr string) (asker pulse.Opened) {
				here.Do(t, func() {
					var err error
					asker, err = pulse.Target("icmp").Open(netip.MustParseAddr(addr))
					netnstest.Must(t, err)
				})
				t.Cleanup(func() { netnstest.Must(t, asker.Close()) })
				return asker
			}
			here.Do(t, func() {
				netnstest.Must(t, os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("1 0"), 0))
				// What is asked arrives there, though nobody has the address.
				netnstest.Must(t, netlink.NeighSet(&netlink.Neigh{
					LinkIndex: netnstest.Link(t, netnstest.Device).Attrs().Index, State: netlink.NUD_PERMANENT,
					IP: net.ParseIP(tt.vip), HardwareAddr: mac,
				}))
			})
			vip, control := open(tt.vip), open(tt.there)

			const questions = 5
			ctx, giveUp := context.WithCancel(t.Context())
			defer giveUp()
			var asking sync.WaitGroup
			answers, sent := make(chan error, questions), make(chan struct{}, questions)
			for range questions {
				asking.Go(func() { answers <- vip.Ask(waiting{ctx, sent}) })
			}
			for range questions {
				<-sent
			}
			ask := func(asker pulse.Asker) {
				t.Helper()
				// A first packet may be lost while its neighbour is looked up.
				netnstest.Eventually(t, "it answers", func() bool {
					limit, end := context.WithTimeout(t.Context(), time.Second)
					defer end()
					return asker.Ask(limit) == nil
				})
			}
			for range questions {
				ask(control)
			}
			there.Do(t, func() { netnstest.AddAddress(t, netnstest.Device, tt.vip+tt.length) })
			other := open(tt.vip)
			for range questions {
				ask(other)
			}
			// The replies of before are in the socket's queue before this one.
			ask(vip)
			giveUp()
			asking.Wait()
			for range questions {
				if err := <-answers; err == nil {
					t.Error("a question that nobody answered is answered")
				}
			}
		})
	}
}
