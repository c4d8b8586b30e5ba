package openstack

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// locator finds services in the catalogue that came with the token.
// gophercloud's own asks each endpoint for its versions: a request each.
type locator struct {
	catalog   []tokens.CatalogEntry
	region    string // "": the first that has the service
	available gophercloud.Availability
}

// network finds Neutron. Its endpoint usually has no version; some clouds
// write /v2.0 into the catalogue.
func (l locator) network(p *gophercloud.ProviderClient) (*gophercloud.ServiceClient, string, error) {
	endpoint, region, err := l.find("network")
	if err != nil {
		return nil, "", err
	}
	base := strings.TrimSuffix(endpoint, "v2.0/")
	return &gophercloud.ServiceClient{ProviderClient: p, Endpoint: base, ResourceBase: base + "v2.0/", Type: "network"}, region, nil
}

// compute finds Nova. Its endpoint ends in a version, on older clouds followed
// by the project's ID.
func (l locator) compute(p *gophercloud.ProviderClient) (*gophercloud.ServiceClient, string, error) {
	endpoint, region, err := l.find("compute")
	if err != nil {
		return nil, "", err
	}
	if !regexp.MustCompile(`/v2(\.\d+)?/`).MatchString(endpoint) {
		endpoint += "v2.1/"
	}
	return &gophercloud.ServiceClient{ProviderClient: p, Endpoint: endpoint, Type: "compute"}, region, nil
}

// find returns the first endpoint of a service that fits, with a slash at its
// end, and its region.
func (l locator) find(service string) (string, string, error) {
	var others []string
	for _, entry := range l.catalog {
		if entry.Type != service {
			continue
		}
		for _, e := range entry.Endpoints {
			region := cmp.Or(e.RegionID, e.Region)
			if gophercloud.Availability(e.Interface) != l.available || (l.region != "" && l.region != e.RegionID && l.region != e.Region) {
				others = append(others, e.Interface+" in "+region)
				continue
			}
			if u, err := url.Parse(e.URL); err != nil || u.Host == "" {
				return "", "", &Error{Op: "find service", Object: service, Message: "its endpoint in the catalogue is not a URL", Err: ErrConfig}
			}
			return gophercloud.NormalizeURL(e.URL), region, nil
		}
	}
	e := &Error{Op: "find service", Object: service, Message: "the cloud's catalogue does not have it", Err: ErrConfig}
	e.Cure = "havip needs Neutron and Nova: openstack catalog list shows what this project may use"
	if len(others) > 0 {
		slices.Sort(others)
		e.Message = fmt.Sprintf("the cloud's catalogue has no %s endpoint%s; it has: %s",
			l.available, inRegion(l.region), strings.Join(slices.Compact(others), ", "))
		e.Cure = "choose with --os-region-name (OS_REGION_NAME) and --os-interface (OS_INTERFACE)"
	}
	return "", "", e
}

func inRegion(region string) string {
	if region == "" {
		return ""
	}
	return " in region " + region
}
