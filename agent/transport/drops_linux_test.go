package transport_test

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/transport"
	"github.com/havip/havip/agent/vip/netnstest"
	"github.com/havip/havip/agent/vrrp"
)

// forger sends packets of protocol 112 with any header, from one end of a pair.
type forger struct {
	t  *testing.T
	fd int
}

func newForger(t *testing.T, in *netnstest.Namespace) forger {
	t.Helper()
	f := forger{t: t}
	in.Do(t, func() {
		var err error
		f.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		netnstest.Must(t, err)
	})
	t.Cleanup(func() { _ = unix.Close(f.fd) })
	return f
}

func (f forger) send(from netip.Addr, ttl byte, payload []byte) {
	f.t.Helper()
	p := make([]byte, 20, 20+len(payload))
	p[0], p[8], p[9] = 0x45, ttl, vrrp.Protocol // the kernel fills in length and checksum
	copy(p[12:], from.AsSlice())
	copy(p[16:], addrB.AsSlice())
	p = append(p, payload...)
	netnstest.Must(f.t, unix.Sendto(f.fd, p, 0, &unix.SockaddrInet4{Addr: addrB.As4()}))
}

// advert is a right one, as addrA sends it, changed by mutate and with its
// checksum put right again.
func advert(t *testing.T, mutate func(b []byte)) []byte {
	t.Helper()
	b, err := vrrp.Encode(vrrp.Packet{
		Version: 3, VRID: vrid, Priority: 250, Interval: time.Second,
		Addresses: vips, Checksum: vrrp.ChecksumMessage,
	}, addrA, addrB)
	netnstest.Must(t, err)
	mutate(b)
	b[6], b[7] = 0, 0
	var sum uint32 // RFC 1071
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[6:], ^uint16(sum))
	return b
}

func TestWhatIsNotAValidAdvertOfAPeerIsDroppedAndCounted(t *testing.T) {
	good := advert(t, func([]byte) {})
	badChecksum := advert(t, func([]byte) {})
	badChecksum[2]++
	tests := map[string]struct {
		from    netip.Addr
		ttl     byte
		payload []byte
		want    vrrp.DropReason
	}{
		"a sender that is no peer":    {stranger, 255, good, vrrp.DropPeer},
		"a TTL of 3":                  {addrA, 3, good, vrrp.DropTTL},
		"a wrong checksum":            {addrA, 255, badChecksum, vrrp.DropChecksum},
		"another virtual router":      {addrA, 255, advert(t, func(b []byte) { b[1]++ }), vrrp.DropVRID},
		"an interval of zero":         {addrA, 255, advert(t, func(b []byte) { b[4], b[5] = 0, 0 }), vrrp.DropZero},
		"an address list cut short":   {addrA, 255, good[:len(good)-4], vrrp.DropTruncated},
		"a header cut short":          {addrA, 255, good[:7], vrrp.DropTruncated},
		"nothing behind the IP":       {addrA, 255, nil, vrrp.DropTruncated},
		"version 2":                   {addrA, 255, advert(t, func(b []byte) { b[0] = 0x21 }), vrrp.DropVersion},
		"no address":                  {addrA, 255, advert(t, func(b []byte) { b[3] = 0 }), vrrp.DropCount},
		"a type that is no advert":    {addrA, 255, advert(t, func(b []byte) { b[0] = 0x32 }), vrrp.DropType},
		"a right one, to be accepted": {addrA, 255, good, vrrp.Accepted},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			nsA, nsB := pair(t)
			a, b := open(t, nsA, addrA, addrB), open(t, nsB, addrB, addrA)
			newForger(t, nsA).send(tt.from, tt.ttl, tt.payload)
			// What comes after on the same cable shows that it was dropped.
			_, err := a.Send(1, time.Second)
			netnstest.Must(t, err)
			priority, want := 1, map[string]uint64{string(tt.want): 1}
			if tt.want == vrrp.Accepted {
				priority, want = 250, map[string]uint64{}
			}
			if got := receive(t, b); got.Priority != priority {
				t.Errorf("got %+v, want the advert with priority %d", got, priority)
			}
			if diff := cmp.Diff(want, b.Drops()); diff != "" {
				t.Errorf("drops (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFloodNeitherGrowsMemoryNorHidesTheAdverts(t *testing.T) {
	nsA, nsB := pair(t)
	a, b := open(t, nsA, addrA, addrB), open(t, nsB, addrB, addrA)
	forge := newForger(t, nsA)
	garbage := make([]byte, 1400)

	const flood = 20000
	for range flood {
		forge.send(stranger, 255, garbage)
	}
	_, err := a.Send(250, time.Second)
	netnstest.Must(t, err)
	receive(t, b)
	drops := b.Drops()
	// The advert came while the strangers' buffer was full: it may count there.
	if n := drops["peer"]; len(drops) != 1 || n < flood || n > flood+1 {
		t.Errorf("got drops %v after a flood of a stranger, want %d by peer", drops, flood)
	}

	// With the address of a peer it gets as far as the receive buffer.
	for range flood {
		forge.send(addrA, 255, garbage)
	}
	overflow := b.Drops()["overflow"]
	if overflow == 0 || overflow >= flood {
		t.Errorf("got %d overflows of %d packets, want most of them", overflow, flood)
	}
	// The kernel's buffer is 256 KiB, and charges more than its length for a packet.
	if waiting := flood - overflow; waiting > 256<<10/1400 {
		t.Errorf("%d packets wait: the receive buffer is not bounded", waiting)
	}
	if _, got, err := b.TryReceive(); got || err != nil {
		t.Errorf("got an advert out of garbage, %v", err)
	}
	if got, want := b.Drops()["version"], flood-overflow; got != want {
		t.Errorf("got %d drops after reading, want the %d that waited", got, want)
	}

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 200 {
		for range 50 { // fits into the buffer
			forge.send(addrA, 255, garbage)
		}
		if _, got, err := b.TryReceive(); got || err != nil {
			t.Fatalf("got an advert out of garbage, %v", err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > before.HeapAlloc+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes over 10000 packets", before.HeapAlloc, after.HeapAlloc)
	}
	_, err = a.Send(249, time.Second)
	netnstest.Must(t, err)
	if got := receive(t, b); got.Priority != 249 {
		t.Errorf("after the floods: got %+v, want priority 249", got)
	}
}

func TestOneCapabilityIsEnough(t *testing.T) {
	netnstest.New(t).Do(t, func() {
		cfg := transport.Config{
			Interface: "lo", Source: addrA, Peers: []netip.Addr{addrB},
			VRID: vrid, Version: 3, Addresses: vips,
		}
		netnstest.WithOnly(t, 1<<unix.CAP_NET_RAW, func() {
			c, err := transport.Open(cfg)
			netnstest.Must(t, err)
			netnstest.Must(t, c.Close())
		})
		netnstest.WithOnly(t, 0, func() {
			if _, err := transport.Open(cfg); err == nil {
				t.Error("opened without CAP_NET_RAW: the test has not given it up")
			}
		})
	})
}
