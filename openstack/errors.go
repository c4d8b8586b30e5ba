package openstack

import (
	"errors"
	"fmt"
	"strings"
)

// What an *Error comes down to, for errors.Is.
var (
	ErrConfig       = errors.New("configuration is wrong or incomplete") // nothing was asked of the cloud, or it has no such service
	ErrUnreachable  = errors.New("cannot be reached")
	ErrUntrusted    = errors.New("certificate is not trusted")
	ErrUnauthorized = errors.New("not logged in")     // 401
	ErrForbidden    = errors.New("not allowed")       // 403
	ErrNotFound     = errors.New("not found")         // 404
	ErrInUse        = errors.New("in conflict")       // 409: in use, or against another rule of the cloud
	ErrQuota        = errors.New("quota used up")     // 409 OverQuota
	ErrConflict     = errors.New("changed meanwhile") // 412: somebody was faster
)

// Error is a request that failed. It never holds a secret.
type Error struct {
	Op        string // what was tried: "update port"
	Object    string // ID or name of what it was tried on
	Status    int    // HTTP status, 0 where there was no answer
	Type      string // Neutron's name of the failure, e.g. OverQuota
	Message   string // the service's own words
	RequestID string // by which the cloud's operators find it in their logs
	Cure      string // what Hint returns
	Err       error  // a sentinel above, or what went wrong below HTTP
}

// Error says what was tried, on what, and what the service answered.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Object != "" {
		fmt.Fprintf(&b, " %q", e.Object)
	}
	switch {
	case e.Message != "":
		b.WriteString(": " + e.Message)
	case e.Err != nil:
		b.WriteString(": " + e.Err.Error())
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	return b.String()
}

// Hint tells what to do about it, "" when there is nothing to tell.
func (e *Error) Hint() string { return e.Cure }

// Unwrap gives errors.Is the kind of the failure.
func (e *Error) Unwrap() error { return e.Err }

// configError is a login that cannot be tried.
func configError(message, hint string) error {
	return &Error{Op: "log in", Message: message, Cure: hint, Err: ErrConfig}
}
