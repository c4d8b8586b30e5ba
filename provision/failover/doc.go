// Package failover tests that a group fails over: it takes the VIP from its
// active member in every way that matters, watches from outside and inside what
// becomes of it, puts everything back, and judges.
//
// What judges is pure: faults, timelines and verdicts are values. Test acts,
// through the small interfaces that it defines.
package failover
