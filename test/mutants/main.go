package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() { os.Exit(run()) }

func run() int {
	seeds := flag.Int("seeds", 20000, "scenarios that each mutant has to survive to count as missed")
	only := flag.String("only", "", "only mutants whose name has this in it")
	flag.Parse()
	tmp, err := os.MkdirTemp("", "havip-mutants-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	defer os.RemoveAll(tmp)

	missed, tried := 0, 0
	fmt.Printf("%-54s %-11s %s\n", "mutant", "caught by", "seed")
	for _, m := range mutants {
		if !strings.Contains(m.Name, *only) {
			continue
		}
		tried++
		caught, err := try(m, tmp, *seeds)
		switch {
		case err != nil:
			missed++
			fmt.Printf("%-54s error: %v\n", m.Name, err)
		case caught.Invariant == "":
			missed++
			fmt.Printf("%-54s NOT CAUGHT in %d seeds\n", m.Name, *seeds)
		default:
			fmt.Printf("%-54s %-11s %s\n", m.Name, caught.Invariant, caught.Seed)
		}
	}
	fmt.Printf("%d of %d mutants caught\n", tried-missed, tried)
	if missed > 0 {
		return 1
	}
	return 0
}
