package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/havip/havip/agent/pulse"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/apply"
	"github.com/havip/havip/provision/failover"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/preflight"
	"github.com/havip/havip/provision/server"
)

// FailoverOptions are those of a failover test.
type FailoverOptions struct {
	Faults []failover.Fault
	Rounds int
	Pause  time.Duration
	Every  time.Duration
	// UndoAfter is after how long a server undoes a fault by itself.
	UndoAfter time.Duration
	Probe     pulse.Target // empty: icmp where it answers, else what `verify` asks
	Control   netip.Addr
	// Identify is how to learn who answers outside; empty: by the SSH host key.
	Identify failover.Identify
	// Downtime, Lost and TwoOwners are limits; nil: the usual ones.
	Downtime      *time.Duration
	Lost          *int
	TwoOwners     *time.Duration
	AllowDegraded bool
}

// FailoverTest tests that a group fails over, and puts everything back. A group
// that is not well is refused with a *PreflightError. What could not be put back is a
// *LeftError.
func (s *Service) FailoverTest(ctx context.Context, sel Selection, opt FailoverOptions) (failover.Report, error) {
	fleet := s.NewFleet()
	rep, err := s.failoverTest(ctx, sel, opt, fleet)
	return rep, errors.Join(err, fleet.Close())
}

func (s *Service) failoverTest(ctx context.Context, sel Selection, opt FailoverOptions, fleet *Fleet) (failover.Report, error) {
	g, err := s.look(ctx, sel, fleet)
	if err != nil {
		return failover.Report{}, err
	}
	t, sg, err := s.test(ctx, g, opt, fleet)
	if err != nil {
		return failover.Report{}, err
	}
	before, err := s.snapshot(ctx, t)
	if err != nil {
		return failover.Report{}, err
	}
	runner := &apply.Runner{Cloud: s.Cloud, Progress: s.Report, Now: s.Now, Holder: s.Holder, Abandoned: s.Abandoned}
	if err := runner.Acquire(ctx, t.Group, sg); err != nil {
		return failover.Report{}, err
	}
	holding, end := runner.Hold(ctx, t.Group)
	rep, err := t.Run(holding)
	end()
	if silent := (*failover.SilentError)(nil); errors.As(err, &silent) {
		rep, err = failover.Report{}, refusal(silent.Error(), nil, "havip status "+t.Group+"; --probe asks in another way")
	}
	if apart := (*failover.DisagreeError)(nil); errors.As(err, &apart) && len(rep.Rounds) == 0 {
		rep, err = failover.Report{}, refusal(apart.Error(), nil, "havip status "+t.Group)
	}
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	err = errors.Join(err, runner.Release(release, t.Group, g.Desired.VRID, sg.ID))
	rep.Left = append(rep.Left, s.differences(release, t, before)...)
	return rep, leftOver(t.Group, rep.Left, err)
}

// leftOver makes what was left behind the error that the run ends with.
func leftOver(group string, left []string, err error) error {
	if len(left) == 0 {
		return err
	}
	all := &LeftError{Err: err}
	for _, l := range left {
		what, why, _ := strings.Cut(l, ": ")
		hint := "havip failover-test --restore " + group
		if name, ok := strings.CutPrefix(what, failover.NotActiveAgain); ok {
			hint = "havip switchover " + group + " --to " + name
		}
		all.Left = append(all.Left, plan.Left{What: what, Why: why, Hint: hint})
	}
	return all
}

