# shellcheck shell=bash
# The states that a cloud can be in, and the way back to none. Needs process.sh, network.sh and machine.sh.

# made_by: changes with the scripts and files that a running cloud was made from
made_by() { find "$HERE"/{lib,conf,driver,bootstrap} -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 cat | sha256sum | cut -c1-16; }

# sweep: nothing of ours runs afterwards, and nothing of our network is there; databases and disks stay
sweep() {
  [ -e "$BASE" ] || [ -e "$STATE/before" ] || return 0
  stop_all
  if command -v ip >/dev/null; then remove_network; fi
  if command -v nft >/dev/null; then give_back; fi
}

# forget: databases, configuration and servers' disks go; the guest image and the logs of apt stay
forget() {
  [ -z "$(our_mounts)" ] || die "still mounted under $BASE: $(our_mounts | xargs)"
  [ ! -d "$BASE" ] || find "$BASE" -mindepth 1 -maxdepth 1 ! -name images -exec rm -rf --one-file-system {} +
}

# wipe: all of it
wipe() {
  forget
  rm -rf --one-file-system "$BASE"
}

# memory: the proportional share of every process of ours
memory() {
  local p
  for p in $(all_ours); do cat "/proc/$p/smaps_rollup" 2>/dev/null || true; done |
    awk '/^Pss:/ {kb += $2; n++} END {printf "%.1f GiB in %d processes", kb / 1048576, n}'
}
