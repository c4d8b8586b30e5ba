// Package life leads a group through its whole life in the lab, with the real
// binaries on real packets: made, made again, changed in each field, damaged
// in each way, mended, and taken away without a trace.
package life
