package ui

import (
	"io"
	"unicode/utf8"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// gap is what stands between two columns.
const gap = "   "

// table is rows under a header: columns aligned, without any frame.
type table struct {
	header []string
	rows   [][]string
	// flexible is the column whose text is wrapped when a row is wider than
	// the terminal.
	flexible int
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write writes the table for a terminal of this width, 0 for none.
func (t *table) write(w io.Writer, width int) {
	p := pretty.NewWriter()
	style := pretty.StyleDefault
	style.Options = pretty.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", gap
	style.Format.Header = text.FormatUpper
	p.SetStyle(style)
	p.SuppressTrailingSpaces()
	p.AppendHeader(row(t.header))
	for _, r := range t.rows {
		p.AppendRow(row(r))
	}
	if width > 0 {
		p.SetColumnConfigs([]pretty.ColumnConfig{{
			Number: t.flexible + 1, WidthMax: t.room(width), WidthMaxEnforcer: text.WrapSoft,
		}})
	}
	io.WriteString(w, p.Render()+"\n")
}

// leastRoom is how narrow the flexible column becomes before the rest of the
// row is left to the terminal to break.
const leastRoom = 16

// room is how wide the flexible column may be in a terminal of this width.
func (t *table) room(width int) int {
	for i := range t.header {
		if i == t.flexible {
			continue
		}
		column := 0
		for _, r := range append(t.rows, t.header) {
			column = max(column, utf8.RuneCountInString(r[i]))
		}
		width -= column + len(gap)
	}
	return max(width, leastRoom)
}

func row(cells []string) pretty.Row {
	r := make(pretty.Row, len(cells))
	for i, c := range cells {
		r[i] = c
	}
	return r
}
