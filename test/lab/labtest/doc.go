// Package labtest runs a test program on the workstation of a lab, and gives
// its tests what an operator has there: havip, and root on the servers.
package labtest
