package contract

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

func lists() []rule {
	return []rule{
		{"a list has pages, with a link to the next", func(c *call) {
			name := c.w.name + "-pages"
			want := []string{}
			for range 3 {
				want = append(want, id(c.port(object{"name": name})))
			}
			slices.Sort(want)
			next := "/ports?limit=2&name=" + name
			var got []string
			for pages := 0; next != "" && pages < 4; pages++ {
				r := c.do("GET", next, nil).ok()
				got = append(got, field(r.list(), "id")...)
				next = ""
				for _, l := range entries(r.body, "ports_links") {
					if l["rel"] == "next" {
						u, err := url.Parse(fmt.Sprint(l["href"]))
						if err != nil {
							c.Fatal(err)
						}
						next = "/ports?" + u.RawQuery
					}
				}
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				c.Errorf("pages have %v, want %v", got, want)
			}
		}},
		{"a list has only the fields that are asked for", func(c *call) {
			p := c.port(object{})
			l := c.do("GET", "/ports?fields=id&fields=name&id="+id(p), nil).list()
			if len(l) != 1 || len(l[0]) != 2 || l[0]["id"] != id(p) {
				c.Errorf("list is %v", l)
			}
		}},
		{"a filter for what is not there gives an empty list", func(c *call) {
			if l := c.do("GET", "/ports?name=no-port-has-this-name", nil).list(); len(l) != 0 {
				c.Errorf("list is %v", l)
			}
		}},
		{"filters of different fields narrow, of one widen", func(c *call) {
			p, q := c.port(object{}), c.port(object{})
			if l := c.do("GET", "/ports?id="+id(p)+"&id="+id(q), nil).list(); len(l) != 2 {
				c.Errorf("two IDs give %d ports", len(l))
			}
			if l := c.do("GET", "/ports?id="+id(p)+"&network_id="+c.w.lone, nil).list(); len(l) != 0 {
				c.Errorf("an ID on another network gives %d ports", len(l))
			}
		}},
		{"ports are listed by address", func(c *call) {
			p := c.port(object{})
			ip := fmt.Sprint(entries(p, "fixed_ips")[0]["ip_address"])
			l := c.do("GET", "/ports?network_id="+c.w.network+"&fixed_ips="+url.QueryEscape("ip_address="+ip), nil).list()
			if len(l) != 1 || id(l[0]) != id(p) {
				c.Errorf("ports with %s are %v", ip, field(l, "id"))
			}
		}},
		{"a filter by an unknown field is refused", func(c *call) {
			c.do("GET", "/ports?colour=red", nil).refused(http.StatusBadRequest, "HTTPBadRequest")
		}},
		{"a marker that is no object is refused", func(c *call) {
			c.do("GET", "/ports?limit=1&marker="+unknown, nil).refused(http.StatusNotFound, "PortNotFound")
		}},
		{"the external network is seen, its subnets are not", func(c *call) {
			n := c.read("networks", c.w.External)
			c.want(n, "router:external", true)
			if l := c.do("GET", "/subnets?network_id="+c.w.External, nil).list(); len(l) != 0 {
				c.Errorf("a member sees %d subnets of the external network", len(l))
			}
		}},
		{"there are the extensions that havip needs", func(c *call) {
			have := field(c.do("GET", "/extensions", nil).list(), "alias")
			for _, alias := range []string{"allowed-address-pairs", "port-security", "revision-if-match", "router", "security-group", "standard-attr-tag", "quotas"} {
				if !slices.Contains(have, alias) {
					c.Errorf("no extension %s", alias)
				}
			}
		}},
		{"quotas have a limit and what is used", func(c *call) {
			c.port(object{})
			q := c.do("GET", "/quotas/"+c.w.project+"/details.json", nil).object()
			port, _ := q["port"].(object)
			if used, _ := port["used"].(float64); used < 1 || port["limit"] == nil {
				c.Errorf("the quota of ports is %v", q["port"])
			}
		}},
		{"a member does not change quotas", func(c *call) {
			c.do("PUT", "/quotas/"+c.w.project, object{"quota": object{"port": -1}}).refused(http.StatusForbidden, "PolicyNotAuthorized")
		}},
	}
}
