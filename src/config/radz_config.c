#include "config/radz_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "config/config_json.h"

static const char *const poolings[] = {"special", "last", "mean"};
enum { POOLING_COUNT = sizeof poolings / sizeof *poolings, FORMAT_VERSION = 1 };

const char *radz_pooling_name(radz_pooling pooling)
{
    return poolings[pooling];
}

radz_status radz_pooling_parse(const char *name, radz_pooling *out, radz_error *err)
{
    for (size_t i = 0; i < POOLING_COUNT; i++) {
        if (strcmp(poolings[i], name) == 0) {
            *out = (radz_pooling)i;
            return RADZ_OK;
        }
    }
    return radz_fail_unknown_in(err, "pooling", name, poolings, POOLING_COUNT);
}

radz_config radz_config_default(void)
{
    return (radz_config){.layer = -2, .pooling = RADZ_POOL_LAST, .tau = 0.05, .image_prompt = "<image>",
                         .text_prompt = "{text}"};
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

typedef struct reader {
    const radz_json_doc *doc;
    const char *where; /* "head." */
    const char *const *known;
    size_t known_count;
    radz_status status;
    radz_error *err;
} reader;

static bool visit_key(void *context, const char *key, const radz_json *value)
{
    (void)value;
    reader *r = context;
    for (size_t i = 0; i < r->known_count; i++)
        if (strcmp(r->known[i], key) == 0)
            return true;
    radz_error unknown = {0};
    radz_status ignored = radz_fail_unknown_in(&unknown, "key", key, r->known, r->known_count);
    (void)ignored;
    r->status = radz_fail(r->err, RADZ_E_VALUE, "'%s': %s%s%s", radz_json_doc_name(r->doc), *r->where != '\0' ? r->where : "",
                          *r->where != '\0' ? " " : "", unknown.message);
    return false;
}

static radz_status known_keys(const radz_json_doc *doc, const char *where, const radz_json *object, const char *const *known,
                              size_t count, radz_error *err)
{
    if (radz_json_kind_of(object) != RADZ_JSON_OBJECT)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': %s: wanted an object", radz_json_doc_name(doc), where);
    reader r = {.doc = doc, .where = where, .known = known, .known_count = count, .err = err};
    radz_json_each(object, visit_key, &r);
    return r.status;
}

static radz_status read_text(const radz_json_doc *doc, const radz_json *root, const char *key, char *out, size_t size,
                             radz_error *err)
{
    const char *text = NULL;
    radz_status status = config_string(doc, "", root, key, &text, err);
    if (status != RADZ_OK || text == NULL)
        return status;
    if (radz_json_string_length(radz_json_find(root, key)) >= size || strlen(text) >= size)
        return radz_fail(err, RADZ_E_VALUE, "'%s': key '%s': longer than %zu bytes", radz_json_doc_name(doc), key, size - 1);
    memcpy(out, text, strlen(text) + 1);
    return RADZ_OK;
}

static radz_status read_tokens(const radz_json_doc *doc, const radz_json *root, const char *key, radz_special_token *out,
                               size_t *count, radz_error *err)
{
    static const char *const keys[] = {"text", "id"};
    const char *file = radz_json_doc_name(doc);
    const radz_json *list = config_member(root, key);
    if (list == NULL)
        return RADZ_OK;
    if (radz_json_kind_of(list) != RADZ_JSON_ARRAY || radz_json_size(list) > RADZ_SPECIAL_MAX)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': key '%s': wanted an array of at most %d tokens", file, key, RADZ_SPECIAL_MAX);
    for (size_t i = 0; i < radz_json_size(list); i++) {
        const radz_json *item = radz_json_at(list, i);
        char where[48];
        snprintf(where, sizeof where, "%s[%zu]", key, i);
        const char *text;
        radz_status status;
        if ((status = known_keys(doc, where, item, keys, 2, err)) != RADZ_OK ||
            (status = radz_json_need_string(doc, item, "text", &text, err)) != RADZ_OK ||
            (status = radz_json_need_i64(doc, item, "id", 0, INT32_MAX, &out[i].id, err)) != RADZ_OK)
            return status;
        if (*text == '\0' || strlen(text) >= RADZ_SPECIAL_TEXT_SIZE)
            return radz_fail(err, RADZ_E_VALUE, "'%s': %s: key 'text': wanted 1 to %d bytes", file, where,
                             RADZ_SPECIAL_TEXT_SIZE - 1);
        memcpy(out[i].text, text, strlen(text) + 1);
    }
    *count = radz_json_size(list);
    return RADZ_OK;
}

static radz_status read_pooling(const char *file, const char *name, radz_pooling *out, radz_error *err)
{
    radz_error unknown = {0};
    if (radz_pooling_parse(name, out, &unknown) == RADZ_OK)
        return RADZ_OK;
    return radz_fail(err, RADZ_E_VALUE, "'%s': key 'pooling': %s", file, unknown.message);
}

static radz_status check_tokens(const radz_config *c, const char *file, radz_error *err)
{
    const radz_special_token *all[2 * RADZ_SPECIAL_MAX];
    size_t count = 0;
    for (size_t i = 0; i < c->image_token_count; i++)
        all[count++] = &c->image_tokens[i];
    for (size_t i = 0; i < c->text_token_count; i++)
        all[count++] = &c->text_tokens[i];
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (all[i]->id == all[k]->id || strcmp(all[i]->text, all[k]->text) == 0)
                return radz_fail(err, RADZ_E_VALUE, "'%s': tokens '%s' (id %" PRId64 ") and '%s' (id %" PRId64
                                 ") must differ in text and id", file, all[k]->text, all[k]->id, all[i]->text, all[i]->id);
    return RADZ_OK;
}

radz_status radz_config_parse(const radz_json_doc *doc, radz_config *out, radz_error *err)
{
    static const char *const keys[] = {"format", "version", "image_tokens", "text_tokens", "layer", "pooling", "head",
                                       "tau", "image_prompt", "text_prompt", "lora", "description"};
    static const char *const head_keys[] = {"hidden", "dim"};
    static const char *const lora_keys[] = {"rank", "alpha"};
    *out = radz_config_default();
    out->pooling = RADZ_POOL_SPECIAL;
    const radz_json *root = radz_json_root(doc);
    const char *file = radz_json_doc_name(doc), *format, *pooling = NULL;
    int64_t version;
    radz_status status;
    snprintf(out->text_prompt, sizeof out->text_prompt, "%s", RADZ_TEXT_PROMPT);
    if ((status = known_keys(doc, "", root, keys, sizeof keys / sizeof *keys, err)) != RADZ_OK ||
        (status = radz_json_need_string(doc, root, "format", &format, err)) != RADZ_OK ||
        (status = radz_json_need_i64(doc, root, "version", 1, INT32_MAX, &version, err)) != RADZ_OK)
        return status;
    if (strcmp(format, "radz") != 0)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': key 'format': '%.40s', wanted 'radz'", file, format);
    if (version != FORMAT_VERSION)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key 'version': %" PRId64 ", this program reads %d", file, version,
                         FORMAT_VERSION);
    if ((status = read_tokens(doc, root, "image_tokens", out->image_tokens, &out->image_token_count, err)) != RADZ_OK ||
        (status = read_tokens(doc, root, "text_tokens", out->text_tokens, &out->text_token_count, err)) != RADZ_OK ||
        (status = config_i64(doc, "", root, "layer", -1001, 1000, &out->layer, err)) != RADZ_OK ||
        (status = config_string(doc, "", root, "pooling", &pooling, err)) != RADZ_OK ||
        (pooling != NULL && (status = read_pooling(file, pooling, &out->pooling, err)) != RADZ_OK) ||
        (status = config_double(doc, "", root, "tau", &out->tau, err)) != RADZ_OK ||
        (status = read_text(doc, root, "image_prompt", out->image_prompt, sizeof out->image_prompt, err)) != RADZ_OK ||
        (status = read_text(doc, root, "text_prompt", out->text_prompt, sizeof out->text_prompt, err)) != RADZ_OK)
        return status;
    const radz_json *head = config_member(root, "head"), *lora = config_member(root, "lora");
    if (head != NULL &&
        ((status = known_keys(doc, "head", head, head_keys, 2, err)) != RADZ_OK ||
         (status = radz_json_need_i64(doc, head, "hidden", 1, 1 << 20, &out->head_hidden, err)) != RADZ_OK ||
         (status = radz_json_need_i64(doc, head, "dim", 1, 1 << 20, &out->head_dim, err)) != RADZ_OK))
        return status;
    if (lora != NULL &&
        ((status = known_keys(doc, "lora", lora, lora_keys, 2, err)) != RADZ_OK ||
         (status = radz_json_need_i64(doc, lora, "rank", 1, 1 << 16, &out->lora_rank, err)) != RADZ_OK ||
         (status = radz_json_need_double(doc, lora, "alpha", &out->lora_alpha, err)) != RADZ_OK))
        return status;
    if (lora != NULL && !(out->lora_alpha > 0))
        return radz_fail(err, RADZ_E_VALUE, "'%s': key 'lora.alpha': %g, wanted a positive number", file, out->lora_alpha);
    if (!(out->tau > 0))
        return radz_fail(err, RADZ_E_VALUE, "'%s': key 'tau': %g, wanted a positive number", file, out->tau);
    if (strstr(out->image_prompt, "<image>") == NULL)
        return radz_fail(err, RADZ_E_VALUE, "'%s': key 'image_prompt': '%.80s' has no <image>", file, out->image_prompt);
    if (strstr(out->text_prompt, "{text}") == NULL)
        return radz_fail(err, RADZ_E_VALUE, "'%s': key 'text_prompt': '%.80s' has no {text}", file, out->text_prompt);
    if (out->pooling == RADZ_POOL_SPECIAL && (out->image_token_count == 0 || out->text_token_count == 0))
        return radz_fail(err, RADZ_E_VALUE,
                         "'%s': pooling 'special' wants image_tokens and text_tokens, of which there are %zu and %zu", file,
                         out->image_token_count, out->text_token_count);
    return check_tokens(out, file, err);
}

