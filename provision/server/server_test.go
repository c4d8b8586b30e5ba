package server

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/remote"
)

func bastion(interval time.Duration) plan.ConvergeAgent {
	return plan.ConvergeAgent{Arch: "amd64", Init: plan.Systemd, Config: config.Config{
		Group: "bastion", Control: "/run/havip/bastion/control.sock",
		Routers: []config.Router{{
			VRID: 51, Interface: config.Interface{MAC: "fa:16:3e:12:34:56", Address: netip.MustParseAddr("10.0.0.130")},
			Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.136/32")}, Source: netip.MustParseAddr("10.0.0.130"),
			Mode: config.ModeUnicast, Peers: []netip.Addr{netip.MustParseAddr("10.0.0.131")}, Priority: 250,
			Interval: api.Duration(interval), Version: 3, Announce: config.Announce{Refresh: config.DefaultRefresh},
		}},
	}}
}

func converge(t *testing.T, s *Server, op plan.ConvergeAgent) {
	t.Helper()
	if err := s.Converge(t.Context(), op); err != nil {
		t.Fatalf("converge: %v", err)
	}
}

func wantLog(t *testing.T, h *host, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, h.log()); diff != "" {
		t.Errorf("what systemd was asked (-want +got):\n%s", diff)
	}
}

const instance = "havip-agent@bastion.service"

func TestConvergeInstallsStartsReloadsAndRestarts(t *testing.T) {
	eachShell(t, func(t *testing.T, shell string) {
		h := newHost(t, shell)
		s := h.server(agentText)

		converge(t, s, bastion(300*time.Millisecond))
		wantLog(t, h, "systemctl daemon-reload", "systemctl enable "+instance, "systemctl reset-failed "+instance, "systemctl start "+instance)
		if n := h.runs.Swap(0); n != 3 {
			t.Errorf("%d commands for a new server, want 3", n)
		}
		if got := h.read("usr/local/bin/havip-agent"); got != agentText {
			t.Errorf("the binary is %q", got)
		}
		if info, err := os.Stat(h.path("etc/havip/bastion.yaml")); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("mode of the configuration: %v, %v; want 0640", info.Mode(), err)
		}
		if !strings.Contains(h.read("etc/passwd"), "havip:") {
			t.Error("the user was not made")
		}

		converge(t, s, bastion(300*time.Millisecond))
		wantLog(t, h)
		if n := h.runs.Load(); n != 2 {
			t.Errorf("%d commands when nothing is to be uploaded, want 2", n)
		}

		converge(t, s, bastion(500*time.Millisecond))
		wantLog(t, h, "systemctl reload "+instance)

		op := bastion(500 * time.Millisecond)
		op.Restart = true
		converge(t, s, op)
		wantLog(t, h, "systemctl restart "+instance)

		converge(t, h.server(agentText+"# next\n"), bastion(500*time.Millisecond))
		wantLog(t, h, "systemctl restart "+instance)

		h.write("etc/systemd/system/havip-agent@.service", "edited")
		converge(t, h.server(agentText+"# next\n"), bastion(500*time.Millisecond))
		wantLog(t, h, "systemctl daemon-reload", "systemctl restart "+instance)
	})
}

