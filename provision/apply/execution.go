package apply

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// execution is one run: the plan, what has come to be known, what was done.
type execution struct {
	runner *Runner
	plan   plan.Plan
	known  *known

	mu   sync.Mutex
	done []plan.Action
	left []plan.Left
	undo []undo

	wave *wave
}

// later runs a job on an object that nothing in the cloud waits for: with the
// wave, or at once when that is under way. The run waits for it in the end.
func (x *execution) later(object string, job func() error) { x.wave.add(object, job) }

// do executes one action and records it.
func (x *execution) do(ctx context.Context, a plan.Action) error {
	e, err := x.execute(ctx, a.Op)
	x.mu.Lock()
	defer x.mu.Unlock()
	// A failed action may have changed something before it failed.
	if e.changed {
		x.undo = append(x.undo, undo{action: a, do: e.undo})
	}
	if err == nil {
		x.done = append(x.done, a)
	}
	return err
}

// leave notes what stays behind.
func (x *execution) leave(l plan.Left) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.left = append(x.left, l)
}

// inverse takes one operation back.
type inverse = func(context.Context) error

// effect is what an operation did, also one that failed.
type effect struct {
	changed bool    // something is not, or may not be, as it was before
	undo    inverse // nil when it cannot be taken back
}

// reversible is the effect of a change that undo takes back.
func reversible(undo inverse) effect { return effect{changed: true, undo: undo} }

// single is the effect of one request without an inverse: when it failed it
// changed nothing.
func single(err error) (effect, error) { return effect{changed: err == nil}, err }

// several is the effect of several steps without an inverse: whatever failed,
// another may have succeeded.
func several(err error) (effect, error) { return effect{changed: true}, err }

func (x *execution) execute(ctx context.Context, op plan.Op) (effect, error) {
	switch op := op.(type) {
	case plan.CreateSecurityGroup:
		return x.createSecurityGroup(ctx, op)
	case plan.MendSecurityGroup:
		return several(x.mendSecurityGroup(ctx, op))
	case plan.DeleteSecurityGroup:
		return single(x.runner.Cloud.DeleteSecurityGroup(ctx, op.ID))
	case plan.CreateVIPPort:
		return x.createVIPPort(ctx, op)
	case plan.TagVIPPort:
		return several(x.tagVIPPort(ctx, op))
	case plan.DeleteVIPPort:
		return single(x.runner.Cloud.DeletePort(ctx, op.PortID))
	case plan.JoinPort:
		return x.joinPort(ctx, op)
	case plan.LeavePort:
		return x.leavePort(ctx, op)
	case plan.AttachFloatingIP:
		return x.attachFloatingIP(ctx, op)
	case plan.ReleaseFloatingIP:
		return x.releaseFloatingIP(ctx, op)
	case plan.DisownFloatingIP:
		return x.disownFloatingIP(ctx, op)
	case plan.ConvergeAgent:
		return x.convergeAgent(ctx, op)
	case plan.StopAgent:
		return x.onServer(ctx, op.ServerID, func(s Server) error { return s.Stop(ctx, x.plan.Group) })
	case plan.RemoveAgent:
		return x.onServer(ctx, op.ServerID, func(s Server) error { return s.Remove(ctx, x.plan.Group) })
	default:
		return effect{}, fmt.Errorf("plan is inconsistent: unknown operation %T", op)
	}
}

func (x *execution) result() *Result {
	x.mu.Lock()
	defer x.mu.Unlock()
	return &Result{Done: slices.Clone(x.done), Left: slices.Clone(x.left), Resources: x.known.resources(), undo: slices.Clone(x.undo)}
}

// known is what the run has learnt of the resources: IDs and addresses that
// did not exist when the plan was made.
type known struct {
	mu sync.Mutex
	r  plan.Resources
}

func newKnown(r plan.Resources) *known {
	r.VIPs = slices.Clone(r.VIPs)
	return &known{r: r}
}

func (k *known) resources() plan.Resources {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.r
	r.VIPs = slices.Clone(r.VIPs)
	return r
}

func (k *known) setGroup(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.r.SecurityGroup = id
}

// vrid is the group's: what the run took, else the wanted one.
func (x *execution) vrid() int { return cmp.Or(x.known.resources().VRID, x.plan.Desired.VRID) }

func (k *known) setVRID(vrid int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.r.VRID = vrid
}

func (k *known) setVIP(i int, v plan.VIPResource) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.r.VIPs) <= i {
		k.r.VIPs = append(k.r.VIPs, plan.VIPResource{})
	}
	k.r.VIPs[i] = v
}

func (k *known) setFloatingIP(i int, f openstack.FloatingIP) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.r.VIPs[i].FloatingIP = f.Address
}

// vip is VIP i, or an error when the plan let an action run before it exists.
func (k *known) vip(i int) (plan.VIPResource, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if i >= len(k.r.VIPs) || k.r.VIPs[i].PortID == "" {
		return plan.VIPResource{}, fmt.Errorf("plan is inconsistent: vip %d is used before its port exists", i)
	}
	return k.r.VIPs[i], nil
}

// addresses are those of the VIPs with these indices.
func (k *known) addresses(indices []int) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, i := range indices {
		v, err := k.vip(i)
		if err != nil {
			return nil, err
		}
		all = append(all, v.Address)
	}
	return all, nil
}