radz_status radz_config_load(const char *path, radz_config *out, radz_error *err)
{
    *out = radz_config_default();
    radz_json_doc *doc;
    radz_status status = radz_json_load(path, &doc, err);
    if (status == RADZ_OK)
        status = radz_config_parse(doc, out, err);
    radz_json_free(doc);
    return status;
}

/* ---- prompts ------------------------------------------------------------------------------------------------------ */

static radz_status append_tokens(radz_strbuf *out, const radz_special_token *tokens, size_t count, radz_error *err)
{
    radz_status status = RADZ_OK;
    for (size_t i = 0; i < count && status == RADZ_OK; i++)
        status = radz_strbuf_puts(out, tokens[i].text, err);
    return status;
}

radz_status radz_config_spell_image(const radz_config *c, radz_strbuf *out, radz_error *err)
{
    out->length = 0;
    radz_status status = radz_strbuf_puts(out, c->image_prompt, err);
    return status == RADZ_OK ? append_tokens(out, c->image_tokens, c->image_token_count, err) : status;
}

radz_status radz_config_spell_text(const radz_config *c, const char *text, radz_strbuf *out, radz_error *err)
{
    const char *place = strstr(c->text_prompt, "{text}");
    out->length = 0;
    radz_status status = radz_strbuf_printf(out, err, "%.*s%s%s", (int)(place - c->text_prompt), c->text_prompt, text,
                                            place + strlen("{text}"));
    return status == RADZ_OK ? append_tokens(out, c->text_tokens, c->text_token_count, err) : status;
}

