#!/bin/sh
# Holds the failover test's page to the Nu Html Checker, and takes pictures of it with headless Chromium: 1280 and 375 pixels
# wide, and as print. As root: the page of a real run in the lab, and those of provision/failover/report's tests.
# Needs chromium, pdftoppm (poppler-utils), java and npm, which fetches the checker into the folder. test/failover/page.sh [FOLDER]
set -eu
cd "$(dirname "$0")/../.."
mkdir -p "${1:-bin/page}"
out=$(cd "${1:-bin/page}" && pwd)
args=${ARGS:---all}

need() { command -v "$1" >/dev/null || { echo "error: $1 is not installed" >&2; echo "hint: apt-get install --no-install-recommends $2" >&2; exit 1; }; }
need chromium chromium
need java default-jre-headless
need npm npm
need pdftoppm poppler-utils
checker=$out/checker/node_modules/vnu-jar/build/dist/vnu.jar
[ -e "$checker" ] || npm install --silent --ignore-scripts --prefix "$out/checker" vnu-jar@26.9.27 >/dev/null

go test -count=1 ./provision/failover/report -args -pages "$out"
if [ "${LAB:-1}" = 1 ]; then
	go build -buildvcs=false -o bin/havip-lab ./cmd/havip-lab
	export out args
	# shellcheck disable=SC2016 # the shell in the lab expands it
	PATH=$PWD/bin:$PATH bin/havip-lab run --servers 3 -- sh -euc '
		havip create page --server bastion-1 --server bastion-2 --server bastion-3 --network internal --check ssh=tcp:22 \
			--floating-ip 203.0.113.10 --host-keys console --yes
		trap "havip delete page --host-keys console --yes" EXIT
		havip failover-test page --host-keys console $args --html "$out/lab.html" || [ $? = 5 ]' >&2
fi

browse() { chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$out/profile" "$@" >"$out/chromium.log" 2>&1; }
# A window of Chromium is 500 pixels wide at least: a phone is a frame in one.
frame() { echo "<!DOCTYPE html><title>phone</title><style>body{margin:0}iframe{border:0;width:375px;height:$2px}</style><iframe src=\"$1\"></iframe>"; }
for page in "$out"/*.html; do
	case $page in *.phone.html) continue ;; esac
	name=${page%.html}
	java -jar "$checker" "$page"
	browse --window-size=1280,"${HEIGHT:-2400}" --screenshot="$name.1280.png" "file://$page"
	frame "$page" "${HEIGHT:-2400}" >"$name.phone.html"
	browse --window-size=500,"${HEIGHT:-2400}" --screenshot="$name.375.png" "file://$name.phone.html"
	browse --no-pdf-header-footer --print-to-pdf="$name.pdf" "file://$page"
	pdftoppm -r 60 -png -l 2 "$name.pdf" "$name.print"
	rm -f "$name.phone.html"
done
rm -rf "$out/profile" "$out/chromium.log"
echo "valid, and to be looked at: $out/*.png"
