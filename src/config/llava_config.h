/* The configuration of a multimodal language model: LLaVA in Hugging Face's layout, LLaVA and LLaVA-Med v1.5 in their own,
 * or a decoder alone. Small files only; no libtorch. */
#ifndef RADZ_CONFIG_LLAVA_CONFIG_H
#define RADZ_CONFIG_LLAVA_CONFIG_H

#include "config/clip_config.h"
#include "config/decoder_config.h"

typedef enum llava_layout {
    LLAVA_TEXT_ONLY, /* LlamaForCausalLM, MistralForCausalLM */
    LLAVA_HF,        /* LlavaForConditionalGeneration: text_config, vision_config, image_token_index */
    LLAVA_ORIGINAL   /* LlavaLlamaForCausalLM, LlavaMistralForCausalLM: mm_vision_tower, mm_projector_type */
} llava_layout;

enum { LLAVA_PATH_SIZE = 1024 };

typedef struct llava_config {
    llava_layout layout;
    decoder_config decoder;
    clip_vision_config vision;           /* zero for LLAVA_TEXT_ONLY, like what follows */
    int64_t image_tokens;                /* positions that one picture takes in a prompt */
    int64_t image_token;                 /* the id that stands for a picture; -200 in the original layout */
    int64_t feature_layer;               /* index into the tower's hidden states: 0 the embeddings ... layers, from 0 */
    bool keep_class;                     /* the class token's feature stays (not in any published LLaVA) */
    int projector_layers;                /* 1: one linear layer; 2: linear, activation, linear; ... */
    clip_activation projector_activation;
    bool projector_bias;
    bool pad_square;                     /* pictures are padded to a square before resizing (original layout only) */
    char tower_dir[LLAVA_PATH_SIZE];     /* original layout: where the vision tower lies; "" otherwise */
} llava_config;

/* Reads DIR/config.json (where that describes a decoder alone and ADAPTER_DIR has a config.json, that one: LLaVA's LoRA
 * models lie beside their language model; `adapter_dir` may be NULL), and for the original layout the config.json of the vision tower, which is looked for as
 * `tower_dir` (may be NULL) when given, else where mm_vision_tower points, as DIR/vision_tower, and under the last part of
 * mm_vision_tower's name in DIR and beside it. RADZ_E_MISSING lists the places. */
radz_status llava_config_load(const char *dir, const char *adapter_dir, const char *tower_dir, llava_config *out,
                              radz_error *err) RADZ_MUST_USE;
/* The same of a config.json that is already read; `dir` is where its vision tower is looked for. */
radz_status llava_config_parse(const radz_json_doc *doc, const char *dir, const char *tower_dir, llava_config *out,
                               radz_error *err) RADZ_MUST_USE;
const char *llava_layout_name(llava_layout layout); /* "decoder", "llava-hf", "llava" */

#endif
