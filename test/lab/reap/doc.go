// Package reap starts the children of a process that is PID 1: it also ends
// what others left to it, which os/exec would take for its own.
package reap
