package main

import (
	"strings"
	"testing"
)

func TestServersThatBootAreWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.hosts["bastion-2"].boots(2)
	stdout, stderr, code := w.havip("create", "-f", "bastion.yaml", "--dry-run", "--wait", "10m")
	if code != 0 || !strings.Contains(stdout, "10.0.0.136") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	for _, want := range []string{"wait for those that boot", "have booted"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not said:\n%s", want, stderr)
		}
	}
}

// Who waits in vain learns it at once.
func TestWhatDoesNotPassByBootingIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.hosts["bastion-2"].boots(1000)
	w.act("bastion-1", object{"os-stop": nil})
	stdout, stderr, code := w.havip("create", "-f", "bastion.yaml", "--yes", "--wait", "24h")
	if code != 4 || !strings.Contains(stderr, "bastion-1 is shut off") || strings.Contains(stderr, "wait for") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

func TestAWaitHasALength(t *testing.T) {
	refuse(t, []refusal{{
		name: "below zero",
		run:  "create -f bastion.yaml --wait -1s --yes",
		code: 2,
		says: "error: --wait: want a time such as 5m, got -1s\n",
	}})
}
