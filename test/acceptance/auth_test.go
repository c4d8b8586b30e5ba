//go:build acceptance

package acceptance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/utils/v2/openstack/clientconfig"
	"go.yaml.in/yaml/v3"
)

// localClouds is the clouds.yaml of the cloud that test/cloud starts.
const localClouds = "/var/lib/oscloud/clouds.yaml"

// entries are those of clouds.yaml: the one that OS_CLOUD names, and one that
// logs in to the same project with a password. HAVIP_ACC_PASSWORD_CLOUD names
// the latter on a foreign cloud; where there is none, password is nil.
func entries(t *testing.T) (named clientconfig.Cloud, password *clientconfig.Cloud) {
	t.Helper()
	all, err := clientconfig.LoadCloudsYAML()
	if err != nil {
		t.Fatal(err)
	}
	named = all[os.Getenv("OS_CLOUD")]
	if named.AuthInfo == nil {
		t.Fatalf("clouds.yaml has no entry %q", os.Getenv("OS_CLOUD"))
	}
	name := os.Getenv("HAVIP_ACC_PASSWORD_CLOUD")
	if name == "" && os.Getenv("OS_CLIENT_CONFIG_FILE") == localClouds {
		name = "demo"
	}
	if e, ok := all[name]; ok && e.AuthInfo != nil && e.AuthInfo.Password != "" {
		password = &e
	}
	return named, password
}

// bare runs havip in an environment that holds nothing of this process's: no
// OS_* variable, another home, and a clouds.yaml only where home has one.
func bare(home string, env []string, args ...string) output {
	fresh := []string{"env", "-i", "-C", home, "HOME=" + home, "PATH=" + os.Getenv("PATH")}
	return command(nil, slices.Concat(fresh, env, []string{the.bin}, args)...)
}

