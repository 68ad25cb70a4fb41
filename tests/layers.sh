#!/bin/sh
# The rule of who may include whom (src/README.md), and of the one door per heavy library. Usage: layers.sh SOURCE_DIR
set -eu
cd "$1"
faults=0
fault() { echo "$1"; faults=$((faults + 1)); }

may_include() {
  case $1 in
  base) echo "base" ;;
  config) echo "config base" ;;
  data) echo "data base" ;;
  image) echo "image base" ;;
  text) echo "text base" ;;
  encoder) echo "encoder image text config base" ;;
  torch) echo "torch base" ;;
  model) echo "model torch text config base" ;;
  train) echo "train model torch config base encoder" ;; # of encoder only door.h, checked below
  cache) echo "cache base" ;;
  score) echo "score base" ;;
  metric) echo "metric base" ;;
  report) echo "report metric base" ;;
  run) echo "run report metric score cache encoder text image data config base" ;;
  bench) echo "bench run report metric score cache encoder text image data config base" ;;
  *) echo "" ;;
  esac
}

for file in $(find src bench -name '*.c' -o -name '*.h' -o -name '*.cpp' | sort); do
  case $file in bench/perf/*) continue ;; esac
  room=$(echo "$file" | sed -n 's,^src/\([a-z]*\)/.*,\1,p')
  [ -n "$room" ] || room=bench
  allowed=" $(may_include "$room") "
  [ "$allowed" != "  " ] || fault "$file: the room '$room' is not in the table of tests/layers.sh"
  for included in $(sed -n 's,^[[:space:]]*#[[:space:]]*include "\([^"]*\)".*,\1,p' "$file"); do
    target=${included%%/*}
    case "$allowed" in
    *" $target "*) ;;
    *) fault "$file includes \"$included\": '$room' may include only:$allowed" ;;
    esac
    case $room/$included in train/encoder/door.h | train/encoder/training.h) ;; train/encoder/*) fault "$file includes \"$included\": of the encoder room only door.h and training.h may be used" ;; esac
  done
done

# one door per heavy dependency: PATTERN ALLOWED_FILES...
only_in() {
  pattern=$1
  shift
  for file in $(grep -rlE "^[[:space:]]*#[[:space:]]*include <($pattern)" src bench | sort); do
    ok=0
    for allowed in "$@"; do
      case $file in $allowed) ok=1 ;; esac
    done
    [ $ok = 1 ] || fault "$file includes <$pattern>: only $* may"
  done
}
only_in 'hdf5' src/cache/h5.c
only_in '(torch|ATen|c10)/' 'src/torch/*.cpp'
only_in 'jansson' src/base/json.c
only_in 'openssl' src/base/hash.c
only_in 'csv\.h' src/data/csv.c
only_in 'zip\.h' src/data/archive.c
only_in 'zlib' src/data/packed.c src/image/png_codec.c
only_in 'expat' src/data/table_xml.c
only_in 'cyaml|yaml\.h' 'src/data/card*'
only_in 'png\.h|libdeflate' src/image/png_codec.c
only_in 'jpeglib' src/image/jpeg_codec.c
only_in 'utf8proc' src/text/unicode.c
only_in 'sqlite3' src/report/history.c
only_in 'gdcm' src/image/gdcm_helper.cpp
only_in 'dlfcn' src/base/plugin.c src/encoder/torch_facts.c

# file names are unique across the tree
for name in $(find src bench -name '*.[ch]' -o -name '*.cpp' | sed 's,.*/,,' | sort | uniq -d); do
  fault "more than one file is named '$name'"
done

# only bench/ prints or exits
for file in $(grep -rlE '(^|[^a-z_])(printf|puts|exit|abort|perror)\(' src | sort); do
  fault "$file prints or exits: only bench/ may ($(grep -nE '(^|[^a-z_])(printf|puts|exit|abort|perror)\(' "$file" | head -1))"
done
if grep -rnE 'fprintf\((stdout|stderr)' src; then
  fault "only bench/ writes to the terminal"
fi

[ $faults = 0 ] || { echo "$faults faults"; exit 1; }
echo "every include goes the way of the data"
