package contract

import (
	"fmt"
	"net/http"
)

func tags() []rule {
	tag := func(c *call, method string, p object, name string) reply {
		return c.do(method, "/ports/"+id(p)+"/tags"+name, nil)
	}
	return []rule{
		{"a tag bumps the revision, and a PUT held to the one before is refused", func(c *call) {
			p := c.port(object{})
			if r := tag(c, "PUT", p, "/havip"); r.status != http.StatusCreated {
				c.Errorf("adding a tag gave %d", r.status)
			}
			if after := c.read("ports", id(p)); revision(after) <= revision(p) {
				c.Errorf("revision was %d and is %d", revision(p), revision(after))
			}
			c.putPort(p, object{"name": "x"}, "If-Match", fmt.Sprintf("revision_number=%d", revision(p))).
				refused(http.StatusPreconditionFailed, "RevisionNumberConstraintFailed")
		}},
		{"a tag may be added twice and is there once", func(c *call) {
			p := c.port(object{})
			tag(c, "PUT", p, "/havip").ok()
			tag(c, "PUT", p, "/havip").ok()
			c.want(c.read("ports", id(p)), "tags", []string{"havip"})
		}},
		{"a tag that is not there cannot be removed", func(c *call) {
			p := c.port(object{})
			tag(c, "DELETE", p, "/havip").refused(http.StatusNotFound, "TagNotFound")
			tag(c, "GET", p, "/havip").refused(http.StatusNotFound, "TagNotFound")
		}},
		{"a PUT of tags replaces all", func(c *call) {
			p := c.port(object{})
			tag(c, "PUT", p, "/theirs").ok()
			c.do("PUT", "/ports/"+id(p)+"/tags", object{"tags": []string{"havip"}}).ok()
			c.want(c.read("ports", id(p)), "tags", []string{"havip"})
		}},
		{"a tag with a slash is another path", func(c *call) {
			p := c.port(object{})
			if r := tag(c, "PUT", p, "/a%2Fb"); r.status != http.StatusNotFound {
				c.Errorf("a tag with a slash gave %d", r.status)
			}
		}},
		{"a list by tags has objects with all of them", func(c *call) {
			p, q := c.port(object{}), c.port(object{})
			one, two := "havip-"+id(p), "two"
			for _, o := range []object{p, q} {
				tag(c, "PUT", o, "/"+one).ok()
			}
			tag(c, "PUT", p, "/"+two).ok()
			both := c.do("GET", "/ports?tags="+one+","+two, nil).list()
			if got := field(both, "id"); len(got) != 1 || got[0] != id(p) {
				c.Errorf("ports with both tags are %v", got)
			}
			if got := c.do("GET", "/ports?tags="+one, nil).list(); len(got) != 2 {
				c.Errorf("ports with one of the tags are %v", field(got, "id"))
			}
		}},
		{"an object that is not there cannot be tagged", func(c *call) {
			c.do("PUT", "/ports/"+unknown+"/tags/havip", nil).refused(http.StatusNotFound, "TagResourceNotFound")
		}},
	}
}
