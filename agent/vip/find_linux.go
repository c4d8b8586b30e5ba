package vip

import (
	"errors"
	"slices"

	"github.com/havip/havip/agent/config"
)

// View is the NICs of the server and their addresses at one moment. To look costs
// as much as there are addresses: who asks for many sets looks once for all.
type View struct {
	links []link
}

// Look reads all NICs and their addresses.
func Look() (View, error) {
	links, err := readLinks()
	return View{links}, err
}

// Find looks, and finds a NIC as View.Find does.
func Find(i config.Interface) (NIC, error) {
	v, err := Look()
	if err != nil {
		return NIC{}, err
	}
	return v.Find(i)
}

// Find finds a NIC by its MAC and the server's own address on it, or by its
// name. When there is none it returns a *FindError that says what was seen.
func (v View) Find(i config.Interface) (NIC, error) {
	l, err := choose(i, v.links)
	if err != nil {
		return NIC{}, err
	}
	return l.NIC, nil
}

// Inspect tells how the NIC and the VIPs are. A NIC that cannot be found is a
// state that is not usable, not an error; then Held and Any are of the NIC the
// set is bound to, if that is still there.
func (s *Set) Inspect(v View, i config.Interface) (State, error) {
	state, err := s.inspect(v.links, i)
	s.saw(err == nil && state.Usable && state.Held)
	return state, err
}

func (s *Set) inspect(links []link, i config.Interface) (State, error) {
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
