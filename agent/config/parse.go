package config

import (
	"net"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/strict"
)

// Defaults of a health check.
const (
	DefaultCheckInterval = api.Duration(time.Second)
	DefaultFall          = 3
	DefaultRise          = 2
)

// DefaultRefresh is how often an active repeats its announcements.
const DefaultRefresh = api.Duration(30 * time.Second)

// Parse reads a configuration file, fills in the defaults and validates. The
// error is a strict.Problems with all that is wrong; file is its name in them.
func Parse(data []byte, file string) (Config, error) {
	var c Config
	doc, problems := strict.Decode(data, file, &c)
	c.Checks = orNil(c.Checks)
	if !doc.Broken("") && doc.Has("") {
		validate(c, doc.Report(&problems))
	}
	if problems.Sort(); len(problems) > 0 {
		return Config{}, problems
	}
	return c, nil
}

// UnmarshalNode implements strict.Unmarshaler: what is not given has a
// default, and the MAC one spelling.
func (r *Router) UnmarshalNode(n strict.Node) {
	type plain Router
	p := plain{Version: vrrp3, Announce: Announce{Refresh: DefaultRefresh}}
	n.Decode(&p)
	if mac, err := net.ParseMAC(p.Interface.MAC); err == nil {
		p.Interface.MAC = mac.String()
	}
	if !n.Has("mode") {
		p.Mode = ModeUnicast
		if len(p.Peers) == 0 {
			p.Mode = ModeMulticast
		}
	}
	p.Peers = orNil(p.Peers)
	*r = Router(p)
}

// UnmarshalNode implements strict.Unmarshaler: what is not given has a
// default, while an explicit 0 is there to be refused.
func (c *Check) UnmarshalNode(n strict.Node) {
	type plain Check
	p := plain(Check{}.WithDefaults())
	n.Decode(&p)
	if !n.Has("timeout") {
		p.Timeout = defaultTimeout(p.Interval)
	}
	if n.Has("max_age") && p.MaxAge == 0 {
		n.Refuse("max_age 0s is older than any file", "take the key away to have any age")
	}
	p.Exec, p.Status = orNil(p.Exec), orNil(p.Status)
	*c = Check(p)
}

// orNil makes an empty list of the file what a missing one is, as Marshal
// writes neither.
func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// WithDefaults is the check with every zero setting replaced by its default.
func (c Check) WithDefaults() Check {
	if c.Interval == 0 {
		c.Interval = DefaultCheckInterval
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout(c.Interval)
	}
	if c.Fall == 0 {
		c.Fall = DefaultFall
	}
	if c.Rise == 0 {
		c.Rise = DefaultRise
	}
	return c
}

// defaultTimeout is the interval, so that a check never meets its next run,
// but no longer than a second.
func defaultTimeout(interval api.Duration) api.Duration {
	return min(interval, api.Duration(time.Second))
}

var (
	_ strict.Unmarshaler = (*Router)(nil)
	_ strict.Unmarshaler = (*Check)(nil)
)
