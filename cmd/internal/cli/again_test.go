package cli

import (
	"testing"

	"github.com/spf13/cobra"
)

func TestTheCommandThatIsProposedReachesTheServersAsThisOneDid(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "bastion"},
		{[]string{"--network", "internal"}, "bastion"},
		{[]string{"--ssh-user", "debian", "--os-cloud", "my cloud"}, "bastion --os-cloud 'my cloud' --ssh-user debian"},
		{
			[]string{"--ssh-jump", "ops@203.0.113.1", "--ssh-jump", "10.1.0.4", "--host-keys", "console"},
			"bastion --ssh-jump ops@203.0.113.1,10.1.0.4 --host-keys console",
		},
		{[]string{"-f", "groups/bastion.yaml", "--ssh-identity", "~/.ssh/ci"}, "-f groups/bastion.yaml --ssh-identity '~/.ssh/ci'"},
		{[]string{"-f", "-"}, "bastion"},
	} {
		g := &groupFlags{}
		cmd := &cobra.Command{}
		cmd.Flags().String("os-cloud", "", "")
		g.add(cmd)
		if err := cmd.ParseFlags(tt.args); err != nil {
			t.Fatal(err)
		}
		if got := g.again(cmd, "bastion"); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.args, got, tt.want)
		}
	}
}
