#!/bin/sh
# The guest's first process: mounts the usual file systems, then starts the agent.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
chmod 755 /  # EAL takes no PMD from under a folder that everybody may write
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts /dev/hugepages
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t hugetlbfs hugetlbfs /dev/hugepages
ip link set lo up
while :; do /agent /dev/ttyS1; done
