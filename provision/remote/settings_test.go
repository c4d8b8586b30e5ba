package remote

import (
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The same file is read by OpenSSH, where it is installed, and without it.
func TestConfigurationIsReadAlikeWithAndWithoutOpenSSH(t *testing.T) {
	const text = `Include more
Host web-*
  User www
  ProxyJump ops@[2001:db8::1]:2222,inner
  IdentityFile ~/keys/%r@%n
  IdentitiesOnly yes
Host db
  HostName 10.0.0.9
  Port 2200
  ProxyCommand nc -X 5 %h %p
  HostKeyAlias database
  UserKnownHostsFile ~/db_hosts ~/db_hosts2
  HashKnownHosts yes
  IdentityAgent ~/agent.sock
  IdentityFile /k/db
Host *
  GlobalKnownHostsFile /etc/known
  UserKnownHostsFile ~/known_hosts
`
	h := newHome(t)
	h.write("more", "Host db\n  User postgres\n")
	config := h.write("config", "Include "+h.path("more")+text[len("Include more"):])
	expand := newExpander() // ssh asks the system as well where "~" is
	want := map[string]settings{
		"web-1": {
			alias: "web-1", hostName: "web-1", user: "www", port: "22", proxyJump: []string{"ops@[2001:db8::1]:2222", "inner"},
			identityFiles: []string{expand.home + "/keys/www@web-1"}, identitiesOnly: true,
			knownHosts: []string{expand.home + "/known_hosts"}, globalHosts: []string{"/etc/known"},
		},
		"db": {
			alias: "db", hostName: "10.0.0.9", user: "postgres", port: "2200", proxyCommand: "nc -X 5 %h %p",
			identityFiles: []string{"/k/db"}, identityAgent: expand.home + "/agent.sock", hostKeyAlias: "database",
			knownHosts: []string{expand.home + "/db_hosts", expand.home + "/db_hosts2"}, globalHosts: []string{"/etc/known"}, hashKnownHosts: true,
		},
	}
	resolvers := map[string]resolver{"without": newSSHConfig(config, expand)}
	if path, err := exec.LookPath("ssh"); err == nil {
		resolvers["with"] = openSSH{binary: path, config: config, expand: expand}
	}
	for name, r := range resolvers {
		for host, want := range want {
			t.Run(name+" OpenSSH: "+host, func(t *testing.T) {
				got, err := r.resolve(t.Context(), question{host: host})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{})); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestUserAndPortOfTheQuestionComeFirst(t *testing.T) {
	h := newHome(t)
	config := h.write("config", "Host a\n  User other\n  Port 9\nMatch user flag\n  HostName matched\n")
	path, err := exec.LookPath("ssh")
	if err != nil {
		// Match is only understood by OpenSSH itself.
		r := newSSHConfig(config, expander{home: h.dir})
		if _, err := r.resolve(t.Context(), question{host: "a"}); err == nil {
			t.Error("Match was read without OpenSSH")
		}
		return
	}
	s, err := openSSH{binary: path, config: config, expand: newExpander()}.resolve(t.Context(), question{host: "a", user: "flag", port: "2022"})
	if err != nil {
		t.Fatal(err)
	}
	if s.user != "flag" || s.address() != "matched:2022" || !s.mapped() {
		t.Errorf("resolved to %s@%s", s.user, s.address())
	}
}

func TestHops(t *testing.T) {
	tests := []struct {
		hop  string
		want question
	}{
		{"bastion", question{host: "bastion"}},
		{"ops@bastion:2222", question{user: "ops", host: "bastion", port: "2222"}},
		{"ops@corp@bastion", question{user: "ops@corp", host: "bastion"}},
		{"ops@[2001:db8::1]:2222", question{user: "ops", host: "2001:db8::1", port: "2222"}},
		{"2001:db8::1", question{host: "2001:db8::1"}},
		{"[2001:db8::1]", question{host: "2001:db8::1"}},
		{"ssh://ops@bastion:2222/", question{user: "ops", host: "bastion", port: "2222"}},
	}
	for _, tt := range tests {
		t.Run(tt.hop, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, splitHop(tt.hop), cmp.AllowUnexported(question{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNameInKnownHosts(t *testing.T) {
	tests := []struct {
		name string
		s    settings
		want string
	}{
		{"an IPv6 address", settings{hostName: "2001:db8::1", port: "22"}, "[2001:db8::1]:22"},
		{"a name in capitals", settings{hostName: "Bastion", port: "2222"}, "bastion:2222"},
		{"an alias has no port", settings{hostName: "10.0.0.1", port: "2222", hostKeyAlias: "b"}, "b:22"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.s.knownAs(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
