/* Post-processors (RobertaProcessing, BertProcessing, TemplateProcessing, ByteLevel, Sequence), all of which come down to
 * ids before and after the text. */
#include <string.h>

#include "text/tokenizer_parts.h"

static radz_status append_id(const tok_place *place, int32_t **ids, size_t *count, int32_t id, radz_error *err)
{
    int32_t *longer = radz_arena_alloc(place->arena, *count + 1, sizeof *longer, err);
    if (longer == NULL)
        return RADZ_E_NOMEM;
    if (*count > 0)
        memcpy(longer, *ids, *count * sizeof *longer);
    longer[(*count)++] = id;
    *ids = longer;
    return RADZ_OK;
}

static radz_status check_id(const tok_place *place, const tok_vocab *vocab, const char *token, const radz_json *value,
                            int32_t *out, radz_error *err)
{
    int64_t id;
    if (value == NULL || !radz_json_as_i64(value, &id) || id < 0 || id >= TOK_MAX_ID)
        return tok_fail(place, err, RADZ_E_FORMAT, "token '%.60s' wants an id from 0 to %d", token, TOK_MAX_ID - 1);
    int32_t known = tok_vocab_find(vocab, token, strlen(token));
    if (known != (int32_t)id)
        return tok_fail(place, err, RADZ_E_FORMAT, "token '%.60s' has id %ld here and %ld in the vocabulary", token,
                        (long)id, (long)known);
    *out = known;
    return RADZ_OK;
}

/* {"sep": ["</s>", 2], "cls": ["<s>", 0]}: cls text sep */
static radz_status load_pair(const tok_place *place, const radz_json *spec, const tok_vocab *vocab, tok_template *out,
                             radz_error *err)
{
    static const char *const keys[] = {"cls", "sep"};
    for (int i = 0; i < 2; i++) {
        const radz_json *pair = radz_json_find(spec, keys[i]);
        const char *token = NULL;
        if (pair != NULL && radz_json_kind_of(pair) == RADZ_JSON_ARRAY && radz_json_size(pair) == 2)
            token = radz_json_string(radz_json_at(pair, 0));
        if (token == NULL)
            return tok_fail(place, err, RADZ_E_FORMAT, "'%s' must be [TOKEN, ID]", keys[i]);
        int32_t id;
        radz_status st = check_id(place, vocab, token, radz_json_at(pair, 1), &id, err);
        if (st == RADZ_OK)
            st = i == 0 ? append_id(place, &out->before, &out->before_count, id, err)
                        : append_id(place, &out->after, &out->after_count, id, err);
        if (st != RADZ_OK)
            return st;
    }
    return RADZ_OK;
}

static radz_status load_template(const tok_place *place, const radz_json *spec, const tok_vocab *vocab,
                                 tok_template *out, radz_error *err)
{
    const radz_json *single = radz_json_find(spec, "single"), *tokens = radz_json_find(spec, "special_tokens");
    if (single == NULL || radz_json_kind_of(single) != RADZ_JSON_ARRAY)
        return tok_fail(place, err, RADZ_E_FORMAT, "a TemplateProcessing must have a list 'single'");
    bool seen = false; /* the text's own place */
    for (size_t i = 0; i < radz_json_size(single); i++) {
        const radz_json *item = radz_json_at(single, i), *special = radz_json_find(item, "SpecialToken");
        if (special == NULL && radz_json_find(item, "Sequence") != NULL && !seen) {
            seen = true;
            continue;
        }
        const char *name = special != NULL ? radz_json_string(radz_json_find(special, "id")) : NULL;
        const radz_json *entry = name != NULL && tokens != NULL ? radz_json_find(tokens, name) : NULL;
        const radz_json *ids = entry != NULL ? radz_json_find(entry, "ids") : NULL;
        const radz_json *texts = entry != NULL ? radz_json_find(entry, "tokens") : NULL;
        if (ids == NULL || texts == NULL || radz_json_kind_of(ids) != RADZ_JSON_ARRAY ||
            radz_json_kind_of(texts) != RADZ_JSON_ARRAY || radz_json_size(ids) != radz_json_size(texts))
            return tok_fail(place, err, RADZ_E_FORMAT,
                            "'single[%zu]' must be one Sequence or a SpecialToken listed in 'special_tokens'", i);
        for (size_t k = 0; k < radz_json_size(ids); k++) {
            const char *token = radz_json_string(radz_json_at(texts, k));
            int32_t id;
            if (token == NULL)
                return tok_fail(place, err, RADZ_E_FORMAT, "special token '%.60s': its tokens must be texts", name);
            radz_status st = check_id(place, vocab, token, radz_json_at(ids, k), &id, err);
            if (st == RADZ_OK)
                st = seen ? append_id(place, &out->after, &out->after_count, id, err)
                          : append_id(place, &out->before, &out->before_count, id, err);
            if (st != RADZ_OK)
                return st;
        }
    }
    return seen ? RADZ_OK : tok_fail(place, err, RADZ_E_FORMAT, "'single' has no Sequence: the text has no place");
}

