package lab_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/havip/havip/test/lab"
)

// part is a test that runs on the workstation.
type part struct {
	name string
	run  func() error
}

func insideParts() []part {
	return []part{
		{"SSH as a user has it", userSSH},
		{"a key that is not authorized", strangerSSH},
		{"a jump host", jump},
		{"stopped and started, a server keeps its files", stopStart},
		{"a reboot without a shutdown", hardReboot},
		{"paused, a server is silent, and goes on", pause},
		{"a service starts at boot and stops at shutdown", service},
		{"the console shows the host key as cloud-init prints it", console},
		{"a server is the host's image without its secrets", image},
		{"a lab tells what is in it", report},
		{"an address pair in Neutron opens the port in the kernel", pairs},
		{"a new server runs its user data once, and is deleted", userData},
		{"a NIC comes and goes while the server runs", hotplug},
	}
}

func runInside(name string) int {
	for _, p := range append(insideParts(), groupPart()) {
		if p.name != name {
			continue
		}
		if err := p.run(); err != nil {
			fmt.Println(err)
			return 1
		}
		return 0
	}
	fmt.Printf("there is no part %q\n", name)
	return 1
}

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
		c, err = net.DialTimeout("tcp", address, time.Second)
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

func userSSH() error {
	c, err := login("bastion-1", nil)
	if err != nil {
		return err
	}
	defer c.Close()
	for command, out := range map[string]string{"hostname": "bastion-1", "id -un": "root", "echo $HOME": "/root"} {
		got, err := run(c, command)
		if err := errors.Join(err, want(command, got, out)); err != nil {
			return err
		}
	}
	// Exit status and signal.
	s, err := c.NewSession()
	if err != nil {
		return err
	}
	exit := (*ssh.ExitError)(nil)
	if err := s.Run("exit 7"); !errors.As(err, &exit) || exit.ExitStatus() != 7 {
		return fmt.Errorf("exit 7: got %w", err)
	}
	if s, err = c.NewSession(); err != nil {
		return err
	}
	if err := s.Start("exec sleep 1000"); err != nil {
		return err
	}
	if err := s.Signal(ssh.SIGTERM); err != nil {
		return err
	}
	if err := s.Wait(); !errors.As(err, &exit) || exit.Signal() != "TERM" {
		return fmt.Errorf("a command that got TERM: got %w", err)
	}
	// What goes in comes out, more than a window holds; several at once.
	big := bytes.Repeat([]byte("0123456789abcdef"), 256<<10)
	results := make(chan error)
	for range 4 {
		go func() {
			s, err := c.NewSession()
			if err != nil {
				results <- err
				return
			}
			s.Stdin = bytes.NewReader(big)
			out, err := s.Output("cat")
			if err == nil && !bytes.Equal(out, big) {
				err = fmt.Errorf("%d bytes came back of %d", len(out), len(big))
			}
			results <- err
		}()
	}
	for range 4 {
		if err := <-results; err != nil {
			return err
		}
	}
	// A daemon that was left behind does not hold up the session.
	if _, err := run(c, "setsid sleep 1000 >/dev/null 2>&1 &"); err != nil {
		return err
	}
	// A terminal.
	if s, err = c.NewSession(); err != nil {
		return err
	}
	if err := s.RequestPty("xterm", 33, 77, ssh.TerminalModes{}); err != nil {
		return err
	}
	out, err := s.CombinedOutput("stty size; tty")
	if err != nil || !strings.HasPrefix(string(out), "33 77\r\n/dev/pts/") {
		return fmt.Errorf("a terminal: got %q, %w", out, err)
	}
	return nil
}

func strangerSSH() error {
	key, err := newKey()
	if err != nil {
		return err
	}
	if c, err := loginWith("bastion-1", nil, key); err == nil {
		_ = c.Close()
		return errors.New("a key that nobody knows was let in")
	}
	return nil
}

func jump() error {
	first, err := login("bastion-1", nil)
	if err != nil {
		return err
	}
	defer first.Close()
	second, err := login("10.0.0.11", first)
	if err != nil {
		return err
	}
	defer second.Close()
	got, err := run(second, "hostname; echo ${SSH_CONNECTION:-none}")
	if err := errors.Join(err, want("hostname", got, "bastion-2\nnone")); err != nil {
		return err
	}
	if _, err := first.Dial("tcp", "10.0.0.11:1"); err == nil {
		return errors.New("a port where nobody listens was connected")
	}
	return nil
}

