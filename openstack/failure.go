package openstack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// failure makes an *Error of what gophercloud returned.
func failure(op, object string, err error) error {
	if err == nil {
		return nil
	}
	if again := (*gophercloud.ErrUnableToReauthenticate)(nil); errors.As(err, &again) {
		return failure("log in again", "", again.ErrReauth)
	}
	if code := (gophercloud.ErrUnexpectedResponseCode{}); errors.As(err, &code) {
		return answered(op, object, code)
	}
	if below := (*url.Error)(nil); errors.As(err, &below) {
		return unanswered(op, object, below)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &Error{Op: op, Object: object, Err: err}
	}
	return &Error{Op: op, Object: object, Message: "the answer cannot be understood: " + err.Error(), Err: err}
}

// answered is the failure of a request that the service refused.
func answered(op, object string, code gophercloud.ErrUnexpectedResponseCode) *Error {
	e := &Error{
		Op: op, Object: object, Status: code.Actual,
		RequestID: requestID(code.ResponseHeader),
	}
	e.Type, e.Message = explain(code.Body)
	if e.Message == "" {
		e.Message = strings.ToLower(http.StatusText(code.Actual))
	}
	if code.Actual < http.StatusMultipleChoices {
		e.Message = "the answer is none of OpenStack's"
		e.Cure = "check auth_url (OS_AUTH_URL), and whether a portal or a proxy answers in the cloud's place"
		return e
	}
	switch code.Actual {
	case http.StatusUnauthorized:
		e.Err = ErrUnauthorized
	case http.StatusForbidden:
		e.Err = ErrForbidden
	case http.StatusNotFound:
		e.Err = ErrNotFound
	case http.StatusConflict:
		e.Err = ErrInUse
		if e.Type == "OverQuota" {
			e.Err = ErrQuota
		}
	case http.StatusPreconditionFailed:
		e.Err = ErrConflict
	}
	e.Cure = cure(e)
	return e
}

// explain reads the body of a refusal. Neutron: {"NeutronError": {"type":,
// "message":, "detail":}}. Nova and Keystone: {"KIND": {"message":, "code":}}.
func explain(body []byte) (kind, message string) {
	var outer map[string]json.RawMessage
	if json.Unmarshal(body, &outer) != nil {
		return "", ""
	}
	for _, raw := range outer {
		var inner struct{ Type, Message string }
		var text string
		switch {
		case json.Unmarshal(raw, &inner) == nil && inner.Message != "":
			return inner.Type, tidy(inner.Message)
		case json.Unmarshal(raw, &text) == nil && text != "": // a very old Neutron
			return "", tidy(text)
		}
	}
	return "", ""
}

// tidy makes a sentence of the service fit into a message of ours.
func tidy(s string) string {
	return strings.TrimSuffix(strings.Join(strings.Fields(s), " "), ".")
}

// unanswered is the failure of a request that got no answer.
func unanswered(op, object string, err *url.Error) *Error {
	e := &Error{Op: op, Object: object, Err: err}
	host, login := "the service", false
	if u, parseErr := url.Parse(err.URL); parseErr == nil && u.Host != "" {
		host, login = u.Host, strings.HasSuffix(u.Path, "/auth/tokens")
	}
	var (
		verify  *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		unknown *net.DNSError
		dial    *net.OpError
	)
	switch {
	case errors.Is(err, context.Canceled):
	case errors.As(err, &verify):
		e.Message = "certificate of " + host + " is not trusted: " + verify.Err.Error()
		e.Cure = "name the cloud's CA with --os-cacert FILE (OS_CACERT, cacert in clouds.yaml)"
		if name := (x509.HostnameError{}); errors.As(err, &name) {
			e.Cure = "the certificate is for another name: check auth_url (OS_AUTH_URL)"
		}
		e.Err = errors.Join(ErrUntrusted, verify.Err)
	case errors.As(err, &record), strings.Contains(err.Err.Error(), "HTTP response to HTTPS client"):
		e.Message = host + " does not speak TLS"
		e.Cure = "the URL begins with https where http is meant: check auth_url (OS_AUTH_URL)"
		e.Err = errors.Join(ErrUnreachable, err.Err)
	case errors.As(err, &unknown):
		e.Message = "cannot find " + unknown.Name + ": " + unknown.Err
		e.Cure = "check auth_url (OS_AUTH_URL), --os-interface, and the way to the cloud's network (VPN)"
		e.Err = errors.Join(ErrUnreachable, err.Err)
	case errors.As(err, &dial) && dial.Op == "dial":
		e.Message = "cannot reach " + host + ": " + err.Err.Error()
		e.Cure = "check auth_url (OS_AUTH_URL), --os-interface, and the way to the cloud's network (VPN, proxy)"
		e.Err = errors.Join(ErrUnreachable, err.Err)
	case err.Timeout():
		e.Message = host + " did not answer in time"
		e.Cure = "check the way to the cloud's network (VPN, proxy), or run the command again when the cloud is less busy"
		e.Err = errors.Join(ErrUnreachable, err.Err)
		maybeDone(e, err, login)
	default:
		e.Message = host + " broke the connection: " + err.Err.Error()
		e.Cure = "check auth_url (OS_AUTH_URL): is it http or https, is a proxy in the way"
		e.Err = errors.Join(ErrUnreachable, err.Err)
		maybeDone(e, err, login)
	}
	return e
}

// maybeDone says of a change whose answer was lost that it may have happened.
func maybeDone(e *Error, err *url.Error, login bool) {
	if login || err.Op == "Get" { // as url.Error writes the method
		return
	}
	e.Message += "; it may be done all the same"
	e.Cure = "run the same command again: it goes on from what there is then"
}

// isHTTP tells whether a request was tried.
func isHTTP(err error) bool {
	var (
		code  gophercloud.ErrUnexpectedResponseCode
		below *url.Error
	)
	return errors.As(err, &code) || errors.As(err, &below)
}

// requestID is a service's name for a request: Nova once had a header of its own.
func requestID(h http.Header) string {
	if id := h.Get("X-Openstack-Request-Id"); id != "" {
		return id
	}
	return h.Get("X-Compute-Request-Id")
}

// gone forgets a failure that says that there is nothing left to do.
func gone(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
