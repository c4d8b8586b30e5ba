package mishap

import (
	"encoding/binary"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/agent/vrrp"
	"github.com/havip/havip/test/field"
)

// forgery is a packet that must move nobody.
type forgery struct {
	name string
	// stranger: it comes from the attacker's own address. Else it has a peer's.
	stranger bool
	ttl      int
	bend     func([]byte) []byte // of a good advertisement with priority 255
	fresh    bool                // the checksum is right after the bending
	want     vrrp.DropReason
}

func forgeries() []forgery {
	set := func(at int, values ...byte) func([]byte) []byte {
		return func(b []byte) []byte {
			copy(b[at:], values)
			return b
		}
	}
	asItIs := set(0)
	return []forgery{
		{"a sender that is no peer", true, 255, asItIs, true, vrrp.DropPeer},
		{"the goodbye of one that is no peer", true, 255, set(2, 0), true, vrrp.DropPeer},
		{"a TTL of 3", false, 3, asItIs, true, vrrp.DropTTL},
		{"an interval of zero", false, 255, set(4, 0, 0), true, vrrp.DropZero},
		{"a wrong checksum", false, 255, set(2, 254), false, vrrp.DropChecksum},
		{"another VRID", false, 255, set(1, 52), true, vrrp.DropVRID},
		{"no address", false, 255, set(3, 0), true, vrrp.DropCount},
		{"more addresses than there are", false, 255, set(3, 200), true, vrrp.DropTruncated},
		{"a version that nobody knows", false, 255, set(0, 0x41), true, vrrp.DropVersion},
		{"version 2", false, 255, set(0, 0x21), true, vrrp.DropVersion},
		{"a type that nobody knows", false, 255, set(0, 0x32), true, vrrp.DropType},
		{"half a header", false, 255, func(b []byte) []byte { return b[:4] }, false, vrrp.DropTruncated},
		{"garbage", true, 255, func([]byte) []byte { return slices.Repeat([]byte{0xa5}, 200) }, false, vrrp.DropPeer},
	}
}

// frame is the forgery for one member, made by the third node.
func (g *group) frame(f forgery, to *member) []byte {
	g.t.Helper()
	source := g.third.Addr(g.family)
	if !f.stranger {
		for _, m := range g.members {
			if m != to {
				source = m.node.Addr(g.family)
			}
		}
	}
	victim := to.node.Addr(g.family)
	good, err := vrrp.Encode(vrrp.Packet{
		Version: 3, VRID: 51, Priority: 255, Interval: time.Second, Addresses: []netip.Addr{g.vip.Addr()},
	}, source, victim)
	if err != nil {
		g.t.Fatal(err)
	}
	payload := f.bend(good)
	if f.fresh {
		sign(payload, source, victim)
	}
	return field.Forgery{
		FromMAC: g.third.MAC, ToMAC: to.node.MAC, Source: source, To: victim,
		TTL: f.ttl, Protocol: vrrp.Protocol, Payload: payload,
	}.Frame()
}

// sign puts the right checksum in, over the pseudo-header (RFC 9568 section
// 5.2.8), whatever the rest of the message says.
func sign(b []byte, source, to netip.Addr) {
	copy(b[6:8], []byte{0, 0})
	sum := uint32(vrrp.Protocol + len(b))
	for _, part := range [][]byte{b, source.AsSlice(), to.AsSlice()} {
		for i := 0; i+1 < len(part); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(part[i:]))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[6:], ^uint16(sum))
}

// dropped is a member's counter of a reason.
func (m *member) dropped(r vrrp.DropReason) uint64 {
	return m.Router().Counters["dropped_"+string(r)]
}

// droppedInAll is the sum for all reasons.
func (m *member) droppedInAll() (sum uint64) {
	for name, n := range m.Router().Counters {
		if strings.HasPrefix(name, "dropped_") {
			sum += n
		}
	}
	return sum
}

func TestForgedPacketsMoveNobody(t *testing.T) {
	each(t, func(t *testing.T, family field.Family) {
		g := newGroup(t, family, 2, unhurried)
		g.heard(g.members[0])
		still := g.still()
		raw := g.third.Raw()
		for _, f := range forgeries() {
			const count = 20
			for _, m := range g.members {
				before, frame := m.dropped(f.want), g.frame(f, m)
				for range count {
					raw.Send(frame)
				}
				field.EventuallyOr(t, func() bool { return m.dropped(f.want) >= before+count }, func() string {
					return fmt.Sprintf("%s counts %s as %q: %v", m.node.Name, f.name, f.want, m.Router().Counters)
				})
			}
			still(f.name)
		}
		g.heard(g.members[0])
		still("all of that")
	})
}

var flood = flag.Int("flood", 1_000_000, "how many packets of garbage come over IPv4; over IPv6 it is a quarter")

// 100,000 packets a second for 10 seconds, if this machine can, half of them to
// the active and half to the backup.
func TestAFloodOfGarbageMovesNobody(t *testing.T) {
	const (
		rate = 105_000 // less comes of it
		// growth of an agent's memory, where a million packets have 100 MiB.
		growth = 16 << 20
	)
	for family, count := range map[field.Family]int{field.IPv4: *flood, field.IPv6: *flood / 4} {
		t.Run(family.String(), func(t *testing.T) {
			g := newGroup(t, family, 2, unhurried)
			g.heard(g.members[0])
			still := g.still()
			var frames [][]byte
			for _, f := range forgeries() {
				for _, m := range g.members {
					frames = append(frames, g.frame(f, m))
				}
			}
			memory, received := map[*member]int{}, map[*member]uint64{}
			for _, m := range g.members {
				memory[m], received[m] = m.peakMemory(t), m.node.Received()
			}
			took := g.third.Flood(frames, count, rate)
			g.heard(g.members[0])
			still("flood")
			for _, m := range g.members {
				for _, f := range forgeries() {
					if m.dropped(f.want) == 0 {
						t.Errorf("%s counts nothing as %q", m.node.Name, f.want)
					}
				}
				// What else came, such as the other's advertisements, is less than this.
				const others = 1000
				came := m.node.Received() - received[m]
				field.EventuallyOr(t, func() bool { return m.droppedInAll()+others >= came }, func() string {
					return fmt.Sprintf("%s counts what came, %d packets: %v", m.node.Name, came, m.Router().Counters)
				})
				grown := m.peakMemory(t) - memory[m]
				if grown > growth {
					t.Errorf("the memory of %s grew by %d bytes", m.node.Name, grown)
				}
				t.Logf("%s: %d packets came, %d counted as dropped, peak memory %d KiB, %d KiB more than before",
					m.node.Name, came, m.droppedInAll(), m.peakMemory(t)>>10, grown>>10)
			}
			t.Logf("%d packets in %v, %.0f a second", count, took, float64(count)/took.Seconds())
		})
	}
}

// peakMemory is the most that the agent had resident, in bytes (proc(5), VmHWM).
func (m *member) peakMemory(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			kib, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("the kernel does not tell the memory of a process")
	return 0
}
