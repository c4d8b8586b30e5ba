package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// sshConfig reads the configuration where no OpenSSH is installed. Match is
// not understood by its parser, which says so.
type sshConfig struct {
	files  []string // the first value found counts
	expand expander
}

// newSSHConfig reads file, or the user's and the system's own.
func newSSHConfig(file string, expand expander) sshConfig {
	if file != "" {
		return sshConfig{files: []string{file}, expand: expand}
	}
	return sshConfig{files: []string{filepath.Join(expand.home, ".ssh", "config"), "/etc/ssh/ssh_config"}, expand: expand}
}

func (c sshConfig) resolve(_ context.Context, q question) (settings, error) {
	var parsed []*ssh_config.Config
	for _, path := range c.files {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return settings{}, fmt.Errorf("read the SSH configuration: %w", err)
		}
		cfg, err := ssh_config.Decode(f)
		f.Close()
		if err != nil {
			return settings{}, fmt.Errorf("read the SSH configuration %q (without OpenSSH on this machine): %w", path, err)
		}
		parsed = append(parsed, cfg)
	}
	var failed error
	get := func(key, fallback string) string {
		for _, cfg := range parsed {
			v, err := cfg.Get(q.host, key)
			if err != nil {
				failed = err
			}
			if v != "" {
				return v
			}
		}
		return fallback
	}
	all := func(key string, fallback ...string) []string {
		var out []string
		for _, cfg := range parsed {
			v, err := cfg.GetAll(q.host, key)
			if err != nil {
				failed = err
			}
			out = append(out, v...)
		}
		if len(out) == 0 {
			return fallback
		}
		return out
	}
	// The defaults are those of ssh_config(5).
	s := settings{
		alias:          q.host,
		hostName:       strings.ReplaceAll(get("HostName", q.host), "%h", q.host),
		user:           firstOf(q.user, get("User", ""), c.expand.user),
		port:           firstOf(q.port, get("Port", ""), "22"),
		proxyCommand:   get("ProxyCommand", ""),
		identityFiles:  all("IdentityFile", "~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519"),
		certificates:   all("CertificateFile"),
		identityAgent:  get("IdentityAgent", ""),
		identitiesOnly: strings.EqualFold(get("IdentitiesOnly", "no"), "yes"),
		hostKeyAlias:   get("HostKeyAlias", ""),
		knownHosts:     fields(get("UserKnownHostsFile", "~/.ssh/known_hosts ~/.ssh/known_hosts2")),
		globalHosts:    fields(get("GlobalKnownHostsFile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2")),
		hashKnownHosts: strings.EqualFold(get("HashKnownHosts", "no"), "yes"),
	}
	jump := get("ProxyJump", "")
	if failed != nil {
		return settings{}, fmt.Errorf("read the SSH configuration of %q: %w", q.host, failed)
	}
	return c.expand.settings(s, jump), nil
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
