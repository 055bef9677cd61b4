#!/bin/sh
# Takes out of a Debian with Python what nobody needs in a container, as root, while an image is built: what installs, logs in
# and repairs. What stays is a shell and its commands, Python, certificates, time zones, and dpkg's account of what there is,
# which scanners read. `try_out.py` and `llm-usage demo` show afterwards that nothing is missing.
set -eu
export DEBIAN_FRONTEND=noninteractive

leave_out() { dpkg --purge --force-depends --force-remove-essential --force-remove-protected "$@"; }

# By what they are for; `directories` are databases and accounts of other machines, which Python could ask. Bases differ: what
# is not there has left already.
python='python3-pip python3-pip-whl python3-setuptools python3-setuptools-whl python3-pkg-resources python3-wheel python3-venv
  python3.11-venv python3-distutils python3-lib2to3'
packages='apt libapt-pkg6.0 debian-archive-keyring gpgv libgnutls30 libp11-kit0 libtasn1-6 libhogweed6 libnettle8 libidn2-0
  libunistring2 libgcrypt20 libgpg-error0 libseccomp2 libxxhash0 libsystemd0'
disks='e2fsprogs libext2fs2 libss2 logsave mount libmount1 libblkid1 libfdisk1 util-linux util-linux-extra libsmartcols1 bsdutils'
people='adduser login passwd libpam-modules libpam-modules-bin libpam-runtime libpam0g libsemanage2 libsemanage-common libsepol2
  libaudit1 libaudit-common libcap-ng0'
directories='libdb5.3 libgdbm6 libnsl2 libtirpc3 libtirpc-common libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0
  libkeyutils1 libcom-err2'
services='sysvinit-utils init-system-helpers libudev1'
# shellcheck disable=SC2086
leave_out $python $packages $disks $people $directories $services
# Last, because the packages' own scripts and dpkg need these. A shell stays: `sh`.
leave_out ncurses-bin perl-base diffutils bash tar

# What packages leave, and what Python brings beside them.
rm -rf /var/cache/* /var/lib/apt /var/log/* /usr/share/zoneinfo/right
# Encodings for iconv, which Python has itself.
rm -rf /usr/lib/*-linux-gnu/gconv
library=$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
for name in distutils ensurepip idlelib lib2to3 pydoc_data test tkinter turtledemo site-packages; do
  rm -rf "${library:?}/$name"
done
rm -rf "$library"/config-* "$library"/lib-dynload/_test* "$library"/lib-dynload/_ctypes_test*
rm -rf /usr/local/include /usr/local/share/man
for name in 2to3 idle pip pydoc wheel; do
  rm -f "/usr/local/bin/$name"*
done
# It has run here.
find / -xdev -name __pycache__ -prune -exec rm -r {} +
