package openstacktest

import (
	"slices"
	"strings"
)

// rules are what differs from cloud to cloud and a test may bend.
type rules struct {
	absent   map[string]bool // extensions
	denied   map[string]bool // policy actions, as get_quota
	maxPairs int             // max_allowed_address_pair
	pageSize int             // pagination_max_limit; 0: none
	quotas   map[string]int  // of each project, by resource; -1: none
	newest   int             // minor microversion of Nova
}

func newRules() rules {
	return rules{
		absent: map[string]bool{}, denied: map[string]bool{}, maxPairs: 10, newest: 93,
		quotas: map[string]int{
			"network": 100, "subnet": 100, "port": 500, "router": 10, "floatingip": 50,
			"security_group": 10, "security_group_rule": 100, "rbac_policy": 10, "subnetpool": -1, "trunk": -1,
		},
	}
}

// extensions are the aliases of those that Neutron has here.
func extensions() []string {
	return []string{
		"address-group", "address-scope", "agent", "allowed-address-pairs", "availability_zone", "binding", "binding-extended",
		"default-subnetpools", "dns-integration", "dvr", "empty-string-filtering", "ext-gw-mode", "external-net", "extra_dhcp_opt",
		"extraroute", "filter-validation", "fip-port-details", "floatingip-pools", "ip-substring-filtering", "l3-ha", "multi-provider",
		"net-mtu", "net-mtu-writable", "network-ip-availability", "network_availability_zone", "pagination", "port-mac-address-regenerate",
		"port-resource-request", "port-security", "port-security-groups-filtering", "project-id", "provider", "quota_details", "quotas",
		"rbac-policies", "revision-if-match", "router", "router_availability_zone", "security-group", "security-groups-normalized-cidr",
		"security-groups-remote-address-group", "service-type", "sorting", "standard-attr-description", "standard-attr-revisions",
		"standard-attr-tag", "standard-attr-timestamp", "stateful-security-group", "subnet-service-types", "subnet_allocation",
	}
}

// fieldsOf are the attributes that go with an extension.
func (rules) fieldsOf() map[string][]string {
	return map[string][]string{
		"allowed-address-pairs":   {"allowed_address_pairs"},
		"port-security":           {"port_security_enabled"},
		"standard-attr-tag":       {"tags"},
		"standard-attr-revisions": {"revision_number"},
		"security-group":          {"security_groups"},
	}
}

// known refuses attributes of an extension that is not there.
func (r *request) known(a *attrs) error {
	for alias, fields := range r.cloud.rules.fieldsOf() {
		for _, f := range fields {
			if r.cloud.rules.absent[alias] && a.has(f) {
				return badBody("Unrecognized attribute(s) '%s'", f)
			}
		}
	}
	return nil
}

// served tells whether a path of Neutron is there, by the extension that
// brings its collection.
func (u rules) served(path string) bool {
	for alias, collections := range map[string][]string{
		"security-group": {"/security-groups", "/security-group-rules"},
		"router":         {"/routers", "/floatingips"},
		"quotas":         {"/quotas"},
	} {
		for _, c := range collections {
			if u.absent[alias] && strings.HasPrefix(path, "/network/v2.0"+c) {
				return false
			}
		}
	}
	return !u.absent["quota_details"] || !strings.Contains(path, "/details")
}

// listExtensions is GET /v2.0/extensions.
func listExtensions(r *request) (answer, error) {
	out := []object{}
	for _, alias := range extensions() {
		if !r.cloud.rules.absent[alias] {
			out = append(out, extensionBody(alias))
		}
	}
	return ok(object{"extensions": out})
}

func extensionBody(alias string) object {
	return object{"alias": alias, "name": alias, "description": "", "updated": "2020-01-01T00:00:00-00:00", "links": []any{}}
}

func getExtension(r *request) (answer, error) {
	alias := r.PathValue("id")
	if r.cloud.rules.absent[alias] || !slices.Contains(extensions(), alias) {
		return answer{}, notFound("HTTPNotFound", "Extension with alias %s does not exist", alias)
	}
	return ok(object{"extension": extensionBody(alias)})
}
