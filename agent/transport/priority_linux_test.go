package transport

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vip/netnstest"
)

func TestAdvertsGoBeforeOtherTraffic(t *testing.T) {
	for name, f := range map[string]family{"IPv4": ipv4{}, "IPv6": ipv6{}} {
		t.Run(name, func(t *testing.T) {
			netnstest.New(t).Do(t, func() {
				s, err := openSocket(f, "lo", countedBuffer, false)
				netnstest.Must(t, err)
				defer s.close()
				netnstest.Must(t, s.control(func(fd int) error {
					priority, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY)
					if priority != 6 {
						t.Errorf("the socket's priority is %d, want 6", priority)
					}
					return err
				}))
			})
		})
	}
}
