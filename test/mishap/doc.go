// Package mishap has groups of agents on real packets meet what befalls
// servers: deaths, lost addresses and devices, forged and senseless packets,
// reloads, and a network that carries all but VRRP.
package mishap
