// Package docs is havip's documentation. It has no code: "make docs" writes
// the pages of commands from the commands themselves.
package docs

//go:generate go run ../cmd/internal/cli/mkdocs commands
