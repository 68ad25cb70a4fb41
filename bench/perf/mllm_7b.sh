#!/bin/sh
# A model of LLaVA-1.5-7B's exact shape, random weights in bf16, asked and read by the program itself: one image, vqa-logit
# over 14 classes and radz-anchored. Prints the table with seconds, tokens and peak memory, then the tokens per second with
# LLaVA-1.5's own token counts and how near that is to the rate of a plain matrix product. The model (14 GB) stays in WORK.
#
#   mllm_7b.sh BUILD WORK [THREADS]
#
# The tokenizer is a test's with 400 tokens: words take about two and a half times as many as with LLaVA's own.
set -eu
build=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)
source=$(cd "$(dirname "$0")/../.." && pwd)
[ -f "$work/7b/config.json" ] || "$build/bench/perf/perf_make_llava" 7b "$work/7b"
cp "$source"/tests/golden/text/llama/tokenizer*.json "$work/7b/"
cat >"$work/7b/preprocessor_config.json" <<'END'
{"image_processor_type": "CLIPImageProcessor", "do_resize": true, "size": {"shortest_edge": 336}, "resample": 3,
 "do_center_crop": true, "crop_size": {"height": 336, "width": 336}, "do_convert_rgb": true, "do_rescale": true,
 "rescale_factor": 0.00392156862745098, "do_normalize": true,
 "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}
END
mkdir -p "$work/cards/models" "$work/cards/suites"
cat >"$work/cards/models/random-7b.yaml" <<'END'
name: random-7b
title: LLaVA-1.5-7B's shape, random weights
family: llava
trained_on: nothing, the weights are random
dtype: bfloat16
prompts: radz
template: vicuna_v1
END
cat >"$work/cards/suites/size.yaml" <<'END'
name: size
title: For timing
datasets: [phantom]
models: [random-7b]
scorers: [vqa-logit, radz-anchored]
prompts: radz
anchors: chest
replicates: 0
END
RADZ_MODEL_RANDOM7B=$work/7b "$build/radz-bench" run --suite size --limit 1 --no-plots --manifests "$work/cards" \
  --cache "$work/cache" --results "$work/results"

# A token costs two operations for each of the decoder's 6.476e9 weights, the picture 0.33e12 in the tower.
export RADZ_TORCH_PLUGIN="$build/libradz_torch.so"
rate=$("$build/bench/perf/perf_matrix_rate" bf16 "${3:-2}")
asked=$("$build/bench/perf/perf_mllm_prefix" "$work/7b" bf16 "${3:-2}" 14 shared)
number() { echo "$2" | sed "s/.*\"$1\": \([0-9.e+]*\).*/\1/"; }
echo "matrix product: $rate"
echo "14 questions:   $asked"
awk -v tokens="$(number tokens "$asked")" -v cpu="$(number cpu_s "$asked")" -v rate="$(number gflop_per_cpu_s "$rate")" 'BEGIN {
  printf "of the bf16 matrix rate (by processor time): %.0f %%\n", 100 * (tokens * 12.952 + 330) / cpu / rate }'
