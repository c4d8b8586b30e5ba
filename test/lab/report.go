package lab

import (
	"fmt"
	"net/netip"
)

// Report is what a running lab says of itself.
type Report struct {
	ID      int      `json:"id"` // the process that started it
	Backend string   `json:"backend"`
	Auth    string   `json:"auth_url"`
	Command []string `json:"command"`
	Servers []Server `json:"servers"`
}

// Server is one of a Report.
type Server struct {
	Name      string       `json:"name"`
	Status    string       `json:"status"`
	Addresses []netip.Addr `json:"addresses"`
	Floating  []netip.Addr `json:"floating_ips"`
}

const doors = "@havip-lab/"

// door is the socket of a lab.
func door(id int) string { return fmt.Sprintf("%s%d", doors, id) }