// cloudsFile writes a file of OpenStack clients into home and returns its path.
func cloudsFile(t *testing.T, home, name string, content any) string {
	t.Helper()
	dir := filepath.Join(home, ".config", "openstack")
	text, err := yaml.Marshal(content)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

type entry = map[string]any

// passwordEntry is an entry of clouds.yaml with these credentials.
func passwordEntry(c clientconfig.Cloud, password string) entry {
	a := c.AuthInfo
	auth := entry{
		"auth_url": a.AuthURL, "username": a.Username, "project_name": a.ProjectName,
		"user_domain_name": a.UserDomainName, "project_domain_name": a.ProjectDomainName,
	}
	if password != "" {
		auth["password"] = password
	}
	return entry{"region_name": c.RegionName, "auth": auth}
}

// openrc is the environment that the dashboard's openrc file sets.
func openrc(c clientconfig.Cloud) []string {
	a := c.AuthInfo
	return []string{
		"OS_AUTH_URL=" + a.AuthURL, "OS_IDENTITY_API_VERSION=3", "OS_REGION_NAME=" + c.RegionName,
		"OS_USERNAME=" + a.Username, "OS_PASSWORD=" + a.Password, "OS_USER_DOMAIN_NAME=" + a.UserDomainName,
		"OS_PROJECT_NAME=" + a.ProjectName, "OS_PROJECT_DOMAIN_NAME=" + a.ProjectDomainName,
		"OS_CLIENT_CONFIG_FILE=/nonexistent/clouds.yaml",
	}
}

// sees tells whether "havip list" shows the group with this VIP.
func sees(t *testing.T, o output, group, vip string) {
	t.Helper()
	var list struct{ Groups []struct{ Group, VIP string } }
	if o.code != 0 {
		t.Fatalf("want exit code 0:\n%v", o)
	}
	if err := json.Unmarshal([]byte(o.out), &list); err != nil {
		t.Fatalf("%v:\n%v", err, o)
	}
	for _, g := range list.Groups {
		if g.Group == group && g.VIP == vip {
			return
		}
	}
	t.Errorf("group %s with VIP %s is not in the list:\n%v", group, vip, o)
}

// Every way to log in that OpenStack people use leads to the same project. A
// port with havip's marks tells which one it is.
func TestLogInAsPeopleDo(t *testing.T) {
	const vip = "10.77.0.220"
	group := the.prefix + "auth"
	openstackCLI(t, nil, "port", "create", "--network", the.network, "--fixed-ip", "ip-address="+vip, "--no-security-group",
		"--tag", "havip", "--tag", "havip:group="+group, "--tag", "havip:vrid=220", "havip-"+group+"-v4")
	t.Cleanup(func() { openstackCLI(t, nil, "port", "delete", "havip-"+group+"-v4") })
	list := []string{"list", "-o", "json"}

	t.Run("the named entry of clouds.yaml", func(t *testing.T) {
		sees(t, havip(list...), group, vip)
	})
	t.Run("--os-cloud counts before OS_CLOUD", func(t *testing.T) {
		o := command([]string{"OS_CLOUD=no-such-cloud"}, append([]string{the.bin, "--os-cloud", os.Getenv("OS_CLOUD")}, list...)...)
		sees(t, o, group, vip)
	})
	t.Run("a cloud that is not known", func(t *testing.T) {
		o := havip(append([]string{"--os-cloud", "no-such-cloud"}, list...)...)
		if o.code != 1 {
			t.Errorf("want exit code 1:\n%v", o)
		}
		says(t, o, `cloud "no-such-cloud" is not known; clouds.yaml has: `, os.Getenv("OS_CLOUD"), "hint:")
	})
	t.Run("an application credential in the environment, beside a stray project", func(t *testing.T) {
		c, _ := entries(t)
		if c.AuthInfo.ApplicationCredentialID == "" {
			t.Skip("the entry that OS_CLOUD names holds no application credential")
		}
		sees(t, bare(t.TempDir(), []string{
			"OS_AUTH_URL=" + c.AuthInfo.AuthURL, "OS_REGION_NAME=" + c.RegionName, "OS_AUTH_TYPE=v3applicationcredential",
			"OS_APPLICATION_CREDENTIAL_ID=" + c.AuthInfo.ApplicationCredentialID,
			"OS_APPLICATION_CREDENTIAL_SECRET=" + c.AuthInfo.ApplicationCredentialSecret,
			"OS_PROJECT_NAME=stray", "OS_PROJECT_ID=0123456789abcdef0123456789abcdef", "OS_PROJECT_DOMAIN_NAME=Stray", "OS_USER_DOMAIN_NAME=Stray",
		}, list...), group, vip)
	})

	_, c := entries(t)
	if c == nil {
		t.Skip("the ways that need a password: no entry of clouds.yaml holds one; HAVIP_ACC_PASSWORD_CLOUD names it on a foreign cloud")
	}
	t.Run("an entry with a password", func(t *testing.T) {
		home := t.TempDir()
		cloudsFile(t, home, "clouds.yaml", entry{"clouds": entry{"mine": passwordEntry(*c, c.AuthInfo.Password)}})
		sees(t, bare(home, []string{"OS_CLOUD=mine"}, list...), group, vip)
	})
	t.Run("the password stands in secure.yaml", func(t *testing.T) {
		home := t.TempDir()
		cloudsFile(t, home, "clouds.yaml", entry{"clouds": entry{"mine": passwordEntry(*c, "")}})
		cloudsFile(t, home, "secure.yaml", entry{"clouds": entry{"mine": entry{"auth": entry{"password": c.AuthInfo.Password}}}})
		sees(t, bare(home, nil, append([]string{"--os-cloud", "mine"}, list...)...), group, vip)
	})
	t.Run("a full openrc, with domains of user and project", func(t *testing.T) {
		sees(t, bare(t.TempDir(), openrc(*c), list...), group, vip)
	})
	t.Run("a token", func(t *testing.T) {
		var token struct {
			ID      string `json:"id"`
			Project string `json:"project_id"`
		}
		o := command(nil, slices.Concat([]string{"env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, openrc(*c),
			[]string{"openstack", "token", "issue", "-f", "json"})...)
		if err := json.Unmarshal([]byte(o.out), &token); err != nil {
			t.Fatalf("judge: %v:\n%s", err, o.err)
		}
		sees(t, bare(t.TempDir(), []string{
			"OS_AUTH_TYPE=token", "OS_AUTH_URL=" + c.AuthInfo.AuthURL, "OS_TOKEN=" + token.ID,
			"OS_PROJECT_ID=" + token.Project, "OS_REGION_NAME=" + c.RegionName,
		}, list...), group, vip)
	})
	t.Run("a wrong password is refused and not repeated", func(t *testing.T) {
		wrong := *c
		auth := *c.AuthInfo
		auth.Password = "not-the-password-4711"
		wrong.AuthInfo = &auth
		o := bare(t.TempDir(), openrc(wrong), append([]string{"-v"}, list...)...)
		if o.code != 1 {
			t.Errorf("want exit code 1:\n%v", o)
		}
		says(t, o, "log in", "hint: check user, password and the domains")
		if all := o.out + o.err; strings.Contains(all, auth.Password) || strings.Contains(all, c.AuthInfo.Password) {
			t.Error("it prints a password")
		}
	})
}
