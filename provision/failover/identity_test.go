package failover

import (
	"maps"
	"testing"
)

func TestWhoAnswersIsKnownWhereAllMembersAreToldApart(t *testing.T) {
	members := []Member{{Name: "bastion-1"}, {Name: "bastion-2"}}
	for name, tt := range map[string]struct {
		said map[string][]string
		want map[string]string
	}{
		"each has its own": {
			map[string][]string{"bastion-1": {"one", "uno", "one"}, "bastion-2": {"two"}},
			map[string]string{"one": "bastion-1", "uno": "bastion-1", "two": "bastion-2"},
		},
		"one could not be asked": {map[string][]string{"bastion-1": {"one"}}, nil},
		"two say the same":       {map[string][]string{"bastion-1": {"one", "welcome"}, "bastion-2": {"two", "welcome"}}, nil},
		"nobody could be asked":  {nil, nil},
	} {
		if got := Known(members, tt.said); !maps.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
