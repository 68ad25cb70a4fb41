#include "config/decoder_config.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "config/config_json.h"

const char *decoder_family_name(decoder_family family)
{
    return family == DECODER_MISTRAL ? "mistral" : "llama";
}

/* LlamaConfig's and MistralConfig's own. */
static decoder_config defaults_of(decoder_family family)
{
    decoder_config c = {.family = family, .hidden = 4096, .mlp = 11008, .layers = 32, .heads = 32, .vocabulary = 32000,
                        .context = 2048, .norm_eps = 1e-6, .bos_token = 1, .eos_tokens = {2}, .eos_count = 1,
                        .rope = {.theta = 10000, .factor = 1}};
    if (family == DECODER_MISTRAL) {
        c.mlp = 14336;
        c.kv_heads = 8;
        c.context = 131072;
        c.window = 4096;
    }
    return c;
}

/* Where the keys of the rotary embedding stand: rope_parameters since transformers 5, before that rope_scaling with
 * rope_theta beside it. */
static radz_status read_rope(const radz_json_doc *doc, const char *where, const radz_json *object, int64_t context,
                             rope_config *out, radz_error *err)
{
    radz_status status = config_double(doc, where, object, "rope_theta", &out->theta, err);
    const char *key = config_member(object, "rope_parameters") != NULL ? "rope_parameters" : "rope_scaling";
    const radz_json *rope = config_member(object, key);
    const char *kind = "default", *file = radz_json_doc_name(doc);
    if (status)
        return status;
    if (rope != NULL && radz_json_kind_of(rope) != RADZ_JSON_OBJECT)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': key '%s%s': wanted an object", file, where, key);
    char at[96];
    snprintf(at, sizeof at, "%s%s.", where, key);
    out->original_context = context;
    if (rope != NULL) {
        if ((status = config_double(doc, at, rope, "rope_theta", &out->theta, err)) != RADZ_OK ||
            (status = config_string(doc, at, rope, "type", &kind, err)) != RADZ_OK ||
            (status = config_string(doc, at, rope, "rope_type", &kind, err)) != RADZ_OK)
            return status;
    }
    if (!(out->theta > 0))
        return radz_fail(err, RADZ_E_VALUE, "'%s': rope_theta is %g, wanted a positive number", file, out->theta);
    if (strcmp(kind, "default") == 0)
        return RADZ_OK;
    /* Dynamic scaling changes nothing up to max_position_embeddings, and longer prompts are refused. */
    if (strcmp(kind, "dynamic") == 0)
        return RADZ_OK;

    bool has_factor = config_member(rope, "factor") != NULL;
    if ((status = config_double(doc, at, rope, "factor", &out->factor, err)) != RADZ_OK ||
        (status = config_i64(doc, at, rope, "original_max_position_embeddings", 1, 1 << 30, &out->original_context, err)) !=
            RADZ_OK)
        return status;
    if (!has_factor || !(out->factor > 0))
        return radz_fail(err, RADZ_E_VALUE, "'%s': key '%sfactor': wanted a positive number", file, at);
    if (strcmp(kind, "linear") == 0) {
        out->scaling = ROPE_LINEAR;
    } else if (strcmp(kind, "llama3") == 0) {
        out->scaling = ROPE_LLAMA3;
        out->low_frequency = 1;
        out->high_frequency = 4;
        if ((status = config_double(doc, at, rope, "low_freq_factor", &out->low_frequency, err)) != RADZ_OK ||
            (status = config_double(doc, at, rope, "high_freq_factor", &out->high_frequency, err)) != RADZ_OK)
            return status;
        if (!(out->low_frequency > 0) || !(out->high_frequency > out->low_frequency))
            return radz_fail(err, RADZ_E_VALUE,
                             "'%s': key '%shigh_freq_factor': %g, wanted more than low_freq_factor, %g, and both positive", file,
                             at, out->high_frequency, out->low_frequency);
    } else if (strcmp(kind, "yarn") == 0) {
        double mscale = 0, mscale_all = 0;
        out->scaling = ROPE_YARN;
        out->beta_fast = 32;
        out->beta_slow = 1;
        out->truncate = true;
        if ((status = config_double(doc, at, rope, "beta_fast", &out->beta_fast, err)) != RADZ_OK ||
            (status = config_double(doc, at, rope, "beta_slow", &out->beta_slow, err)) != RADZ_OK ||
            (status = config_double(doc, at, rope, "attention_factor", &out->attention, err)) != RADZ_OK ||
            (status = config_double(doc, at, rope, "mscale", &mscale, err)) != RADZ_OK ||
            (status = config_double(doc, at, rope, "mscale_all_dim", &mscale_all, err)) != RADZ_OK ||
            (status = config_bool(doc, at, rope, "truncate", &out->truncate, err)) != RADZ_OK)
            return status;
        if (!(out->beta_fast > 0) || !(out->beta_slow > 0) || !(out->theta > 1))
            return radz_fail(err, RADZ_E_VALUE, "'%s': '%s': beta_fast and beta_slow must be positive, rope_theta above 1", file,
                             at);
        double grown = out->factor > 1 ? log(out->factor) : 0;
        if (config_member(rope, "attention_factor") == NULL)
            out->attention = mscale != 0 && mscale_all != 0 ? (0.1 * mscale * grown + 1) / (0.1 * mscale_all * grown + 1)
                                                            : 0.1 * grown + 1;
    } else {
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "'%s': key '%srope_type': '%.60s' is not known; known: default, linear, dynamic, yarn, llama3", file,
                         at, kind);
    }
    return RADZ_OK;
}

