package arrival

import "time"

// Time turns a kernel time stamp, which is of the wall clock, into a time with a
// monotonic reading. A step of the wall clock between stamp and now would make the
// packet older or newer than it is, and an advertisement that looks old causes a
// takeover. So the result is held between earliest, before which the packet cannot
// have come, and now.
func Time(now, stamp, earliest time.Time) time.Time {
	at := now.Add(-now.Sub(stamp))
	switch {
	case stamp.IsZero() || at.After(now):
		return now
	case at.Before(earliest):
		return earliest
	}
	return at
}