func TestInspectAfterConvergeShowsWhatWasWanted(t *testing.T) {
	h := newHost(t, "sh")
	op := bastion(300 * time.Millisecond)
	converge(t, h.server(agentText), op)
	f, err := inspect(t.Context(), h, h.place(), "bastion")
	if err != nil {
		t.Fatal(err)
	}
	file, err := config.Marshal(op.Config)
	if err != nil {
		t.Fatal(err)
	}
	unit, err := h.server("").unit(plan.Systemd, "bastion")
	if err != nil {
		t.Fatal(err)
	}
	want := plan.Agent{
		BinarySHA256: bundle.Sum([]byte(agentText)), Version: "0.3.0", UnitSHA256: bundle.Sum([]byte(unit)),
		ConfigSHA256: config.SHA256(file), Config: &op.Config, Enabled: true, Running: true, Groups: []string{"bastion"},
		Status: &api.Status{Version: 1, Agent: "0.3.0", ConfigSHA256: config.SHA256(file)},
	}
	if diff := cmp.Diff(want, f.host.Agent, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRunThatWasCutOffIsSeenAndFinished(t *testing.T) {
	h := newHost(t, "sh")
	s := h.server(agentText)
	converge(t, s, bastion(300*time.Millisecond))
	// The service file was new, and the agent not restarted yet.
	h.write("etc/havip/.bastion.pending", "restart\n")
	h.log()
	f, err := inspect(t.Context(), h, h.place(), "bastion")
	if err != nil {
		t.Fatal(err)
	}
	if f.host.Agent.UnitSHA256 != "" {
		t.Error("the server looks finished")
	}
	h.log()
	converge(t, s, bastion(300*time.Millisecond))
	wantLog(t, h, "systemctl restart "+instance)
	if h.exists("etc/havip/.bastion.pending") {
		t.Error("the mark is still there")
	}
}

func TestConvergeFailsWithTheReason(t *testing.T) {
	tests := []struct {
		name   string
		breaks func(h *host, op *plan.ConvergeAgent)
		want   []string
	}{
		{
			"the agent does not start", func(h *host, _ *plan.ConvergeAgent) { h.write("state/broken", "") },
			[]string{"the agent did not start", "no NIC"},
		},
		{
			"a configuration that the agent refuses", func(_ *host, op *plan.ConvergeAgent) { op.Config.Routers[0].VRID = 0 },
			[]string{"does not accept the configuration", "routers: is missing"},
		},
		{"no agent for the architecture", func(h *host, _ *plan.ConvergeAgent) {
			h.standIn("uname", "echo riscv64")
		}, []string{"there is none for riscv64, only for amd64"}},
		{"sudo wants a password", func(h *host, _ *plan.ConvergeAgent) {
			h.write("state/user", "")
			h.write("state/nosudo", "")
		}, []string{"become root"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, "sh")
			op := bastion(300 * time.Millisecond)
			tt.breaks(h, &op)
			err := h.server(agentText).Converge(t.Context(), op)
			if err == nil {
				t.Fatal("converge succeeded")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want one with %q", err, want)
				}
			}
		})
	}
}

func TestRefusedReloadIsAnError(t *testing.T) {
	h := newHost(t, "sh")
	s := h.server(agentText)
	converge(t, s, bastion(300*time.Millisecond))
	h.write("state/deaf", "")
	err := s.Converge(t.Context(), bastion(500*time.Millisecond))
	if err == nil || !strings.Contains(err.Error(), "not with the new configuration") {
		t.Errorf("error %v", err)
	}
}

func TestRefusedConfigurationChangesNothing(t *testing.T) {
	h := newHost(t, "sh")
	s := h.server(agentText)
	converge(t, s, bastion(300*time.Millisecond))
	before := h.read("etc/havip/bastion.yaml")
	h.log()
	op := bastion(300 * time.Millisecond)
	op.Config.Routers[0].VRID = 0
	if err := s.Converge(t.Context(), op); err == nil {
		t.Fatal("converge succeeded")
	}
	wantLog(t, h)
	if h.read("etc/havip/bastion.yaml") != before || h.exists("etc/havip/.bastion.pending") {
		t.Error("the configuration was changed")
	}
}

func TestDamagedUploadLeavesTheOldBinary(t *testing.T) {
	h := newHost(t, "sh")
	converge(t, h.server(agentText), bastion(300*time.Millisecond))
	s := h.server(agentText + "# next\n")
	b := s.release.Binaries["amd64"]
	whole := b.Open
	b.Open = func() (io.ReadCloser, error) {
		r, err := whole()
		return io.NopCloser(io.LimitReader(r, 40)), err
	}
	s.release.Binaries["amd64"] = b
	if err := s.Converge(t.Context(), bastion(300*time.Millisecond)); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("error %v", err)
	}
	if h.read("usr/local/bin/havip-agent") != agentText {
		t.Error("the old binary is gone")
	}
	entries, err := os.ReadDir(h.path("usr/local/bin"))
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
}

