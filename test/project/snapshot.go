package project

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// Snapshot holds objects by the path of their collection.
type Snapshot map[string][]Object

// passing are the fields that change by themselves, and the rules of a group,
// which stand in no order there and are a collection of their own.
var passing = [...]string{"revision_number", "updated_at", "status", "port_details", "security_group_rules"}

// Take reads collections, each in the order of the objects' IDs and without
// what changes by itself.
func Take(ctx context.Context, c *gophercloud.ServiceClient, paths ...string) (Snapshot, error) {
	s := Snapshot{}
	for _, path := range paths {
		list, err := List(ctx, c, path)
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			for _, field := range passing {
				delete(o, field)
			}
		}
		slices.SortFunc(list, func(a, b Object) int { return strings.Compare(a.Text("id"), b.Text("id")) })
		s[path] = list
	}
	return s, nil
}

// String is the snapshot as JSON, a field a line.
func (s Snapshot) String() string {
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	return string(b)
}
