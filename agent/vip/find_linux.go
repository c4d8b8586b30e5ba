package vip

import (
	"errors"
	"slices"

	"github.com/havip/havip/agent/config"
)

// Find finds a NIC by its MAC and the server's own address on it, or by its
// name. When there is none it returns a *FindError that says what was seen.
func Find(i config.Interface) (NIC, error) {
	links, err := readLinks()
	if err != nil {
		return NIC{}, err
	}
	l, err := choose(i, links)
	if err != nil {
		return NIC{}, err
	}
	return l.NIC, nil
}

// Inspect looks at the NIC and the VIPs as they are now. A NIC that cannot be
// found is a state that is not usable, not an error; then Held and Any are of
// the NIC the set is bound to, if that is still there.
func (s *Set) Inspect(i config.Interface) (State, error) {
	state, err := s.inspect(i)
	s.saw(err == nil && state.Usable && state.Held)
	return state, err
}

func (s *Set) inspect(i config.Interface) (State, error) {
	links, err := readLinks()
	if err != nil {
		return State{}, err
	}
	l, err := choose(i, links)
	var missing *FindError
	switch {
	case errors.As(err, &missing):
		state := State{Why: err.Error(), NIC: s.nic}
		if at := slices.IndexFunc(links, func(l link) bool { return l.Index == s.nic.Index }); at >= 0 {
			l = links[at]
			n := l.holding(s.addrs)
			state.Held, state.Any = n == len(s.addrs), n > 0
			// Down is the better explanation when both hold: a NIC that is
			// switched off often loses its address with it.
			if usable, why := judge(l, s.source); !usable {
				state.Why = why
				state.SourceMissing = l.lacksOnly(s.source)
			}
		}
		return state, nil
	case err != nil:
		return State{}, err
	}
	n := l.holding(s.addrs)
	usable, why := judge(l, s.source)
	return State{
		Usable: usable, Why: why, SourceMissing: l.lacksOnly(s.source),
		NIC: l.NIC, Held: n == len(s.addrs), Any: n > 0,
	}, nil
}
