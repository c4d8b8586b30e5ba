// Package project reads the network of a project as Neutron shows it: for the
// tests and the demo, which judge havip with a login beside havip's own.
package project
