package vip

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAgeIsTakenInThe32BitsOfTheStamp(t *testing.T) {
	tests := map[string]struct {
		now, stamp uint32
		want       time.Duration
	}{
		"a second ago":                    {10000, 9900, time.Second},
		"this instant":                    {10000, 10000, 0},
		"a stamp that is ahead by a tick": {10000, 10001, 0},
		"now is past the 497 days":        {10, 1<<32 - 5, 15 * tick},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := age(tt.now, tt.stamp); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestSinceBootFindsTheHZOfTheKernel(t *testing.T) {
	tests := map[string]struct {
		jiffies   uint64 // times(2)
		monotonic int64
		want      int64
	}{
		"HZ=100, an hour up":        {1<<32 - 30000 + 360000, 360012, 360000},
		"HZ=250, an hour up":        {(1<<32-75000)*100/250 + 360000, 360012, 360000},
		"HZ=300, an hour up":        {(1<<32-90000)*100/300 + 360000, 359990, 360000},
		"HZ=1000, three years up":   {(1<<32-300000)*100/1000 + 9460800000, 9460800012, 9460800000},
		"an HZ that is not a usual": {(1<<32-7200)*100/24 + 360000, 360012, 360012},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := sinceBoot(tt.jiffies, tt.monotonic); got != tt.want {
				t.Errorf("got %d ticks, want %d", got, tt.want)
			}
		})
	}
}

func TestLeasedRoundsUpAndWritesEveryFlag(t *testing.T) {
	tests := map[string]struct {
		prefix  string
		lease   time.Duration
		seconds int
		// preferred is 0 for a deprecated address.
		preferred, flags int
	}{
		"less than a second":                  {"10.0.0.1/32", 30 * time.Millisecond, 1, 1, unix.IFA_F_NOPREFIXROUTE},
		"whole seconds":                       {"10.0.0.1/32", 3 * time.Second, 3, 3, unix.IFA_F_NOPREFIXROUTE},
		"a bit more":                          {"10.0.0.1/32", 3001 * time.Millisecond, 4, 4, unix.IFA_F_NOPREFIXROUTE},
		"IPv6 without its DAD, and no source": {"2001:db8::1/128", time.Second, 1, 0, unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_NODAD},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := leased(netip.MustParsePrefix(tt.prefix), tt.lease)
			if got.ValidLft != tt.seconds || got.PreferedLft != tt.preferred || got.Flags != tt.flags {
				t.Errorf("got valid %d, preferred %d, flags %#x; want %d and %d seconds, flags %#x",
					got.ValidLft, got.PreferedLft, got.Flags, tt.seconds, tt.preferred, tt.flags)
			}
			if got.IPNet.String() != tt.prefix {
				t.Errorf("got address %s, want %s", got.IPNet, tt.prefix)
			}
		})
	}
}
