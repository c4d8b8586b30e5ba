package transport

import (
	"net/netip"
	"testing"

	"golang.org/x/net/bpf"
)

func TestIPv4SourceFilterTellsPeersFromOthers(t *testing.T) {
	many := make([]netip.Addr, 300) // more than a jump of BPF spans
	for i := range many {
		many[i] = netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
	}
	tests := map[string]struct {
		peers  []netip.Addr
		source string
		want   int
	}{
		"a peer":                         {many[:2], "10.1.0.1", 100},
		"the last of many":               {many, "10.1.1.43", 100},
		"a stranger":                     {many, "10.2.0.1", 20},
		"anyone, without a peer":         {nil, "10.1.0.1", 20},
		"a peer of the other family":     {[]netip.Addr{netip.MustParseAddr("2001:db8::1")}, "10.1.0.1", 20},
		"a stranger sending to the peer": {[]netip.Addr{netip.MustParseAddr("10.9.9.9")}, "10.1.0.1", 20},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			raw, err := ipv4SourceFilter(tt.peers, 100, 20)
			if err != nil {
				t.Fatal(err)
			}
			program, _ := bpf.Disassemble(raw)
			vm, err := bpf.NewVM(program)
			if err != nil {
				t.Fatal(err)
			}
			packet := make([]byte, 100)
			source := netip.MustParseAddr(tt.source).As4()
			copy(packet[12:], source[:])
			copy(packet[16:], []byte{10, 9, 9, 9})
			if got, err := vm.Run(packet); err != nil || got != tt.want {
				t.Errorf("got %d bytes, %v; want %d", got, err, tt.want)
			}
		})
	}
}
