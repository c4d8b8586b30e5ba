//go:build acceptance

package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// operator is somebody's SSH configuration with a known_hosts file that is
// still empty: the world's own has seen the servers already.
type operator struct{ dir string }

func newOperator(t *testing.T) operator {
	t.Helper()
	o := operator{t.TempDir()}
	text := fmt.Sprintf("Host *\n  User %s\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n  GlobalKnownHostsFile /dev/null\n",
		the.user, the.key, o.knownHosts())
	o.write(t, "ssh_config", text)
	return o
}

func (o operator) config() string     { return filepath.Join(o.dir, "ssh_config") }
func (o operator) knownHosts() string { return filepath.Join(o.dir, "known_hosts") }

func (o operator) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(o.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// known is what stands in known_hosts: lines "HOST TYPE KEY".
func (o operator) known(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(o.knownHosts())
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

// ssh is plain ssh that trusts nothing but the file.
func (o operator) ssh(host, known, script string) output {
	return command(nil, "ssh", "-F", o.config(), "-o", "BatchMode=yes", "-o", "ConnectTimeout=5",
		"-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile="+known, host, script)
}

// publicKeys are a server's own host keys, "TYPE KEY" each.
func (h *host) publicKeys(t *testing.T) []string {
	t.Helper()
	var keys []string
	for line := range strings.Lines(h.must(t, "cat /etc/ssh/ssh_host_*_key.pub")) {
		if f := strings.Fields(line); len(f) >= 2 {
			keys = append(keys, f[0]+" "+f[1])
		}
	}
	if len(keys) == 0 {
		t.Fatalf("%s shows no host keys", h.name)
	}
	return keys
}

// Host keys are verified, whatever the policy: a key that nobody vouches for
// is refused, and so is one that is another than the known one.
func TestHostKeysAreVerified(t *testing.T) {
	one, two := the.servers[0], the.servers[1]
	plan := func(o operator, more ...string) output {
		return havip(append([]string{
			"plan", the.prefix + "keys", "--network", the.network, "--address", "10.77.0.225",
			"--server", one.id, "--server", two.id, "--ssh-config", o.config(), "-v",
		}, more...)...)
	}

	t.Log("nobody vouches for the keys")
	op := newOperator(t)
	o := plan(op)
	if o.code != 4 {
		t.Errorf("want exit code 4:\n%v", o)
	}
	says(t, o, "cannot be reached", "the host key of "+one.fip+" is not known", "the host key of "+two.fip+" is not known",
		"it sent ", "SHA256:", "--host-keys console", "--host-keys accept-new")
	untouched(t, o)
	if op.known(t) != "" {
		t.Errorf("known_hosts was written:\n%s", op.known(t))
	}

	t.Log("another key is known: the second server's for the first one")
	op = newOperator(t)
	wrong := one.fip + " " + two.publicKeys(t)[0] + "\n"
	for _, policy := range []string{"accept-new", "console"} {
		op.write(t, "known_hosts", wrong)
		o = plan(op, "--host-keys", policy)
		if o.code != 4 {
			t.Errorf("--host-keys %s: want exit code 4:\n%v", policy, o)
		}
		says(t, o, "the host key of "+one.fip+" has CHANGED", op.knownHosts()+":1", "ssh-keygen -R '"+one.fip+"'")
		untouched(t, o)
		if !strings.HasPrefix(op.known(t), wrong) || strings.Contains(op.known(t), "\n"+one.fip+" ") {
			t.Errorf("--host-keys %s: what was known of %s was changed:\n%s", policy, one.fip, op.known(t))
		}
	}
}

// Members that have no way in but a jump host, whose keys come from their
// consoles; and the VIP's own host keys, which are those of all members.
func TestJumpHostAndKnownHosts(t *testing.T) {
	one, two, jump := the.servers[0], the.servers[1], the.servers[2]
	g := newGroup(t, "jump", "10.77.0.226", one, two)
	op := newOperator(t)
	way := []string{"--ssh-config", op.config(), "--ssh-jump", jump.fip}
	create := append([]string{
		"create", g.name, "--network", the.network, "--address", g.vip, "--floating-ip", the.vipFIP, "--verify", "none",
		"--server", one.id, "--server", two.id, "--host-keys", "console", "--yes", "-v",
	}, way...)

	t.Log("a jump host has no console that could be read: it must be known")
	o := mustHavip(t, 4, create...)
	says(t, o, "the host key of "+jump.fip+" is not known")
	untouched(t, o)

	for _, key := range jump.publicKeys(t) {
		op.write(t, "known_hosts", op.known(t)+jump.fip+" "+key+"\n")
	}
	mustHavip(t, 0, create...)
	for _, h := range []*host{one, two} {
		for _, key := range h.publicKeys(t) {
			if !strings.Contains(op.known(t), h.fixed+" "+key+"\n") {
				t.Errorf("%s: this key was not kept under its fixed address %s: %s\n%s", h.name, h.fixed, key, op.known(t))
			}
		}
		if strings.Contains(op.known(t), h.fip+" ") {
			t.Errorf("%s was reached past the jump host:\n%s", h.name, op.known(t))
		}
	}

	t.Log("what was kept is enough from now on")
	o = mustHavip(t, 0, append([]string{"known-hosts", g.name}, way...)...)
	known := op.write(t, "known_vip", o.out)
	active := g.owner(t)
	other := one
	if active == one {
		other = two
	}
	for _, h := range []*host{active, other} {
		if h == other {
			mustHavip(t, 0, append([]string{"switchover", g.name, "--to", other.name}, way...)...)
		}
		wait(t, "ssh to the floating IP", func() error {
			o := op.ssh(the.vipFIP, known, "hostname")
			if o.code != 0 || strings.TrimSpace(o.out) != h.name {
				return fmt.Errorf("want %s:\n%v", h.name, o)
			}
			return nil
		})
	}
}
