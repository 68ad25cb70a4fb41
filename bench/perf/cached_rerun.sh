#!/bin/sh
# A cached re-run of the whole suite beside the first run. Usage: cached_rerun.sh BUILD_DIR
# The synthetic images are made before the clock starts: only embedding, scoring, measuring and plotting is timed.
set -eu
build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$build/radz-bench" phantom --out "$work/phantom" --split test --quiet >/dev/null
export RADZ_DATA_PHANTOM="$work/phantom"
seconds() { # of a command, by the shell's clock
  begun=$(date +%s.%N)
  "$@" >/dev/null
  ended=$(date +%s.%N)
  awk -v a="$begun" -v b="$ended" 'BEGIN { printf "%.3f", b - a }'
}
first=$(seconds "$build/radz-bench" --suite chest --cache "$work/cache" --results "$work/results" --quiet)
sleep 2 # files younger than this are hashed again
second=$(seconds "$build/radz-bench" --suite chest --cache "$work/cache" --results "$work/results" --quiet)
third=$(seconds "$build/radz-bench" --suite chest --cache "$work/cache" --results "$work/results" --quiet)
awk -v a="$first" -v b="$second" -v c="$third" 'BEGIN {
  best = b < c ? b : c
  printf "first run %.2f s, cached runs %.2f s and %.2f s, ratio %.1f (wanted: at least 20)\n", a, b, c, a / best
}'
