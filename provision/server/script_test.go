package server

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScriptErrorSaysWhyFirst(t *testing.T) {
	for name, c := range map[string]struct{ stderr, message, hint string }{
		"a script's last words":            {"the agent's log\ndie: the disk is full", "die: the disk is full\nthe agent's log", ""},
		"an agent with something to do":    {"error: no agent is running there\nhint: systemctl status x", "no agent is running there", "on the server: systemctl status x"},
		"an agent after what a shell said": {"bash: setlocale\nerror: no agent\nhint: do it", "no agent\nbash: setlocale", "on the server: do it"},
	} {
		t.Run(name, func(t *testing.T) {
			err := &ScriptError{Stderr: c.stderr}
			if d := cmp.Diff([]string{c.message, c.hint}, []string{err.Error(), err.Hint()}); d != "" {
				t.Errorf("message and hint (-want +got):\n%s", d)
			}
		})
	}
}
