#!/bin/sh
# Runs one command-line test. Usage: run.sh SOURCE_DIR BINARY_DIR TEST_FOLDER
# A test is a folder: `cmd` (a shell script; $SOURCE and $HERE name the source tree and the test's folder; it runs in an
# empty folder with radz-bench on its PATH), `exit` (expected code, 0 when absent), and what it must print: `stdout`,
# `stderr` (to the letter) or `stdout.glob`, `stderr.glob` (line by line, each a shell pattern; a line `...` stands for
# any number of lines). What is not given is not compared, but stderr must then not hold a sanitizer's report.
set -u
SOURCE=$1 BINARY=$2 HERE=$3
export SOURCE HERE BINARY
name=$(basename "$HERE")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/run" "$work/home"
PATH=$BINARY:$PATH
LC_ALL=C.UTF-8 HOME=$work/home RADZ_CACHE=${RADZ_TEST_CACHE:-$work/cache}
export PATH LC_ALL HOME RADZ_CACHE
unset XDG_CACHE_HOME NO_COLOR
for v in $(env | sed -n 's/^\(RADZ_DATA_[A-Z0-9_]*\)=.*/\1/p'); do unset "$v"; done

(cd "$work/run" && sh "$HERE/cmd") >"$work/stdout" 2>"$work/stderr" </dev/null
code=$?
wanted=0
[ -f "$HERE/exit" ] && wanted=$(cat "$HERE/exit")

fail() {
  echo "FAIL $name: $1"
  echo "--- stdout"; head -c 4000 "$work/stdout"
  echo "--- stderr"; head -c 4000 "$work/stderr"
  exit 1
}

# every line of the pattern file must match the next line of the output; `...` skips
matches() {
  awk -v patterns="$1" '
    function regex(glob,   i, c, out) {
      out = "^"
      for (i = 1; i <= length(glob); i++) {
        c = substr(glob, i, 1)
        if (c == "*") out = out ".*"
        else if (c == "?") out = out "."
        else if (index("\\^$.[]|()+{}/", c)) out = out "\\" c
        else out = out c
      }
      return out "$"
    }
    BEGIN { while ((getline line < patterns) > 0) pattern[++n] = line; at = 1 }
    {
      if (skip && at <= n && $0 ~ regex(pattern[at])) { skip = 0; at++; next }
      while (!skip && at <= n && pattern[at] == "...") { skip = 1; at++ }
      if (skip) { if (at <= n && $0 ~ regex(pattern[at])) { skip = 0; at++ } ; next }
      if (at > n) { print "unexpected line: " $0; bad = 1; exit }
      if ($0 !~ regex(pattern[at])) { print "line " NR " is: " $0; print "wanted:    " pattern[at]; bad = 1; exit }
      at++
    }
    END {
      if (bad) exit 1
      while (at <= n && pattern[at] == "...") at++
      if (at <= n) { print "missing line: " pattern[at]; exit 1 }
    }' "$2"
}

[ "$code" = "$wanted" ] || fail "exit code $code, wanted $wanted"
for stream in stdout stderr; do
  if [ -f "$HERE/$stream" ]; then
    diff -u "$HERE/$stream" "$work/$stream" >"$work/diff" || { cat "$work/diff"; fail "$stream differs"; }
  elif [ -f "$HERE/$stream.glob" ]; then
    matches "$HERE/$stream.glob" "$work/$stream" || fail "$stream differs"
  fi
done
if grep -qE 'AddressSanitizer|runtime error:|LeakSanitizer' "$work/stderr"; then fail "a sanitizer complained"; fi
echo "ok $name"