static radz_status load_nothing(const tok_place *place, const radz_json *spec, const tok_vocab *vocab,
                                tok_template *out, radz_error *err)
{
    (void)place, (void)spec, (void)vocab, (void)out, (void)err; /* ByteLevel only moves offsets, which nobody asks for */
    return RADZ_OK;
}

/* Each part puts its ids around what the parts before it made. */
static radz_status load_sequence(const tok_place *place, const radz_json *spec, const tok_vocab *vocab,
                                 tok_template *out, radz_error *err)
{
    const radz_json *list = radz_json_find(spec, "processors");
    if (list == NULL || radz_json_kind_of(list) != RADZ_JSON_ARRAY)
        return tok_fail(place, err, RADZ_E_FORMAT, "a Sequence must have a list 'processors'");
    for (size_t i = 0; i < radz_json_size(list); i++) {
        tok_place inner = *place;
        tok_template part;
        inner.depth++;
        inner.path = radz_arena_printf(place->arena, err, "%s.processors[%zu]", place->path, i);
        if (inner.path == NULL)
            return RADZ_E_NOMEM;
        radz_status st = tok_template_load(&inner, radz_json_at(list, i), vocab, &part, err);
        for (size_t k = 0; k < out->before_count && st == RADZ_OK; k++)
            st = append_id(place, &part.before, &part.before_count, out->before[k], err);
        for (size_t k = 0; k < part.after_count && st == RADZ_OK; k++)
            st = append_id(place, &out->after, &out->after_count, part.after[k], err);
        if (st != RADZ_OK)
            return st;
        out->before = part.before;
        out->before_count = part.before_count;
    }
    return RADZ_OK;
}

static const struct {
    const char *name;
    radz_status (*load)(const tok_place *place, const radz_json *spec, const tok_vocab *vocab, tok_template *out,
                        radz_error *err);
} post_kinds[] = {
    {"RobertaProcessing", load_pair},    {"BertProcessing", load_pair},
    {"TemplateProcessing", load_template}, {"ByteLevel", load_nothing},
    {"Sequence", load_sequence},
};
enum { N_POST_KINDS = sizeof post_kinds / sizeof *post_kinds };

static const char *post_kind_name(const void *context, size_t i)
{
    (void)context;
    return i < N_POST_KINDS ? post_kinds[i].name : NULL;
}

radz_status tok_template_load(const tok_place *place, const radz_json *spec, const tok_vocab *vocab, tok_template *out,
                              radz_error *err)
{
    *out = (tok_template){0};
    if (spec == NULL || radz_json_kind_of(spec) == RADZ_JSON_NULL)
        return RADZ_OK;
    const char *type;
    radz_status st = tok_need_kind(place, spec, &type, err);
    if (st != RADZ_OK)
        return st;
    for (size_t i = 0; i < N_POST_KINDS; i++) {
        if (strcmp(post_kinds[i].name, type) == 0)
            return post_kinds[i].load(place, spec, vocab, out, err);
    }
    return tok_fail_kind(place, err, "post-processor", type, post_kind_name, NULL);
}
