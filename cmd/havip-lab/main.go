package main

import (
	"context"
	"fmt"
	"os"

	"github.com/havip/havip/test/lab"
)

func main() {
	lab.Stage()
	code, err := lab.Run(context.Background(), lab.Options{Servers: 2, Command: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Say: func(s string) { fmt.Fprintln(os.Stderr, s) }})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}
