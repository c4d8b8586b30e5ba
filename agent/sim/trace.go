package sim

import (
	"fmt"
	"strings"

	"github.com/havip/havip/agent/vrrp"
)

// describe says in a line what an event made a machine do; empty when that is
// what the machine does all day.
func describe(ev vrrp.Event, acts []vrrp.Act) string {
	var words []string
	for _, e := range acts {
		switch f := e.Effect.(type) {
		case vrrp.SendAdvert:
			words = append(words, fmt.Sprintf("advert %d every %v", f.Priority, f.Interval))
		case vrrp.AddVIPs:
			words = append(words, fmt.Sprintf("VIPs on for %v", f.Lease))
		case vrrp.RemoveVIPs:
			words = append(words, "VIPs off")
		case vrrp.Announce:
			words = append(words, "announce")
		case vrrp.Rival:
			words = append(words, "rival "+f.From.String())
		case vrrp.Yielded:
			words = append(words, fmt.Sprintf("%s has yielded", f.From))
		case vrrp.Transition:
			words = append(words, strings.ToUpper(fmt.Sprintf("%s to %s", f.From, f.To))+": "+string(f.Reason))
		case vrrp.Stopped:
			words = append(words, "stopped")
		}
	}
	what := ""
	switch ev := ev.(type) {
	case vrrp.Sent:
		if len(words) == 0 {
			return ""
		}
		what = "sent"
	case vrrp.Tick:
		what = "tick"
	case vrrp.Received:
		what = fmt.Sprintf("hears %s %d every %v", ev.From, ev.Priority, ev.Interval)
	case vrrp.Claimed:
		what = fmt.Sprintf("sees the announcement of %s, greater %t", ev.From, ev.Greater)
	case vrrp.Health:
		what = fmt.Sprintf("healthy %t", ev.OK)
	case vrrp.Link:
		what = fmt.Sprintf("link up %t", ev.Up)
	case vrrp.Start:
		what = "start"
	case vrrp.Shutdown:
		what = "shutdown"
	case vrrp.TakeOver:
		what = "take over"
	case vrrp.Reconfigured:
		what = fmt.Sprintf("reload priority %d interval %v preempt %t", ev.Config.Priority, ev.Config.Interval, ev.Config.Preempt)
	}
	if len(words) == 0 {
		return what
	}
	return what + " → " + strings.Join(words, "; ")
}
