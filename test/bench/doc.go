// Package bench compares the agent with keepalived in one run, on the same
// machine and in the same minutes: how long an address is silent when its
// owner goes, how long two servers have it, and what the daemons cost.
//
// `make bench` runs it and writes docs/performance.md; `make bench-costs` prints
// what the daemons cost; `make test` runs one round of it, to see that it works,
// and judges no time.
package bench
