#!/bin/sh
# Measures every fault and prints a Markdown table: in the lab (as root), or with "cloud" on the OpenStack of `make cloud-up`.
# docs/failover-test.md has the tables that it made. ROUNDS=3
set -eu
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-3}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
go build -buildvcs=false -o "$out/table" ./test/failover/table
case ${1:-lab} in
cloud)
	HAVIP_ACC_MEASURE=$out/report HAVIP_ACC_ROUNDS=$rounds make --no-print-directory acceptance \
		ACCEPTANCE_FLAGS="-run FaultsAreMade -timeout 3h" >&2 || echo "the test on the cloud failed: see above" >&2
	;;
lab)
	go build -buildvcs=false -o bin/havip-lab ./cmd/havip-lab
	cat >"$out/test.sh" <<-EOF
		set -eu
		havip create measure --server bastion-1 --server bastion-2 --server bastion-3 --network internal \
			--floating-ip 203.0.113.10 --check ssh=tcp:22 --host-keys console --yes >&2
		trap 'havip delete measure --host-keys console --yes >&2' EXIT
		havip failover-test measure --host-keys console --all --rounds $rounds --max-downtime 1m -o json >$out/report || [ \$? = 5 ]
	EOF
	PATH=$PWD/bin:$PATH bin/havip-lab run --servers 3 -- sh "$out/test.sh" >&2
	;;
*)
	echo "error: no place called $1: lab or cloud" >&2
	exit 2
	;;
esac
cat "$out/report" >bin/failover.json
"$out/table" <"$out/report"
