package vrrp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// captured is an advertisement with what of its IP packet the codec needs.
type captured struct {
	src, dst netip.Addr
	ttl      int
	payload  []byte
}

// expect is what a router of the same settings as the sender's expects.
func (c captured) expect() Expect {
	var want Expect
	if len(c.payload) >= headerLen {
		want = Expect{Version: int(c.payload[0] >> 4), VRID: int(c.payload[1])}
		want.Interval = time.Duration(c.payload[5]) * time.Second
	}
	if want.Version != 2 {
		want.Version = 3
	}
	return want
}

// roundTrip decodes it and encodes the result to the same bytes.
func (c captured) roundTrip(t *testing.T) (Packet, DropReason) {
	t.Helper()
	p, reason := Decode(c.payload, c.src, c.dst, TTL, c.expect())
	if reason != Accepted {
		return p, reason
	}
	again, err := Encode(p, c.src, c.dst)
	if err != nil || !bytes.Equal(again, c.payload) {
		t.Errorf("encoded as %x, %v; want %x", again, err, c.payload)
	}
	return p, Accepted
}

func readVectors(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPacketsOfOtherProjects(t *testing.T) {
	for line := range strings.Lines(string(readVectors(t, "packets.txt"))) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		t.Run(strings.Join(fields[5:], " "), func(t *testing.T) {
			payload, err := hex.DecodeString(fields[4])
			if err != nil {
				t.Fatal(err)
			}
			ttl, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			c := captured{netip.MustParseAddr(fields[2]), netip.MustParseAddr(fields[3]), ttl, payload}
			if _, reason := Decode(c.payload, c.src, c.dst, c.ttl, c.expect()); ttl != TTL && reason != DropTTL {
				t.Errorf("with a TTL of %d: reason is %q, want %q", ttl, reason, DropTTL)
			}
			_, reason := c.roundTrip(t)
			want := DropReason(fields[0])
			if want == "accepted" {
				want = Accepted
			}
			if reason != want {
				t.Errorf("reason is %q, want %q", reason, want)
			}
		})
	}
}

// TestTcpdumpSaysTheSame compares what Decode reads in tcpdump's capture with
// what tcpdump prints of it.
func TestTcpdumpSaysTheSame(t *testing.T) {
	packets := readPcap(t, readVectors(t, "tcpdump.pcap"))
	lines := strings.Split(strings.TrimSpace(string(readVectors(t, "tcpdump.txt"))), "\n")
	if len(packets) != 165 || len(lines) != len(packets) {
		t.Fatalf("got %d packets and %d lines, want 165", len(packets), len(lines))
	}
	verdicts := make(map[DropReason]int)
	for i, c := range packets {
		p, reason := c.roundTrip(t)
		verdicts[reason]++
		if diff := cmp.Diff(printed(t, lines[i]), said(c, p, reason)); diff != "" {
			t.Errorf("packet %d (-tcpdump +Decode):\n%s", i+1, diff)
		}
		if reason == Accepted && c.src.Is4() && p.Version == 3 && p.Checksum != ChecksumPseudo {
			t.Errorf("packet %d has a checksum of form %q", i+1, p.Checksum)
		}
	}
	if verdicts[Accepted] == 0 || verdicts[DropAuth] == 0 || len(verdicts) != 2 {
		t.Errorf("got verdicts %v, want some accepted and the rest with authentication", verdicts)
	}
}

// said and printed give the same words for the same packet.
func said(c captured, p Packet, reason DropReason) []string {
	interval := fmt.Sprintf("%dcs", p.Interval/centisecond)
	if p.Version == 2 {
		interval = fmt.Sprintf("%ds", p.Interval/time.Second)
	}
	auth := ""
	switch {
	case reason == DropAuth: // it has not been read further
		auth, interval = "simple", fmt.Sprintf("%ds", c.payload[5])
	case p.Version == 2:
		auth = "none"
	}
	return []string{
		c.src.String(), c.dst.String(), strconv.Itoa(p.Version), strconv.Itoa(p.VRID), strconv.Itoa(p.Priority),
		auth, interval, strconv.Itoa(len(c.payload)),
	}
}

func printed(t *testing.T, line string) []string {
	t.Helper()
	words := regexp.MustCompile(`IP6? (\S+) > (\S+): VRRPv(\d), Advertisement, vrid (\d+), prio (\d+), (?:authtype (\w+), )?intvl (\d+c?s), length (\d+)$`)
	m := words.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("tcpdump printed %q", line)
	}
	return m[1:]
}

// readPcap reads Ethernet frames with IP packets (draft-ietf-opsawg-pcap).
func readPcap(t *testing.T, file []byte) (packets []captured) {
	t.Helper()
	const fileHeader, recordHeader, ethernetHeader = 24, 16, 14
	for b := file[fileHeader:]; len(b) > 0; {
		n := binary.LittleEndian.Uint32(b[8:])
		packets = append(packets, readIP(b[recordHeader+ethernetHeader:recordHeader+n]))
		b = b[recordHeader+n:]
	}
	return packets
}

func readIP(b []byte) captured {
	if b[0]>>4 == 6 {
		src, _ := netip.AddrFromSlice(b[8:24])
		dst, _ := netip.AddrFromSlice(b[24:40])
		return captured{src, dst, int(b[7]), b[40 : 40+binary.BigEndian.Uint16(b[4:])]}
	}
	src, _ := netip.AddrFromSlice(b[12:16])
	dst, _ := netip.AddrFromSlice(b[16:20])
	return captured{src, dst, int(b[8]), b[int(b[0]&0x0f)*4 : binary.BigEndian.Uint16(b[2:])]} // without Ethernet's padding
}
