package failover

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/utils/v2/openstack/clientconfig"

	"github.com/havip/havip/test/lab/labtest"
)

// page is a server that says what /run/name says, in a header and as the page. It
// reads the file for each question.
const page = `perl -MIO::Socket::INET -MErrno -e '
my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 64, ReuseAddr => 1)
  or ($!{EADDRINUSE} ? exit : die "listen: $!"); # it runs already
defined(my $pid = fork) or die "fork: $!";
exit if $pid;
POSIX::setsid() if eval { require POSIX };
open STDIN, "<", "/dev/null"; open STDOUT, ">", "/dev/null"; open STDERR, ">", "/dev/null";
$SIG{CHLD} = "IGNORE";
while (1) {
  my $c = $s->accept or next;
  next if fork;
  while (my $line = <$c>) { last if $line =~ /^\r?\n$/ }
  open my $f, "<", "/run/name"; my $name = <$f>; chomp $name;
  print $c "HTTP/1.0 200 OK\r\nX-Server: $name\r\nContent-Type: text/plain\r\n\r\n$name\nand more\n";
  exit;
}'`

// allowPages lets port 8080 of the lab's servers be asked from outside.
func allowPages(t *testing.T) {
	t.Helper()
	c, err := clientconfig.NewServiceClient(t.Context(), "network", nil)
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		SecurityGroups []struct{ ID string } `json:"security_groups"`
	}
	resp, err := c.Get(t.Context(), c.ServiceURL("security-groups?name=default"), &found, nil)
	if err != nil || len(found.SecurityGroups) != 1 {
		t.Fatalf("find the default security group: %v, %v", found, err)
	}
	resp.Body.Close()
	rule := map[string]any{
		"security_group_id": found.SecurityGroups[0].ID, "direction": "ingress", "ethertype": "IPv4",
		"protocol": "tcp", "port_range_min": 8080, "port_range_max": 8080,
	}
	resp, err = c.Post(t.Context(), c.ServiceURL("security-group-rules"), map[string]any{"security_group_rule": rule}, nil,
		&gophercloud.RequestOpts{OkCodes: []int{201, 409}}) // 409: it is there already
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// calls sets what a server's page says.
func calls(t *testing.T, server, name string) {
	t.Helper()
	if out, err := labtest.On(t, server, "echo "+name+" >/run/name.new && mv /run/name.new /run/name"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// The page is asked for by a name that no resolver knows: a virtual host.
func TestThePageThatAnswersIsTheActiveMembers(t *testing.T) {
	t.Parallel()
	const name, url = "pages", "http://pages.example:8080/"
	members := []string{"bastion-9", "bastion-10"}
	group(t, name, "10.0.0.206", members...)
	allowPages(t)
	for _, m := range members {
		calls(t, m, "page-of-"+m)
		if out, err := labtest.On(t, m, page); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for _, how := range []string{"header:X-Server=" + url, "body:" + url} {
		t.Run(strings.SplitN(how, ":", 2)[0], func(t *testing.T) {
			r := during(t, name, func(string) {}, "--fault", "agent-stop", "--identify", how, "--probe", url)
			x := r.Rounds[0]
			if r.Verdict != "passed" || x.Answers != x.After || x.After == x.Before {
				t.Errorf("%s: %v; %q answers, and %s took over from %s", r.Verdict, x.Why, x.Answers, x.After, x.Before)
			}
			if x.silence("inside") < 0 {
				t.Errorf("the page was not asked for inside: %v", x.Paths)
			}
		})
	}
	other := map[string]string{members[0]: members[1], members[1]: members[0]}
	for _, tt := range []struct {
		name string
		says func(active string) string // the page of the one that takes over
		want string
	}{
		{"another's", func(active string) string { return "page-of-" + active }, "outside %[1]s answers, while %[2]s is active"},
		{"nobody's", func(string) string { return "a-stranger" }, "outside an unknown server (a-stranger) answers, while %[2]s is active"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			active := labtest.Healthy(t, name).Active()
			next := other[active]
			cmd := start(t, "failover-test", name, "-o", "json", "--max-downtime", "30s", "--fault", "agent-freeze", "--identify", "body:"+url)
			// Who is who was asked before the witnesses came.
			cmd.until(t, "the witness", func() error {
				_, err := labtest.On(t, next, "grep -qs [w]itness /proc/[0-9]*/cmdline")
				return err
			})
			calls(t, next, tt.says(active))
			<-cmd.ended
			calls(t, next, "page-of-"+next)
			want := fmt.Sprintf(tt.want, active, next)
			if x := parse(t, cmd.out.String()).Rounds[0]; cmd.ProcessState.ExitCode() != 5 || x.Verdict != "failed" || !strings.Contains(strings.Join(x.Why, "\n"), want) {
				t.Errorf("exit code %d, %s: %v; want that it failed, for %s", cmd.ProcessState.ExitCode(), x.Verdict, x.Why, want)
			}
		})
	}
}
