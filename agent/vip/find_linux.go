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
// state that is not usable, not an error; then Held, Any and Foreign are of the NIC the
// set is bound to, if that is still there. Of what is foreign, the next Add or Remove
// rids the NIC.
func (s *Set) Inspect(v View, i config.Interface) (State, error) {
	state, err := s.inspect(v.links, i)
	s.saw(err == nil && state.Usable && state.Held && len(state.Foreign) == 0)
	return state, err
}

func (s *Set) inspect(links []link, i config.Interface) (State, error) {
	l, err := choose(i, links)
	var missing *FindError
	switch {
	case errors.As(err, &missing):
		state := State{Why: err.Error(), NIC: s.nic}
		s.foreign = nil
		if at := slices.IndexFunc(links, func(l link) bool { return l.Index == s.nic.Index }); at >= 0 {
			l = links[at]
			s.inspectVIPs(l, &state)
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
	state := State{NIC: l.NIC, SourceMissing: l.lacksOnly(s.source)}
	state.Usable, state.Why = judge(l, s.source)
	s.inspectVIPs(l, &state)
	return state, nil
}

// inspectVIPs sees which VIPs are on the NIC.
func (s *Set) inspectVIPs(l link, state *State) {
	n := l.holding(s.addrs)
	s.foreign = l.foreigners(s.addrs, s.source)
	for _, f := range s.foreign {
		state.Foreign = append(state.Foreign, f.prefix)
	}
	state.Held, state.Any = n == len(s.addrs), n+len(s.foreign) > 0
}
