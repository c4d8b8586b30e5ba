package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/havip/havip/agent/api"
)

// printStatus writes a status for people.
func printStatus(w io.Writer, s api.Status) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "%s   havip-agent %s   up %s\n\n", s.Group, s.Agent, since(s.Now, s.Started))
	fmt.Fprint(t, "ADDRESS\tSTATE\tPRIORITY\tSINCE\tINTERFACE\tHELD\tROUTER\tWHY\n")
	for _, r := range s.Routers {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", addresses(r), r.State, r.Priority,
			since(s.Now, r.Since), dash(r.Interface), yesNo(r.Held), protocol(r), r.Reason)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if err := printProblems(w, s); err != nil {
		return err
	}
	fmt.Fprint(t, "\nPEER\tLAST ADVERTISEMENT\n")
	for _, r := range s.Routers {
		for _, p := range r.Peers {
			last := "never"
			if !p.LastAdvert.IsZero() {
				last = since(s.Now, p.LastAdvert) + " ago"
			}
			fmt.Fprintf(t, "%s\t%s\n", p.Address, last)
		}
	}
	for i, c := range s.Checks {
		if i == 0 {
			fmt.Fprint(t, "\nCHECK\tRESULT\tSINCE\n")
		}
		result := "ok"
		if !c.OK {
			result = "failed: " + c.Why
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", c.Name, result, since(s.Now, c.Since))
	}
	return t.Flush()
}

// printProblems writes what the agent sees wrong, in whole sentences: they are
// too long for a table.
func printProblems(w io.Writer, s api.Status) error {
	for _, r := range s.Routers {
		for _, p := range r.Problems {
			if _, err := fmt.Fprintf(w, "\n! %s, %s, for %s: %s\n", p.Code, routerName(r.VRID, api.FamilyOf(r.Source)), since(s.Now, p.Since), p.Detail); err != nil {
				return err
			}
		}
	}
	return nil
}

// protocol is how a router talks: "51, VRRPv3 unicast".
func protocol(r api.Router) string {
	text := fmt.Sprintf("%d", r.VRID)
	if r.Version != 0 { // an older agent does not say
		text += fmt.Sprintf(", VRRPv%d %s", r.Version, r.Mode)
	}
	return text
}

// eventPrinter writes events for people, and names those that are missing.
type eventPrinter struct {
	w    io.Writer
	last uint64 // Seq of the one before
}

func (p *eventPrinter) print(ev api.Event) error {
	switch missing := ev.Seq - p.last - 1; {
	case missing > 0 && p.last == 0:
		if _, err := fmt.Fprintf(p.w, "(%d older events are no longer kept)\n", missing); err != nil {
			return err
		}
	case missing > 0:
		if _, err := fmt.Fprintf(p.w, "(%d events are missing here: they came faster than they were read)\n", missing); err != nil {
			return err
		}
	}
	p.last = ev.Seq
	_, err := fmt.Fprintf(p.w, "%s  %12s  %-10s  %s\n", ev.Time.Format("2006-01-02 15:04:05.000"),
		fmt.Sprintf("+%.3fs", time.Duration(ev.Mono).Seconds()), ev.Kind, describe(ev))
	return err
}

// describe says in words what an event says beside its time and kind.
func describe(ev api.Event) string {
	var parts []string
	if ev.VRID != 0 {
		parts = append(parts, routerName(ev.VRID, ev.Family)+":")
	}
	if ev.To != "" {
		parts = append(parts, fmt.Sprintf("%s -> %s:", ev.From, ev.To))
	}
	for _, text := range []string{ev.Reason, ev.Detail} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " ")
}

// routerName tells the routers of an agent apart.
func routerName(vrid int, family api.Family) string {
	if family == "" { // an older agent does not say
		return fmt.Sprintf("router %d", vrid)
	}
	return fmt.Sprintf("router %d/%s", vrid, family)
}

func addresses(r api.Router) string {
	var out []string
	for _, p := range r.Addresses {
		out = append(out, p.Addr().String())
	}
	return strings.Join(out, " ")
}

// since is a duration in the precision that people want to read.
func since(now, then time.Time) string {
	d := now.Sub(then)
	unit := time.Second
	if d < 10*time.Second {
		unit = 10 * time.Millisecond
	}
	return d.Round(unit).String()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
