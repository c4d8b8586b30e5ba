package strict

import (
	"reflect"
	"strings"
)

// suggest is the hint for an unknown key of a struct: the key that was meant,
// as far as that can be told, or else all that there are.
func suggest(unknown string, t reflect.Type) string {
	var keys []string
	best, distance := "", 3 // further away is another word
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		key := keyOf(f)
		keys = append(keys, key)
		// In a short word, two changes make another one.
		if n := edits(strings.ToLower(clip(unknown)), key); n < distance && 2*n <= len(key) {
			best, distance = key, n
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "the keys here are " + strings.Join(keys, ", ")
}

// edits is the number of characters to insert, take away or replace to turn a
// into b (Levenshtein's distance).
func edits(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range to {
			replace := diagonal
			if r != s {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}

// clip keeps text from the file short enough for a message.
func clip(s string) string {
	n := 0
	for i := range s {
		if n++; n > 60 {
			return s[:i] + "..."
		}
	}
	return s
}
