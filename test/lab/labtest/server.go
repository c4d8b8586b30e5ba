package labtest

import (
	"os"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// On runs a command on a server, as root. It returns what the command prints,
// also when it fails.
func On(t *testing.T, server, command string) (string, error) {
	t.Helper()
	text, err := os.ReadFile(os.Getenv("HAVIP_LAB_KEY"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	known, err := knownhosts.New("/etc/ssh/ssh_known_hosts")
	if err != nil {
		t.Fatal(err)
	}
	client, err := ssh.Dial("tcp", server+":22", &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: known, Timeout: Patience,
	})
	if err != nil {
		return "", err
	}
	defer client.Close()
	s, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer s.Close()
	out, err := s.CombinedOutput(command)
	return string(out), err
}
