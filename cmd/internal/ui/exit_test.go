package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/provision"
)

func TestEachErrorHasItsExitCode(t *testing.T) {
	failed := errors.New("failed")
	differs := &ExitError{Code: ExitDiffers}
	left := &provision.LeftError{Left: leftAgent()}
	cases := map[string]struct {
		err  error
		want int
	}{
		"no error":                         {nil, ExitDone},
		"any error":                        {failed, ExitFailed},
		"one of the cloud":                 {apiFailure(), ExitFailed},
		"a wrong command line":             {Usage(failed), ExitUsage},
		"a wrong group file":               {problems(), ExitUsage},
		"something differs":                {differs, ExitDiffers},
		"it differs, and joined to nil":    {errors.Join(differs, nil), ExitDiffers},
		"it differs, and then it failed":   {errors.Join(differs, failed), ExitFailed},
		"it failed, and it differs":        {errors.Join(failed, differs), ExitFailed},
		"the first of two failures counts": {errors.Join(Usage(failed), failed), ExitUsage},
		"preflight refused":                {refusal(), ExitPreflight},
		"preflight refused, wrapped":       {fmt.Errorf("create: %w", refusal()), ExitPreflight},
		"preflight refused, and close":     {errors.Join(refusal(), failed), ExitPreflight},
		"something was left behind":        {left, ExitLeft},
		"a failure left something behind":  {&provision.LeftError{Left: leftAgent(), Err: failed}, ExitLeft},
		"Ctrl-C left something behind":     {&provision.LeftError{Err: &ExitError{Code: ExitInterrupted}}, ExitLeft},
		"with a note":                      {&NotedError{Err: Usage(failed), Note: "note"}, ExitUsage},
		"Ctrl-C":                           {fmt.Errorf("list ports: %w", context.Canceled), ExitInterrupted},
		"no usage error":                   {Usage(nil), ExitDone},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Code(c.err); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestTheExitCodesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n)
	}
	want := []int{ExitDone, ExitFailed, ExitUsage, ExitDiffers, ExitPreflight, ExitTest, ExitLeft, ExitInterrupted}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/exit-codes.md (-constants +documented):\n%s", diff)
	}
}
