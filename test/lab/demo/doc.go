// Package demo shows havip's whole main job to a newcomer: the commands as
// they are typed, in a cloud on this machine, with the active server powered
// off in the middle and the cloud compared with itself at the end.
package demo
