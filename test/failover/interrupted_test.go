package failover

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/joshdk/go-junit"

	provision "github.com/havip/havip/provision/failover"
	"github.com/havip/havip/test/lab/labtest"
)

// made tells whether a fault is there: in the journal and, where it lasts, in the
// cloud, or on the server.
func made(t *testing.T, f provision.Name, group, active string) error {
	t.Helper()
	if fault, _ := provision.Find(f); fault.Place == provision.InCloud {
		open, err := journal(t, group)
		if err == nil && len(open) != 1 {
			err = fmt.Errorf("the journal has %v", open)
		}
		if err != nil {
			return err
		}
		return lasts(t, f, active)
	}
	_, err := labtest.On(t, active, "test -e /run/havip-undo-"+group)
	return err
}

// addresses are all that a server has.
func addresses(t *testing.T, server string) []string {
	t.Helper()
	var all []string
	for _, network := range nova(t, server).Addresses {
		for _, a := range network {
			all = append(all, a.Addr)
		}
	}
	if len(all) == 0 {
		t.Fatalf("server %s has no address", server)
	}
	return all
}

// What Ctrl-C sends, and what pipelines do.
func TestATestThatIsInterruptedPutsEverythingBackAndEnds(t *testing.T) {
	t.Parallel()
	const name = "interrupted"
	group(t, name, "10.0.0.205", "bastion-7", "bastion-8")
	for _, tt := range []struct {
		fault  provision.Name
		signal syscall.Signal
	}{
		{provision.VRRPBlock, syscall.SIGINT},
		{provision.AgentFreeze, syscall.SIGTERM},
		{provision.PortDown, syscall.SIGINT},
		{provision.ServerStop, syscall.SIGTERM},
	} {
		t.Run(fmt.Sprintf("%s, %s", tt.fault, tt.signal), func(t *testing.T) {
			active := labtest.Healthy(t, name).Active()
			file := filepath.Join(t.TempDir(), "failover.xml")
			// The server's own timer is far away: it is not what undoes the fault.
			cmd := start(t, "failover-test", name, "--fault", string(tt.fault), "--undo-after", "1h", "--junit", file)
			cmd.until(t, "the fault", func() error { return made(t, tt.fault, name, active) })
			if err := cmd.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			<-cmd.ended
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit code %d, want 130\n%s%s", code, cmd.out.String(), cmd.errs.String())
			}
			if want := fmt.Sprintf("interrupted: %s of %s is put back first", tt.fault, active); !strings.Contains(cmd.errs.String(), want) {
				t.Errorf("it does not say %q:\n%s", want, cmd.errs.String())
			}

			// Now, not eventually.
			if s, _ := labtest.Look(t, name); !s.Healthy || s.Active() != active {
				t.Errorf("the group is %+v; it was well, with %s active", s, active)
			}
			if open, err := journal(t, name); err != nil || len(open) > 0 {
				t.Errorf("the journal has %v, %v", open, err)
			}
			// The brackets keep this command from finding itself.
			left := fmt.Sprintf("ls /run/[h]avip-undo-%s* 2>/dev/null; grep -ls [h]avip-undo-%s /proc/[0-9]*/cmdline; nft list tables", name, name)
			if out, err := labtest.On(t, active, left); err != nil || strings.Contains(out, "havip") || strings.Contains(out, "/proc/") {
				t.Errorf("the server still has: %s%v", out, err)
			}
			all, err := junit.IngestFile(file)
			if err != nil || len(all) != 1 || all[0].Totals.Error != 1 || all[0].Tests[0].Message != "broken off: interrupted" {
				t.Errorf("the JUnit file has %+v, %v", all, err)
			}
		})
	}
	t.Run("a second time", func(t *testing.T) {
		active := labtest.Healthy(t, name).Active()
		cmd := start(t, "failover-test", name, "--fault", string(provision.VRRPBlock), "--undo-after", "1h")
		cmd.until(t, "the fault", func() error { return made(t, provision.VRRPBlock, name, active) })
		// The ways to the server are cut, so that the first cannot put it back.
		const table = "havip_interrupted"
		if err := here(t, fmt.Sprintf("nft 'add table ip %s; add chain ip %s out { type filter hook output priority 0; }; add rule ip %s out ip daddr { %s } drop'",
			table, table, table, strings.Join(addresses(t, active), ", "))); err != nil {
			t.Fatal(err)
		}
		cut := true
		open := func() {
			if cut {
				cut = false
				if err := here(t, "nft delete table ip "+table); err != nil {
					t.Error(err)
				}
			}
		}
		defer open()
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		cmd.until(t, "what it says", func() error {
			for _, want := range []string{"vrrp-block of " + active, "havip failover-test --restore " + name} {
				if !strings.Contains(cmd.errs.String(), want) {
					return errors.New("it does not say " + want)
				}
			}
			return nil
		})
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		<-cmd.ended
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGINT {
			t.Errorf("it ended with %s; want by the second signal", cmd.ProcessState)
		}
		open()
		if err := made(t, provision.VRRPBlock, name, active); err != nil {
			t.Errorf("it was put back before the second signal, and this test shows nothing: %v\n%s", err, cmd.errs.String())
		}
		if o := labtest.Must(t, 0, "failover-test", name, "--restore"); !strings.Contains(o.Out, "put back: a fault on "+active+"\n") {
			t.Errorf("it does not say what was put back:\n%v", o)
		}
		labtest.Healthy(t, name)
		if o := labtest.Must(t, 0, "failover-test", name, "--restore"); !strings.Contains(o.Out, "nothing was left to put back") {
			t.Errorf("again:\n%v", o)
		}
		if made(t, provision.VRRPBlock, name, active) == nil {
			t.Error("it is not put back")
		}
	})
}
