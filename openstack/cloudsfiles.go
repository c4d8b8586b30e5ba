package openstack

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/gophercloud/utils/v2/openstack/clientconfig"
	"go.yaml.in/yaml/v3"
)

// cloudsFiles reads clouds.yaml, secure.yaml and clouds-public.yaml where
// openstacksdk looks for them. clientconfig's own search ignores HOME,
// XDG_CONFIG_HOME and OS_CLIENT_SECURE_FILE, so only its merging is used.
type cloudsFiles struct {
	getenv func(string) string
}

var _ clientconfig.YAMLOptsBuilder = cloudsFiles{}

// LoadCloudsYAML reads the entries of clouds.yaml: none where there is no file.
func (f cloudsFiles) LoadCloudsYAML() (map[string]clientconfig.Cloud, error) {
	var file clientconfig.Clouds
	err := f.read("clouds", f.getenv("OS_CLIENT_CONFIG_FILE"), &file)
	return file.Clouds, err
}

// LoadSecureCloudsYAML reads the entries of secure.yaml.
func (f cloudsFiles) LoadSecureCloudsYAML() (map[string]clientconfig.Cloud, error) {
	var file clientconfig.Clouds
	err := f.read("secure", f.getenv("OS_CLIENT_SECURE_FILE"), &file)
	return file.Clouds, err
}

// LoadPublicCloudsYAML reads the profiles of clouds-public.yaml.
func (f cloudsFiles) LoadPublicCloudsYAML() (map[string]clientconfig.Cloud, error) {
	var file clientconfig.PublicClouds
	err := f.read("clouds-public", "", &file)
	return file.Clouds, err
}

// names lists the entries of clouds.yaml.
func (f cloudsFiles) names() ([]string, error) {
	clouds, err := f.LoadCloudsYAML()
	return slices.Sorted(maps.Keys(clouds)), err
}

// read decodes the first file that exists. The order is openstacksdk's:
// the variable, the working folder, the user's and the site's configuration.
func (f cloudsFiles) read(name, override string, into any) error {
	paths := make([]string, 0, 8)
	if override != "" {
		paths = append(paths, override)
	}
	for _, dir := range f.dirs() {
		paths = append(paths, filepath.Join(dir, name+".yaml"), filepath.Join(dir, name+".yml"))
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read clouds file: %w", err)
		}
		// A parser's error may quote the line it stumbled on, and that line
		// may hold a password: only the file is named.
		if yaml.Unmarshal(text, into) != nil {
			return fmt.Errorf("parse clouds file %q: not valid YAML of the form that OpenStack clients read", path)
		}
		return nil
	}
	return nil
}

func (f cloudsFiles) dirs() []string {
	dirs := []string{"."}
	if xdg := f.getenv("XDG_CONFIG_HOME"); xdg != "" {
		dirs = append(dirs, filepath.Join(xdg, "openstack"))
	}
	if home := f.getenv("HOME"); home != "" {
		dirs = append(dirs, filepath.Join(home, ".config", "openstack"))
	}
	return append(dirs, "/etc/openstack")
}
