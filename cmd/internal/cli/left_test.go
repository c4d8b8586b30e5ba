package cli

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/plan"
)

func TestWhatStayedBehindIsNoFailureUnlessOneLedThere(t *testing.T) {
	left := []plan.Left{{What: "agent of group bastion on bastion-2", Why: "no answer"}}
	behind := &provision.LeftError{Left: left}
	for _, tt := range []struct {
		name   string
		err    error
		left   bool
		failed bool
		code   int
	}{
		{name: "all is done", code: ui.ExitDone},
		{name: "something stayed behind", err: behind, left: true, code: ui.ExitLeft},
		{name: "a failure", err: io.EOF, failed: true, code: ui.ExitFailed},
		{name: "a failure, and something stayed behind", err: &provision.LeftError{Left: left, Err: io.EOF}, failed: true, code: ui.ExitLeft},
		{name: "the same, wrapped", err: fmt.Errorf("create: %w", behind), left: true, code: ui.ExitLeft},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, failed := onlyLeft(tt.err)
			if (got != nil) != tt.left || failed != tt.failed || ui.Code(tt.err) != tt.code {
				t.Errorf("got %v, %v, code %d", got, failed, ui.Code(tt.err))
			}
		})
	}
}

func TestAPlanThatLeavesSomethingDiffers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		left     []plan.Left
		exitCode bool
		code     int
	}{
		{name: "nothing is left", exitCode: true, code: ui.ExitDone},
		{name: "something is left", left: []plan.Left{{What: "agent"}}, exitCode: true, code: ui.ExitDiffers},
		{name: "something is left, and nobody asked", left: []plan.Left{{What: "agent"}}, code: ui.ExitDone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newApp(ui.Streams{Out: io.Discard, Err: io.Discard}, "0.3.0")
			a.format = ui.Table
			p := &provision.Prepared{Plan: plan.Plan{Group: "bastion", Left: tt.left}}
			err := a.create(newPlan(a), nil, p, &createOptions{dryRun: true, exitCode: tt.exitCode}, provision.Options{})
			if exit := (*ui.ExitError)(nil); ui.Code(err) != tt.code || tt.code != ui.ExitDone && !errors.As(err, &exit) {
				t.Errorf("got %v, code %d", err, ui.Code(err))
			}
		})
	}
}
