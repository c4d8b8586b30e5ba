package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/havip/havip/test/lab"
)

func newStatus(a *app) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the labs that run on this machine, and their servers",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(cmd, "status takes no arguments")
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			labs, err := lab.Running()
			if err != nil {
				return err
			}
			if asJSON {
				if labs == nil {
					labs = []lab.Report{}
				}
				return json.NewEncoder(a.streams.Out).Encode(labs)
			}
			return show(a.streams.Out, labs)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func show(w io.Writer, labs []lab.Report) error {
	if len(labs) == 0 {
		_, err := fmt.Fprintln(w, "no lab runs here")
		return err
	}
	for i, l := range labs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "lab %d   %s   runs: %s\n\n", l.ID, l.Backend, strings.Join(l.Command, " "))
		t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		fmt.Fprintln(t, "SERVER\tSTATUS\tADDRESS\tFLOATING IP")
		for _, s := range l.Servers {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.Name, s.Status, list(s.Addresses), list(s.Floating))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func list(all []netip.Addr) string {
	var out []string
	for _, a := range all {
		out = append(out, a.String())
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ", ")
}
