#include "text/sentencepiece.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PIECES = 1 << 20 };

/* ---- protocol buffers --------------------------------------------------------------------------------------------- */

enum { VARINT = 0, WORD64 = 1, BYTES = 2, WORD32 = 5 };

typedef struct message {
    const char *name;
    const unsigned char *start, *at, *end; /* start: of the whole file, for places */
} message;

typedef struct field {
    uint64_t number; /* of the field */
    unsigned wire;
    uint64_t value; /* VARINT, WORD32, WORD64 */
    message inside; /* BYTES */
} field;

static radz_status broken(const message *m, const char *what, radz_error *err)
{
    return radz_fail(err, RADZ_E_FORMAT, "'%s': byte %zu: %s: no SentencePiece model, or a truncated one", m->name,
                     (size_t)(m->at - m->start), what);
}

static radz_status get_varint(message *m, uint64_t *out, radz_error *err)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (m->at == m->end)
            return broken(m, "it ends inside a number", err);
        unsigned char byte = *m->at++;
        *out |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return RADZ_OK;
    }
    return broken(m, "a number of more than 64 bits", err);
}

/* The next field of a message that is not at its end. */
static radz_status next_field(message *m, field *out, radz_error *err)
{
    uint64_t key = 0, length = 0;
    radz_status st = get_varint(m, &key, err);
    if (st != RADZ_OK)
        return st;
    *out = (field){.number = key >> 3, .wire = (unsigned)(key & 7)};
    switch (out->wire) {
    case VARINT:
        return get_varint(m, &out->value, err);
    case WORD32:
    case WORD64:
        length = out->wire == WORD32 ? 4 : 8;
        if ((uint64_t)(m->end - m->at) < length)
            return broken(m, "it ends inside a number", err);
        for (uint64_t i = 0; i < length; i++)
            out->value |= (uint64_t)*m->at++ << (8 * i);
        return RADZ_OK;
    case BYTES:
        if ((st = get_varint(m, &length, err)) != RADZ_OK)
            return st;
        if ((uint64_t)(m->end - m->at) < length)
            return broken(m, "it ends inside a text or a part", err);
        out->inside = (message){m->name, m->start, m->at, m->at + length};
        m->at += length;
        return RADZ_OK;
    default:
        return broken(m, "a field of an unknown kind", err);
    }
}

static radz_status want_wire(const message *m, const field *f, unsigned wire, const char *what, radz_error *err)
{
    if (f->wire == wire)
        return RADZ_OK;
    return radz_fail(err, RADZ_E_FORMAT, "'%s': byte %zu: '%s' is stored as kind %u, wanted %u: no SentencePiece model", m->name,
                     (size_t)(m->at - m->start), what, f->wire, wire);
}

/* ---- its messages ------------------------------------------------------------------------------------------------- */

static radz_status read_piece(message m, radz_arena *arena, sp_piece *out, radz_error *err)
{
    enum { TEXT = 1, SCORE = 2, KIND = 3 };
    *out = (sp_piece){.kind = SP_NORMAL};
    while (m.at < m.end) {
        field f;
        radz_status st = next_field(&m, &f, err);
        if (st == RADZ_OK && f.number == TEXT && (st = want_wire(&m, &f, BYTES, "piece", err)) == RADZ_OK) {
            out->length = (size_t)(f.inside.end - f.inside.at);
            out->text = radz_arena_strndup(arena, (const char *)f.inside.at, out->length, err);
            st = out->text != NULL ? RADZ_OK : RADZ_E_NOMEM;
        } else if (st == RADZ_OK && f.number == SCORE && (st = want_wire(&m, &f, WORD32, "score", err)) == RADZ_OK) {
            uint32_t bits = (uint32_t)f.value;
            memcpy(&out->score, &bits, sizeof bits);
        } else if (st == RADZ_OK && f.number == KIND && (st = want_wire(&m, &f, VARINT, "type", err)) == RADZ_OK) {
            if (f.value < SP_NORMAL || f.value > SP_BYTE)
                return broken(&m, "a piece of an unknown type", err);
            out->kind = (sp_kind)f.value;
        }
        if (st != RADZ_OK)
            return st;
    }
    if (out->length == 0)
        return broken(&m, "a piece without a text", err);
    if (isnan(out->score))
        return broken(&m, "a score that is no number", err);
    return RADZ_OK;
}

static radz_status read_trainer(message m, sp_file *out, radz_error *err)
{
    enum { MODEL_TYPE = 3, BLANK_BEHIND = 24, BYTE_FALLBACK = 35 };
    static const char *const types[] = {"", "unigram", "bpe", "word", "char"};
    enum { BPE = 2, TYPES = sizeof types / sizeof *types };
    uint64_t type = 1;
    while (m.at < m.end) {
        field f;
        radz_status st = next_field(&m, &f, err);
        if (st == RADZ_OK && (f.number == MODEL_TYPE || f.number == BLANK_BEHIND || f.number == BYTE_FALLBACK))
            st = want_wire(&m, &f, VARINT, "trainer_spec", err);
        if (st != RADZ_OK)
            return st;
        if (f.number == MODEL_TYPE)
            type = f.value;
        if (f.number == BYTE_FALLBACK)
            out->byte_fallback = f.value != 0;
        if (f.number == BLANK_BEHIND && f.value != 0)
            return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': treat_whitespace_as_suffix is not built", m.name);
    }
    if (type != BPE)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': the SentencePiece model type '%s' is not built; built: bpe", m.name,
                         type < TYPES ? types[type] : "(unknown)");
    return RADZ_OK;
}

