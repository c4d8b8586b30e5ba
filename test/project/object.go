package project

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
)

// Object is a port, a security group or the like, with the fields of the API.
type Object map[string]any

// Text is a field that holds one, "" when it holds none.
func (o Object) Text(field string) string {
	s, _ := o[field].(string)
	return s
}

// List reads a collection, as "ports?name=x".
func List(ctx context.Context, c *gophercloud.ServiceClient, path string) ([]Object, error) {
	var body map[string][]Object
	resp, err := c.Get(ctx, c.ServiceURL(path), &body, nil)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	resp.Body.Close()
	for _, list := range body {
		return list, nil
	}
	return nil, fmt.Errorf("list %s: the answer holds no list", path)
}
