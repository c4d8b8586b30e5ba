// Package openstacktest is an OpenStack in memory: Keystone v3, Neutron and
// Nova over HTTP, with the rules of Neutron that decide whether havip is right.
//
// A test starts one, gives the project demo what a user has, and looks at what
// was asked of it:
//
//	cloud := openstacktest.Start(t, openstacktest.Config{})
//	site := cloud.Seed(openstacktest.Seed{Servers: 2})
//	cloud.SetPortSecurity(site.Servers[0].Port, false)
//	cloud.Forget()
//	... run havip with cloud.CloudsYAML(), OS_CLOUD=demo ...
//	if w := cloud.Requests().Writes(); len(w) > 0 {
//		t.Errorf("it wrote:\n%s", w)
//	}
//
// What else a test may want there is done by Demo and Admin, which take any
// request of the API, and by the methods that bend single things. Inject makes
// requests fail, late, unanswered or second to a rival's.
//
// Each request is a transaction on the whole state: it is done, or refused with
// the service's own words and nothing changed. Package contract holds this
// cloud and real ones to the same rules.
package openstacktest
