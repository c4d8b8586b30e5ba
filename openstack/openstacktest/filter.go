package openstacktest

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// matches tells whether an object passes all filters of a query.
func matches(m object, q url.Values) bool {
	for key, values := range q {
		switch {
		case key == "fixed_ips":
			if !hasFixedIP(m, values) {
				return false
			}
		case !reserved(key):
			if v, found := m[key]; found && !isOneOf(v, values) {
				return false
			}
		}
	}
	return taggedAs(m, q)
}

// isOneOf compares as Neutron's database does: any of the values, of a list
// any of its entries, and null is the empty string.
func isOneOf(v any, values []string) bool {
	if list, ok := v.([]any); ok {
		return slices.ContainsFunc(list, func(e any) bool { return isOneOf(e, values) })
	}
	text := ""
	if v != nil {
		text = fmt.Sprint(v)
	}
	return slices.ContainsFunc(values, func(s string) bool {
		if b, ok := v.(bool); ok {
			want, err := strconv.ParseBool(strings.ToLower(s))
			return err == nil && want == b
		}
		return s == text
	})
}

// hasFixedIP is the filter fixed_ips=subnet_id=ID or ip_address=IP, or
// ip_address_substr=PART; those of one kind are alternatives.
func hasFixedIP(m object, values []string) bool {
	want := map[string][]string{}
	for _, v := range values {
		key, value, _ := strings.Cut(v, "=")
		want[key] = append(want[key], value)
	}
	list, _ := m["fixed_ips"].([]any)
	return slices.ContainsFunc(list, func(e any) bool {
		f, _ := e.(object)
		for key, values := range want {
			if key == "ip_address_substr" {
				ip, _ := f["ip_address"].(string)
				if !slices.ContainsFunc(values, func(part string) bool { return strings.Contains(ip, part) }) {
					return false
				}
			} else if !isOneOf(f[key], values) {
				return false
			}
		}
		return true
	})
}

// taggedAs is tags (all of them), tags-any, not-tags and not-tags-any, each
// a list with commas.
func taggedAs(m object, q url.Values) bool {
	list, _ := m["tags"].([]any)
	has := func(tag string) bool { return slices.Contains(list, any(tag)) }
	all := func(tags []string) bool {
		return !slices.ContainsFunc(tags, func(t string) bool { return !has(t) })
	}
	for _, test := range []struct {
		key  string
		pass func([]string) bool
	}{
		{"tags", all},
		{"tags-any", func(tags []string) bool { return slices.ContainsFunc(tags, has) }},
		{"not-tags", func(tags []string) bool { return !all(tags) }},
		{"not-tags-any", func(tags []string) bool { return !slices.ContainsFunc(tags, has) }},
	} {
		for _, value := range q[test.key] {
			if !test.pass(strings.Split(value, ",")) {
				return false
			}
		}
	}
	return true
}
