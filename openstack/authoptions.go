package openstack

import (
	"cmp"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/utils/v2/openstack/clientconfig"
)

// options are the credentials as gophercloud sends them.
func (c credentials) options() gophercloud.AuthOptions {
	a := c.auth
	o := gophercloud.AuthOptions{IdentityEndpoint: a.AuthURL, Scope: &gophercloud.AuthScope{}}
	if c.method != byToken {
		// A token cannot renew itself; the others can.
		o.AllowReauth = true
		o.Username, o.UserID = a.Username, a.UserID
		if a.Username != "" && a.UserID != "" {
			o.Username = ""
		}
		if o.Username != "" {
			o.DomainID, o.DomainName = domain(a, a.UserDomainID, a.UserDomainName)
		}
	}
	switch c.method {
	case byCredential:
		// Keystone refuses a scope beside an application credential, which has
		// one: OS_PROJECT_* is left out.
		o.ApplicationCredentialID = a.ApplicationCredentialID
		if a.ApplicationCredentialID == "" {
			o.ApplicationCredentialName = a.ApplicationCredentialName
		}
		o.ApplicationCredentialSecret = a.ApplicationCredentialSecret
		return o
	case byToken:
		o.TokenID = a.Token
	case byPassword:
		o.Password = a.Password
	}
	switch {
	case a.TrustID != "":
		o.Scope.TrustID = a.TrustID
	case a.ProjectID != "":
		o.Scope.ProjectID = a.ProjectID
	case a.ProjectName != "":
		o.Scope.ProjectName = a.ProjectName
		o.Scope.DomainID, o.Scope.DomainName = domain(a, a.ProjectDomainID, a.ProjectDomainName)
	}
	return o
}

// domain is the given domain, by ID or else by name, and failing that the
// general one of the credentials; "default" is what osc-lib falls back to.
func domain(a clientconfig.AuthInfo, id, name string) (string, string) {
	switch {
	case id != "":
		return id, ""
	case name != "":
		return "", name
	case a.DomainID != "":
		return a.DomainID, ""
	case a.DomainName != "":
		return "", a.DomainName
	}
	return cmp.Or(a.DefaultDomain, "default"), ""
}

// secrets are what no message may repeat.
func (c credentials) secrets() []string {
	var out []string
	for _, s := range []string{c.auth.Password, c.auth.Token, c.auth.ApplicationCredentialSecret} {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// user is whose login it is, as far as the credentials say.
func (c credentials) user() string {
	return cmp.Or(c.auth.Username, c.auth.UserID, c.auth.ApplicationCredentialName, c.auth.ApplicationCredentialID)
}
