# shellcheck shell=bash
# The guest image: a folder made by debootstrap, the lower layer of every server's disk.
IMAGE=$BASE/images/debian

# image_id: changes with what the image is made from
image_id() { cat "$HERE"/guest/* | sha256sum | cut -c1-16; }
image_ok() { [ -d "$IMAGE" ] && [ "$(cat "$IMAGE.id" 2>/dev/null)" = "$(image_id)" ]; }

mirror() {
  local uri
  # shellcheck disable=SC2016
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Codename: bookworm' 2>/dev/null | sed -n 1p)
  echo "${MIRROR:-${uri:-http://deb.debian.org/debian}}"
}

# start_image: makes it in the background, beside the packages; wait_image joins
IMAGE_JOB=
start_image() {
  # a disk is a layer on the image: another image beneath it would break the server
  if [ -d "$IMAGE" ] && [ -n "$(find "$BASE/inst" -mindepth 1 -maxdepth 1 2>/dev/null)" ]; then
    say "the guest image is another than these scripts make, and kept for the servers on it; FRESH=1 make cloud-up makes it anew"
    return
  fi
  { ours "$HERE/guest/make-image.sh" "$IMAGE" "$(mirror)" && image_id >"$IMAGE.id"; } >"$LOG/image.log" 2>&1 &
  IMAGE_JOB=$!
}
wait_image() {
  [ -n "$IMAGE_JOB" ] || return 0
  wait "$IMAGE_JOB" || { say "the guest image failed: $LOG/image.log says"; tail -n 20 "$LOG/image.log"; return 1; }
}
