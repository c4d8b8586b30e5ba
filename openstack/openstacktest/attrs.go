package openstacktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// attrs is the body of a Neutron request: each attribute is read once, and
// what nobody read is unknown. The first problem is kept.
type attrs struct {
	raw map[string]json.RawMessage
	err error
}

// attributes reads the body {"port": {...}}.
func (r *request) attributes(resource string) (*attrs, error) {
	var outer map[string]json.RawMessage
	if err := json.Unmarshal(r.body, &outer); err != nil {
		return nil, badBody("Request body is not valid JSON.")
	}
	inner, found := outer[resource]
	if !found {
		return nil, badBody("Unable to find '%s' in request body", resource)
	}
	return parseAttrs(inner)
}

func parseAttrs(text json.RawMessage) (*attrs, error) {
	a := &attrs{}
	if err := json.Unmarshal(text, &a.raw); err != nil || a.raw == nil {
		return nil, badBody("Invalid input for object: %s is not a dictionary.", text)
	}
	return a, nil
}

func (a *attrs) has(key string) bool {
	_, found := a.raw[key]
	return found
}

// take decodes an attribute into v if it is there and not null.
func (a *attrs) take(key string, v any, what string) bool {
	text, found := a.raw[key]
	if !found {
		return false
	}
	delete(a.raw, key)
	if string(text) == "null" {
		return false
	}
	if err := json.Unmarshal(text, v); err != nil {
		a.fail(badBody("Invalid input for %s. Reason: %s is not %s.", key, shown(text), what))
		return false
	}
	return true
}

// shown is JSON as Python's %s shows it, near enough.
func shown(text json.RawMessage) string { return strings.ReplaceAll(string(text), `"`, "'") }

func (a *attrs) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// text reads a string; null makes it empty.
func (a *attrs) text(key string, v *string) {
	if string(a.raw[key]) == "null" {
		*v = ""
	}
	limit := 255
	var s string
	if !a.take(key, &s, "a valid string") {
		return
	}
	if len(s) > limit {
		a.fail(badBody("Invalid input for %s. Reason: '%s' exceeds maximum length of %d.", key, s, limit))
		return
	}
	*v = s
}

// flag reads a boolean, also in the forms of the CLI's old versions.
func (a *attrs) flag(key string, v *bool) {
	var b any
	if !a.take(key, &b, "a boolean") {
		return
	}
	switch strings.ToLower(fmt.Sprint(b)) {
	case "true", "1":
		*v = true
	case "false", "0":
		*v = false
	default:
		a.fail(badBody("Invalid input for %s. Reason: '%v' cannot be converted to boolean.", key, b))
	}
}

// number reads an integer, also as a string.
func (a *attrs) number(key string, v *int) bool {
	var n json.Number
	if !a.take(key, &n, "an integer") {
		return false
	}
	i, err := n.Int64()
	if err != nil {
		a.fail(badBody("Invalid input for %s. Reason: '%s' is not an integer.", key, n))
		return false
	}
	*v = int(i)
	return true
}

// address reads an IP address.
func (a *attrs) address(key string, v *netip.Addr) {
	var s string
	if !a.take(key, &s, "a valid IP address") || s == "" {
		return
	}
	ip, err := netip.ParseAddr(s)
	if err != nil {
		a.fail(badBody("Invalid input for %s. Reason: '%s' is not a valid IP address.", key, s))
		return
	}
	*v = ip
}

// id reads a UUID.
func (a *attrs) id(key string, v *string) {
	var s string
	if string(a.raw[key]) == "null" {
		*v = ""
	}
	if !a.take(key, &s, "a valid UUID") {
		return
	}
	if !isUUID(s) && s != "" {
		a.fail(badBody("Invalid input for %s. Reason: '%s' is not a valid UUID.", key, s))
		return
	}
	*v = s
}

// ignore reads what the fake keeps no rule for.
func (a *attrs) ignore(keys ...string) {
	for _, k := range keys {
		delete(a.raw, k)
	}
}

// fixed refuses a change of what is set at creation only.
func (a *attrs) fixed(keys ...string) {
	for _, k := range keys {
		if a.has(k) {
			a.fail(badBody("Cannot update read-only attribute %s", k))
		}
	}
}

// required refuses a creation without an attribute.
func (a *attrs) required(key string) {
	if !a.has(key) {
		a.fail(badBody("Failed to parse request. Required attribute '%s' not specified", key))
	}
}

// end is the first problem, or that something was not known.
func (a *attrs) end() error {
	if a.err == nil && len(a.raw) > 0 {
		a.err = badBody("Unrecognized attribute(s) '%s'", strings.Join(slices.Sorted(maps.Keys(a.raw)), ", "))
	}
	return a.err
}

// isUUID takes the two forms that Neutron takes.
func isUUID(s string) bool {
	s = strings.ReplaceAll(s, "-", "")
	return len(s) == 32 && strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}

// owner is the project that a new object belongs to.
func (a *attrs) owner(r *request, action string) string {
	project := r.who.ProjectID
	for _, key := range []string{"tenant_id", "project_id"} {
		var given string
		a.text(key, &given)
		if given == "" {
			continue
		}
		if !r.who.owns(given) {
			a.fail(disallowed(action, ""))
		}
		project = given
	}
	return project
}
