// Package arrival tells when the kernel received a packet, however late it was
// read.
package arrival
