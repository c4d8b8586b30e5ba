package failover

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/utils/v2/openstack/clientconfig"
	"github.com/joshdk/go-junit"
	yaml "go.yaml.in/yaml/v3"

	"github.com/havip/havip/test/lab/labtest"
)

// workflow is what the test reads of a GitHub Actions pipeline.
type workflow struct {
	Jobs map[string]struct {
		Env   map[string]string
		Steps []struct {
			Name, Uses, Run, If string
			Env                 map[string]string
		}
	}
}

// What a step has on GitHub and not here: tools are there already.
const toolsStep = "Tools"

func TestThePipelineOfTheExamplesRuns(t *testing.T) {
	labtest.Need(t)
	t.Parallel()
	examples, err := filepath.Abs("../../examples/ci")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(examples, "github-actions.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var w workflow
	if err := yaml.Unmarshal(text, &w); err != nil {
		t.Fatal(err)
	}
	group, err := os.ReadFile(filepath.Join(examples, "bastion.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	// The lab's servers take root only, and other groups are in this lab.
	changed := strings.NewReplacer("user: debian", "user: root", "version: 1\n", "version: 1\nvrrp: {id: 204}\n").Replace(string(group))
	if err := os.WriteFile(filepath.Join(dir, "bastion.yaml"), []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(),
		"PATH="+tools(t, dir)+":"+os.Getenv("PATH"),
		"HAVIP_AGENT_BINARY="+labtest.Program("havip-agent"),
	)
	secrets := map[string]string{
		"${{ secrets.CLOUDS_YAML }}":          read(t, os.Getenv("OS_CLIENT_CONFIG_FILE")),
		"${{ secrets.SSH_KEY }}":              read(t, os.Getenv("HAVIP_LAB_KEY")),
		"${{ github.workspace }}/clouds.yaml": filepath.Join(dir, "clouds.yaml"),
		"ci":                                  os.Getenv("OS_CLOUD"), // the entry of the lab's clouds.yaml
	}
	set := func(vars map[string]string) []string {
		var all []string
		for k, v := range vars {
			if s, ok := secrets[v]; ok {
				v = s
			}
			all = append(all, k+"="+v)
		}
		return all
	}
	keyPair(t)
	t.Cleanup(func() { labtest.Havip(t, "delete", "bastion", "--yes") })

	ran := 0
	for _, s := range w.Jobs["bastion"].Steps {
		if s.Run == "" || s.Name == toolsStep || s.If != "" {
			continue
		}
		ran++
		ctx, cancel := context.WithTimeout(t.Context(), 2*labtest.Patience)
		cmd := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", s.Run)
		cmd.Dir, cmd.Env = dir, append(append(env, set(w.Jobs["bastion"].Env)...), set(s.Env)...)
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			t.Fatalf("step %q: %v\n%s", s.Name, err, out)
		}
		if strings.Contains(s.Run, "failover-test") && !bytes.Contains(out, []byte("PASSED")) {
			t.Errorf("step %q does not say that it passed:\n%s", s.Name, out)
		}
	}
	if ran != 4 {
		t.Errorf("%d steps ran; want credentials, servers, address and test", ran)
	}
	suites, err := junit.IngestFile(filepath.Join(dir, "failover.xml"))
	if err != nil || len(suites) != 1 || suites[0].Totals.Tests != 3 || suites[0].Totals.Passed != 3 || suites[0].Totals.Duration <= 0 {
		t.Errorf("the JUnit file has %+v, %v", suites, err)
	}
	if page := read(t, filepath.Join(dir, "failover.html")); !strings.Contains(page, "Round 3: server-reboot") {
		t.Errorf("the page lacks the last round:\n%.400s", page)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tools is a folder with havip and, in place of OpenStack's own client, this
// program.
func tools(t *testing.T, dir string) string {
	t.Helper()
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"havip": labtest.Program("havip"), standIn: self} {
		if err := os.Symlink(to, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

// keyPair has the lab's key in the cloud under the pipeline's name.
func keyPair(t *testing.T) {
	t.Helper()
	public, err := exec.Command("ssh-keygen", "-y", "-f", os.Getenv("HAVIP_LAB_KEY")).Output()
	if err != nil {
		t.Fatal(err)
	}
	nova, err := clientconfig.NewServiceClient(t.Context(), "compute", nil)
	if err != nil {
		t.Fatal(err)
	}
	body := map[string]any{"keypair": map[string]any{"name": "ci", "public_key": strings.TrimSpace(string(public))}}
	resp, err := nova.Post(t.Context(), nova.ServiceURL("os-keypairs"), body, nil, &gophercloud.RequestOpts{OkCodes: []int{200, 201}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// standIn is the name under which this program is OpenStack's client, as far as
// the pipeline needs it: server show, server create --wait.
const standIn = "openstack"

// openStack is that client.
func openStack(args []string) error {
	ctx := context.Background()
	nova, err := clientconfig.NewServiceClient(ctx, "compute", nil)
	if err != nil {
		return err
	}
	neutron, err := clientconfig.NewServiceClient(ctx, "network", nil)
	if err != nil {
		return err
	}
	if len(args) < 3 || args[0] != "server" {
		return fmt.Errorf("this stand-in does not know %q", args)
	}
	name := args[len(args)-1]
	status := func() (string, error) {
		var found struct{ Servers []struct{ Status string } }
		resp, err := nova.Get(ctx, nova.ServiceURL("servers", "detail")+"?name=^"+name+"$", &found, nil)
		if err != nil {
			return "", err
		}
		resp.Body.Close()
		if len(found.Servers) != 1 {
			return "", fmt.Errorf("no server with a name or ID of %q exists", name)
		}
		return found.Servers[0].Status, nil
	}
	if args[1] == "show" {
		_, err := status()
		return err
	}
	flags := map[string]string{}
	for i := 2; i+1 < len(args); i++ {
		if strings.HasPrefix(args[i], "--") && args[i] != "--wait" {
			flags[args[i]] = args[i+1]
		}
	}
	// The lab has one image, and the flavors that it needs.
	var images struct {
		Servers []struct{ Image struct{ ID string } }
	}
	var networks struct{ Networks []struct{ ID string } }
	for url, into := range map[string]any{nova.ServiceURL("servers", "detail"): &images, neutron.ServiceURL("networks?name=" + flags["--network"]): &networks} {
		get := nova
		if into == any(&networks) {
			get = neutron
		}
		resp, err := get.Get(ctx, url, into, nil)
		if err != nil {
			return err
		}
		resp.Body.Close()
	}
	boot := map[string]any{"server": map[string]any{
		"name": name, "imageRef": images.Servers[0].Image.ID, "flavorRef": "1", "key_name": flags["--key-name"],
		"networks": []map[string]any{{"uuid": networks.Networks[0].ID}},
	}}
	var made json.RawMessage
	resp, err := nova.Post(ctx, nova.ServiceURL("servers"), boot, &made, nil)
	if err != nil {
		return err
	}
	resp.Body.Close()
	for end := time.Now().Add(labtest.Patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if s, err := status(); err != nil || s == "ACTIVE" {
			return err
		}
	}
	return fmt.Errorf("server %s does not become ACTIVE", name)
}
