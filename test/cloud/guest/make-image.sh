#!/bin/bash
# make-image.sh FOLDER MIRROR: makes the guest image aside and renames it when it is whole.
. "$(dirname "$0")/../lib/common.sh"
image=$1 new=$1.new
packages=systemd,systemd-sysv,dbus,openssh-server,sudo,iproute2,iputils-ping,iputils-arping,procps,netbase,nftables,tcpdump,curl,libnss-myhostname,keepalived

# remove FOLDER: debootstrap may have left its /proc there; nothing is deleted through a mount
unmount() {
  awk -v d="$1/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | while read -r m; do umount "$m" || umount -l "$m"; done
}
remove() {
  unmount "$1"
  rm -rf --one-file-system "$1"
}

remove "$new"
debootstrap --variant=minbase --include=$packages bookworm "$new" "$2"
chroot "$new" useradd -m -s /bin/bash debian
echo 'debian ALL=(ALL) NOPASSWD:ALL' >"$new/etc/sudoers.d/debian"
install -d -m 700 "$new/home/debian/.ssh"
chroot "$new" chown -R debian:debian /home/debian/.ssh
# keepalived is there to be compared with, and started by hand; networkd would take addresses away
chroot "$new" systemctl disable keepalived
chroot "$new" systemctl mask systemd-networkd console-getty getty@tty1
# host keys are made by each server at its first boot and printed on the console, as cloud-init does it
rm -f "$new"/etc/ssh/ssh_host_*
install -m 755 "$HERE/guest/firstboot" "$new/usr/local/sbin/firstboot"
cp "$HERE"/guest/*.service "$new/etc/systemd/system/"
chroot "$new" systemctl enable firstboot user-data
rm -f "$new"/var/cache/apt/archives/*.deb
: >"$new/etc/resolv.conf"
unmount "$new"
remove "$image"
mv "$new" "$image"
