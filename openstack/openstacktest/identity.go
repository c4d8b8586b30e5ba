package openstacktest

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

// Names and secrets of every cloud.
const (
	region       = "RegionOne"
	domainID     = "default"
	domainName   = "Default"
	demoUser     = "demo"
	demoPassword = "demo-secret"
	adminUser    = "admin"
	adminPass    = "admin-secret"
	credentialID = "5f0c7d0a1be84b5c9d3e0c1f2a3b4c5d"
	credSecret   = "appcred-secret"
)

// identity is what Keystone knows.
type identity struct {
	users       []user
	projects    []project
	credentials []credential
	endpoints   []endpoint
	tokens      map[string]token
	life        time.Duration // of a token
}

type user struct {
	ID, Name, Password string
	Roles              map[string][]string // by project ID
}

type project struct{ ID, Name string }

// credential is an application credential: of a user, for one project.
type credential struct {
	ID, Name, Secret  string
	UserID, ProjectID string
	Roles             []string
}

// endpoint is one line of the catalogue; Path is appended to where the caller
// reaches the cloud.
type endpoint struct {
	Type, Name, Interface, Region, Path string
}

type token struct {
	user    user
	project project // ID "": unscoped
	roles   []string
	method  string
	issued  time.Time
	expires time.Time
}

func newIdentity() *identity {
	demo := project{"d2e0c0de000000000000000000000001", "demo"}
	admin := project{"ad310c0de00000000000000000000002", "admin"}
	member := []string{"member", "reader"}
	i := &identity{
		projects: []project{demo, admin},
		users: []user{
			{"0123456789abcdef0123456789abcd01", demoUser, demoPassword, map[string][]string{demo.ID: member}},
			{"0123456789abcdef0123456789abcd02", adminUser, adminPass, map[string][]string{
				admin.ID: {"admin", "member", "reader"}, demo.ID: {"admin", "member", "reader"},
			}},
		},
		tokens: map[string]token{}, life: time.Hour,
	}
	i.credentials = []credential{{credentialID, "havip", credSecret, i.users[0].ID, demo.ID, member}}
	for _, e := range []endpoint{
		{"identity", "keystone", "", region, "/identity"},
		{"network", "neutron", "", region, "/network"},
		{"compute", "nova", "", region, "/compute/v2.1"},
		{"image", "glance", "", region, "/image"},
	} {
		for _, name := range []string{"public", "internal", "admin"} {
			e.Interface = name
			i.endpoints = append(i.endpoints, e)
		}
	}
	return i
}

// issue makes a token.
func (i *identity) issue(t token, now time.Time) (string, token) {
	t.issued, t.expires = now, now.Add(i.life)
	secret := make([]byte, 24)
	_, _ = rand.Read(secret) // never fails
	id := "gAAAAA" + hex.EncodeToString(secret)
	i.tokens[id] = t
	return id, t
}

// valid finds a token that has not expired.
func (i *identity) valid(id string, now time.Time) (token, bool) {
	t, found := i.tokens[id]
	return t, found && now.Before(t.expires)
}

// caller is the token's bearer, as the services see him.
func (t token) caller() caller {
	who := caller{UserID: t.user.ID, ProjectID: t.project.ID}
	for _, r := range t.roles {
		who.Admin = who.Admin || r == "admin"
	}
	return who
}

// project finds one by ID or name.
func (i *identity) project(ref string) (project, bool) {
	for _, p := range i.projects {
		if p.ID == ref || p.Name == ref {
			return p, true
		}
	}
	return project{}, false
}

func (i *identity) user(ref string) (user, bool) {
	for _, u := range i.users {
		if u.ID == ref || u.Name == ref {
			return u, true
		}
	}
	return user{}, false
}
