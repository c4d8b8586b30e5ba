# shellcheck shell=bash
# The guest image: a folder made by debootstrap, the lower layer of every server's disk.
IMAGE=$BASE/images/debian
GUEST_PACKAGES=systemd,systemd-sysv,dbus,openssh-server,sudo,iproute2,iputils-ping,iputils-arping,procps,netbase,nftables,tcpdump,curl,libnss-myhostname,keepalived

# image_id: changes with what the image is made from
image_id() { cat "$HERE/lib/image.sh" "$HERE"/guest/* | sha256sum | cut -c1-16; }
image_ok() { [ -d "$IMAGE" ] && [ "$(cat "$IMAGE.id" 2>/dev/null)" = "$(image_id)" ]; }

mirror() {
  local uri
  # shellcheck disable=SC2016
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Codename: bookworm' 2>/dev/null | sed -n 1p)
  echo "${MIRROR:-${uri:-http://deb.debian.org/debian}}"
}

# remove_tree FOLDER: debootstrap may have left its /proc mounted there: never delete through a mount
remove_tree() {
  local m
  awk -v d="$1/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | while read -r m; do umount "$m" || umount -l "$m" || return 1; done
  rm -rf --one-file-system "$1"
}

make_image() {
  set -e
  local new=$IMAGE.new
  remove_tree "$new"
  debootstrap --variant=minbase --include=$GUEST_PACKAGES bookworm "$new" "$(mirror)"
  chroot "$new" useradd -m -s /bin/bash debian
  echo 'debian ALL=(ALL) NOPASSWD:ALL' >"$new/etc/sudoers.d/debian"
  command install -d -m 700 "$new/home/debian/.ssh"
  chroot "$new" chown -R debian:debian /home/debian/.ssh
  # keepalived is there to be compared with, and started by hand; networkd would take addresses away
  chroot "$new" systemctl disable keepalived
  chroot "$new" systemctl mask systemd-networkd console-getty getty@tty1
  # host keys are made by each server at its first boot and printed on the console, as cloud-init does it
  rm -f "$new"/etc/ssh/ssh_host_*
  command install -m 755 "$HERE/guest/firstboot" "$new/usr/local/sbin/firstboot"
  cp "$HERE"/guest/*.service "$new/etc/systemd/system/"
  chroot "$new" systemctl enable firstboot user-data
  rm -f "$new"/var/cache/apt/archives/*.deb
  : >"$new/etc/resolv.conf"
  awk -v d="$new/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | while read -r m; do umount "$m"; done
  remove_tree "$IMAGE"
  mv "$new" "$IMAGE"
  image_id >"$IMAGE.id"
}

# start_image: builds it in the background, beside the packages; wait_image joins
IMAGE_JOB=
start_image() {
  if image_ok; then return; fi
  if ls -d "$BASE"/inst/*/up >/dev/null 2>&1 && [ -d "$IMAGE" ]; then
    say "the guest image is another than these scripts make, and kept for the servers on it; WIPE=1 make cloud-down makes it anew"
    return
  fi
  # shellcheck disable=SC2016
  ours bash -c '. "$0/lib/common.sh"; . "$0/lib/image.sh"; make_image' "$HERE" >"$LOG/image.log" 2>&1 &
  IMAGE_JOB=$!
}
wait_image() {
  [ -n "$IMAGE_JOB" ] || return 0
  wait "$IMAGE_JOB" || { say "the guest image failed: $LOG/image.log says"; tail -n 20 "$LOG/image.log"; return 1; }
}
