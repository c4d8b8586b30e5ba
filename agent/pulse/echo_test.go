package pulse

import (
	"net"
	"net/netip"
	"testing"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

func TestAnEchoIsOnlyItsOwnAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		kind icmp.Type
		mark string
		from net.Addr
		ours bool
	}{
		"from whom was asked":                       {ipv4.ICMPTypeEchoReply, "ours", &net.IPAddr{IP: net.IPv4(10, 0, 0, 9)}, true},
		"from whom was asked, on a datagram socket": {ipv4.ICMPTypeEchoReply, "ours", &net.UDPAddr{IP: net.IPv4(10, 0, 0, 9).To4()}, true},
		"from another address":                      {ipv4.ICMPTypeEchoReply, "ours", &net.IPAddr{IP: net.IPv4(10, 0, 0, 2)}, false},
		"to another asker":                          {ipv4.ICMPTypeEchoReply, "theirs", &net.IPAddr{IP: net.IPv4(10, 0, 0, 9)}, false},
		"a question, as the loopback device shows":  {ipv4.ICMPTypeEcho, "ours", &net.IPAddr{IP: net.IPv4(10, 0, 0, 9)}, false},
	} {
		heard := make(chan struct{})
		e := &echo{addr: netip.MustParseAddr("10.0.0.9"), proto: 1, mark: []byte("ours"), open: map[int]chan struct{}{7: heard}}
		packet, err := (&icmp.Message{Type: tt.kind, Body: &icmp.Echo{ID: 1, Seq: 7, Data: []byte(tt.mark)}}).Marshal(nil)
		if err != nil {
			t.Fatal(err)
		}
		e.hear(tt.from, packet)
		select {
		case <-heard:
			if !tt.ours {
				t.Errorf("%s: taken for the answer", name)
			}
		default:
			if tt.ours {
				t.Errorf("%s: not taken for the answer", name)
			}
		}
	}
}
