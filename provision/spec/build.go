package spec

import (
	"slices"
	"time"

	"github.com/havip/havip/agent/strict"
)

// Build makes a Group of a file (which may be nil) and flags. The error is a
// strict.Problems with all that is wrong, in the file and on the command line.
func Build(file *File, flags Flags) (Group, error) {
	b := newBuilder(file)
	b.overlay(flags)
	if file == nil || file.readable {
		b.validate()
	}
	if b.problems.Sort(); len(b.problems) > 0 {
		return Group{}, b.problems
	}
	return b.group(), nil
}

// builder collects the values of a group and what is wrong with them.
type builder struct {
	content   document
	from      map[string]string // the flag that gave a field its value
	file      *File             // nil without one
	elsewhere strict.Report     // reports what no flag gave: with its place in file
	problems  strict.Problems
}

func newBuilder(file *File) *builder {
	b := &builder{content: defaults(), from: map[string]string{}}
	b.elsewhere = b.problems.Add
	if file != nil {
		b.content, b.file = file.content, file
		b.content.VIPs = slices.Clone(file.content.VIPs) // flags change them in place
		b.problems = append(b.problems, file.problems...)
		b.elsewhere = file.doc.Report(&b.problems)
	}
	return b
}

// report names the flag that a wrong value came from, or its place in the
// file. Without a file a missing value is named by the flag that would give it.
func (b *builder) report(field, message, hint string) {
	flag := lookup(b.from, field)
	if flag == "" && b.file == nil {
		flag = lookup(map[string]string{"name": "GROUP", "servers": "--server", "vips": "--network"}, field)
	}
	if flag == "" {
		b.elsewhere(field, message, hint)
		return
	}
	b.problems.Add(flag, message, hint)
}

// lookup finds field, or its nearest parent, in flags.
func lookup(flags map[string]string, field string) string {
	for field != "" {
		if flag, ok := flags[field]; ok {
			return flag
		}
		field = strict.Parent(field)
	}
	return ""
}

// group is the content, once it is known to be right.
func (b *builder) group() Group {
	d := b.content
	g := Group{
		Name:  d.Name,
		Cloud: d.Cloud,
		VRRP: VRRP{
			ID: int(d.VRRP.ID), Interval: time.Duration(d.VRRP.Interval), Preempt: d.VRRP.Preempt,
			Version: d.VRRP.Version, Mode: d.VRRP.Mode,
			PreemptDelay: d.VRRP.PreemptDelay, StartDelay: d.VRRP.StartDelay, Announce: d.VRRP.Announce,
		},
		Checks: d.Checks,
		Verify: d.Verify,
		SSH:    SSH(d.SSH),
	}
	for _, s := range d.Servers {
		g.Servers = append(g.Servers, Server{Ref: s.Name, Port: s.Port, SSH: ServerSSH{
			Host: s.SSH.Host, Port: int(s.SSH.Port), User: s.SSH.User,
		}})
	}
	for _, v := range d.VIPs {
		g.VIPs = append(g.VIPs, VIP{
			Network: v.Network, Subnet: v.Subnet, Address: v.Address,
			FloatingIP: FloatingIP{Address: v.FloatingIP.address, Network: v.FloatingIP.Network},
		})
	}
	return g
}
