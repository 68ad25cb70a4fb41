#!/bin/sh
# report.html in a real browser: it sorts, says nothing on the console, asks for nothing outside itself, fits a phone.
# Usage: page.sh SOURCE_DIR BINARY_DIR. Exit code 77 (skipped) without Chromium.
set -u
SOURCE=$1 BINARY=$2
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "skipped: chromium is not here (Debian: apt-get install chromium)"
  exit 77
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL $1"; exit 1; }

# browse WIDTH FILE OUT: the document as it is after its scripts, OUT.log with the console, OUT.net with every request
browse() {
  HOME=$work timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --disable-default-apps --disable-extensions \
    --host-resolver-rules="MAP * ~NOTFOUND, EXCLUDE 127.0.0.1" --user-data-dir="$work/profile" --window-size="$1",900 --enable-logging=stderr --log-net-log="$3.net" \
    --virtual-time-budget=5000 --dump-dom "file://$2" >"$3" 2>"$3.log"
}
complaints() { grep -E 'CONSOLE' "$1.log"; }
# of the page: Chromium's own (updates, clock) have no origin
requests() { grep -E '"initiator":"' "$1.net" | grep -v '"initiator":"not an origin"' | grep -oE '"url":"(https?|wss?|ftp):[^"]*"' | sort -u; }

# what these checks are worth: a page with every fault must be caught by each
cat >"$work/bad.html" <<'END'
<!doctype html><title>bad</title><img src="http://127.0.0.1:9/outside.png"><script>console.error("fault"); undefinedName();</script>
END
browse 1000 "$work/bad.html" "$work/bad" || fail "chromium does not run: $(tail -3 "$work/bad.log")"
[ "$(complaints "$work/bad" | wc -l)" -ge 2 ] || fail "a console error goes unseen"
requests "$work/bad" | grep -q outside.png || fail "a request goes unseen"

mkdir "$work/run" "$work/run/thumbnails"
cp "$SOURCE/tests/golden/report/results.json" "$SOURCE/tests/golden/report/timing.json" "$work/run/" || exit 1
"$BINARY/radz-bench" report "$work/run" --format html >"$work/report.html" || fail "radz-bench report --format html"

# the page as it is, with its policy
browse 1000 "$work/report.html" "$work/plain"
grep -q '<html lang="en" class="js">' "$work/plain" || fail "its script did not run"
complaints "$work/plain" && fail "the console is not empty"
requests "$work/plain" | grep . && fail "the page asks for something outside itself"

# sorting, with a script of ours beside its own: the policy would (rightly) not run it
grep -v 'Content-Security-Policy' "$work/report.html" | sed 's,</body>,,; s,</html>,,' >"$work/driven.html"
cat "$SOURCE/tests/page/drive.js.html" >>"$work/driven.html"
for width in 1000 390; do
  browse $width "$work/driven.html" "$work/driven"
  complaints "$work/driven" && fail "the console is not empty at $width pixels"
  verdict=$(grep -oE 'id="verdict">[^<]*' "$work/driven" | sed 's/.*>//')
  case $verdict in
  passed*) echo "$width pixels: $verdict" ;;
  *) fail "$width pixels: ${verdict:-no verdict: $(tail -2 "$work/driven.log")}" ;;
  esac
done

# an injected script does not run although it stands in the page
sed 's,<main id="main">,<main id="main"><script>document.title = "taken over"</script>,' "$work/report.html" >"$work/injected.html"
browse 1000 "$work/injected.html" "$work/injected"
grep -q '<title>taken over' "$work/injected" && fail "the policy lets a foreign script run"
complaints "$work/injected" >/dev/null || fail "the foreign script was not noticed: the check above says nothing"

# paper: as many pages as there is to print, and no error
HOME=$work timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" --no-pdf-header-footer \
  --print-to-pdf="$work/page.pdf" "file://$work/report.html" >/dev/null 2>"$work/pdf.log"
head -c 5 "$work/page.pdf" 2>/dev/null | grep -q '%PDF-' || fail "it cannot be printed: $(tail -2 "$work/pdf.log")"
echo "report.html: sorts, silent, self-contained, fits 390 pixels, prints"
