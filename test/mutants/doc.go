// Command mutants bends or drops one rule of agent/vrrp after the other and asks whether
// agent/sim notices. A mutant that no invariant catches, or that does not apply to
// the source any more, is an error.
//
//	go run ./test/mutants [-seeds N] [-only WORD]
package main
