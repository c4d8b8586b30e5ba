package openstacktest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bend does in words what a test may do to a cloud, for tests that are scripts.
// Servers and networks are named. The words:
//
//	drop-extension ALIAS...          deny ACTION               quota RESOURCE N
//	max-pairs N                      page-size N               microversion N
//	latency DURATION                 revoke-tokens             password USER PASSWORD
//	hide-service TYPE                move-service TYPE REGION
//	port-security SERVER on|off      pairs SERVER [ADDRESS...] groups SERVER [GROUP...]
//	state SERVER VM [TASK]           host SERVER HOST          lock SERVER
//	console SERVER TEXT              server NAME NETWORK       port NETWORK ADDRESS
//	floating-ip [SERVER]             delete COLLECTION NAME    fault METHOD PATH NTH STATUS
func (c *Cloud) Bend(words ...string) (err error) {
	defer func() { // the methods panic at a mistake of the test
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %v", strings.Join(words, " "), p)
		}
	}()
	if len(words) == 0 {
		return fmt.Errorf("bend the cloud: no words")
	}
	verbs := c.verbs()
	v, found := verbs[words[0]]
	if !found {
		return fmt.Errorf("bend the cloud: %q is none of %s", words[0], strings.Join(slices.Sorted(maps.Keys(verbs)), ", "))
	}
	args := words[1:]
	if len(args) < v.least || v.most >= 0 && len(args) > v.most {
		return fmt.Errorf("bend the cloud: %s with %d words", words[0], len(args))
	}
	v.do(args)
	return nil
}

// verb is a word and what follows it; most -1: any number.
type verb struct {
	least, most int
	do          func([]string)
}

func (c *Cloud) verbs() map[string]verb {
	server := func(name string) string { return c.ID("servers", name) }
	return map[string]verb{
		"drop-extension": {1, -1, func(a []string) { c.DropExtension(a...) }},
		"deny":           {1, 1, func(a []string) { c.Deny(a[0]) }},
		"quota":          {2, 2, func(a []string) { c.SetQuota(a[0], number(a[1])) }},
		"max-pairs":      {1, 1, func(a []string) { c.SetMaxPairs(number(a[0])) }},
		"page-size":      {1, 1, func(a []string) { c.SetPageSize(number(a[0])) }},
		"microversion":   {1, 1, func(a []string) { c.SetMicroversion(number(a[0])) }},
		"latency":        {1, 1, func(a []string) { c.SetLatency(duration(a[0])) }},
		"revoke-tokens":  {0, 0, func([]string) { c.RevokeTokens() }},
		"password":       {2, 2, func(a []string) { c.SetPassword(a[0], a[1]) }},
		"hide-service":   {1, 1, func(a []string) { c.HideService(a[0]) }},
		"move-service":   {2, 2, func(a []string) { c.MoveService(a[0], a[1]) }},
		"port-security":  {2, 2, func(a []string) { c.SetPortSecurity(c.PortOf(a[0]), a[1] == "on") }},
		"pairs":          {1, -1, func(a []string) { c.SetPairs(c.PortOf(a[0]), a[1:]...) }},
		"groups":         {1, -1, func(a []string) { c.SetGroups(c.PortOf(a[0]), c.groupIDs(a[1:])...) }},
		"state":          {2, 3, func(a []string) { c.SetState(server(a[0]), a[1], strings.Join(a[2:], "")) }},
		"host":           {2, 2, func(a []string) { c.SetHost(server(a[0]), a[1]) }},
		"lock":           {1, 1, func(a []string) { c.SetLocked(server(a[0]), true) }},
		"console":        {2, 2, func(a []string) { c.SetConsole(server(a[0]), a[1]) }},
		"server":         {2, 2, func(a []string) { c.AddServer(a[0], c.ID("networks", a[1])) }},
		"port":           {2, 2, func(a []string) { c.AddPort(c.ID("networks", a[0]), a[1]) }},
		"floating-ip": {0, 1, func(a []string) {
			port := ""
			if len(a) > 0 {
				port = c.PortOf(a[0])
			}
			c.AddFloatingIP(port)
		}},
		"delete": {2, 2, func(a []string) {
			path := "/network/v2.0/" + a[0]
			if a[0] == "servers" {
				path = "/compute/v2.1/servers"
			}
			c.Admin().Delete(path + "/" + c.ID(a[0], a[1]))
		}},
		"fault": {4, 4, func(a []string) {
			c.Inject(Fault{Method: a[0], Path: a[1], Nth: number(a[2]), Status: number(a[3])})
		}},
	}
}

func (c *Cloud) groupIDs(names []string) []string {
	var ids []string
	for _, n := range names {
		ids = append(ids, c.ID("security-groups", n))
	}
	return ids
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(fmt.Sprintf("%q is no number", text))
	}
	return n
}

func duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(fmt.Sprintf("%q is no duration", text))
	}
	return d
}
