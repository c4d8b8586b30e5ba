//go:build race

package sim

// A world has one goroutine: the race detector sees little, and takes eight times as
// long. `make test` runs the package without it as well.
const seedsByDefault = 300