static radz_status read_eos(const radz_json_doc *doc, const char *where, const radz_json *object, decoder_config *out,
                            radz_error *err)
{
    const radz_json *value = config_member(object, "eos_token_id");
    if (value == NULL || radz_json_kind_of(value) != RADZ_JSON_ARRAY)
        return config_i64(doc, where, object, "eos_token_id", 0, INT32_MAX, &out->eos_tokens[0], err);
    size_t count = radz_json_size(value);
    if (count < 1 || count > DECODER_EOS_MAX)
        return radz_fail(err, RADZ_E_VALUE, "'%s': key '%seos_token_id': %zu ids, wanted 1 to %d", radz_json_doc_name(doc),
                         where, count, DECODER_EOS_MAX);
    for (size_t i = 0; i < count; i++) {
        int64_t id;
        if (!radz_json_as_i64(radz_json_at(value, i), &id) || id < 0 || id > INT32_MAX)
            return radz_fail(err, RADZ_E_FORMAT, "'%s': key '%seos_token_id': wanted token ids", radz_json_doc_name(doc), where);
        out->eos_tokens[i] = id;
    }
    out->eos_count = count;
    return RADZ_OK;
}

static radz_status check(const decoder_config *c, const char *file, radz_error *err)
{
    if (c->heads % c->kv_heads != 0)
        return radz_fail(err, RADZ_E_VALUE,
                         "'%s': num_attention_heads, %" PRId64 ", must be a multiple of num_key_value_heads, %" PRId64, file,
                         c->heads, c->kv_heads);
    if (c->head_dim % 2 != 0)
        return radz_fail(err, RADZ_E_VALUE, "'%s': the width of a head, %" PRId64 ", must be even for rotary embeddings", file,
                         c->head_dim);
    if (!(c->norm_eps > 0))
        return radz_fail(err, RADZ_E_VALUE, "'%s': rms_norm_eps is %g, wanted a positive number", file, c->norm_eps);
    for (size_t i = 0; i < c->eos_count; i++)
        if (c->eos_tokens[i] >= c->vocabulary)
            return radz_fail(err, RADZ_E_VALUE, "'%s': eos_token_id %" PRId64 " is not below vocab_size %" PRId64, file,
                             c->eos_tokens[i], c->vocabulary);
    return RADZ_OK;
}

