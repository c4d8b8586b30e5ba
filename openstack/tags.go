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

// SetTags replaces all tags of an object in one request. What others have
// tagged it with meanwhile is lost: it is for an object that the caller has
// only just made.
func (c *Client) SetTags(ctx context.Context, k Kind, id string, tags []string) error {
	for _, t := range tags {
		if err := checkTag(t); err != nil {
			return err
		}
	}
	opts := attributestags.ReplaceAllOpts{Tags: tags}
	_, err := attributestags.ReplaceAll(ctx, c.network, string(k), id, opts).Extract()
	return failure("set tags of "+k.singular(), id, err)
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

// checkTag refuses what Neutron cannot keep, as seen with Zed: at a slash, even
// an escaped one, it splits the path and answers 404, which would pass for a tag
// that is gone; other than ASCII it stores garbled; a comma separates the tags
// of a filter.
func checkTag(tag string) error {
	bad := func(r rune) bool { return r < ' ' || r > '~' || r == '/' || r == ',' }
	if tag == "" || strings.ContainsFunc(tag, bad) {
		return &Error{Op: "check tag", Object: tag, Message: "a tag is of printable ASCII, without slash and comma, and not empty", Err: ErrConfig}
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