static radz_status read_normalizer(message m, sp_file *out, radz_error *err)
{
    enum { TABLE = 2, DUMMY_PREFIX = 3, FEWER_BLANKS = 4, ESCAPE_BLANKS = 5 };
    bool fewer_blanks = true, escape_blanks = true, table = false;
    while (m.at < m.end) {
        field f;
        radz_status st = next_field(&m, &f, err);
        if (st == RADZ_OK && f.number == TABLE)
            st = want_wire(&m, &f, BYTES, "normalizer_spec", err);
        else if (st == RADZ_OK && f.number >= DUMMY_PREFIX && f.number <= ESCAPE_BLANKS)
            st = want_wire(&m, &f, VARINT, "normalizer_spec", err);
        if (st != RADZ_OK)
            return st;
        if (f.number == TABLE)
            table = f.inside.at < f.inside.end;
        if (f.number == DUMMY_PREFIX)
            out->dummy_prefix = f.value != 0;
        if (f.number == FEWER_BLANKS)
            fewer_blanks = f.value != 0;
        if (f.number == ESCAPE_BLANKS)
            escape_blanks = f.value != 0;
    }
    if (table)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': a SentencePiece model that normalises its text by a table is not built; "
                         "built: identity", m.name);
    if (fewer_blanks || !escape_blanks)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': a SentencePiece model with %s is not built", m.name,
                         fewer_blanks ? "remove_extra_whitespaces" : "escape_whitespaces off");
    return RADZ_OK;
}

static radz_status check_kinds(const char *name, sp_file *file, radz_error *err)
{
    size_t bytes = 0, unknowns = 0;
    for (size_t i = 0; i < file->count; i++) {
        const sp_piece *p = &file->pieces[i];
        bytes += p->kind == SP_BYTE;
        if (p->kind == SP_UNKNOWN) {
            unknowns++;
            file->unknown = (int32_t)i;
        }
        if (p->kind == SP_UNUSED)
            return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': piece %zu, '%.60s', is of type 'unused', which is not built", name, i,
                             p->text);
    }
    if (unknowns != 1)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': %zu pieces of type 'unknown', wanted 1", name, unknowns);
    if (file->byte_fallback ? bytes != 256 : bytes != 0)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': %zu pieces for bytes, wanted %d", name, bytes, file->byte_fallback ? 256 : 0);
    return RADZ_OK;
}

radz_status sp_read(const char *name, const void *data, size_t size, radz_arena *arena, sp_file *out, radz_error *err)
{
    enum { PIECE = 1, TRAINER = 2, NORMALIZER = 3 };
    const unsigned char *bytes = data;
    message m = {name, bytes, bytes, bytes + size};
    size_t capacity = 0;
    bool trainer = false, normalizer = false;
    radz_status st = RADZ_OK;
    *out = (sp_file){.unknown = -1, .dummy_prefix = true};
    while (st == RADZ_OK && m.at < m.end) {
        field f;
        if ((st = next_field(&m, &f, err)) != RADZ_OK)
            break;
        if (f.number >= PIECE && f.number <= NORMALIZER)
            st = want_wire(&m, &f, BYTES, f.number == PIECE ? "pieces" : f.number == TRAINER ? "trainer_spec" : "normalizer_spec", err);
        if (st == RADZ_OK && f.number == PIECE) {
            if (out->count == MAX_PIECES)
                st = radz_fail(err, RADZ_E_FORMAT, "'%s': more than %d pieces", name, MAX_PIECES);
            else
                st = radz_grow(&out->pieces, &capacity, out->count + 1, sizeof *out->pieces, err);
            if (st == RADZ_OK)
                st = read_piece(f.inside, arena, &out->pieces[out->count++], err);
        } else if (st == RADZ_OK && f.number == TRAINER) {
            trainer = true;
            st = read_trainer(f.inside, out, err);
        } else if (st == RADZ_OK && f.number == NORMALIZER) {
            normalizer = true;
            st = read_normalizer(f.inside, out, err);
        }
    }
    if (st == RADZ_OK && (out->count == 0 || !trainer || !normalizer))
        st = radz_fail(err, RADZ_E_FORMAT, "'%s': no SentencePiece model: it holds no %s", name,
                       out->count == 0 ? "pieces" : !trainer ? "trainer_spec" : "normalizer_spec");
    if (st == RADZ_OK)
        st = check_kinds(name, out, err);
    if (st != RADZ_OK) {
        free(out->pieces);
        *out = (sp_file){0};
    }
    return st;
}
