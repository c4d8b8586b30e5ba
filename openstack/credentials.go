package openstack

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"github.com/gophercloud/utils/v2/openstack/clientconfig"
)

// method is a way to log in.
type method string

const (
	byPassword   method = "password"
	byToken      method = "token"
	byCredential method = "application credential"
)

// credentials are a method and what it needs.
type credentials struct {
	method method
	auth   clientconfig.AuthInfo
}

// source is one place where credentials come from.
type source struct {
	authType string
	auth     clientconfig.AuthInfo
}

// mergeCredentials takes each field from the first source that has it: flags,
// the named cloud's entry, the environment. The method is decided by the first
// source that says anything about it, so that a stray OS_PASSWORD or OS_TOKEN
// does not turn the login of a named cloud into another one (which is what
// clientconfig.AuthOptions does).
func mergeCredentials(o Options, entry clientconfig.Cloud, getenv func(string) string) (credentials, error) {
	flags := source{authType: o.AuthType, auth: authOfFlags(o)}
	file := source{authType: string(entry.AuthType)}
	if entry.AuthInfo != nil {
		file.auth = *entry.AuthInfo
	}
	env := source{authType: getenv("OS_AUTH_TYPE"), auth: authOfEnv(getenv)}

	// A domain in the environment belongs to the user or project there, not to
	// one that the cloud's entry names.
	if file.auth.Username+file.auth.UserID != "" {
		env.auth.UserDomainID, env.auth.UserDomainName = "", ""
		env.auth.DomainID, env.auth.DomainName, env.auth.DefaultDomain = "", "", ""
	}
	if file.auth.ProjectName+file.auth.ProjectID != "" {
		env.auth.ProjectDomainID, env.auth.ProjectDomainName = "", ""
	}

	c := credentials{method: byPassword}
	for i, s := range []source{flags, file, env} {
		m, err := s.method()
		if err != nil {
			return credentials{}, err
		}
		if m != "" {
			c.method = m
			break
		}
		if i == 2 {
			return credentials{}, configError("no credentials are given",
				"name a cloud with --os-cloud or OS_CLOUD, or source the project's openrc file")
		}
	}
	c.auth = mergeAuth(mergeAuth(flags.auth, file.auth), env.auth)
	return c, checkURL(c.auth.AuthURL)
}

// method is what a source says about the way to log in, "" when nothing.
func (s source) method() (method, error) {
	switch s.authType {
	case "password", "v3password":
		return byPassword, nil
	case "token", "v3token":
		return byToken, nil
	case "v3applicationcredential":
		return byCredential, nil
	case "":
	default:
		return "", configError(fmt.Sprintf("auth type %q is not supported", s.authType),
			"use password, token or v3applicationcredential; for single sign-on create an application credential, or pass the token of: openstack token issue")
	}
	a := s.auth
	switch {
	case a.ApplicationCredentialID+a.ApplicationCredentialName != "":
		return byCredential, nil
	case a.Token != "":
		return byToken, nil
	case a.Username+a.UserID+a.Password != "":
		return byPassword, nil
	}
	return "", nil
}

// mergeAuth fills what a leaves open from b. A name and an ID of the same thing
// are one field: a project's name is not joined by another project's ID.
func mergeAuth(a, b clientconfig.AuthInfo) clientconfig.AuthInfo {
	either := func(x, y *string, fx, fy string) {
		if *x == "" && *y == "" {
			*x, *y = fx, fy
		}
	}
	a.AuthURL = cmp.Or(a.AuthURL, b.AuthURL)
	a.Token = cmp.Or(a.Token, b.Token)
	a.Password = cmp.Or(a.Password, b.Password)
	a.ApplicationCredentialSecret = cmp.Or(a.ApplicationCredentialSecret, b.ApplicationCredentialSecret)
	a.TrustID = cmp.Or(a.TrustID, b.TrustID)
	a.DefaultDomain = cmp.Or(a.DefaultDomain, b.DefaultDomain)
	either(&a.Username, &a.UserID, b.Username, b.UserID)
	either(&a.UserDomainName, &a.UserDomainID, b.UserDomainName, b.UserDomainID)
	either(&a.ProjectName, &a.ProjectID, b.ProjectName, b.ProjectID)
	either(&a.ProjectDomainName, &a.ProjectDomainID, b.ProjectDomainName, b.ProjectDomainID)
	either(&a.DomainName, &a.DomainID, b.DomainName, b.DomainID)
	either(&a.ApplicationCredentialName, &a.ApplicationCredentialID, b.ApplicationCredentialName, b.ApplicationCredentialID)
	return a
}

func authOfFlags(o Options) clientconfig.AuthInfo {
	return clientconfig.AuthInfo{
		AuthURL: o.AuthURL, Token: o.Token,
		Username: o.Username, UserID: o.UserID, Password: o.Password,
		UserDomainName: o.UserDomainName, UserDomainID: o.UserDomainID,
		ProjectName: o.ProjectName, ProjectID: o.ProjectID,
		ProjectDomainName: o.ProjectDomainName, ProjectDomainID: o.ProjectDomainID,
		ApplicationCredentialID:     o.ApplicationCredentialID,
		ApplicationCredentialName:   o.ApplicationCredentialName,
		ApplicationCredentialSecret: o.ApplicationCredentialSecret,
	}
}

func authOfEnv(getenv func(string) string) clientconfig.AuthInfo {
	return clientconfig.AuthInfo{
		AuthURL:  getenv("OS_AUTH_URL"),
		Token:    cmp.Or(getenv("OS_TOKEN"), getenv("OS_AUTH_TOKEN")),
		Username: getenv("OS_USERNAME"), UserID: getenv("OS_USER_ID"), Password: getenv("OS_PASSWORD"),
		UserDomainName: getenv("OS_USER_DOMAIN_NAME"), UserDomainID: getenv("OS_USER_DOMAIN_ID"),
		ProjectName:       cmp.Or(getenv("OS_PROJECT_NAME"), getenv("OS_TENANT_NAME")),
		ProjectID:         cmp.Or(getenv("OS_PROJECT_ID"), getenv("OS_TENANT_ID")),
		ProjectDomainName: getenv("OS_PROJECT_DOMAIN_NAME"), ProjectDomainID: getenv("OS_PROJECT_DOMAIN_ID"),
		DomainName: getenv("OS_DOMAIN_NAME"), DomainID: getenv("OS_DOMAIN_ID"),
		DefaultDomain:               getenv("OS_DEFAULT_DOMAIN"),
		TrustID:                     getenv("OS_TRUST_ID"),
		ApplicationCredentialID:     getenv("OS_APPLICATION_CREDENTIAL_ID"),
		ApplicationCredentialName:   getenv("OS_APPLICATION_CREDENTIAL_NAME"),
		ApplicationCredentialSecret: getenv("OS_APPLICATION_CREDENTIAL_SECRET"),
	}
}

func checkURL(authURL string) error {
	if authURL == "" {
		return configError("no authentication URL is given", "set auth_url in clouds.yaml, or OS_AUTH_URL")
	}
	u, err := url.Parse(authURL)
	if err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http") {
		// The URL is not repeated: it may hold a password, and what cannot be
		// parsed cannot be cleaned of it.
		return configError("the authentication URL is not an http or https URL", "check auth_url in clouds.yaml, or OS_AUTH_URL")
	}
	return nil
}