bool radz_config_is_global(const radz_config *c, bool image, int64_t id, bool last)
{
    if (c->pooling != RADZ_POOL_SPECIAL)
        return c->pooling == RADZ_POOL_MEAN || last;
    const radz_special_token *tokens = image ? c->image_tokens : c->text_tokens;
    size_t count = image ? c->image_token_count : c->text_token_count;
    for (size_t i = 0; i < count; i++)
        if (tokens[i].id == id)
            return true;
    return false;
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static void put_tokens(radz_json_writer *w, const char *key, const radz_special_token *tokens, size_t count)
{
    if (count == 0)
        return;
    radz_json_array_begin(w, key);
    for (size_t i = 0; i < count; i++) {
        radz_json_object_begin(w, NULL);
        radz_json_put_string(w, "text", tokens[i].text);
        radz_json_put_i64(w, "id", tokens[i].id);
        radz_json_object_end(w);
    }
    radz_json_array_end(w);
}

radz_status radz_config_save(const radz_config *c, const char *path, radz_error *err)
{
    radz_out out = {0};
    radz_status status = radz_out_open(path, &out, err);
    if (status != RADZ_OK)
        return status;
    radz_json_writer w;
    radz_json_writer_init(&w, out.stream);
    radz_json_object_begin(&w, NULL);
    radz_json_put_string(&w, "format", "radz");
    radz_json_put_i64(&w, "version", FORMAT_VERSION);
    put_tokens(&w, "image_tokens", c->image_tokens, c->image_token_count);
    put_tokens(&w, "text_tokens", c->text_tokens, c->text_token_count);
    radz_json_put_i64(&w, "layer", c->layer);
    radz_json_put_string(&w, "pooling", radz_pooling_name(c->pooling));
    if (c->head_dim > 0) {
        radz_json_object_begin(&w, "head");
        radz_json_put_i64(&w, "hidden", c->head_hidden);
        radz_json_put_i64(&w, "dim", c->head_dim);
        radz_json_object_end(&w);
    }
    radz_json_put_double(&w, "tau", c->tau);
    radz_json_put_string(&w, "image_prompt", c->image_prompt);
    radz_json_put_string(&w, "text_prompt", c->text_prompt);
    if (c->lora_rank > 0) {
        radz_json_object_begin(&w, "lora");
        radz_json_put_i64(&w, "rank", c->lora_rank);
        radz_json_put_double(&w, "alpha", c->lora_alpha);
        radz_json_object_end(&w);
    }
    radz_json_object_end(&w);
    fputc('\n', out.stream);
    status = radz_out_commit(&out, err);
    radz_out_abandon(&out);
    return status;
}
