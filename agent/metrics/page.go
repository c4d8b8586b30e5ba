package metrics

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/havip/havip/agent/api"
)

// page is the page of a status and of the process that has it.
func page(s api.Status, p process) []byte {
	var t text
	t.add("havip_build_info", gauge, "The agent's version and the group that it serves.", 1,
		label{"group", s.Group}, label{"version", s.Agent}, label{"goversion", p.goVersion})
	for _, r := range s.Routers {
		addRouter(&t, s.Group, r)
	}
	for _, c := range s.Checks {
		labels := []label{{"group", s.Group}, {"check", c.Name}}
		t.add("havip_check_ok", gauge, "Whether the health check is well.", number(c.OK), labels...)
		t.add("havip_check_changed_timestamp_seconds", gauge, "When the check's verdict changed.", seconds(c.Since), labels...)
	}
	p.add(&t)
	return t.bytes()
}

// addRouter adds one virtual router.
func addRouter(t *text, group string, r api.Router) {
	// Routers with one VRID are told apart by their NICs, also while they wait for them.
	router := []label{
		{"group", group},
		{"vrid", strconv.Itoa(r.VRID)},
		{"family", string(api.FamilyOf(r.Source))},
		{"interface", cmp.Or(r.Interface, r.Selector)},
	}
	with := func(name, value string) []label { return append(slices.Clip(router), label{name, value}) }

	for _, state := range []api.State{api.Init, api.Backup, api.Active, api.Leaving} {
		t.add("havip_router_state", gauge, "The state of the virtual router: 1 for the one that it is in.",
			number(r.State == state), with("state", string(state))...)
	}
	t.add("havip_router_state_changed_timestamp_seconds", gauge, "When it entered its state.", seconds(r.Since), router...)
	t.add("havip_router_vips_held", gauge, "Whether the VIPs are on the interface.", number(r.Held), router...)
	t.add("havip_router_priority", gauge, "The configured priority.", float64(r.Priority), router...)
	t.add("havip_router_interval_seconds", gauge, "The configured advertisement interval.", time.Duration(r.Interval).Seconds(), router...)
	for _, code := range []string{api.ProblemAdvertsBlocked, api.ProblemAddressConflict, api.ProblemRival, api.ProblemFault, api.ProblemMismatch} {
		there := slices.ContainsFunc(r.Problems, func(p api.Problem) bool { return p.Code == code })
		t.add("havip_router_problem", gauge, "Whether the agent sees this problem now.", number(there), with("code", code)...)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Transitions)) {
		t.add("havip_router_transitions_total", counter, "Changes of state by their reason.", float64(r.Transitions[reason]), with("reason", reason)...)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Counters)) {
		addCounter(t, name, float64(r.Counters[name]), router, with)
	}
	for _, peer := range r.Peers {
		labels := with("peer", peer.Address.String())
		t.add("havip_peer_last_advert_timestamp_seconds", gauge, "When the peer's last advertisement came; 0: never.", seconds(peer.LastAdvert), labels...)
		t.add("havip_peer_priority", gauge, "The priority that the peer advertised last; 0: none, or that it left; 1: that it yielded.", float64(peer.Priority), labels...)
	}
}

// addCounter adds one of a router's counters. Those of a kind, which status has
// as dropped_ttl and dropped_peer, become one name with a label.
func addCounter(t *text, name string, value float64, router []label, with func(name, value string) []label) {
	for prefix, kind := range map[string]struct{ name, label, help string }{
		"dropped_":  {"packets_dropped", "reason", "Packets that were not used, by reason."},
		"failed_":   {"failures", "what", "Failures by what was tried."},
		"checksum_": {"adverts_checksum", "form", "Advertisements received by the form of their checksum."},
	} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			t.add("havip_router_"+kind.name+"_total", counter, kind.help, value, with(kind.label, rest)...)
			return
		}
	}
	help, known := counterHelp()[name]
	switch {
	case name == "transitions": // by reason, above
		return
	case !known:
		help = "The agent's counter " + name + "."
	}
	t.add("havip_router_"+strings.ReplaceAll(name, "-", "_")+"_total", counter, help, value, router...)
}

func counterHelp() map[string]string {
	return map[string]string{
		"address_mismatches":     "Advertisements with other addresses than ours.",
		"adverts_received":       "Advertisements received and used.",
		"adverts_sent":           "Advertisements sent.",
		"announcements":          "Rounds of gratuitous ARP or unsolicited neighbour advertisements.",
		"claims":                 "Announcements of our VIPs by others.",
		"first_not_link_local":   "IPv6 advertisements whose first address is not link-local.",
		"interval_mismatches":    "Advertisements with another interval than ours.",
		"priority_zero_received": "Advertisements of a peer that leaves (priority 0).",
		"priority_zero_sent":     "Advertisements that this member leaves (priority 0).",
		"late_wakeups":           "Timers that fired late.",
		"renewals":               "Renewals of the lease of the VIPs.",
		"rivals":                 "Advertisements of another active that lost against this one, and last words of such that were not heard before.",
		"vips_removed":           "VIPs removed because this member is not active.",
		"vips_restored":          "VIPs put back after somebody had removed them.",
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// seconds is a time as Prometheus has it; 0 when there is none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
