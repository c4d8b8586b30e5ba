package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/havip/havip/test/field"
)

// keepalived runs with files of its own.
type keepalived struct {
	*field.Process
	t    testing.TB
	n    *field.Node
	dir  string
	peer *keepalived
}

// likeOurs are the announcements of the agent, and its real-time priority. With
// the limit of processor time that goes with that by default, the kernel kills
// keepalived when it has been stopped for seconds.
const likeOurs = `    vrrp_rt_priority 1
    vrrp_rlimit_rttime 10000000
    vrrp_garp_master_repeat 1
    vrrp_garp_master_delay 2
    vrrp_garp_master_refresh 30
    vrrp_garp_master_refresh_repeat 1
`

func startKeepalived(t testing.TB, c contender, nodes [2]*field.Node, s settings) [2]daemon {
	return runKeepalived(t, c, nodes, s, "")
}

func startTuned(t testing.TB, c contender, nodes [2]*field.Node, s settings) [2]daemon {
	return runKeepalived(t, c, nodes, s, likeOurs)
}

func runKeepalived(t testing.TB, c contender, nodes [2]*field.Node, s settings, global string) [2]daemon {
	var both [2]*keepalived
	for i, n := range nodes {
		k := &keepalived{t: t, n: n, dir: t.TempDir()}
		k.write("conf", keepalivedConf(c, i, s, global, k.file("track")))
		k.write("track", "0")
		k.restart()
		both[i] = k
	}
	both[0].peer, both[1].peer = both[1], both[0]
	return [2]daemon{both[0], both[1]}
}

func (k *keepalived) file(name string) string { return filepath.Join(k.dir, name) }

func (k *keepalived) process() *field.Process { return k.Process }

func (k *keepalived) restart() {
	// Of one that was killed: keepalived does not start while a process has its
	// number, and be it dead and not buried.
	for _, file := range []string{"pid", "vrrp.pid"} {
		_ = os.Remove(k.file(file))
	}
	k.Process = k.n.Start(syscall.SysProcAttr{}, "keepalived", "--dont-fork", "--log-console", "--log-detail", "--vrrp",
		"--use-file", k.file("conf"), "--pid", k.file("pid"), "--vrrp_pid", k.file("vrrp.pid"))
}

func (k *keepalived) backup() bool {
	log := k.Output()
	return strings.LastIndex(log, "Entering BACKUP STATE") > strings.LastIndex(log, "Entering MASTER STATE")
}

// takeOver lowers the priority of the active by its tracked file below that of
// this one, which preempts it.
func (k *keepalived) takeOver() {
	k.peer.write("track", "2")
	k.write("track", "0")
}

func (k *keepalived) write(name, text string) {
	k.t.Helper()
	if err := os.WriteFile(k.file(name), []byte(text), 0o600); err != nil {
		k.t.Fatal(err)
	}
}

// keepalivedConf is the file as keepalived.conf(5) has it.
func keepalivedConf(c contender, node int, s settings, global, track string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "global_defs {\n    router_id bench\n    vrrp_version 3\n%s}\n", global)
	preempts := "    nopreempt\n"
	if s.preempt {
		fmt.Fprintf(&b, "track_file switchover {\n    file %s\n}\n", track)
		preempts = "    track_file {\n        switchover weight -1\n    }\n"
	}
	for _, r := range s.on(node) {
		fmt.Fprintf(&b, `vrrp_instance v%d {
    state BACKUP
    interface %s
    virtual_router_id %d
    priority %d
    advert_int %g
%s    unicast_src_ip %v
    unicast_peer {
        %v
    }
    virtual_ipaddress {
        %v
    }
}
`, r.vrid, field.Device, r.vrid, c.priority[node], s.interval.Seconds(), preempts, r.source, r.peer, r.vip)
	}
	return b.String()
}