func stopStart() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	if _, err := at("bastion-1", "echo kept >/root/file", "echo gone >/tmp/file", "rm /etc/os-release"); err != nil {
		return err
	}
	if err := n.act("bastion-1", `{"os-stop":null}`, "SHUTOFF"); err != nil {
		return err
	}
	if c, err := login("bastion-1", nil); err == nil {
		_ = c.Close()
		return errors.New("a server that is off answers")
	}
	if err := n.act("bastion-1", `{"os-start":null}`, "ACTIVE"); err != nil {
		return err
	}
	return until("it answers as before, with the same key", func() error {
		got, err := at("bastion-1", "cat /root/file; ls /tmp /etc/os-release 2>/dev/null; hostname")
		return errors.Join(err, want("files", got, "kept\n/tmp:\nbastion-1"))
	})
}

func hardReboot() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	_, err = at("bastion-1", "echo kept >/root/file; sync")
	if err != nil {
		return err
	}
	text, err := n.console("bastion-1")
	if err != nil {
		return err
	}
	if err := n.act("bastion-1", `{"reboot":{"type":"HARD"}}`, "ACTIVE"); err != nil {
		return err
	}
	boots := strings.Count(text, "is up")
	if err := until("it is up again", func() error {
		text, err := n.console("bastion-1")
		if err != nil || strings.Count(text, "is up") != boots+1 {
			return fmt.Errorf("the console says %q, %w", text, err)
		}
		if strings.Contains(text, "going down") {
			return errors.New("it was shut down")
		}
		return nil
	}); err != nil {
		return err
	}
	got, err := at("bastion-1", "cat /root/file")
	return errors.Join(err, want("file", got, "kept"))
}

func pause() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	c, err := login("bastion-1", nil)
	if err != nil {
		return err
	}
	defer c.Close()
	// It counts as long as it runs.
	if _, err := run(c, "(while :; do echo x >>/tmp/count; sleep 0.02; done) >/dev/null 2>&1 &"); err != nil {
		return err
	}
	if err := n.act("bastion-1", `{"pause":null}`, "PAUSED"); err != nil {
		return err
	}
	for range 3 {
		if d, err := net.DialTimeout("tcp", "10.0.0.10:22", 100*time.Millisecond); err == nil {
			_ = d.Close()
			return errors.New("a server that is paused answers")
		}
	}
	if err := n.act("bastion-1", `{"unpause":null}`, "ACTIVE"); err != nil {
		return err
	}
	// The same connection goes on.
	first, err := run(c, "wc -l </tmp/count")
	if err != nil {
		return err
	}
	return until("it counts again", func() error {
		now, err := run(c, "wc -l </tmp/count")
		if err == nil && now == first {
			err = errors.New("it does not")
		}
		return err
	})
}

func service() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	script := `#!/bin/sh
### BEGIN INIT INFO
# Provides: counter
# Required-Start: $network
# Required-Stop: $network
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
echo "$1" >>/root/verbs
logger -t counter "$1" 2>/dev/null || true
exit 0
`
	if _, err := at("bastion-1", "[ ! -d /run/systemd/system ]", "cat >/etc/init.d/counter <<'E'\n"+script+"E\nchmod 755 /etc/init.d/counter; update-rc.d counter defaults"); err != nil {
		return err
	}
	if err := n.act("bastion-1", `{"reboot":{"type":"SOFT"}}`, "ACTIVE"); err != nil {
		return err
	}
	return until("it was stopped and started", func() error {
		got, err := at("bastion-1", "cat /root/verbs")
		return errors.Join(err, want("verbs", got, "stop\nstart"))
	})
}

func console() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	text, err := n.console("bastion-2")
	if err != nil {
		return err
	}
	key, err := at("bastion-2", "cat /etc/ssh/ssh_host_ed25519_key.pub")
	if err != nil {
		return err
	}
	block := "-----BEGIN SSH HOST KEY KEYS-----\r\n" + key + "\r\n-----END SSH HOST KEY KEYS-----\r\n"
	if !strings.Contains(text, block) {
		return fmt.Errorf("the console has no %q:\n%s", block, text)
	}
	return nil
}

func image() error {
	got, err := at("bastion-1", "ls -A /home /srv /mnt /etc/ssh /var/log /run/systemd 2>/dev/null; ls /root/.ssh; for i in /etc/rc?.d; do ls $i; done; ls /sys/class/net; id havip 2>/dev/null; true")
	expect := "/etc/ssh:\nssh_host_ed25519_key\nssh_host_ed25519_key.pub\n\n/home:\n\n/mnt:\n\n/srv:\n\n/var/log:\nsyslog\nauthorized_keys\neth0\nlo"
	return errors.Join(err, want("what is there", got, expect))
}

