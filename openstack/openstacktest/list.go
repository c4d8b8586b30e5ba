package openstacktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// flat is an object as its JSON.
func flat(v any) object {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("openstacktest: an object that is no JSON: %v", err))
	}
	var m object
	if err := json.Unmarshal(text, &m); err != nil {
		panic(fmt.Sprintf("openstacktest: an object that is no JSON object: %v", err))
	}
	return m
}

// hidden are the attributes that only an administrator is shown.
func hidden() []string {
	return []string{
		"binding:host_id", "binding:profile", "binding:vif_type", "binding:vif_details", "resource_request",
		"provider:network_type", "provider:physical_network", "provider:segmentation_id", "distributed", "ha",
	}
}

// show is one object, as far as the caller may see it and wants it.
func (r *request) show(v any) object {
	m := flat(v)
	if !r.who.Admin {
		for _, k := range hidden() {
			delete(m, k)
		}
	}
	for alias, fields := range r.cloud.rules.fieldsOf() {
		if r.cloud.rules.absent[alias] {
			for _, f := range fields {
				delete(m, f)
			}
		}
	}
	return m
}

// pick leaves of an object what the query names in fields.
func pick(m object, fields []string) object {
	if len(fields) == 0 {
		return m
	}
	out := object{}
	for _, f := range fields {
		if v, found := m[f]; found {
			out[f] = v
		}
	}
	return out
}

// listed answers a list of Neutron: filters, tags, order, pages and fields.
// none is an object of the kind, for what it has.
func (r *request) listed(collection string, none any, all []object) (answer, error) {
	q := r.URL.Query()
	if err := r.checkFilters(q, flat(none)); err != nil {
		return answer{}, err
	}
	found := slices.DeleteFunc(all, func(m object) bool { return !matches(m, q) })
	sortObjects(found, q)
	page, links, err := r.page(collection, found, q, r.cloud.rules.pageSize)
	if err != nil {
		return answer{}, err
	}
	out := make([]object, len(page))
	for i, m := range page {
		out[i] = pick(m, q["fields"])
	}
	body := object{collection: out}
	if len(links) > 0 {
		body[collection+"_links"] = links
	}
	return ok(body)
}

// reserved are the query parameters that are no filter.
func reserved(key string) bool {
	return slices.Contains([]string{
		"limit", "marker", "fields", "sort_key", "sort_dir", "page_reverse",
		"tags", "tags-any", "not-tags", "not-tags-any",
	}, key)
}

// checkFilters refuses a filter by what the objects do not have (extension
// filter-validation), or takes it out where Neutron would not look at it.
func (r *request) checkFilters(q url.Values, object object) error {
	var unknown []string
	for key := range q {
		_, known := object[key]
		if key == "security_groups" && r.cloud.rules.absent["port-security-groups-filtering"] {
			known = false
		}
		if known || reserved(key) || key == "changed_since" {
			continue
		}
		unknown = append(unknown, "'"+key+"'")
		delete(q, key)
	}
	if len(unknown) > 0 && !r.cloud.rules.absent["filter-validation"] {
		slices.Sort(unknown)
		return badBody("[%s] is invalid attribute for filtering", strings.Join(unknown, ", "))
	}
	return nil
}

// sortObjects orders by the query's keys, and at last by ID.
func sortObjects(found []object, q url.Values) {
	keys, dirs := q["sort_key"], q["sort_dir"]
	slices.SortStableFunc(found, func(a, b object) int {
		for i, k := range append(slices.Clone(keys), "id") {
			d := strings.Compare(fmt.Sprint(a[k]), fmt.Sprint(b[k]))
			if i < len(dirs) && dirs[i] == "desc" {
				d = -d
			}
			if d != 0 {
				return d
			}
		}
		return 0
	})
}

// page cuts limit objects after marker out, and links to the page after. max
// is what the cloud gives at most, 0 without a limit.
func (r *request) page(collection string, found []object, q url.Values, most int) ([]object, []object, error) {
	limit := most
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, nil, badBody("Limit must be an integer 0 or greater and not '%s'", text)
		}
		if n > 0 && (most == 0 || n < most) {
			limit = n
		}
	}
	if marker := q.Get("marker"); marker != "" {
		at := slices.IndexFunc(found, func(m object) bool { return m["id"] == marker || m["name"] == marker && collection == "keypairs" })
		if at < 0 {
			return nil, nil, noMarker(collection, marker)
		}
		found = found[at+1:]
	}
	if limit == 0 || len(found) <= limit {
		return found, nil, nil
	}
	found = found[:limit]
	next := maps.Clone(q)
	next.Set("limit", strconv.Itoa(limit))
	next.Set("marker", fmt.Sprint(found[limit-1]["id"]))
	link := r.cloud.base(r.Request) + r.URL.Path + "?" + next.Encode()
	return found, []object{{"rel": "next", "href": link}}, nil
}

// noMarker is what Neutron says when a page should begin after nothing.
func noMarker(collection, id string) error {
	kind := map[string]string{
		"networks": "NetworkNotFound", "subnets": "SubnetNotFound", "ports": "PortNotFound", "routers": "RouterNotFound",
		"floatingips": "FloatingIPNotFound", "security_groups": "SecurityGroupNotFound", "security_group_rules": "SecurityGroupRuleNotFound",
	}[collection]
	return notFound(kind, "%s %s could not be found.", strings.TrimSuffix(kind, "NotFound"), id)
}

// notFound is a refusal of an object that is not there, or not the caller's.
func notFound(kind, format string, args ...any) error {
	return refuse(http.StatusNotFound, kind, format, args...)
}
