package vip

import (
	"testing"
	"time"
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
