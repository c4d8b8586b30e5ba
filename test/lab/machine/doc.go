// Package machine runs the servers of a cloud as sets of namespaces on this
// machine. It is the Machines of an openstacktest.Cloud.
package machine
