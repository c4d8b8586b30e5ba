// Package pulse asks an address at a fixed pace whether it answers. It never
// waits for one answer before it asks again, so that a silence is measured and
// not stretched; times are of the monotonic clock.
package pulse
