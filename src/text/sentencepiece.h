/* SentencePiece's model file, `tokenizer.model`: a protocol buffer with the pieces, their scores and how they were trained
 * (fields as in sentencepiece_model.proto of google/sentencepiece). For src/text/tokenizer*.c only. */
#ifndef RADZ_TEXT_SENTENCEPIECE_H
#define RADZ_TEXT_SENTENCEPIECE_H

#include <stdint.h>

#include "base/mem.h"
#include "base/status.h"

typedef enum sp_kind { SP_NORMAL = 1, SP_UNKNOWN, SP_CONTROL, SP_USER_DEFINED, SP_UNUSED, SP_BYTE } sp_kind;

typedef struct sp_piece {
    const char *text; /* ends with a NUL that is not counted */
    size_t length;
    float score;
    sp_kind kind;
} sp_piece;

typedef struct sp_file {
    sp_piece *pieces; /* [count], in the order of their ids; free it, the texts are in the arena */
    size_t count;
    int32_t unknown;   /* id of the one piece of kind SP_UNKNOWN */
    bool byte_fallback;
    bool dummy_prefix; /* a blank is put before each text */
} sp_file;

/* Reads the `size` bytes of a file called `name`. Only what Llama's kind needs is accepted: BPE, text as it is (no
 * normalisation table, blanks kept). RADZ_E_FORMAT: not such a file, or one that contradicts itself; RADZ_E_UNSUPPORTED
 * names what is asked for. */
radz_status sp_read(const char *name, const void *data, size_t size, radz_arena *arena, sp_file *out,
                    radz_error *err) RADZ_MUST_USE;

#endif
