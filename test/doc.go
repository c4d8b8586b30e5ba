// Package test checks rules that hold for the whole module; what needs a cloud
// is in the folders beneath it.
package test
