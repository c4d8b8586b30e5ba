package openstack

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Bounds of a retry: 4 attempts within about 4 seconds where the service names
// no time of its own.
const (
	maxAttempts   = 4
	firstPause    = 500 * time.Millisecond // doubled each time
	maxRetryAfter = 30 * time.Second       // longer than that is for the user to decide
)

// retrier repeats requests that the service did not look at (429), and reads
// that failed on the way (502, 503, a broken connection), and tagging that met a
// deadlock (500). Another change that failed so may have happened; whether it may be repeated is for its caller to know.
type retrier struct {
	next http.RoundTripper
}

func (t retrier) RoundTrip(r *http.Request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		resp, err := t.next.RoundTrip(r)
		if attempt == maxAttempts || !passing(r, resp, err) {
			return resp, err
		}
		pause, ok := pauseBefore(attempt+1, resp)
		if !ok {
			return resp, err
		}
		again, rewindErr := rewind(r)
		if rewindErr != nil {
			return resp, err
		}
		if resp != nil {
			// Read to the end, so that the connection can be used again.
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
			_ = resp.Body.Close()
		}
		timer := time.NewTimer(pause)
		select {
		case <-r.Context().Done():
			timer.Stop()
			return nil, r.Context().Err()
		case <-timer.C:
		}
		r = again
	}
}

// passing tells whether a failure is likely to pass.
func passing(r *http.Request, resp *http.Response, err error) bool {
	if err != nil {
		return r.Method == http.MethodGet && r.Context().Err() == nil &&
			(errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF))
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return r.Method == http.MethodGet
	case http.StatusInternalServerError:
		return isTagging(r)
	}
	return false
}

// isTagging tells whether a request adds, removes or sets tags. Repeating that is
// safe, and needed: Neutron answers 500 when two writers of one object meet in
// a deadlock in its database (seen with Zed on MariaDB).
func isTagging(r *http.Request) bool {
	return (r.Method == http.MethodPut || r.Method == http.MethodDelete) && strings.Contains(r.URL.Path+"/", "/tags/")
}

// pauseBefore is how long to wait before an attempt: what Retry-After says
// (RFC 9110 section 10.2.3), or else twice as long each time, jittered so that
// parallel requests do not come back together. It is false when the service
// asks for more than we wait.
func pauseBefore(attempt int, resp *http.Response) (time.Duration, bool) {
	if resp != nil {
		if after, ok := retryAfter(resp.Header.Get("Retry-After")); ok {
			return after, after <= maxRetryAfter
		}
	}
	pause := firstPause << (attempt - 2)
	return pause + rand.N(pause/4), true
}

func retryAfter(value string) (time.Duration, bool) {
	if n, err := strconv.Atoi(value); err == nil && n >= 0 {
		return time.Duration(n) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at)), true
	}
	return 0, false
}

// rewind makes the same request anew.
func rewind(r *http.Request) (*http.Request, error) {
	again := r.Clone(r.Context())
	if r.Body == nil || r.Body == http.NoBody {
		return again, nil
	}
	if r.GetBody == nil {
		return nil, errors.New("body cannot be read twice")
	}
	body, err := r.GetBody()
	again.Body = body
	return again, err
}
