// Package openstacktest is an OpenStack in memory: Keystone v3, Neutron and
// Nova over HTTP, with the rules of Neutron that decide whether havip is right.
package openstacktest
