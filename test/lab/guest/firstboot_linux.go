package guest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// firstBoot does what cloud-init does. When this is the first boot it returns
// what is to be printed on the console: the host key, in cloud-init's form.
func firstBoot(b Boot) (string, error) {
	hosts := "127.0.0.1\tlocalhost\n127.0.1.1\t" + b.Name + "\n"
	for _, name := range slices.Sorted(maps.Keys(b.Hosts)) {
		hosts += b.Hosts[name] + "\t" + name + "\n"
	}
	files := []struct {
		name, text string
		mode       os.FileMode
	}{
		{"/etc/hostname", b.Name + "\n", 0o644},
		{"/etc/hosts", hosts, 0o644},
		{"/etc/resolv.conf", "", 0o644},
		{authorizedKeys, strings.TrimSpace(b.PublicKey) + "\n", 0o600},
	}
	for _, f := range files {
		if err := write(f.name, f.text, f.mode); err != nil {
			return "", err
		}
	}
	if _, err := os.Stat(hostKey); err == nil {
		return "", nil
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make a host key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "root@"+b.Name)
	if err != nil {
		return "", fmt.Errorf("make a host key: %w", err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("make a host key: %w", err)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " root@" + b.Name
	if err := write(hostKey+".pub", line+"\n", 0o644); err != nil {
		return "", err
	}
	// The private half comes last: it says that all is there.
	if err := write(hostKey, string(pem.EncodeToMemory(block)), 0o600); err != nil {
		return "", err
	}
	return console(line, key), nil
}

func write(name, text string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	// What the host has there may be a link to nowhere.
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func console(line string, key ssh.PublicKey) string {
	stamp := time.Now().Format(time.Stamp)
	say := func(text string) string { return fmt.Sprintf("<14>%s cloud-init: %s\r\n", stamp, text) }
	return say("#############################################################") +
		say("-----BEGIN SSH HOST KEY FINGERPRINTS-----") +
		say("256 "+ssh.FingerprintSHA256(key)+" (ED25519)") +
		say("-----END SSH HOST KEY FINGERPRINTS-----") +
		say("#############################################################") +
		"-----BEGIN SSH HOST KEY KEYS-----\r\n" + line + "\r\n-----END SSH HOST KEY KEYS-----\r\n"
}
