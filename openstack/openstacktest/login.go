package openstacktest

import (
	"encoding/json"
	"net/http"
	"slices"
)

// loginBody is the body of POST /v3/auth/tokens.
type loginBody struct {
	Auth struct {
		Identity struct {
			Methods  []string `json:"methods"`
			Password struct {
				User userRef `json:"user"`
			} `json:"password"`
			Token struct {
				ID string `json:"id"`
			} `json:"token"`
			Credential struct {
				ID, Name, Secret string
				User             userRef
			} `json:"application_credential"`
		} `json:"identity"`
		Scope json.RawMessage `json:"scope"`
	} `json:"auth"`
}

type userRef struct {
	ID, Name, Password string
	Domain             *domainRef
}

type domainRef struct{ ID, Name string }

// known tells whether a name is qualified by the one domain there is.
func (d *domainRef) known() bool {
	return d != nil && (d.ID == domainID || d.ID == "" && d.Name == domainName)
}

// login is POST /v3/auth/tokens. It runs with the lock held.
func (c *Cloud) login(body []byte) (id string, t token, err error) {
	var in loginBody
	if err := json.Unmarshal(body, &in); err != nil || len(in.Auth.Identity.Methods) == 0 {
		return "", t, refuse(http.StatusBadRequest, "", "Invalid input for field 'identity': 'methods' is a required property")
	}
	now := c.config.Now()
	who := in.Auth.Identity
	switch method := who.Methods[0]; method {
	case "password":
		u, found := c.identity.find(who.Password.User)
		if !found || u.Password != who.Password.User.Password {
			return "", t, unauthenticated()
		}
		t.user, t.method = u, method
	case "token":
		old, found := c.identity.valid(who.Token.ID, now)
		if !found {
			return "", t, unauthenticated()
		}
		t, t.method = old, method
	case "application_credential":
		// a credential belongs to a project and may not ask for another scope
		cred, found := c.identity.credential(who.Credential.ID, who.Credential.Name, who.Credential.User)
		if !found || cred.Secret != who.Credential.Secret || len(in.Auth.Scope) > 0 {
			return "", t, unauthenticated()
		}
		t.user, _ = c.identity.user(cred.UserID)
		t.project, _ = c.identity.project(cred.ProjectID)
		t.roles, t.method = cred.Roles, method
		id, t = c.identity.issue(t, now)
		return id, t, nil
	default:
		return "", t, refuse(http.StatusUnauthorized, "", "Attempted to authenticate with an unsupported method.")
	}
	if err := c.identity.scope(&t, in.Auth.Scope); err != nil {
		return "", t, err
	}
	id, t = c.identity.issue(t, now)
	return id, t, nil
}

// find is a user by ID, or by name and domain.
func (i *identity) find(ref userRef) (user, bool) {
	return lookUp(i.users, func(u user) bool {
		return ref.ID != "" && u.ID == ref.ID || ref.ID == "" && u.Name == ref.Name && ref.Domain.known()
	})
}

func (i *identity) credential(id, name string, of userRef) (credential, bool) {
	return lookUp(i.credentials, func(c credential) bool {
		if id != "" {
			return c.ID == id
		}
		u, found := i.find(of)
		return found && c.Name == name && c.UserID == u.ID
	})
}

// scope gives a token the project that is asked for.
func (i *identity) scope(t *token, text json.RawMessage) error {
	if len(text) == 0 {
		return nil // unscoped, or as the token that is exchanged
	}
	var in struct {
		Project *struct {
			ID, Name string
			Domain   *domainRef
		}
	}
	if json.Unmarshal(text, &in) != nil || in.Project == nil {
		return nil // "unscoped", a domain or the system: no project
	}
	p, found := lookUp(i.projects, func(p project) bool {
		return in.Project.ID != "" && p.ID == in.Project.ID || in.Project.ID == "" && p.Name == in.Project.Name && in.Project.Domain.known()
	})
	roles := t.user.Roles[p.ID]
	if !found || len(roles) == 0 {
		return unauthenticated()
	}
	t.project, t.roles = p, roles
	return nil
}

func lookUp[T any](list []T, is func(T) bool) (T, bool) {
	if at := slices.IndexFunc(list, is); at >= 0 {
		return list[at], true
	}
	var none T
	return none, false
}
