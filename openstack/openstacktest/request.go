package openstacktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// request is one call of the API, with the state that it may change.
type request struct {
	*http.Request
	cloud *Cloud
	s     *state
	who   caller
	now   time.Time
	body  []byte
}

// caller is who asks.
type caller struct {
	UserID, ProjectID string
	Admin             bool
}

// owns tells whether an object of a project is the caller's.
func (w caller) owns(project string) bool { return w.Admin || w.ProjectID == project }

// answer is what a handler says when it succeeds.
type answer struct {
	status int
	body   any
	header map[string]string
}

func ok(body any) (answer, error)   { return answer{status: http.StatusOK, body: body}, nil }
func made(body any) (answer, error) { return answer{status: http.StatusCreated, body: body}, nil }
func done(status int) (answer, error) {
	return answer{status: status}, nil
}

type handler func(*request) (answer, error)

// service is how one of the services says no.
type service struct {
	say func(*refusal) any
}

// handle serves a pattern of http.ServeMux. Who asks is known from the token,
// or is one of the cloud's own callers.
func (c *Cloud) handle(of service, pattern string, h handler) {
	c.routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		a, err := c.perform(&request{Request: r, cloud: c, body: body}, h)
		c.reply(w, of, a, err)
	})
}

// perform runs a handler as a transaction.
func (c *Cloud) perform(r *request, h handler) (answer, error) {
	r.now = c.config.Now()
	c.mu.Lock()
	who, known := r.Context().Value(callerKey{}).(caller)
	if !known {
		token, ok := c.identity.valid(r.Header.Get("X-Auth-Token"), r.now)
		if !ok {
			c.mu.Unlock()
			return answer{header: map[string]string{"WWW-Authenticate": "Keystone uri=\"" + c.base(r.Request) + "/identity\""}}, unauthenticated()
		}
		who = token.caller()
	}
	r.who = who
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	r.s = c.state
	if !reading {
		r.s = c.state.clone()
	}
	a, err := h(r)
	if err == nil && !reading {
		c.commit(r.s)
	}
	c.mu.Unlock()
	return a, err
}

// reply writes an answer or a refusal.
func (c *Cloud) reply(w http.ResponseWriter, of service, a answer, err error) {
	if err != nil {
		no := &refusal{}
		if !errors.As(err, &no) {
			no = &refusal{http.StatusInternalServerError, "HTTPInternalServerError", err.Error()}
		}
		a.status, a.body = no.Status, of.say(no)
		if no.Status == http.StatusUnauthorized {
			a.body = no.keystoneBody()
		}
	}
	h := w.Header()
	for k, v := range a.header {
		h.Set(k, v)
	}
	if a.body == nil {
		h.Set("Content-Length", "0")
		if a.status == http.StatusNoContent {
			h.Del("Content-Length")
		}
		w.WriteHeader(a.status)
		return
	}
	text, err := json.Marshal(a.body)
	if err != nil {
		panic(fmt.Sprintf("openstacktest: an answer that is no JSON: %v", err))
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(text)
}

type callerKey struct{}

// as makes a request one of the cloud's own: without token, hooks and log.
func as(ctx context.Context, who caller) context.Context {
	return context.WithValue(ctx, callerKey{}, who)
}

// base is where the caller reaches the cloud.
func (c *Cloud) base(r *http.Request) string {
	if r.Host == "" {
		return c.config.URL
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
