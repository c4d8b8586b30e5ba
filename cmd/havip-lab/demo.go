package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/havip/havip/test/lab"
	"github.com/havip/havip/test/lab/demo"
)

func newDemo(a *app) *cobra.Command {
	s := &size{servers: 2}
	havip := ""
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show what havip does, in a new lab",
		Long: `Makes a lab and runs havip in it: plan, create, status; the active server is powered off,
and the next one reset, while somebody calls the floating IP; then failover-test, and
delete. In the end it compares the cloud with what it was before. Within a lab it takes
that one.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(cmd, "demo takes no arguments")
			}
			if !lab.Within() {
				return a.run(cmd, s, []string{"/proc/self/exe", "demo", "--havip", havip})
			}
			return demo.Stage{
				Havip: havip, Servers: []string{"bastion-1", "bastion-2"}, Network: "internal",
				FloatingIP: lab.FloatingIP, Out: os.Stdout,
			}.Run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&havip, "havip", "havip", "the havip to show, a `FILE` or a command")
	cmd.Flags().StringVar(&s.backend, "backend", "linuxbridge", "how the network finds a VIP: linuxbridge, by its neighbour tables, or ovn")
	return cmd
}