radz_status decoder_config_read(const radz_json_doc *doc, const char *where, const radz_json *object,
                                decoder_family family, decoder_config *out, radz_error *err)
{
    *out = defaults_of(family);
    const char *file = radz_json_doc_name(doc);
    const char *act = "silu";
    radz_status status;
    if ((status = config_i64(doc, where, object, "hidden_size", 1, 1 << 20, &out->hidden, err)) != RADZ_OK ||
        (status = config_i64(doc, where, object, "intermediate_size", 1, 1 << 22, &out->mlp, err)) != RADZ_OK ||
        (status = config_i64(doc, where, object, "num_hidden_layers", 1, 1000, &out->layers, err)) != RADZ_OK ||
        (status = config_i64(doc, where, object, "num_attention_heads", 1, 4096, &out->heads, err)) != RADZ_OK ||
        (status = config_i64(doc, where, object, "num_key_value_heads", 1, 4096, &out->kv_heads, err)) != RADZ_OK ||
        (status = config_i64(doc, where, object, "head_dim", 1, 1 << 16, &out->head_dim, err)) != RADZ_OK ||
        (status = config_i64(doc, where, object, "vocab_size", 1, 1 << 24, &out->vocabulary, err)) != RADZ_OK ||
        (status = config_i64(doc, where, object, "max_position_embeddings", 1, 1 << 30, &out->context, err)) != RADZ_OK ||
        (status = config_i64(doc, where, object, "bos_token_id", 0, INT32_MAX, &out->bos_token, err)) != RADZ_OK ||
        (status = config_double(doc, where, object, "rms_norm_eps", &out->norm_eps, err)) != RADZ_OK ||
        (status = config_bool(doc, where, object, "tie_word_embeddings", &out->tied, err)) != RADZ_OK ||
        (status = config_bool(doc, where, object, "attention_bias", &out->attention_bias, err)) != RADZ_OK ||
        (status = config_bool(doc, where, object, "mlp_bias", &out->mlp_bias, err)) != RADZ_OK ||
        (status = config_string(doc, where, object, "hidden_act", &act, err)) != RADZ_OK ||
        (status = read_eos(doc, where, object, out, err)) != RADZ_OK)
        return status;
    if (strcmp(act, "silu") != 0 && strcmp(act, "swish") != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key '%shidden_act': '%.60s', wanted 'silu'", file, where, act);
    if (family == DECODER_MISTRAL) {
        const radz_json *window = radz_json_find(object, "sliding_window");
        if (window != NULL && radz_json_kind_of(window) == RADZ_JSON_NULL)
            out->window = 0;
        else if ((status = config_i64(doc, where, object, "sliding_window", 1, 1 << 30, &out->window, err)) != RADZ_OK)
            return status;
    }
    if (out->kv_heads == 0)
        out->kv_heads = out->heads;
    if (out->head_dim == 0) {
        if (out->hidden % out->heads != 0)
            return radz_fail(err, RADZ_E_VALUE,
                             "'%s': hidden_size, %" PRId64 ", must be a multiple of num_attention_heads, %" PRId64, file,
                             out->hidden, out->heads);
        out->head_dim = out->hidden / out->heads;
    }
    if ((status = read_rope(doc, where, object, out->context, &out->rope, err)) != RADZ_OK)
        return status;
    return check(out, file, err);
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

radz_status decoder_config_put(radz_json_writer *w, const decoder_config *c, radz_error *err)
{
    if (c->rope.scaling != ROPE_PLAIN)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "a configuration with scaled rotary frequencies cannot be written");
    radz_json_put_string(w, "model_type", decoder_family_name(c->family));
    radz_json_put_i64(w, "hidden_size", c->hidden);
    radz_json_put_i64(w, "intermediate_size", c->mlp);
    radz_json_put_i64(w, "num_hidden_layers", c->layers);
    radz_json_put_i64(w, "num_attention_heads", c->heads);
    radz_json_put_i64(w, "num_key_value_heads", c->kv_heads);
    radz_json_put_i64(w, "head_dim", c->head_dim);
    radz_json_put_i64(w, "vocab_size", c->vocabulary);
    radz_json_put_i64(w, "max_position_embeddings", c->context);
    radz_json_put_string(w, "hidden_act", "silu");
    radz_json_put_real(w, "rms_norm_eps", c->norm_eps);
    radz_json_put_real(w, "rope_theta", c->rope.theta);
    radz_json_put_bool(w, "tie_word_embeddings", c->tied);
    radz_json_put_bool(w, "attention_bias", c->attention_bias);
    radz_json_put_bool(w, "mlp_bias", c->mlp_bias);
    if (c->family == DECODER_MISTRAL) {
        if (c->window > 0)
            radz_json_put_i64(w, "sliding_window", c->window);
        else
            radz_json_put_string(w, "sliding_window", NULL);
    }
    if (c->bos_token >= 0)
        radz_json_put_i64(w, "bos_token_id", c->bos_token);
    if (c->eos_count == 1) {
        radz_json_put_i64(w, "eos_token_id", c->eos_tokens[0]);
    } else if (c->eos_count > 1) {
        radz_json_array_begin_inline(w, "eos_token_id");
        for (size_t i = 0; i < c->eos_count; i++)
            radz_json_put_i64(w, NULL, c->eos_tokens[i]);
        radz_json_array_end(w);
    }
    return RADZ_OK;
}
