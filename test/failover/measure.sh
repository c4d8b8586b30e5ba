#!/bin/sh
# Measures every fault and prints a Markdown table: in the lab (as root), or with "cloud" on the OpenStack of `make cloud-up`.
# docs/failover-test.md has the tables that it made. ROUNDS=3 ARGS=--all
set -eu
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-3}
args=${ARGS:---all}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
go build -buildvcs=false -o "$out/table" ./test/failover/table
test_it() { # SERVERS... -- FLAGS...
	cat <<-'EOF'
		set -eu
		havip create measure $servers --network internal --check ssh=tcp:22 $flags --yes >&2
		trap 'havip delete measure $login --yes >&2' EXIT
		havip failover-test measure $login $args --rounds "$rounds" --max-downtime 1m -o json >"$out/report" || [ $? = 5 ]
	EOF
}
export rounds args out
PATH=$PWD/bin:$PATH
if [ "${1:-lab}" = cloud ]; then
	: "${servers:?the cloud needs servers=\"--server A --server B\", flags and login as create takes them}"
	export servers flags="${flags:-}" login="${login:-}"
	test_it | sh >&2
else
	go build -buildvcs=false -o bin/havip-lab ./cmd/havip-lab
	servers="--server bastion-1 --server bastion-2 --server bastion-3" flags="--floating-ip 203.0.113.10 --host-keys console" login="--host-keys console"
	export servers flags login
	test_it >"$out/test.sh"
	bin/havip-lab run --servers 3 -- sh "$out/test.sh" >&2
fi
"$out/table" <"$out/report"
