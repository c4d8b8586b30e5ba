package prober

import (
	"slices"
	"time"
)

// Holding is a time in which a server had the address.
type Holding struct {
	Server   string
	From, To time.Time // To is zero while it has it
}

// Shared is for how long, from a to b, at least two servers had the address.
func Shared(holdings []Holding, a, b time.Time) time.Duration {
	return during(holdings, a, b, func(owners int) bool { return owners >= 2 })
}

// Vacant is for how long, from a to b, none had it.
func Vacant(holdings []Holding, a, b time.Time) time.Duration {
	return during(holdings, a, b, func(owners int) bool { return owners == 0 })
}

func during(holdings []Holding, a, b time.Time, counts func(owners int) bool) time.Duration {
	type change struct {
		at time.Time
		by int
	}
	changes := []change{{b, 0}}
	for _, h := range holdings {
		from, to := h.From, h.To
		if from.Before(a) {
			from = a
		}
		if to.IsZero() || to.After(b) {
			to = b
		}
		if from.Before(to) {
			changes = append(changes, change{from, +1}, change{to, -1})
		}
	}
	slices.SortStableFunc(changes, func(x, y change) int { return x.at.Compare(y.at) })
	var total time.Duration
	owners, last := 0, a
	for _, c := range changes {
		if counts(owners) {
			total += c.at.Sub(last)
		}
		owners, last = owners+c.by, c.at
	}
	return total
}
