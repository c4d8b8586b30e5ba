package openstack

import (
	"context"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/attributestags"
)

// AddTag adds one tag to an object and leaves the others alone. Adding a tag
// twice succeeds, and each time bumps the object's revision.
func (c *Client) AddTag(ctx context.Context, k Kind, id, tag string) error {
	if err := checkTag(tag); err != nil {
		return err
	}
	err := attributestags.Add(ctx, c.network, string(k), id, url.PathEscape(tag)).Err
	return failure("add tag to "+k.singular(), id, err)
}

// RemoveTag takes one tag off an object; a tag or an object that is gone
// already is no error.
func (c *Client) RemoveTag(ctx context.Context, k Kind, id, tag string) error {
	if err := checkTag(tag); err != nil {
		return err
	}
	err := attributestags.Delete(ctx, c.network, string(k), id, url.PathEscape(tag)).Err
	return gone(failure("remove tag from "+k.singular(), id, err))
}

// checkTag refuses what Neutron cannot take: its router splits the path at an
// escaped slash too and answers 404 (seen with Zed), which would pass for a tag
// that is gone; a comma separates the tags of a filter.
func checkTag(tag string) error {
	if tag == "" || strings.ContainsAny(tag, "/,") {
		return &Error{Op: "check tag", Object: tag, Message: "a tag is not empty and has no slash and no comma", Err: ErrConfig}
	}
	return nil
}

// singular is one object of a collection, in words.
func (k Kind) singular() string {
	switch k {
	case Ports:
		return "port"
	case SecurityGroups:
		return "security group"
	case FloatingIPs:
		return "floating IP"
	}
	return string(k)
}