func TestNewerAgentIsNotReplaced(t *testing.T) {
	h := newHost(t, "sh")
	converge(t, h.server(agentText), bastion(300*time.Millisecond))
	s := h.server(agentText + "# older\n")
	s.release.Version = "0.2.9"
	err := s.Converge(t.Context(), bastion(300*time.Millisecond))
	if d, ok := errors.AsType[*DowngradeError](err); !ok || d.Installed != "0.3.0" || d.Hint() == "" {
		t.Errorf("error %v, want a DowngradeError", err)
	}
}

func TestRemoveLeavesTheServerAsItWas(t *testing.T) {
	eachShell(t, func(t *testing.T, shell string) {
		h := newHost(t, shell)
		s := h.server(agentText)
		before := h.read("etc/passwd") + h.read("etc/group")
		converge(t, s, bastion(300*time.Millisecond))
		h.write("etc/havip/other.yaml", "group: other\n")

		for range 2 { // safe to repeat
			if err := s.Remove(t.Context(), "bastion"); err != nil {
				t.Fatal(err)
			}
		}
		if h.exists("etc/havip/bastion.yaml") || h.exists("state/running") || h.exists("state/enabled") {
			t.Error("the group is still there")
		}
		if !h.exists("usr/local/bin/havip-agent") || !h.exists("etc/systemd/system/havip-agent@.service") {
			t.Error("what the other group needs is gone")
		}

		for range 2 {
			if err := s.Remove(t.Context(), "other"); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"etc/havip", "usr/local/bin/havip-agent", "etc/systemd/system/havip-agent@.service"} {
			if h.exists(name) {
				t.Errorf("%s is still there", name)
			}
		}
		if after := h.read("etc/passwd") + h.read("etc/group"); after != before {
			t.Errorf("users and groups are %q, before %q", after, before)
		}
	})
}

func TestRemoveLeavesAUserThatHavipDidNotMake(t *testing.T) {
	h := newHost(t, "sh")
	h.write("etc/passwd", "havip:x:1005:1005:H. A. Vip,,,:/home/havip:/bin/bash\n")
	s := h.server(agentText)
	converge(t, s, bastion(300*time.Millisecond))
	if err := s.Remove(t.Context(), "bastion"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(h.read("etc/passwd"), "H. A. Vip") {
		t.Error("the user is gone")
	}
}

func TestStopStatusAndSwitchover(t *testing.T) {
	h := newHost(t, "sh")
	h.write("state/user", "") // through sudo
	s := h.server(agentText)
	if err := s.Stop(t.Context(), "bastion"); err != nil {
		t.Errorf("stop where nothing is: %v", err)
	}
	converge(t, s, bastion(300*time.Millisecond))
	h.log()
	if st, err := s.Status(t.Context(), "bastion"); err != nil || st.Agent != "0.3.0" {
		t.Errorf("status %+v, %v", st, err)
	}
	if err := s.Switchover(t.Context(), "bastion"); err != nil {
		t.Error(err)
	}
	if err := s.Stop(t.Context(), "bastion"); err != nil {
		t.Error(err)
	}
	wantLog(t, h, "switchover", "systemctl stop "+instance)
	_, err := s.Status(t.Context(), "bastion")
	if _, ok := errors.AsType[*remote.ExitError](err); !ok {
		t.Errorf("status of a stopped agent: %v", err)
	}
}

func TestHostKeysAreReadAsTheyAre(t *testing.T) {
	h := newHost(t, "sh")
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILN6KOvugOkczTJrmp2/fv4abDulY/RT7nWzuJNfNVY5"
	h.write("etc/ssh/ssh_host_ed25519_key.pub", key+" root@bastion-1\n")
	h.write("etc/ssh/ssh_host_ed25519_key", "private, not to be read\n")
	keys, err := h.server(agentText).HostKeys(t.Context())
	if err != nil || len(keys) != 1 {
		t.Fatalf("keys %v, %v", keys, err)
	}
	if got := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(keys[0]))); got != key {
		t.Errorf("key %q, want %q", got, key)
	}
}
