package arrival

import (
	"testing"
	"time"
)

func TestATimeIsHeldBetweenTheEarliestAndNow(t *testing.T) {
	now := time.Now()
	wall := now.Round(0) // without the monotonic reading, as a time stamp is
	earliest := now.Add(-time.Second)
	tests := map[string]struct{ stamp, want time.Time }{
		"a packet of 30 ms ago":              {wall.Add(-30 * time.Millisecond), now.Add(-30 * time.Millisecond)},
		"the clock was set an hour forward":  {wall.Add(-time.Hour), earliest},
		"the clock was set an hour backward": {wall.Add(time.Hour), now},
		"no time stamp":                      {time.Time{}, now},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Time(now, tt.stamp, earliest)
			// Both have a monotonic reading, which is what Sub compares then.
			if d := got.Sub(tt.want); d != 0 {
				t.Errorf("got a time %s after the one wanted", d)
			}
			if got.Round(0) == got {
				t.Error("the time has no monotonic reading")
			}
		})
	}
}
