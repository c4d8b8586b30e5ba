package lab

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/havip/havip/openstack/openstacktest"
)

// access is what the workstation needs to log in to the servers: a key, as a
// file and in an agent, and the servers' host keys.
type access struct {
	work   string
	Public string // authorized_keys line
}

func newAccess(work string) (*access, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make an SSH key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "havip-lab")
	if err != nil {
		return nil, fmt.Errorf("make an SSH key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, fmt.Errorf("make an SSH key: %w", err)
	}
	a := &access{work: work, Public: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) + " havip-lab"}
	if err := os.WriteFile(a.key(), pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, fmt.Errorf("keep the SSH key: %w", err)
	}
	if err := os.WriteFile(a.key()+".pub", []byte(a.Public+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("keep the SSH key: %w", err)
	}
	if err := a.configure(); err != nil {
		return nil, err
	}
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: private, Comment: "havip-lab"}); err != nil {
		return nil, fmt.Errorf("load the SSH key: %w", err)
	}
	l, err := net.Listen("unix", a.agent())
	if err != nil {
		return nil, fmt.Errorf("serve the SSH key: %w", err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keys, c); _ = c.Close() }()
		}
	}()
	return a, nil
}

// configure tells ssh, for all users of the workstation, which key it has and
// where it keeps those of servers.
func (a *access) configure() error {
	const name = "/etc/ssh/ssh_config"
	rest, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read %s: %w", name, err)
	}
	mine := fmt.Sprintf("IdentityFile %s\nUserKnownHostsFile %s ~/.ssh/known_hosts\n", a.key(), filepath.Join(a.work, "known_hosts"))
	return replace(name, mine+string(rest))
}

func (a *access) key() string    { return filepath.Join(a.work, "id_ed25519") }
func (a *access) agent() string  { return filepath.Join(a.work, "agent.sock") }
func (a *access) clouds() string { return filepath.Join(a.work, "clouds.yaml") }

// environment is that of the command: the caller's, but for what leads to
// another cloud, and with the lab's key in place of the caller's.
func (a *access) environment() []string {
	var env []string
	for _, v := range os.Environ() {
		elsewhere := func(prefix string) bool { return strings.HasPrefix(v, prefix) }
		if !slices.ContainsFunc([]string{"OS_", "SSH_AUTH_SOCK=", "HAVIP_OS_", "HAVIP_SSH_", "HAVIP_HOST_KEYS="}, elsewhere) {
			env = append(env, v)
		}
	}
	return append(env,
		"OS_CLIENT_CONFIG_FILE="+a.clouds(), "OS_CLOUD=lab",
		"SSH_AUTH_SOCK="+a.agent(), "HAVIP_LAB="+a.work, "HAVIP_LAB_KEY="+a.key())
}

// remember writes the machine-wide files of known hosts and of names, which
// only the lab's processes see. The caller's own files stay his.
func (a *access) remember(v openstacktest.View, hostKey func(server string) string) error {
	const mark = "# havip-lab"
	hosts, known := "127.0.0.1\tlocalhost\n", mark+"\n"
	if own, err := os.Hostname(); err == nil { // sudo asks for it
		hosts += "127.0.1.1\t" + own + "\n"
	}
	ports := make(map[string]openstacktest.Port)
	for _, p := range v.Ports {
		ports[p.ID] = p
	}
	for _, s := range byName(v.Servers) {
		names := []string{s.Name}
		for _, id := range s.Ports {
			for i, ip := range ports[id].FixedIPs {
				if i == 0 && len(names) == 1 {
					hosts += ip.Address.String() + "\t" + s.Name + "\n"
				}
				names = append(names, ip.Address.String())
			}
			for _, fip := range v.FloatingIPs {
				if fip.PortID == id {
					names = append(names, fip.Address.String())
				}
			}
		}
		if key := hostKey(s.ID); key != "" {
			known += strings.Join(names, ",") + " " + key + "\n"
		}
	}
	for name, text := range map[string]string{"/etc/hosts": hosts, "/etc/ssh/ssh_known_hosts": known} {
		if err := replace(name, text); err != nil {
			return err
		}
	}
	return nil
}

// byName is servers in the order of their names: bastion-2 before bastion-10.
func byName(all []openstacktest.Server) []openstacktest.Server {
	return slices.SortedFunc(slices.Values(all), func(a, b openstacktest.Server) int {
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
	})
}

// replace writes a file that somebody may be reading.
func replace(name, text string) error {
	if old, err := os.ReadFile(name); err == nil && string(old) == text {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.WriteFile(name+".lab", []byte(text), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(name+".lab", name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