// Restore finishes what a failover test that died has left: what the journal in
// the cloud says, and what the servers' timers have not undone yet.
func (s *Service) Restore(ctx context.Context, sel Selection) (restored []string, err error) {
	fleet := s.NewFleet()
	defer func() { err = errors.Join(err, fleet.Close()) }()
	g, err := s.look(ctx, sel, fleet)
	if err != nil {
		return nil, err
	}
	t, sg, err := s.group(g, fleet)
	if err != nil {
		return nil, err
	}
	var errs []error
	touched := map[string]bool{}
	for _, u := range failover.Journal(sg) {
		if err := t.Restore(ctx, u); err != nil {
			errs = append(errs, fmt.Errorf("undo %s of %s: %w", u.Fault, u.Object, err))
			continue
		}
		restored = append(restored, fmt.Sprintf("%s of %s", u.Fault, t.nameOf(u.Object)))
		touched[t.nameOf(u.Object)] = true
	}
	for _, m := range t.Members {
		undone, err := t.mend(ctx, m, touched[m.Name])
		if err != nil {
			errs = append(errs, fmt.Errorf("look at %s: %w", m.Name, err))
		}
		if undone {
			restored = append(restored, "a fault on "+m.Name)
		}
	}
	return restored, errors.Join(errs...)
}

// mend undoes what is left of a fault on a server. One that was just started is
// waited for.
func (t grouptest) mend(ctx context.Context, m failover.Member, started bool) (undone bool, err error) {
	limit := time.Now().Add(undoTime)
	for {
		guest, err := t.Guests.Guest(ctx, m.ServerID)
		if err == nil {
			undone, err = guest.Mend(ctx, t.Group)
		}
		if err == nil || !started || time.Now().After(limit) || ctx.Err() != nil {
			return undone, err
		}
		t.Guests.Forget(m.ServerID)
		time.Sleep(pollEvery)
	}
}

// grouptest is a failover.Test with what this package knows beside it.
type grouptest struct{ *failover.Test }

func (t grouptest) nameOf(id string) string {
	for _, m := range t.Members {
		if m.ServerID == id || m.PortID == id {
			return m.Name
		}
	}
	return id
}

// group is the test of a group before it is known what to test.
func (s *Service) group(g group, fleet *Fleet) (grouptest, openstack.SecurityGroup, error) {
	d, o := g.Desired, g.Observed
	i := slices.IndexFunc(o.SecurityGroups, func(sg openstack.SecurityGroup) bool {
		return plan.GroupOf(sg.Tags, sg.Description) == d.Group
	})
	if i < 0 || len(d.VIPs) == 0 {
		return grouptest{}, openstack.SecurityGroup{}, &NoGroupError{Group: d.Group}
	}
	sg := o.SecurityGroups[i]
	r := resourceOf(d.VIPs[0], d.Group, o)
	t := &failover.Test{
		Group: d.Group, SecurityGroup: sg.ID, VIP: r.Address, Interval: d.Interval, StartDelay: time.Duration(d.StartDelay),
		Outside: r.FloatingIP, Cloud: s.Cloud, Guests: guests{fleet}, Progress: s.Report,
	}
	if !t.Outside.IsValid() {
		t.Outside = r.Address
	}
	names := plan.MemberNames(d, o)
	for i, m := range d.Members {
		member := failover.Member{Name: names[i], ServerID: m.Server.ID, PortID: m.Ports[0].Port.ID, Init: string(o.Hosts[m.Server.ID].Init)}
		if st := o.Hosts[m.Server.ID].Agent.Status; st != nil && len(st.Routers) > 0 {
			member.NIC = st.Routers[0].Interface
		}
		t.Members = append(t.Members, member)
	}
	t.CheckPort = localPort(d.Checks)
	return grouptest{t}, sg, nil
}

