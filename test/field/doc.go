// Package field is where daemons meet on real packets: nodes in network
// namespaces of their own, joined by a switch, with the real agent, keepalived
// and FRR started in them, and the faults that befall servers. Nothing of a
// field has a name, and all of it ends with its test, however that ends.
package field
