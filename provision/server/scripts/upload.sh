# The agent's binary comes compressed on stdin; $want is its hash. It is put
# together in the target folder (right file system and SELinux type), checked
# and renamed: there is never half a binary, and a running one is not touched.
set -e
dir=${agent%/*}
# From here on the removal of another group leaves the binary: it is wanted.
exclusive
mkdir -p "$dir" "$confdir"
[ -e "$pending" ] || : >"$pending"
release
for old in "$dir"/.havip-agent.*; do # of a run that was cut off
	[ -e "$old" ] && [ -z "$(find "$old" -mmin -10 2>/dev/null)" ] && rm -f "$old"
done
temp=$dir/.havip-agent.$$
gunzip -c >"$temp" || die "the upload was cut off, or $dir is full"
[ "$(sum "$temp")" = "$want" ] || die "the uploaded agent is not what was sent: its sha256 differs"
chmod 0755 "$temp"
"$temp" version >/dev/null || die "the uploaded agent does not run here ($(uname -m); is $dir mounted noexec?)"
exclusive
[ -e "$pending" ] || [ -e "$config" ] || die "the group was removed from this server meanwhile"
mv -f "$temp" "$agent"
if have restorecon; then restorecon "$agent" || true; fi
