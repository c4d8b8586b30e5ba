package spec

import (
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/strict"
)

// Way checks a group's name and gives the way to its servers that the flags
// say, for a group that is known by its name alone. The error is a
// strict.Problems with all that is wrong.
func Way(name string, flags Flags) (SSH, error) {
	b := newBuilder(nil)
	flags.Name = name
	b.overlay(flags)
	report := strict.Report(b.report)
	config.ValidateGroup(b.content.Name, report.Under("name"))
	validateSSH(b.content.SSH, report.Under("ssh"))
	if b.problems.Sort(); len(b.problems) > 0 {
		return SSH{}, b.problems
	}
	return SSH(b.content.SSH), nil
}
