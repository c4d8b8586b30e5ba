// Package netnstest gives a test network namespaces of its own, joined by a
// cable. They have no name and are gone when the test ends, however it ends.
package netnstest
