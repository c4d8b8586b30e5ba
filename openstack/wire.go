package openstack

import (
	"context"
	"regexp"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/pagination"
)

// wire is an object as the API writes it. Types of our own and not
// gophercloud's, because those cannot tell an absent field from a false one.
type wire[T any] interface{ model() T }

// list reads all pages of a collection.
func list[W wire[T], T any](ctx context.Context, pager pagination.Pager, label string) ([]T, error) {
	var all []T
	err := pager.EachPage(ctx, func(_ context.Context, p pagination.Page) (bool, error) {
		var page []W
		err := p.(interface {
			ExtractIntoSlicePtr(to any, label string) error
		}).ExtractIntoSlicePtr(&page, label)
		for _, w := range page {
			all = append(all, w.model())
		}
		return true, err
	})
	return all, err
}

// single reads one object.
func single[W wire[T], T any](r gophercloud.Result, label string) (T, error) {
	var w W
	if err := r.ExtractIntoStructPtr(&w, label); err != nil {
		var none T
		return none, err
	}
	return w.model(), nil
}

// timestamp is a time as Neutron writes it: without a zone before Newton.
type timestamp struct{ time.Time }

func (t *timestamp) UnmarshalText(text []byte) error {
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		at, err = time.Parse("2006-01-02T15:04:05", string(text))
	}
	t.Time = at
	return err
}

// UnmarshalJSON replaces time.Time's, which would be promoted.
func (t *timestamp) UnmarshalJSON(text []byte) error {
	if len(text) < 2 || text[0] != '"' || len(text) == 2 {
		return nil
	}
	return t.UnmarshalText(text[1 : len(text)-1])
}

// looksLikeID tells whether a reference has the form of Nova's and Neutron's
// IDs. A name may have it too, so an ID that is not found is tried as a name.
func looksLikeID(ref string) bool {
	return regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`).MatchString(ref)
}
