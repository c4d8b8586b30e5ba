package failover

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// overTwoOwners holds the time with two owners to its limit: why that is exceeded, or why
// it cannot be told.
func (rec Record) overTwoOwners(r Round, l Limits) (over, unsure string) {
	if l.TwoOwners < 0 {
		return "", ""
	}
	var untold []string
	for _, m := range rec.Members {
		if !m.Told {
			untold = append(untold, m.Name)
		}
	}
	least, most, unseen := rec.twoOwners()
	switch {
	case least > l.TwoOwners:
		return fmt.Sprintf("two servers held the VIP for %s, the limit is %s", round(r.TwoOwners), l.TwoOwners), ""
	case len(untold) > 0:
		return "", fmt.Sprintf("two owners could not be seen: %s told nothing", strings.Join(untold, " and "))
	case most <= l.TwoOwners:
		return "", ""
	}
	why := fmt.Sprintf("the servers' clocks are compared within %s", round(r.ClockError))
	if len(unseen) > 0 {
		why = strings.Join(unseen, " and ") + " told nothing for a time, and held it before"
	}
	return "", fmt.Sprintf("two servers held the VIP for %s to %s, the limit is %s: %s", round(least), round(most), l.TwoOwners, why)
}

// twoOwners bounds the time in which two servers held the VIP, by how well their clocks
// are compared, and by who told nothing while it may have held it.
func (rec Record) twoOwners() (least, most time.Duration, unseen []string) {
	whole := Span{rec.Began, rec.Ended}
	wider := func(spans []Span, by time.Duration) Witnessed {
		var w Witnessed
		for _, s := range spans {
			w.Held = append(w.Held, Span{s.From - by, s.To + by})
		}
		w.Held = whole.those(w.Held)
		return w
	}
	var sure, may []Witnessed
	for _, m := range rec.Members {
		held := rec.mayHold(m)
		if !slices.Equal(held, whole.those(slices.Clone(m.Held))) {
			unseen = append(unseen, m.Name)
		}
		sure, may = append(sure, wider(m.Held, -m.ClockError)), append(may, wider(held, m.ClockError))
	}
	least, _ = owners(sure, whole)
	most, _ = owners(may, whole)
	return least, most, unseen
}
