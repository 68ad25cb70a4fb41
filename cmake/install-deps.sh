#!/bin/sh
# Installs the Debian packages that radz-bench is built from and that are missing, and says which. Does nothing (and needs
# no rights) when all are there. RADZ_SKIP_DEPS=1 skips it, for those who bring their own libraries.
set -eu
[ "${RADZ_SKIP_DEPS:-0}" = 1 ] && exit 0

packages="
cmake ninja-build gcc g++ pkg-config
libtorch-dev libopenblas-openmp-dev
libhdf5-dev libcsv-dev libcyaml-dev libyaml-dev libjansson-dev libssl-dev
libpng-dev libjpeg62-turbo-dev libdeflate-dev libgdcm-dev libutf8proc-dev libsqlite3-dev
zlib1g-dev libzip-dev libexpat1-dev
libcmocka-dev
gnuplot-nox fonts-dejavu-core
"

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "This is not a Debian system: install the equivalents of these packages, then run make with RADZ_SKIP_DEPS=1:" $packages >&2
  exit 1
fi

missing=
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

echo "Installing from Debian's packages:$missing"
run=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || { echo "Neither root nor sudo: ask an administrator to run: apt-get install$missing" >&2; exit 1; }
  run=sudo
fi
$run apt-get update -q
$run env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
