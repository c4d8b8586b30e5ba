package failover

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/test/lab/labtest"
)

// path is a way that is cut for a while: the packets to the VIP are dropped where
// they are sent.
type path struct {
	name  string
	shell func(t *testing.T, command string) error
}

func here(t *testing.T, command string) error {
	out, err := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// cut drops what is sent to an address, and returns how long it was at least and
// at most: the commands take their time.
func (p path) cut(t *testing.T, address string, length time.Duration) (least, most time.Duration) {
	t.Helper()
	const table = "havip_cut"
	begin := fmt.Sprintf("nft 'add table ip %s; add chain ip %s out { type filter hook output priority 0; }; add rule ip %s out ip daddr %s drop'", table, table, table, address)
	// One command, so that a login does not count.
	start := time.Now()
	if err := p.shell(t, fmt.Sprintf("%s && sleep %.3f; nft delete table ip %s", begin, length.Seconds(), table)); err != nil {
		t.Fatal(err)
	}
	return length, time.Since(start)
}

// during runs a failover test, and act when its fault was made.
func during(t *testing.T, group string, act func(active string), args ...string) report {
	t.Helper()
	active := labtest.Healthy(t, group).Active()
	cmd := start(t, append([]string{"failover-test", group, "-o", "json", "--max-downtime", "30s"}, args...)...)
	cmd.until(t, "the fault", func() error {
		_, err := labtest.On(t, active, "test -e /run/havip-undo-"+group)
		return err
	})
	act(active)
	if <-cmd.ended; cmd.err != nil && cmd.ProcessState.ExitCode() != 5 {
		t.Fatalf("havip failover-test: %v\n%s%s", cmd.err, cmd.out.String(), cmd.errs.String())
	}
	return parse(t, cmd.out.String())
}

func TestFiguresAreTrue(t *testing.T) {
	t.Parallel()
	const name, vip, every = "honest", "10.0.0.203", 20 * time.Millisecond
	group(t, name, vip, "bastion-5", "bastion-6")
	other := map[string]string{"bastion-5": "bastion-6", "bastion-6": "bastion-5"}
	outside := path{"outside", here}
	inside := func(server string) path {
		return path{"inside", func(t *testing.T, command string) error {
			out, err := labtest.On(t, server, command)
			if err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		}}
	}

	for _, length := range []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 3 * time.Second} {
		t.Run("cut for "+length.String(), func(t *testing.T) {
			var least, most time.Duration
			r := during(t, name, func(string) { least, most = outside.cut(t, vip, length) }, "--fault", "vip-delete", "--every", every.String())
			got := r.Rounds[0].silence("outside")
			if got < least-2*every || got > most+2*every {
				t.Errorf("the way was cut for %s to %s, and the report says %s", least, most, got)
			}
			t.Logf("cut for %s to %s, reported %s", least, most, got)
		})
	}
	for _, tt := range []struct{ cut, layer string }{{"outside", "floating IP"}, {"inside", "neighbour cache"}} {
		t.Run("only "+tt.cut+" is cut", func(t *testing.T) {
			r := during(t, name, func(active string) {
				p := outside
				if tt.cut == "inside" {
					p = inside(other[active])
				}
				p.cut(t, vip, 1500*time.Millisecond)
			}, "--fault", "agent-stop", "--every", every.String())
			if got := r.Rounds[0].slowest(); got != tt.layer {
				t.Errorf("the slowest layer is %q, want %q: %+v", got, tt.layer, r.Rounds[0].Layers)
			}
		})
	}
	t.Run("the line loses packets", func(t *testing.T) {
		const lossy = "nft 'add table ip havip_loss; add chain ip havip_loss out { type filter hook output priority 0; }; add rule ip havip_loss out ip daddr 10.0.0.0/24 meta l4proto icmp numgen random mod 10 < 3 drop'"
		defer func() { _ = here(t, "nft delete table ip havip_loss") }()
		control := "10.0.0.1" // the router
		r := during(t, name, func(string) {
			if err := here(t, lossy); err != nil {
				t.Fatal(err)
			}
		}, "--fault", "vip-delete", "--every", every.String(), "--max-lost", "5", "--control", control, "--probe", "icmp")
		if r.Verdict != "inconclusive" {
			t.Errorf("the verdict is %s: %+v", r.Verdict, r.Rounds[0])
		}
	})
	t.Run("the control never answers, and would excuse everything", func(t *testing.T) {
		o := labtest.Must(t, 4, "failover-test", name, "--fault", "vip-delete", "--control", "10.0.0.250")
		if !strings.Contains(o.Err, "the control is to tell a bad line, and nothing answers from here") {
			t.Errorf("it does not say why:\n%s", o.Err)
		}
	})
}
