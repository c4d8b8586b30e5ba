package openstack

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// Limits on one request. A busy Neutron may take many seconds to answer; a
// host that does not accept a connection in ten will not.
const (
	dialTimeout   = 10 * time.Second
	answerTimeout = 60 * time.Second // to the answer's header, each attempt
)

// TotalTimeout is the most that a request takes, with its retries and the body
// of its answer. A request that changes something is not to be cut off before.
const TotalTimeout = maxAttempts*(answerTimeout+maxRetryAfter) + 10*time.Second

// newHTTPClient is the way to the cloud: retries, each attempt traced.
func newHTTPClient(conf *tls.Config, trace func(Request)) http.Client {
	base := http.DefaultTransport.(*http.Transport).Clone() // for its proxies and HTTP/2
	base.TLSClientConfig = conf
	base.DialContext = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	base.TLSHandshakeTimeout = dialTimeout
	base.ResponseHeaderTimeout = answerTimeout
	base.MaxIdleConnsPerHost = 16 // observation asks for many things at once
	var rt http.RoundTripper = base
	if trace != nil {
		rt = tracer{next: rt, trace: trace}
	}
	return http.Client{Transport: retrier{next: rt}, Timeout: TotalTimeout}
}

// tracer tells of each request.
type tracer struct {
	next  http.RoundTripper
	trace func(Request)
}

func (t tracer) RoundTrip(r *http.Request) (*http.Response, error) {
	req := Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Start: time.Now()}
	resp, err := t.next.RoundTrip(r)
	req.End = time.Now()
	if err == nil {
		req.Status = resp.StatusCode
		req.RequestID = requestID(resp.Header)
	}
	t.trace(req)
	return resp, err
}
