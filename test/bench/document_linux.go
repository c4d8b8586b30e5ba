package bench

import (
	"fmt"
	"os"
	"strings"
)

// The marks around what a run writes into the document.
const (
	begin = "<!-- make bench writes from here -->\n"
	end   = "<!-- to here -->\n"
)

// replaceTables writes the tables into a document between its marks.
func replaceTables(file, tables string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, rest, found := strings.Cut(string(data), begin)
	_, tail, ended := strings.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("%s has not the marks %q and %q", file, begin, end)
	}
	return os.WriteFile(file, []byte(head+begin+"\n"+tables+"\n"+end+tail), 0o644)
}
