#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The first program of the guest: sets up what every Linux system has, runs /avert/job with its output on ttyS1, and hands
# its exit code to the host twice: as the last line of the output, and through the port of isa-debug-exit.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root

# The first root file system cannot be left with pivot_root(2), which container runtimes do. A mount of it can.
if [ "$1" != mounted ]; then
  mkdir -p /avert/root
  mount -o bind / /avert/root
  cd /avert/root
  mount -o move . /
  exec chroot . /init mounted
fi
cd /

mkdir -p /proc /sys /dev /tmp /run /root /etc
chmod 1777 /tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t securityfs securityfs /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
mount -t cgroup2 cgroup2 /sys/fs/cgroup
[ ! -d /sys/fs/selinux ] || mount -t selinuxfs selinuxfs /sys/fs/selinux
ip link set lo up
for module in $(cat /avert/modules); do insmod /avert/$module.ko; done

if [ -e /avert/terminal ]; then
  setsid -c sh /avert/job < /dev/ttyS1 > /dev/ttyS1 2>&1
else
  stty -F /dev/ttyS1 raw -echo
  sh /avert/job < /dev/null > /dev/ttyS1 2>&1
fi
code=$?
[ ! -s /avert/mark ] || printf '\n%s %s\n' "$(cat /avert/mark)" "$code" > /dev/ttyS1
stty -F /dev/ttyS1 raw -echo # waits until all is written
printf "\\$(printf %o $((code & 127)))" | dd of=/dev/port bs=1 seek=244 count=1
poweroff -f
