/* The insides of a LLaVA model. For src/model/llava*.c only. */
#ifndef RADZ_MODEL_LLAVA_PARTS_H
#define RADZ_MODEL_LLAVA_PARTS_H

#include "model/clip_tower.h"
#include "model/llava.h"

enum { LLAVA_MAX_PROJECTOR = 8 };

/* Where the weights of each part come from, in the order in which they are listed for training. */
typedef enum llava_part {
    LLAVA_DECODER,
    LLAVA_PROJECTOR,
    LLAVA_TOWER,
    LLAVA_UPDATE, /* of the decoder, low-rank, to be trained */
    LLAVA_RADZ,   /* special tokens and head */
    LLAVA_PARTS
} llava_part;

struct llava {
    llava_config config;
    weights *files, *tower_files, *projector_files, *radz_files; /* any may be NULL */
    lora *adapter, *radz_lora;                                   /* merged into the decoder's weights */
    decoder *decoder;
    clip_vision vision;
    linear_weights projector[LLAVA_MAX_PROJECTOR];
    model_parameters parts[LLAVA_PARTS];
    const char *decoder_prefix, *tower_prefix, *projector_prefix; /* of the names in the files; static */
    radz_arena arena;
    TDevice device;
    uint64_t seed;

    bool has_radz;
    radz_config radz;
    Tensor *special[2]; /* of the image prompt, of the text prompt [K,hidden]; NULL: none */
    norm_weights head_norm;
    linear_weights head1, head2;
    Scope *scope;
};

#endif
