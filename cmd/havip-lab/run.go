package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/havip/havip/test/lab"
)

func newRun(a *app) *cobra.Command {
	s := &size{}
	cmd := &cobra.Command{
		Use:   "run [flags] -- COMMAND [ARGUMENT]...",
		Short: "Run a command in a new lab, and end with its exit code",
		Long: `Makes a lab: a network internal (10.0.0.0/24) behind a router, servers bastion-1,
bastion-2, ... on it, and the floating IP 203.0.113.10, which leads nowhere yet. Then runs
the command on the workstation. The lab ends with the command.`,
		Example: `  sudo havip-lab run -- havip create bastion --server bastion-1 --server bastion-2 \
    --network internal --floating-ip 203.0.113.10 --yes
  sudo havip-lab run --servers 3 --backend ovn -- ./test.sh`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(cmd, "a command is missing")
			}
			return a.run(cmd, s, args)
		},
	}
	s.add(cmd)
	return cmd
}

func newShell(a *app) *cobra.Command {
	s := &size{}
	cmd := &cobra.Command{
		Use:   "shell",
		Short: "Open a shell in a new lab",
		Long: `Makes a lab as run does and opens a shell on its workstation: your SHELL, in the folder
where you are. The lab ends with the shell.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(cmd, "shell takes no arguments; havip-lab run -- %s runs a command", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			shell := os.Getenv("SHELL")
			if shell == "" {
				shell = "/bin/sh"
			}
			s.advice = "OS_CLOUD and an SSH key are set: ssh bastion-1 works. The end of this shell ends the lab."
			return a.run(cmd, s, []string{shell})
		},
	}
	s.add(cmd)
	return cmd
}

func (a *app) run(cmd *cobra.Command, s *size, args []string) (err error) {
	if err := s.check(cmd); err != nil {
		return err
	}
	start := time.Now()
	a.code, err = lab.Run(cmd.Context(), lab.Options{
		Servers: s.servers, Backend: s.backend, Command: args,
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Say: func(news string) {
			if s.quiet {
				return
			}
			fmt.Fprintf(a.streams.Err, "%s (%.1fs)\n", news, time.Since(start).Seconds())
			if s.advice != "" {
				fmt.Fprintln(a.streams.Err, s.advice)
			}
		},
	})
	return err
}
