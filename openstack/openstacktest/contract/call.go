package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// object is JSON.
type object = map[string]any

// call is a test that calls the cloud.
type call struct {
	*testing.T
	w *world
}

// reply is what the cloud answered.
type reply struct {
	t      *call
	what   string
	status int
	header http.Header
	body   object
}

// do makes a request of Neutron ("/ports") or, with a full URL, of another.
// header is names and values in turn.
func (c *call) do(method, path string, body any, header ...string) reply {
	c.Helper()
	url := path
	if strings.HasPrefix(path, "/") {
		url = strings.TrimSuffix(c.w.Network, "/") + "/v2.0" + path
	}
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			c.Fatal(err)
		}
	}
	r, err := http.NewRequest(method, url, bytes.NewReader(text))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", c.w.Token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := c.w.Client.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	out := reply{t: c, what: method + " " + path, status: resp.StatusCode, header: resp.Header}
	_ = json.Unmarshal(answer, &out.body) // 204 has none
	return out
}

// ok is the object or list that a successful answer wraps.
func (r reply) ok() reply {
	r.t.Helper()
	if r.status >= 300 {
		r.t.Fatalf("%s: %d %v", r.what, r.status, r.body)
	}
	return r
}

// object is the one in the answer.
func (r reply) object() object {
	r.t.Helper()
	r.ok()
	for key, v := range r.body {
		if o, found := v.(object); found && !strings.HasSuffix(key, "_links") {
			return o
		}
	}
	r.t.Fatalf("%s: no object in %v", r.what, r.body)
	return nil
}

// list is the one in the answer.
func (r reply) list() []object {
	r.t.Helper()
	r.ok()
	for key, v := range r.body {
		if l, found := v.([]any); found && !strings.HasSuffix(key, "_links") {
			out := make([]object, len(l))
			for i := range l {
				out[i], _ = l[i].(object)
			}
			return out
		}
	}
	r.t.Fatalf("%s: no list in %v", r.what, r.body)
	return nil
}

// refused wants a refusal, of a kind of Neutron's or of Nova's.
func (r reply) refused(status int, kind string) {
	r.t.Helper()
	got, message := "", ""
	for name, v := range r.body {
		inner, _ := v.(object)
		got, message = name, fmt.Sprint(inner["message"])
		if text, found := inner["type"].(string); found {
			got = text
		}
	}
	if r.status != status || got != kind || message == "" || message == "<nil>" {
		r.t.Errorf("%s: %d %s %q, want %d %s with a message", r.what, r.status, got, message, status, kind)
	}
}

// want compares an attribute.
func (c *call) want(o object, key string, want any) {
	c.Helper()
	got, _ := json.Marshal(o[key])
	wanted, err := json.Marshal(want)
	if err != nil {
		c.Fatal(err)
	}
	if !bytes.Equal(got, wanted) {
		c.Errorf("%s is %s, want %s", key, got, wanted)
	}
}

// make creates an object and removes it at the test's end.
func (c *call) make(collection, kind string, attributes object) object {
	c.Helper()
	if collection != "floatingips" && attributes["name"] == nil {
		attributes["name"] = c.w.name
	}
	o := c.do("POST", "/"+collection, object{kind: attributes}).object()
	c.Cleanup(func() { c.remove("/" + collection + "/" + id(o)) })
	return o
}

// remove deletes, with some patience for what still uses it.
func (c *call) remove(path string) {
	c.Helper()
	c.eventually("DELETE "+path, func() bool {
		r := c.do("DELETE", path, nil)
		return r.status < 300 || r.status == http.StatusNotFound
	})
}

// eventually waits for a condition.
func (c *call) eventually(what string, is func() bool) {
	c.Helper()
	for end := time.Now().Add(3 * time.Minute); !is(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			c.Errorf("%s: not within 3 minutes", what)
			return
		}
	}
}

func (c *call) port(attributes object) object {
	c.Helper()
	if attributes["network_id"] == nil {
		attributes["network_id"] = c.w.network
	}
	return c.make("ports", "port", attributes)
}

func (c *call) read(collection, id string) object {
	c.Helper()
	return c.do("GET", "/"+collection+"/"+id, nil).object()
}

func (c *call) putPort(o object, attributes object, header ...string) reply {
	c.Helper()
	return c.do("PUT", "/ports/"+id(o), object{"port": attributes}, header...)
}

func id(o object) string {
	s, _ := o["id"].(string)
	return s
}

func revision(o object) int {
	n, _ := o["revision_number"].(float64)
	return int(n)
}

// field is an attribute of each object of a list, sorted.
func field(list []object, key string) []string {
	out := []string{}
	for _, o := range list {
		out = append(out, fmt.Sprint(o[key]))
	}
	slices.Sort(out)
	return out
}

// entries is a list in an object.
func entries(o object, key string) []object {
	l, _ := o[key].([]any)
	out := []object{}
	for _, e := range l {
		m, _ := e.(object)
		out = append(out, m)
	}
	return out
}
