package lab_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// login connects to a server as the workstation's user would.
func login(host string, via *ssh.Client) (*ssh.Client, error) {
	text, err := os.ReadFile(os.Getenv("HAVIP_LAB_KEY"))
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, err
	}
	return loginWith(host, via, key)
}

// dialLimit leaves room for SYNs that are sent again (after 1, 3 and 7 s).
const dialLimit = 10 * time.Second

func loginWith(host string, via *ssh.Client, key ssh.Signer) (*ssh.Client, error) {
	known, err := knownhosts.New("/etc/ssh/ssh_known_hosts")
	if err != nil {
		return nil, err
	}
	config := &ssh.ClientConfig{User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: known}
	address := net.JoinHostPort(host, "22")
	var c net.Conn
	if via != nil {
		c, err = via.Dial("tcp", address)
	} else {
		c, err = net.DialTimeout("tcp", address, dialLimit)
	}
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second)) // of the handshake
	conn, channels, requests, err := ssh.NewClientConn(c, address, config)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Time{})
	return ssh.NewClient(conn, channels, requests), nil
}

// run is the output of one command.
func run(c *ssh.Client, command string) (string, error) {
	s, err := c.NewSession()
	if err != nil {
		return "", err
	}
	defer s.Close()
	out, err := s.CombinedOutput(command)
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", command, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// at logs in, runs commands, and logs out.
func at(host string, commands ...string) (last string, err error) {
	c, err := login(host, nil)
	if err != nil {
		return "", err
	}
	defer c.Close()
	for _, command := range commands {
		if last, err = run(c, command); err != nil {
			return last, err
		}
	}
	return last, nil
}

// until asks until the answer is right.
func until(what string, holds func() error) error {
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = holds(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("waited in vain until %s: %w", what, err)
}

func want(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s: got %q, want %q", what, got, want)
	}
	return nil
}

// nova is the API, as the lab's user.
type nova struct{ token, compute, network string }

const cloudURL = "http://127.0.0.1:5000"

func newNova() (*nova, error) {
	body := `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"demo","domain":{"name":"Default"},"password":"demo-secret"}}},
		"scope":{"project":{"name":"demo","domain":{"name":"Default"}}}}}`
	a, err := http.Post(cloudURL+"/identity/v3/auth/tokens", "application/json", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusCreated {
		return nil, fmt.Errorf("log in: %s", a.Status)
	}
	return &nova{a.Header.Get("X-Subject-Token"), cloudURL + "/compute/v2.1", cloudURL + "/network/v2.0"}, nil
}

func (n *nova) do(method, path, body string, into any) error {
	return n.request(method, n.compute+path, body, into)
}

func (n *nova) request(method, url, body string, into any) error {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("X-Auth-Token", n.token)
	r.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s %s %w", method, url, a.Status, text, err)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// server finds one by its name.
func (n *nova) server(name string) (id, status string, err error) {
	var all struct {
		Servers []struct{ ID, Name, Status string }
	}
	if err := n.do("GET", "/servers/detail", "", &all); err != nil {
		return "", "", err
	}
	for _, s := range all.Servers {
		if s.Name == name {
			return s.ID, s.Status, nil
		}
	}
	return "", "", fmt.Errorf("there is no server %s", name)
}

// act does an action on a server and waits for its status.
func (n *nova) act(name, action, status string) error {
	id, _, err := n.server(name)
	if err != nil {
		return err
	}
	if err := n.do("POST", "/servers/"+id+"/action", action, nil); err != nil {
		return err
	}
	return until(name+" is "+status, func() error {
		_, got, err := n.server(name)
		if err != nil {
			return err
		}
		return want("status", got, status)
	})
}

func (n *nova) console(name string) (string, error) {
	id, _, err := n.server(name)
	if err != nil {
		return "", err
	}
	var out struct{ Output string }
	err = n.do("POST", "/servers/"+id+"/action", `{"os-getConsoleOutput":{}}`, &out)
	return out.Output, err
}

// portOf is the first port of a server.
func (n *nova) portOf(server string) (port, network string, err error) {
	id, _, err := n.server(server)
	if err != nil {
		return "", "", err
	}
	var all struct {
		Ports []struct {
			ID      string
			Network string `json:"network_id"`
		}
	}
	if err := n.request("GET", n.network+"/ports?device_id="+id, "", &all); err != nil {
		return "", "", err
	}
	if len(all.Ports) == 0 {
		return "", "", fmt.Errorf("server %s has no port", server)
	}
	return all.Ports[0].ID, all.Ports[0].Network, nil
}

func newKey() (ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(private)
}
