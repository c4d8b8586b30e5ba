// Package engine runs an agent: one loop with one timer that carries events
// to the machines of its virtual routers, their effects to the network, and
// what happened to the journal.
//
// The loop is the only goroutine that touches a machine. It never waits for a
// reader of its journal, for its log, or for a health check. All routers of an
// agent move together, because shutdown, switchover and health go to all.
package engine
