package openstacktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// serverAction is POST /servers/ID/action: one key names the action.
func serverAction(r *request) (answer, error) {
	v, err := r.server(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	var in map[string]json.RawMessage
	if err := json.Unmarshal(r.body, &in); err != nil || len(in) != 1 {
		return answer{}, refuse(http.StatusBadRequest, "", "Malformed request body")
	}
	for name, text := range in {
		return r.act(v, name, text)
	}
	return answer{}, nil // not reached
}

func (r *request) act(v server, name string, text json.RawMessage) (answer, error) {
	switch name {
	case "os-getConsoleOutput":
		return r.console(v, text)
	case "lock", "unlock":
		v.Locked = name == "lock"
		r.s.servers[v.ID] = v
		return done(http.StatusAccepted)
	case "reboot":
		var in struct{ Type string }
		if json.Unmarshal(text, &in) != nil || !slices.Contains([]string{"SOFT", "HARD"}, strings.ToUpper(in.Type)) {
			return answer{}, refuse(http.StatusBadRequest, "", "Invalid input for field/attribute type. Value: %s. '%s' is not one of ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']", in.Type, in.Type)
		}
		if strings.EqualFold(in.Type, "HARD") {
			return r.change(v, "reboot", powerReset, "active", "stopped", "paused", "error")
		}
		return r.change(v, "reboot", powerReboot, "active")
	case "os-start":
		return r.change(v, "start", powerStart, "stopped")
	case "os-stop":
		return r.change(v, "stop", powerStop, "active", "error")
	case "pause":
		return r.change(v, "pause", powerPause, "active")
	case "unpause":
		return r.change(v, "unpause", powerResume, "paused")
	case "os-resetState":
		return r.resetState(v, text)
	}
	return answer{}, refuse(http.StatusBadRequest, "", "There is no such action: %s", name)
}

// change runs an action if the server's state allows it.
func (r *request) change(v server, name string, a powerAction, from ...string) (answer, error) {
	conflict := func(format string, args ...any) (answer, error) {
		return answer{}, refuse(http.StatusConflict, "", format, args...)
	}
	switch {
	case v.Locked && !r.who.Admin:
		return conflict("Instance %s is locked", v.ID)
	case !slices.Contains(from, v.VMState):
		return conflict("Cannot '%s' instance %s while it is in vm_state %s", name, v.ID, v.VMState)
	case v.TaskState != "":
		return conflict("Cannot '%s' instance %s while it is in task_state %s", name, v.ID, v.TaskState)
	}
	r.power(v.ID, a)
	return done(http.StatusAccepted)
}

// console answers with what the server has printed: the last lines, if a
// number of them is asked for.
func (r *request) console(v server, text json.RawMessage) (answer, error) {
	var in struct{ Length any }
	_ = json.Unmarshal(text, &in) // {} or null: all
	if v.VMState == "building" {
		return answer{}, refuse(http.StatusConflict, "", "Instance %s is not ready", v.ID)
	}
	out := v.Console
	if m := r.cloud.config.Machines; m != nil && out == "" {
		out = m.Console(v.ID)
	}
	var n int
	if _, err := fmt.Sscan(fmt.Sprint(in.Length), &n); err == nil && n >= 0 {
		lines := strings.SplitAfter(out, "\n")
		if last := len(lines) - 1; lines[last] == "" {
			lines = lines[:last]
		}
		out = strings.Join(lines[max(0, len(lines)-n):], "")
	}
	return ok(object{"output": out})
}

// resetState is the administrator's: ERROR, or ACTIVE again.
func (r *request) resetState(v server, text json.RawMessage) (answer, error) {
	if !r.who.Admin {
		return answer{}, refuse(http.StatusForbidden, "", "Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be performed.")
	}
	var in struct{ State string }
	if json.Unmarshal(text, &in) != nil || !slices.Contains([]string{"active", "error"}, in.State) {
		return answer{}, refuse(http.StatusBadRequest, "", "Invalid input for field/attribute state. Value: %s. '%s' is not one of ['active', 'error']", in.State, in.State)
	}
	v.VMState, v.TaskState = in.State, ""
	r.s.servers[v.ID] = v
	return done(http.StatusAccepted)
}
