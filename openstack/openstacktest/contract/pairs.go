package contract

import (
	"fmt"
	"net/http"
)

func pairs() []rule {
	pair := func(addresses ...string) object {
		list := []object{}
		for _, a := range addresses {
			list = append(list, object{"ip_address": a})
		}
		return object{"allowed_address_pairs": list}
	}
	return []rule{
		{"a PUT replaces the whole list of pairs", func(c *call) {
			p := c.port(pair("10.88.0.210", "10.88.0.211"))
			after := c.putPort(p, pair("10.88.0.212")).object()
			if got := field(entries(after, "allowed_address_pairs"), "ip_address"); fmt.Sprint(got) != "[10.88.0.212]" {
				c.Errorf("pairs are %v", got)
			}
		}},
		{"a PUT of the pairs leaves the security groups, and the other way round", func(c *call) {
			p := c.port(pair("10.88.0.210"))
			after := c.putPort(p, pair("10.88.0.211")).object()
			c.want(after, "security_groups", p["security_groups"])
			last := c.putPort(p, object{"security_groups": []string{}}).object()
			c.want(last, "security_groups", []string{})
			c.want(last, "allowed_address_pairs", after["allowed_address_pairs"])
		}},
		{"a pair without a MAC gets the port's", func(c *call) {
			p := c.port(pair("10.88.0.210"))
			c.want(p, "allowed_address_pairs", []object{{"ip_address": "10.88.0.210", "mac_address": p["mac_address"]}})
		}},
		{"a pair's address stays as it was written", func(c *call) {
			p := c.port(pair("10.88.0.210/32", "10.88.0.192/26"))
			if got := field(entries(p, "allowed_address_pairs"), "ip_address"); fmt.Sprint(got) != "[10.88.0.192/26 10.88.0.210/32]" {
				c.Errorf("pairs are %v", got)
			}
		}},
		{"a pair twice is refused", func(c *call) {
			p := c.port(object{})
			c.putPort(p, pair("10.88.0.210", "10.88.0.210")).refused(http.StatusBadRequest, "DuplicateAddressPairInRequest")
		}},
		{"a pair without a MAC is the same as one with the port's", func(c *call) {
			p := c.port(object{})
			c.putPort(p, object{"allowed_address_pairs": []object{
				{"ip_address": "10.88.0.210"}, {"ip_address": "10.88.0.210", "mac_address": p["mac_address"]},
			}}).refused(http.StatusBadRequest, "DuplicateAddressPairInRequest")
		}},
		{"one address with two MACs is two pairs", func(c *call) {
			p := c.port(object{})
			after := c.putPort(p, object{"allowed_address_pairs": []object{
				{"ip_address": "10.88.0.210"}, {"ip_address": "10.88.0.210", "mac_address": "00:00:5e:00:01:33"},
			}}).object()
			if l := entries(after, "allowed_address_pairs"); len(l) != 2 {
				c.Errorf("pairs are %v", l)
			}
		}},
		{"ten pairs fit, too many are refused", func(c *call) {
			p := c.port(object{})
			var list []string
			for i := range 250 { // more than any cloud's max_allowed_address_pair that was seen
				list = append(list, fmt.Sprintf("10.88.1.%d", i))
			}
			c.putPort(p, pair(list[:10]...)).ok()
			c.putPort(p, pair(list...)).refused(http.StatusBadRequest, "AllowedAddressPairExhausted")
		}},
		{"a pair has to have an address", func(c *call) {
			p := c.port(object{})
			c.putPort(p, pair("10.88.0.999")).refused(http.StatusBadRequest, "HTTPBadRequest")
			c.putPort(p, object{"allowed_address_pairs": []object{{"mac_address": "00:00:5e:00:01:33"}}}).
				refused(http.StatusBadRequest, "AllowedAddressPairsMissingIP")
		}},
		{"a refused PUT changes nothing", func(c *call) {
			p := c.port(pair("10.88.0.210"))
			c.putPort(p, object{"name": "other", "allowed_address_pairs": []object{{"ip_address": "nonsense"}}}).refused(http.StatusBadRequest, "HTTPBadRequest")
			after := c.read("ports", id(p))
			for _, key := range []string{"name", "allowed_address_pairs", "revision_number"} {
				c.want(after, key, p[key])
			}
		}},
	}
}
