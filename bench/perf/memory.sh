#!/bin/sh
# Peak memory of a run over 20,000 images beside one over 2,000. Usage: memory.sh BUILD_DIR
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for n in 2000 20000; do
  "$build/bench/perf/perf_make_images" "$work/data$n" $n 64
  RADZ_DATA_PERF=$work/data$n "$build/radz-bench" run --suite perf --manifests "$here/cards" --cache "$work/cache$n" \
    --results "$work/results$n" --quiet --no-plots >/dev/null
  grep '"peak_memory_bytes"' "$work/results$n"/*/timing.json | sed 's/.*: *//;s/,//' >"$work/peak$n"
done
small=$(cat "$work/peak2000") large=$(cat "$work/peak20000")
awk -v s="$small" -v l="$large" 'BEGIN {
  printf "peak memory: 2,000 images %.1f MB, 20,000 images %.1f MB, ratio %.3f (wanted: below 1.10)\n", s / 1e6, l / 1e6, l / s
}'
