package openstacktest

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// Request is one that reached the cloud from outside. No token and no body is
// kept.
type Request struct {
	Method, Path, Query string
	Status              int
	Start, End          time.Time

	reads bool // a POST that only reads
}

// String is the request in short form.
func (r Request) String() string {
	if r.Query != "" {
		return fmt.Sprintf("%s %s?%s %d", r.Method, r.Path, r.Query, r.Status)
	}
	return fmt.Sprintf("%s %s %d", r.Method, r.Path, r.Status)
}

// Writes tells whether the request may have changed something: a login and a
// look at a console do not.
func (r Request) Writes() bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && !isLogin(r.Path) && !r.reads
}

// Log is requests in the order of their ends.
type Log []Request

// record keeps a request.
func (c *Cloud) record(r *http.Request, status int, start time.Time, reads bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = append(c.log, Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Status: status, Start: start, End: time.Now(), reads: reads,
	})
}

// Requests are those since the cloud began, or since Forget.
func (c *Cloud) Requests() Log {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.log)
}

// Forget empties the log.
func (c *Cloud) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = nil
}

// Writes are the requests that may have changed something.
func (l Log) Writes() Log {
	return slices.DeleteFunc(slices.Clone(l), func(r Request) bool { return !r.Writes() })
}

// Of are the requests with a method ("": any) and a path by the pattern of
// path.Match.
func (l Log) Of(method, pattern string) Log {
	return slices.DeleteFunc(slices.Clone(l), func(r Request) bool {
		matched, err := path.Match(pattern, r.Path)
		if err != nil {
			panic(fmt.Sprintf("openstacktest: pattern %q: %v", pattern, err))
		}
		return !matched || method != "" && method != r.Method
	})
}

// Depth is the length of the longest chain of requests of which each began
// after the one before had ended: what latency is multiplied by.
func (l Log) Depth() int {
	byEnd := slices.Clone(l)
	slices.SortFunc(byEnd, func(a, b Request) int { return a.End.Compare(b.End) })
	depth, last := 0, time.Time{}
	for _, r := range byEnd {
		if !r.Start.Before(last) {
			depth, last = depth+1, r.End
		}
	}
	return depth
}

// String is one request a line.
func (l Log) String() string {
	var b strings.Builder
	for _, r := range l {
		fmt.Fprintln(&b, r)
	}
	return b.String()
}
