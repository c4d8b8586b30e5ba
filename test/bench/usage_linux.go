package bench

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/havip/havip/test/field"
)

// usageTries is how often a cost is measured anew because the addresses moved
// meanwhile: the better one of the pair may come second at the start, and a busy
// machine moves them too. What moved cost more than what is asked for.
const usageTries = 10

// usage measures what both daemons of a pair cost over a time, once all its
// addresses are where they belong and the takeover is over.
func usage(t testing.TB, c contender, s settings, over time.Duration) []Usage {
	t.Helper()
	s.preempt = true // or one node might be active for some and the other for the rest
	p := newPair(t, c, s)
	for range usageTries {
		if both, calm := p.usage(t, over); calm {
			return both
		}
	}
	t.Errorf("%s with %d routers: the addresses moved while nothing happened, %d times", c.Name, s.routers, usageTries)
	return nil
}

// usage measures once; calm tells whether no address moved meanwhile.
func (p *pair) usage(t testing.TB, over time.Duration) (both []Usage, calm bool) {
	t.Helper()
	s := p.settings
	var owner int
	field.EventuallyOr(t, func() bool {
		holders := p.watch.Holders()
		owner = 0
		if len(holders) == 1 && holders[0] == p.nodes[1].Name {
			owner = 1
		}
		return len(holders) == 1 && p.holds(owner) == s.routers && p.holds(1-owner) == 0
	}, func() string { return fmt.Sprintf("%s: one node has all %d addresses", p.contender.Name, s.routers) })
	// keepalived and the agent announce a second time after 2 s
	time.Sleep(min(over, 3*time.Second))

	var before [2]time.Duration
	began := time.Now()
	for i := range p.nodes {
		before[i] = cpuTime(p.daemons[i].process())
	}
	time.Sleep(over)
	for i, role := range [2]int{owner, 1 - owner} {
		process := p.daemons[role].process()
		spent, elapsed := cpuTime(process)-before[role], time.Since(began)
		both = append(both, Usage{
			Contender: p.contender.Name, Interval: s.interval, Routers: s.routers, Active: i == 0,
			CPU: 100 * spent.Seconds() / elapsed.Seconds(), PSS: pss(process), Threads: threads(process),
		})
	}
	return both, p.holds(owner) == s.routers && p.holds(1-owner) == 0
}

// holds counts the VIPs on a node.
func (p *pair) holds(node int) int {
	p.t.Helper()
	list, err := p.nodes[node].Space.Links().AddrList(nil, netlink.FAMILY_V4)
	must(p.t, err)
	vips, count := make(map[netip.Addr]bool), 0
	for n := range p.settings.routers {
		vips[vip(n).Addr()] = true
	}
	for _, a := range list {
		if ip, ok := netip.AddrFromSlice(a.IP); ok && vips[ip.Unmap()] {
			count++
		}
	}
	return count
}

// cpuTime is how long the threads of a daemon's processes have run, as the
// scheduler counts it: /proc/PID/task/TID/schedstat, in ns. utime and stime are
// the same in ticks of 10 ms, too coarse for a daemon that sleeps.
func cpuTime(p *field.Process) (total time.Duration) {
	for _, pid := range p.Family() {
		stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, file := range stats {
			if fields := strings.Fields(read(file)); len(fields) > 0 {
				ns, _ := strconv.ParseInt(fields[0], 10, 64)
				total += time.Duration(ns)
			}
		}
	}
	return total
}

// pss is the memory of a daemon's processes in KiB, shared pages divided among
// those who share them: Pss of /proc/PID/smaps_rollup.
func pss(p *field.Process) (total int) {
	for _, pid := range p.Family() {
		for line := range strings.Lines(read(fmt.Sprintf("/proc/%d/smaps_rollup", pid))) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
				kib, _ := strconv.Atoi(fields[1])
				total += kib
			}
		}
	}
	return total
}

func threads(p *field.Process) (total int) {
	for _, pid := range p.Family() {
		tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		total += len(tasks)
	}
	return total
}

// read returns what is in a file of /proc; nothing when its process is gone.
func read(file string) string {
	text, _ := os.ReadFile(file)
	return string(bytes.TrimSpace(text))
}
