package openstack

import "time"

// Options are what the flags say. An empty field is taken from the named entry
// of clouds.yaml, then from the OS_* variables.
type Options struct {
	Cloud     string // --os-cloud
	Region    string // --os-region-name
	Interface string // --os-interface: public, internal or admin
	CACert    string // --os-cacert
	Insecure  bool   // --insecure

	AuthURL  string // OS_AUTH_URL
	AuthType string // OS_AUTH_TYPE

	Username       string
	UserID         string
	Password       string
	UserDomainName string
	UserDomainID   string

	Token string

	ApplicationCredentialID     string
	ApplicationCredentialName   string
	ApplicationCredentialSecret string

	ProjectName       string
	ProjectID         string
	ProjectDomainName string
	ProjectDomainID   string

	UserAgent string // e.g. "havip/0.1.0"

	// Trace is called after each HTTP request, retries included. Calls may come
	// from several goroutines.
	Trace func(Request)
}

// Request is one HTTP request that was made. It never holds a secret: tokens
// and passwords travel in headers and bodies.
type Request struct {
	Method    string
	Path      string // without the query
	Query     string
	Status    int // 0 when there was no answer
	Start     time.Time
	End       time.Time // when the answer's header had arrived
	RequestID string    // the service's own, for its operators
}