func report() error {
	labs, err := lab.Running()
	if err != nil {
		return err
	}
	if len(labs) != 1 || len(labs[0].Servers) != 2 {
		return fmt.Errorf("got %+v", labs)
	}
	s := labs[0].Servers[1]
	return want("the second server", fmt.Sprint(s.Name, s.Status, s.Addresses, s.Floating), "bastion-2ACTIVE[10.0.0.11] [203.0.113.13]")
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

func pairs() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	port, _, err := n.portOf("bastion-1")
	if err != nil {
		return err
	}
	if _, err := at("bastion-1", "ip addr add 10.0.0.100/32 dev eth0"); err != nil {
		return err
	}
	answers := func() error {
		c, err := net.DialTimeout("tcp", "10.0.0.100:22", 300*time.Millisecond)
		if err == nil {
			err = c.Close()
		}
		return err
	}
	silent := func() error {
		if answers() == nil {
			return errors.New("the address answers without a pair")
		}
		return nil
	}
	if err := silent(); err != nil {
		return err
	}
	set := func(list string) error {
		return n.request("PUT", n.network+"/ports/"+port, `{"port":{"allowed_address_pairs":[`+list+`]}}`, nil)
	}
	if err := set(`{"ip_address":"10.0.0.100"}`); err != nil {
		return err
	}
	start := time.Now()
	if err := until("the address answers", answers); err != nil {
		return err
	}
	fmt.Printf("open %v after the answer to the PUT\n", time.Since(start).Round(time.Millisecond))
	return errors.Join(set(""), until("the pair's end is enforced", silent))
}

func userData() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	var images struct{ Images []struct{ ID string } }
	if err := n.request("GET", cloudURL+"/image/v2/images", "", &images); err != nil {
		return err
	}
	if len(images.Images) == 0 {
		return errors.New("there is no image")
	}
	_, network, err := n.portOf("bastion-1")
	if err != nil {
		return err
	}
	const script = "#!/bin/sh\necho ran >>/root/user-data\necho seen on the console\nlogger -t user-data seen in the log\n"
	body := fmt.Sprintf(`{"server":{"name":"extra","imageRef":%q,"flavorRef":"1","key_name":"demo","networks":[{"uuid":%q}],"user_data":%q}}`,
		images.Images[0].ID, network, base64.StdEncoding.EncodeToString([]byte(script)))
	if err := n.do("POST", "/servers", body, nil); err != nil {
		return err
	}
	says := func(times int) func() error {
		return func() error {
			text, err := n.console("extra")
			if got := strings.Count(text, "extra is up"); err == nil && got != times {
				err = fmt.Errorf("%d boots, not %d:\n%s", got, times, text)
			}
			return err
		}
	}
	if err := until("it is up", says(1)); err != nil {
		return err
	}
	text, err := n.console("extra")
	if err != nil || !strings.Contains(text, "seen on the console") {
		return fmt.Errorf("the console: %q, %w", text, err)
	}
	// The name leads to it as to the others. A log's line takes its moment.
	if err := until("the log has its line", func() error {
		got, err := at("extra", "cat /root/user-data; grep -c 'user-data: seen in the log' /var/log/syslog")
		return errors.Join(err, want("what it did", got, "ran\n1"))
	}); err != nil {
		return err
	}
	if err := errors.Join(n.act("extra", `{"reboot":{"type":"SOFT"}}`, "ACTIVE"), until("it is up again", says(2))); err != nil {
		return err
	}
	got, err := at("extra", "cat /root/user-data")
	if err := errors.Join(err, want("after a reboot", got, "ran")); err != nil {
		return err
	}
	id, _, err := n.server("extra")
	if err != nil {
		return err
	}
	if err := n.do("DELETE", "/servers/"+id, "", nil); err != nil {
		return err
	}
	return until("it is gone", func() error {
		if _, _, err := n.server("extra"); err == nil {
			return errors.New("it is listed")
		}
		return nil
	})
}

func hotplug() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	id, _, err := n.server("bastion-1")
	if err != nil {
		return err
	}
	_, network, err := n.portOf("bastion-1")
	if err != nil {
		return err
	}
	var made struct {
		Attachment struct {
			Port string `json:"port_id"`
		} `json:"interfaceAttachment"`
	}
	if err := n.do("POST", "/servers/"+id+"/os-interface", `{"interfaceAttachment":{"net_id":"`+network+`"}}`, &made); err != nil {
		return err
	}
	nics := func(expect string) func() error {
		return func() error {
			got, err := at("bastion-1", "ls /sys/class/net")
			return errors.Join(err, want("NICs", got, expect))
		}
	}
	if err := until("there are two", nics("eth0\neth1\nlo")); err != nil {
		return err
	}
	if err := n.do("DELETE", "/servers/"+id+"/os-interface/"+made.Attachment.Port, "", nil); err != nil {
		return err
	}
	return until("there is one", nics("eth0\nlo"))
}

func newKey() (ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(private)
}
