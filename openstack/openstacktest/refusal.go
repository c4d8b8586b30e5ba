package openstacktest

import (
	"fmt"
	"net/http"
)

// object is JSON.
type object = map[string]any

// refusal is a request that is not done.
type refusal struct {
	Status  int
	Kind    string // Neutron's exception, Nova's fault; "" : the usual one of the status
	Message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Kind, r.Message) }

func refuse(status int, kind, format string, args ...any) error {
	return &refusal{status, kind, fmt.Sprintf(format, args...)}
}

// badBody is what Neutron's API layer says before any plug-in is asked.
func badBody(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "HTTPBadRequest", format, args...)
}

// invalid is what a plug-in says of a value (neutron_lib, InvalidInput).
func invalid(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "InvalidInput", "Invalid input for operation: "+format+".", args...)
}

// badRequest is neutron_lib's BadRequest.
func badRequest(resource, format string, args ...any) error {
	return refuse(http.StatusBadRequest, "BadRequest", "Bad "+resource+" request: "+format+".", args...)
}

// disallowed is a policy that the caller does not fulfil.
func disallowed(action, attribute string) error {
	if attribute == "" {
		return refuse(http.StatusForbidden, "PolicyNotAuthorized", "rule:%s is disallowed by policy", action)
	}
	return refuse(http.StatusForbidden, "PolicyNotAuthorized", "(rule:%[1]s and rule:%[1]s:%[2]s) is disallowed by policy", action, attribute)
}

// neutronBody, novaBody and keystoneBody are a refusal as each service words it.
func (r *refusal) neutronBody() any {
	return object{"NeutronError": object{"type": r.Kind, "message": r.Message, "detail": ""}}
}

func (r *refusal) novaBody() any {
	kind := r.Kind
	if kind == "" {
		kind = map[int]string{
			400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound",
			409: "conflictingRequest", 413: "overLimit", 429: "overLimit", 503: "serviceUnavailable",
		}[r.Status]
	}
	if kind == "" {
		kind = "computeFault"
	}
	return object{kind: object{"code": r.Status, "message": r.Message}}
}

func (r *refusal) keystoneBody() any {
	return object{"error": object{"code": r.Status, "message": r.Message, "title": http.StatusText(r.Status)}}
}

// unauthenticated is what Keystone's middleware before each service answers.
func unauthenticated() *refusal {
	return &refusal{Status: http.StatusUnauthorized, Message: "The request you have made requires authentication."}
}