// test is the test of a group that is well.
func (s *Service) test(ctx context.Context, g group, opt FailoverOptions, fleet *Fleet) (*failover.Test, openstack.SecurityGroup, error) {
	t, sg, err := s.group(g, fleet)
	if err != nil {
		return nil, sg, err
	}
	name := t.Group
	if open := failover.Journal(sg); len(open) > 0 {
		return nil, sg, refusal(fmt.Sprintf("an earlier failover test of %s is not put back", name), nil, "havip failover-test --restore "+name)
	}
	if len(t.Members) < 2 {
		return nil, sg, refusal(name+" has one member: there is nobody to fail over to", nil, "havip create with another --server")
	}
	var wrong []string
	for _, d := range g.deviations() {
		wrong = append(wrong, d.Object+": "+d.Message)
	}
	for _, servers := range g.Observed.Servers {
		for _, sv := range servers {
			if sv.Locked || sv.TaskState != "" {
				wrong = append(wrong, fmt.Sprintf("server %s is locked or has a task under way (%s)", sv.Name, cmp.Or(sv.TaskState, "locked")))
			}
		}
	}
	if len(wrong) > 0 && !opt.AllowDegraded {
		return nil, sg, refusal(name+" is not well, and a test of it would say nothing", wrong, "havip status "+name+", havip create; or --allow-degraded")
	}
	if hop := cutOff(ctx, g, net.DefaultResolver.LookupNetIP); hop != "" {
		return nil, sg, refusal(fmt.Sprintf("SSH goes through %s, which the test would cut off", hop), nil, "give another way: --ssh-jump, or ProxyJump in ~/.ssh/config")
	}
	lowest := slices.MinFunc(g.Desired.Members, func(a, b plan.Member) int { return a.Priority - b.Priority }).Priority
	t.Limits = failover.UsualLimits(failover.Theory(t.Interval, lowest))
	if opt.Downtime != nil {
		t.Limits.Downtime = *opt.Downtime
	}
	if opt.Lost != nil {
		t.Limits.Lost = *opt.Lost
	}
	if opt.TwoOwners != nil {
		t.Limits.TwoOwners = *opt.TwoOwners
	}
	t.Faults, t.Rounds, t.Pause, t.Every, t.Control = opt.Faults, opt.Rounds, opt.Pause, opt.Every, opt.Control
	t.UndoAfter, t.Degraded = opt.UndoAfter, opt.AllowDegraded
	if err := t.Limits.Check(t.Every); err != nil {
		return nil, sg, refusal(err.Error(), nil, "--max-downtime, --every")
	}
	t.Target, err = s.probe(ctx, opt.Probe, g.Spec.Verify, t.Outside)
	if err != nil {
		return nil, sg, refusal(err.Error(), nil, "havip status "+name+"; is the security group open for it? --probe asks in another way")
	}
	if t.Control.IsValid() {
		if _, err := s.probe(ctx, t.Target, g.Spec.Verify, t.Control); err != nil {
			return nil, sg, refusal("the control is to tell a bad line, and "+err.Error(), nil, "--control takes an address that is always answered, as the VIP is: --probe")
		}
	}
	for _, asked := range []netip.Addr{t.Outside, t.Control} {
		if !asked.IsValid() {
			continue
		}
		if err := s.penalties(ctx, opt.Probe, t.Target, asked); err != nil {
			return nil, sg, err
		}
	}
	t.SessionPort = sessionPort(t.Target, g.Spec.Verify)
	t.Identify, t.Known = s.identities(ctx, t, opt.Identify, fleet)
	return t.Test, sg, nil
}

// refusal is why no test is made.
func refusal(message string, details []string, cure string) error {
	return &PreflightError{Findings: preflight.Findings{{Severity: preflight.Error, Message: message, Details: details, Hint: cure}}}
}

// sshd is how a server is identified when nothing else is wished: what operators
// see, too, when the VIP has moved.
const sshd failover.Identify = "ssh:22"

// probeTime bounds a question that may have no answer.
const probeTime = 2 * time.Second

// guests finds the way to servers through a fleet.
type guests struct{ fleet *Fleet }

func (g guests) Guest(ctx context.Context, id string) (failover.Guest, error) {
	srv, err := g.fleet.server(ctx, id)
	if err != nil {
		return nil, err // not srv: a nil *Server in a Guest is not a nil Guest
	}
	return srv, nil
}

func (g guests) Forget(id string) { g.fleet.forget(id) }

var _ failover.Guest = (*server.Server)(nil)
