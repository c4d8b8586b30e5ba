package openstack

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/utils/v2/openstack/clientconfig"
)

// settings is all that a login needs, put together from flags, clouds.yaml and
// environment.
type settings struct {
	cloud     string
	region    string
	available gophercloud.Availability
	login     credentials
	tls       *tls.Config
}

// resolve puts the settings together: flags before the entry of a named cloud
// before the environment.
func resolve(o Options, getenv func(string) string) (settings, error) {
	files := cloudsFiles{getenv: getenv}
	name, entry, err := findCloud(o, getenv, files)
	if err != nil {
		return settings{}, err
	}
	if v := strings.TrimPrefix(cmp.Or(entry.IdentityAPIVersion, getenv("OS_IDENTITY_API_VERSION")), "v"); strings.HasPrefix(v, "2") {
		return settings{}, configError("identity API version "+v+" is not supported", "set identity_api_version or OS_IDENTITY_API_VERSION to 3")
	}

	login, err := mergeCredentials(o, entry, getenv)
	if err != nil {
		return settings{}, err
	}
	available, err := availability(cmp.Or(o.Interface, entry.EndpointType, getenv("OS_INTERFACE"), getenv("OS_ENDPOINT_TYPE")))
	if err != nil {
		return settings{}, err
	}

	entry.CACertFile = cmp.Or(o.CACert, entry.CACertFile)
	if o.Insecure {
		no := false
		entry.Verify = &no
	}
	conf, err := clientconfig.PrepareTLSConfig("OS_", &entry)
	if err != nil {
		// clientconfig takes a name without a file for the certificate itself.
		ca := cmp.Or(entry.CACertFile, getenv("OS_CACERT"))
		if _, missing := os.Stat(ca); ca != "" && errors.Is(missing, fs.ErrNotExist) && !strings.Contains(ca, "-----BEGIN") {
			return settings{}, configError("there is no CA file "+ca, "check --os-cacert, cacert in clouds.yaml, and OS_CACERT")
		}
		return settings{}, configError(err.Error(), "check --os-cacert, --insecure and their OS_CACERT, OS_CERT, OS_KEY, OS_INSECURE")
	}
	return settings{
		cloud:     name,
		region:    cmp.Or(o.Region, entry.RegionName, getenv("OS_REGION_NAME")),
		available: available,
		login:     login,
		tls:       conf,
	}, nil
}

// findCloud reads the entry of clouds.yaml that is meant: the named one, or
// the only one where neither a name nor an authentication URL is given. It is
// empty where the environment alone says everything.
func findCloud(o Options, getenv func(string) string, files cloudsFiles) (string, clientconfig.Cloud, error) {
	name := cmp.Or(o.Cloud, getenv("OS_CLOUD"))
	if name == "" && cmp.Or(o.AuthURL, getenv("OS_AUTH_URL")) != "" {
		return "", clientconfig.Cloud{}, nil
	}
	names, err := files.names()
	if err != nil {
		return "", clientconfig.Cloud{}, configError(err.Error(), "mend the file, or name another one in OS_CLIENT_CONFIG_FILE")
	}
	known := "there is no clouds.yaml in ., ~/.config/openstack or /etc/openstack, and OS_CLIENT_CONFIG_FILE names none"
	if len(names) > 0 {
		known = "clouds.yaml has: " + strings.Join(names, ", ")
	}
	switch {
	case name == "" && len(names) == 1:
		name = names[0]
	case name == "":
		return "", clientconfig.Cloud{}, configError("no cloud is named and OS_AUTH_URL is not set; "+known,
			"name one with --os-cloud or OS_CLOUD, or source the project's openrc file")
	case !slices.Contains(names, name):
		return "", clientconfig.Cloud{}, configError(fmt.Sprintf("cloud %q is not known; %s", name, known), "choose one with --os-cloud or OS_CLOUD")
	}
	entry, err := loadCloud(name, o.Region, files)
	if err != nil {
		return "", clientconfig.Cloud{}, configError(fmt.Sprintf("cloud %q: %v", name, err), "correct its entry in clouds.yaml or secure.yaml")
	}
	return name, entry, nil
}

// loadCloud reads one entry, with its profile, secure.yaml and region merged in.
func loadCloud(name, region string, files cloudsFiles) (clientconfig.Cloud, error) {
	load := func(region string) (*clientconfig.Cloud, error) {
		return clientconfig.GetCloudFromYAML(&clientconfig.ClientOpts{Cloud: name, RegionName: region, YAMLOpts: files})
	}
	entry, err := load(region)
	if err != nil {
		return clientconfig.Cloud{}, err
	}
	// openstacksdk takes the first of an entry's regions when none is named.
	if region == "" && entry.RegionName == "" && len(entry.Regions) > 0 {
		if entry, err = load(entry.Regions[0].Name); err != nil {
			return clientconfig.Cloud{}, err
		}
		entry.RegionName = cmp.Or(entry.RegionName, entry.Regions[0].Name)
	}
	// clientconfig answers verify: true where nobody said so, which would
	// silence OS_INSECURE.
	said, err := saysVerify(name, files)
	if err == nil && !said && *entry.Verify {
		entry.Verify = nil
	}
	return *entry, err
}

func saysVerify(name string, files cloudsFiles) (bool, error) {
	clouds, err := files.LoadCloudsYAML()
	if err != nil {
		return false, err
	}
	secure, err := files.LoadSecureCloudsYAML()
	return clouds[name].Verify != nil || secure[name].Verify != nil, err
}

// availability reads an interface name; publicURL and the like are the older
// spelling of the same.
func availability(name string) (gophercloud.Availability, error) {
	switch strings.TrimSuffix(name, "URL") {
	case "", "public":
		return gophercloud.AvailabilityPublic, nil
	case "internal":
		return gophercloud.AvailabilityInternal, nil
	case "admin":
		return gophercloud.AvailabilityAdmin, nil
	}
	return "", configError(fmt.Sprintf("interface %q is not known", name), "set --os-interface or OS_INTERFACE to public, internal or admin")
}
