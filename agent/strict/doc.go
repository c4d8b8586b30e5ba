// Package strict decodes YAML and reports every problem with its line, column
// and field: unknown and repeated keys, values of the wrong type, keys without
// a value. It remembers where each value stands, so that whoever checks the
// values afterwards can say where as well.
package strict
