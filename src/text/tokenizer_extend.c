#include "text/tokenizer_extend.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer.h"

typedef struct extension {
    radz_json_writer w;
    const char *const *tokens;
    const int32_t *ids;
    const bool *is_new;
    size_t count;
    bool listed; /* added_tokens has been met */
} extension;

static void put_new(extension *e)
{
    for (size_t i = 0; i < e->count; i++) {
        if (!e->is_new[i])
            continue;
        radz_json_object_begin(&e->w, NULL);
        radz_json_put_i64(&e->w, "id", e->ids[i]);
        radz_json_put_string(&e->w, "content", e->tokens[i]);
        static const char *const flags[] = {"single_word", "lstrip", "rstrip", "normalized"};
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
            radz_json_put_bool(&e->w, flags[k], false);
        radz_json_put_bool(&e->w, "special", true);
        radz_json_object_end(&e->w);
    }
}

static bool put_member(void *context, const char *key, const radz_json *value)
{
    extension *e = context;
    if (strcmp(key, "added_tokens") != 0 || radz_json_kind_of(value) != RADZ_JSON_ARRAY) {
        radz_json_put_value(&e->w, key, value);
        return true;
    }
    e->listed = true;
    radz_json_array_begin(&e->w, key);
    for (size_t i = 0; i < radz_json_size(value); i++)
        radz_json_put_value(&e->w, NULL, radz_json_at(value, i));
    put_new(e);
    radz_json_array_end(&e->w);
    return true;
}

static radz_status write_extended(const char *from, const char *to, extension *e, radz_error *err)
{
    radz_json_doc *doc = NULL;
    radz_out out = {0};
    char *source = radz_path_join(from, "tokenizer.json", err), *path = radz_path_join(to, "tokenizer.json", err);
    radz_status st = source == NULL || path == NULL ? RADZ_E_NOMEM : radz_json_load(source, &doc, err);
    if (st == RADZ_OK)
        st = radz_out_open(path, &out, err);
    if (st == RADZ_OK) {
        radz_json_writer_init(&e->w, out.stream);
        radz_json_object_begin(&e->w, NULL);
        radz_json_each(radz_json_root(doc), put_member, e);
        if (!e->listed) {
            radz_json_array_begin(&e->w, "added_tokens");
            put_new(e);
            radz_json_array_end(&e->w);
        }
        radz_json_object_end(&e->w);
        fputc('\n', out.stream);
        st = radz_out_commit(&out, err);
    }
    radz_out_abandon(&out);
    radz_json_free(doc);
    free(source);
    free(path);
    return st;
}

static radz_status copy_if_there(const char *from, const char *to, const char *name, radz_error *err)
{
    char *source = radz_path_join(from, name, err);
    radz_status st = source == NULL ? RADZ_E_NOMEM : RADZ_OK;
    if (st == RADZ_OK && radz_file_exists(source))
        st = radz_file_copy(from, to, name, (size_t)1 << 24, err);
    free(source);
    return st;
}

radz_status radz_tokenizer_extend(const char *from, const char *to, const char *const *tokens, size_t count, int32_t *ids,
                                  radz_error *err)
{
    radz_tokenizer *t = NULL;
    bool *is_new = radz_calloc(count + 1, sizeof *is_new, err);
    radz_status st = is_new == NULL ? RADZ_E_NOMEM : radz_tokenizer_load(from, &t, err);
    if (st == RADZ_OK) {
        int32_t next = (int32_t)radz_tokenizer_info_of(t)->vocab_size;
        for (size_t i = 0; i < count; i++) {
            ids[i] = radz_tokenizer_id_of(t, tokens[i]);
            is_new[i] = ids[i] < 0;
            if (is_new[i])
                ids[i] = next++;
        }
        extension e = {.tokens = tokens, .ids = ids, .is_new = is_new, .count = count};
        st = write_extended(from, to, &e, err);
    }
    if (st == RADZ_OK)
        st = copy_if_there(from, to, "tokenizer_config.json", err);
    if (st == RADZ_OK)
        st = copy_if_there(from, to, "special_tokens_map.json", err);
    radz_tokenizer_free(t);
    free(is_new);
    return st;
}
