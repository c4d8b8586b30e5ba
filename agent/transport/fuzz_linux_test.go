package transport

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/vrrp"
)

// fuzzRouter is a router of one family in unicast, without sockets.
func fuzzRouter(f family, self, peer netip.Addr) *Conn {
	cfg := Config{Source: self, Peers: []netip.Addr{peer}, VRID: 51, Version: 3, Interval: time.Second}
	c := &Conn{link: &link{family: f}, cfg: cfg, expect: vrrp.Expect{Version: 3, VRID: 51}}
	c.link.conns = []*Conn{c}
	return c
}

// FuzzParse: whatever a socket hands over, nothing panics, nothing is read beyond
// its end, and what is accepted was a peer's, for us, and not routed.
func FuzzParse(f *testing.F) {
	peer4, self4 := netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("10.99.0.2")
	peer6, self6 := netip.MustParseAddr("fd00:99::1"), netip.MustParseAddr("fd00:99::2")
	encode := func(src, dst, vip netip.Addr) []byte {
		b, err := vrrp.Encode(vrrp.Packet{
			Version: 3, VRID: 51, Priority: 250, Interval: time.Second, Addresses: []netip.Addr{vip},
		}, src, dst)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	four := packet{src: peer4, dst: self4, hops: 255, payload: encode(peer4, self4, netip.MustParseAddr("10.99.0.100"))}
	f.Add(four.bytes(0), []byte{}, []byte{})
	f.Add(four.bytes(10), []byte{}, []byte{})
	f.Add([]byte{0x4f, 0, 0}, []byte{}, []byte{})
	hops := controlMessage(unix.IPV6_HOPLIMIT, binary.NativeEndian.AppendUint32(nil, 255))
	ancillary := append(hops, controlMessage(unix.IPV6_PKTINFO, append(self6.AsSlice(), 1, 0, 0, 0))...)
	f.Add(encode(peer6, self6, netip.MustParseAddr("fd00:99::100")), ancillary, peer6.AsSlice())
	f.Add([]byte{0x31}, hops, peer6.AsSlice())

	f.Fuzz(func(t *testing.T, data, ancillary, sender []byte) {
		messages, err := unix.ParseSocketControlMessage(ancillary)
		if err != nil {
			return // the kernel does not write these
		}
		from := new(syscall.SockaddrInet6)
		copy(from.Addr[:], sender)
		data = slices.Clip(data)
		for _, c := range []*Conn{fuzzRouter(ipv4{}, self4, peer4), fuzzRouter(ipv6{}, self6, peer6)} {
			d, ok := c.link.family.parse(data, messages, from)
			if !ok {
				continue
			}
			if len(d.payload) > len(data) || !d.src.IsValid() || !d.dst.IsValid() {
				t.Fatalf("got %+v of %d bytes", d, len(data))
			}
			advert, reason := c.check(d)
			right := d.src == c.cfg.Peers[0] && d.dst == c.cfg.Source && d.ttl == 255
			if reason == vrrp.Accepted && (!right || advert.From != d.src || advert.Interval <= 0 || len(advert.Addresses) == 0) {
				t.Fatalf("accepted %+v of %+v", advert, d)
			}
			// Nor when what is wrong is told from its head alone.
			d.payload = d.payload[:min(len(d.payload), keepHead)]
			for _, class := range []class{strangers, malformed} {
				if c.link.reason(class, d) == vrrp.Accepted {
					t.Fatalf("no reason to drop %+v", d)
				}
			}
		}
	})
}

// controlMessage is one as the kernel writes it (cmsg(3)).
func controlMessage(kind int, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	h := unix.Cmsghdr{Level: unix.IPPROTO_IPV6, Type: int32(kind)}
	h.SetLen(unix.CmsgLen(len(data)))
	length := unix.CmsgLen(0) - 8 // of the field Len, a word
	if length == 8 {
		binary.NativeEndian.PutUint64(b, uint64(h.Len))
	} else {
		binary.NativeEndian.PutUint32(b, uint32(h.Len))
	}
	binary.NativeEndian.PutUint32(b[length:], uint32(h.Level))
	binary.NativeEndian.PutUint32(b[length+4:], uint32(h.Type))
	copy(b[unix.CmsgLen(0):], data)
	return b
}
