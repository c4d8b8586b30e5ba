package openstack

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// Client is a login to a project of a cloud. It may be used from several
// goroutines.
type Client struct {
	identity Identity
	network  *gophercloud.ServiceClient
	compute  *gophercloud.ServiceClient

	// plainCompute is used instead of compute once Nova has said that it does
	// not know the microversion.
	plainCompute *gophercloud.ServiceClient
	oldNova      atomic.Bool
}

// microversion is the first one that shows whether a server is locked.
const microversion = "2.9"

// Connect logs in: one request, whose answer also says where the services are.
func Connect(ctx context.Context, o Options) (*Client, error) {
	s, err := resolve(o, os.Getenv)
	if err != nil {
		return nil, err
	}
	provider, err := openstack.NewClient(s.login.auth.AuthURL)
	if err != nil {
		return nil, checkURL("")
	}
	provider.HTTPClient = newHTTPClient(s.tls, o.Trace)
	if o.UserAgent != "" {
		provider.UserAgent.Prepend(o.UserAgent)
	}
	// AuthenticateV3 appends /v3 where the URL lacks it. Authenticate would ask
	// the service for its versions first; there has been no other than v3 since
	// Queens.
	auth := s.login.options()
	if err := openstack.AuthenticateV3(ctx, provider, &auth, gophercloud.EndpointOpts{}); err != nil {
		return nil, loginFailure(s.login, err)
	}

	token, err := readToken(provider.GetAuthResult())
	if err != nil {
		return nil, err
	}
	c := &Client{identity: token.identity(s)}
	find := locator{catalog: token.catalog, region: s.region, available: s.available}
	network, region, err := find.network(provider)
	if err != nil {
		return nil, err
	}
	compute, _, err := find.compute(provider)
	if err != nil {
		return nil, err
	}
	plain := *compute
	compute.Microversion = microversion
	c.identity.Region = region
	c.network, c.compute, c.plainCompute = network, compute, &plain
	return c, nil
}

// Identity is who is logged in where.
func (c *Client) Identity() Identity { return c.identity }

// token is what Keystone answered a login with.
type token struct {
	user    tokens.User
	project tokens.Project
	catalog []tokens.CatalogEntry
}

func readToken(result gophercloud.AuthResult) (token, error) {
	r, ok := result.(interface {
		ExtractUser() (*tokens.User, error)
		ExtractProject() (*tokens.Project, error)
		ExtractServiceCatalog() (*tokens.ServiceCatalog, error)
	})
	if !ok {
		return token{}, fmt.Errorf("log in: unexpected answer %T", result)
	}
	user, err := r.ExtractUser()
	if err != nil {
		return token{}, failure("log in", "", err)
	}
	project, err := r.ExtractProject()
	if err != nil {
		return token{}, failure("log in", "", err)
	}
	catalog, err := r.ExtractServiceCatalog()
	if err != nil {
		return token{}, failure("log in", "", err)
	}
	if user == nil || project == nil || project.ID == "" {
		return token{}, configError("the login is not for a project",
			"name the project: OS_PROJECT_NAME, or project_name in clouds.yaml")
	}
	return token{user: *user, project: *project, catalog: catalog.Entries}, nil
}

func (t token) identity(s settings) Identity {
	authURL := s.login.auth.AuthURL
	if u, err := url.Parse(authURL); err == nil {
		authURL = u.Redacted()
	}
	return Identity{
		Cloud: s.cloud, AuthURL: authURL, Region: s.region,
		ProjectID: t.project.ID, Project: t.project.Name,
		UserID: t.user.ID, User: t.user.Name,
	}
}

// loginFailure is a failed login. What Keystone says about an invalid request
// may repeat parts of it, so the secrets are taken out.
func loginFailure(login credentials, err error) error {
	if isHTTP(err) {
		e := failure("log in", login.user(), err).(*Error)
		for _, secret := range login.secrets() {
			e.Message = strings.ReplaceAll(e.Message, secret, "***")
		}
		if e.Status == 404 {
			e.Message = "no Keystone v3 at this authentication URL"
			e.Cure = "check auth_url in clouds.yaml, or OS_AUTH_URL"
		}
		return e
	}
	// What is left is gophercloud's own check of the credentials, whose
	// messages are fixed texts.
	return configError("the credentials for a login by "+string(login.method)+" are incomplete: "+tidy(err.Error()),
		"complete the cloud's entry in clouds.yaml and secure.yaml, or the OS_* variables")
}
