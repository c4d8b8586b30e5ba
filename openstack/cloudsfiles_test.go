package openstack_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havip/havip/openstack"
)

func TestCloudsFilesAreFoundWhereOpenStackClientsLook(t *testing.T) {
	const entry = "clouds: {mine: {auth: {auth_url: 'URL', username: USER, project_name: ops}}}"
	const secure = "clouds: {mine: {auth: {password: PASSWORD}}}"
	cases := map[string]struct {
		env   map[string]string
		files map[string]string // path to the user or password in it
	}{
		"in the working folder":         {files: map[string]string{"clouds.yaml": "ann", "secure.yaml": "right"}},
		"with the shorter ending":       {files: map[string]string{"clouds.yml": "ann", "secure.yml": "right"}},
		"in the user's configuration":   {files: map[string]string{"home/.config/openstack/clouds.yaml": "ann", "home/.config/openstack/secure.yaml": "right"}},
		"in XDG_CONFIG_HOME":            {env: map[string]string{"XDG_CONFIG_HOME": "xdg"}, files: map[string]string{"xdg/openstack/clouds.yaml": "ann", "xdg/openstack/secure.yaml": "right"}},
		"one here, one there":           {files: map[string]string{"clouds.yaml": "ann", "home/.config/openstack/secure.yaml": "right"}},
		"the working folder goes first": {files: map[string]string{"clouds.yaml": "ann", "secure.yaml": "right", "home/.config/openstack/clouds.yaml": "other", "home/.config/openstack/secure.yaml": "wrong"}},
		"the variables go before all": {
			env:   map[string]string{"OS_CLIENT_CONFIG_FILE": "c.yaml", "OS_CLIENT_SECURE_FILE": "s.yaml"},
			files: map[string]string{"c.yaml": "ann", "s.yaml": "right", "clouds.yaml": "other", "secure.yaml": "wrong"},
		},
		"a variable that names no file is passed over": {
			env:   map[string]string{"OS_CLIENT_CONFIG_FILE": "nothing.yaml"},
			files: map[string]string{"clouds.yaml": "ann", "secure.yaml": "right"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			emptyEnvironment(t)
			t.Setenv("HOME", "home")
			t.Setenv("OS_CLOUD", "mine")
			for k, v := range tc.env {
				t.Setenv(k, v)
			}
			for path, value := range tc.files {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				writeFile(t, path, strings.NewReplacer("URL", c.URL+"/identity/v3", "USER", value).Replace(entry))
				if strings.HasPrefix(filepath.Base(path), "s") {
					writeFile(t, path, strings.Replace(secure, "PASSWORD", value, 1))
				}
			}
			if _, err := openstack.Connect(t.Context(), openstack.Options{}); err != nil {
				t.Fatal(err)
			}
			if body := c.last().Body; !strings.Contains(body, `"name":"ann"`) || !strings.Contains(body, `"password":"right"`) {
				t.Errorf("login was tried with %s", body)
			}
		})
	}
}
