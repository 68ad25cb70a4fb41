#!/bin/sh
# Three scorers that ask about the same images (vqa-logit, vqa-generate, vqa-choice), in one run, where an image is decoded and the
# prompt up to its end computed once for all of them, beside a run for each. Processor time of the images alone: that of a run
# with few images is taken off one with more. Synthetic images, one thread.
#
#   shared_visit.sh BUILD [MODEL_DIR]
#
# Without MODEL_DIR the shipped llava-tiny; else a folder that perf_make_llava has made (LLaVA-1.5's token counts).
set -eu
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
few=4 more=64
mkdir -p "$work/cards/suites" "$work/cards/models"
if [ $# -gt 1 ]; then
  few=1 more=4
  model=shape
  mkdir "$work/model"
  ln -s "$(cd "$2" && pwd)"/* "$work/model/"
  cp "$source"/tests/golden/text/llama/tokenizer*.json "$work/model/"
  export RADZ_MODEL_SHAPE="$work/model"
  cat >"$work/cards/models/shape.yaml" <<'END'
name: shape
title: LLaVA-1.5's token counts, random weights
family: llava
trained_on: nothing, the weights are random
prompts: radz
template: vicuna_v1
preprocess_steps: [rgb, pad size=square fill=122, resize mode=squash size=336 filter=bicubic, float divide=full, normalize mean=0.48 std=0.26]
max_tokens: 2
END
else
  model=llava-tiny
fi
cat >"$work/cards/suites/visit.yaml" <<END
name: visit
title: For timing
datasets: [phantom]
models: [$model]
scorers: [vqa-logit, vqa-generate, vqa-choice]
prompts: radz
END
"$build/radz-bench" phantom --out "$work/phantom" --split test --patients 400 --quiet >/dev/null
export RADZ_DATA_PHANTOM="$work/phantom"
processor() { # seconds of a run with so many images and these scorers
  limit=$1 && shift
  rm -rf "$work/cache"
  # shellcheck disable=SC2086
  ( "$build/radz-bench" embed --suite visit --manifests "$work/cards" --limit "$limit" --threads 1 --cache "$work/cache" --quiet \
      $(printf ' --scorer %s' "$@") >/dev/null && times ) | tail -1 |
    awk '{ for (i = 1; i <= NF; i++) { split($i, t, /[ms]/); sum += 60 * t[1] + t[2] } printf "%.2f\n", sum }'
}
images() { # processor seconds of `more - few` images
  echo "$(processor $more "$@") $(processor $few "$@")" | awk '{ printf "%.2f\n", $1 - $2 }'
}
together=$(images vqa-logit vqa-generate vqa-choice)
echo "$together $(images vqa-logit) $(images vqa-generate) $(images vqa-choice)" | awk -v model=$model -v n=$((more - few)) '{
  printf "%s, %d images: three scorers in one run %.2f s, each by itself %.2f + %.2f + %.2f s, ratio %.2f\n", model, n, $1, $2, $3, $4,
         ($2 + $3 + $4) / $1 }'
