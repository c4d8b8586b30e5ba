package life

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/utils/v2/openstack/clientconfig"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// patience is how long anything may take before it counts as never.
const patience = 2 * time.Minute

// needLab skips a test where no lab could be made.
func needLab(t *testing.T) {
	t.Helper()
	switch {
	case os.Getenv(inside) != "":
	case os.Getenv("HAVIP_REQUIRE_NETNS") == "1":
		t.Fatal("the lab needs root (HAVIP_REQUIRE_NETNS=1)")
	default:
		t.Skip("the lab needs root")
	}
}

// output is what a run of havip ended with.
type output struct {
	code     int
	out, err string
}

func (o output) String() string { return fmt.Sprintf("exit code %d\n%s%s", o.code, o.out, o.err) }

// havip runs the binary, with the agent that was built beside it.
func havip(t *testing.T, args ...string) output {
	t.Helper()
	bin := os.Getenv(inside)
	cmd := exec.Command(filepath.Join(bin, "havip"), args...)
	cmd.Env = append(os.Environ(), "HAVIP_AGENT_BINARY="+filepath.Join(bin, "havip-agent"))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return output{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// must runs it and wants this exit code.
func must(t *testing.T, code int, args ...string) output {
	t.Helper()
	o := havip(t, args...)
	if o.code != code {
		t.Fatalf("havip %s: want exit code %d\n%v", strings.Join(args, " "), code, o)
	}
	return o
}

// status is what the tests read of `havip status -o json`.
type status struct {
	Healthy    bool
	VRID       int
	Interval   string
	VIPs       []struct{ Address, Floating_IP string } //nolint:revive // as in the JSON
	Members    []member
	Deviations []struct{ Object, Message, Cure string }
}

type member struct {
	Name, State string
	Priority    int
	Agent       struct{ Routers []struct{ Held bool } }
}

func look(t *testing.T, group ...string) (status, output) {
	t.Helper()
	o := havip(t, append([]string{"status", "-o", "json"}, group...)...)
	var s status
	if err := json.Unmarshal([]byte(o.out), &s); err != nil {
		t.Fatalf("read the status: %v\n%v", err, o)
	}
	return s, o
}

// healthy waits until the group is, and returns how it is then.
func healthy(t *testing.T, group string) status {
	t.Helper()
	var s status
	eventually(t, "a healthy group", func() error {
		var o output
		if s, o = look(t, group); !s.Healthy || o.code != 0 {
			return fmt.Errorf("status: %v", o)
		}
		return nil
	})
	return s
}

// active names the active member.
func (s status) active() string {
	i := slices.IndexFunc(s.Members, func(m member) bool { return m.State == "active" })
	if i < 0 {
		return ""
	}
	return s.Members[i].Name
}

// eventually tries until f has no objection.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("wait for %s: %v", what, err)
		}
	}
}

// neutron is a login as the tenant, beside havip's.
func neutron(t *testing.T) *gophercloud.ServiceClient {
	t.Helper()
	c, err := clientconfig.NewServiceClient(t.Context(), "network", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// thing is one object as Neutron shows it.
type thing map[string]any

func (o thing) text(field string) string {
	s, _ := o[field].(string)
	return s
}

// list reads a collection, as "ports?name=x".
func list(t *testing.T, c *gophercloud.ServiceClient, url string) []thing {
	t.Helper()
	var body map[string][]thing
	resp, err := c.Get(t.Context(), c.ServiceURL(url), &body, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for _, l := range body {
		return l
	}
	t.Fatalf("%s gives no list", url)
	return nil
}

// one reads what there must be one of.
func one(t *testing.T, c *gophercloud.ServiceClient, url string) thing {
	t.Helper()
	l := list(t, c, url)
	if len(l) != 1 {
		t.Fatalf("%s: %d of them, want one", url, len(l))
	}
	return l[0]
}

// put changes an object, as other people's tools do: without If-Match.
func put(t *testing.T, c *gophercloud.ServiceClient, path string, body any) {
	t.Helper()
	resp, err := c.Put(t.Context(), c.ServiceURL(path), body, nil, &gophercloud.RequestOpts{OkCodes: []int{200}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func remove(t *testing.T, c *gophercloud.ServiceClient, path string) {
	t.Helper()
	resp, err := c.Delete(t.Context(), c.ServiceURL(path), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// port is the port of a server.
func port(t *testing.T, c *gophercloud.ServiceClient, server string) thing {
	t.Helper()
	nova, err := clientconfig.NewServiceClient(t.Context(), "compute", nil)
	if err != nil {
		t.Fatal(err)
	}
	return one(t, c, "ports?device_id="+one(t, nova, "servers?name=^"+server+"$").text("id"))
}

// snapshot is everything of the project's network, without what changes by
// itself.
func snapshot(t *testing.T, c *gophercloud.ServiceClient) string {
	t.Helper()
	all := map[string][]thing{}
	for _, kind := range []string{"ports", "security-groups", "security-group-rules", "floatingips"} {
		l := list(t, c, kind)
		for _, o := range l {
			for _, passing := range []string{"revision_number", "updated_at", "status", "port_details", "security_group_rules"} {
				delete(o, passing)
			}
		}
		slices.SortFunc(l, func(a, b thing) int { return strings.Compare(a.text("id"), b.text("id")) })
		all[kind] = l
	}
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// on runs a command on a server, as root.
func on(t *testing.T, server, command string) string {
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
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: known, Timeout: patience,
	})
	if err != nil {
		t.Fatalf("log in to %s: %v", server, err)
	}
	defer client.Close()
	s, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.CombinedOutput(command)
	if err != nil {
		t.Fatalf("on %s: %s: %v\n%s", server, command, err, out)
	}
	return string(out)
}
