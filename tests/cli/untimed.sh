#!/bin/sh
# Takes out of results what may differ between two runs of the same: the timings. Usage: untimed.sh FOLDER...
for run in $(find "$@" -name timing.json -exec dirname {} \;); do
  rm "$run/timing.json" "$run/cost.html" || exit 1
done
# what the terminal shows of the costs, kept as table.txt
find "$@" -name table.txt | while read -r file; do
  awk '/^  cost per image/ { cut = 1 } cut && /^$/ { cut = 0; next } !cut' "$file" >"$file.untimed" && mv "$file.untimed" "$file"
done
