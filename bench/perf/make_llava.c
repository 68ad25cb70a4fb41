/* Writes a LLaVA of random weights in Hugging Face's layout, bf16, in shards, to time with: the exact shape of LLaVA-1.5-7B
 * (about 14 GB), or a small one that sees pictures the same way (576 tokens each) and is quick to run.
 *
 *   perf_make_llava 7b|small OUT_DIR */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"

enum { TABLE = 1 << 20, MAX_TENSORS = 1024 };

typedef struct shape {
    const char *name;
    long long hidden, mlp, layers, heads, vocabulary;
    long long vision_width, vision_mlp, vision_layers, vision_heads;
    size_t shard; /* bytes, about */
} shape;

static const shape SHAPES[] = {{"7b", 4096, 11008, 32, 32, 32064, 1024, 4096, 24, 16, (size_t)5 << 30},
                               {"small", 512, 1376, 8, 8, 4096, 256, 1024, 6, 4, (size_t)16 << 20}};

typedef struct tensor {
    char name[112];
    long long rows, columns; /* columns 0: one dimension; -1: a patch embedding of 3x14x14 */
    size_t bytes;
    int shard;
} tensor;

static tensor list[MAX_TENSORS];
static size_t count;

static void add(const char *name, long long rows, long long columns)
{
    tensor *t = &list[count++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->rows = rows;
    t->columns = columns;
    t->bytes = 2 * (size_t)rows * (size_t)(columns < 0 ? 3 * 14 * 14 : columns == 0 ? 1 : columns);
}

static void add_linear(const char *prefix, const char *name, long long out, long long in, int bias)
{
    char full[112];
    snprintf(full, sizeof full, "%s%s.weight", prefix, name);
    add(full, out, in);
    snprintf(full, sizeof full, "%s%s.bias", prefix, name);
    if (bias)
        add(full, out, 0);
}

static void add_all(const shape *s)
{
    char at[64];
    add("language_model.model.embed_tokens.weight", s->vocabulary, s->hidden);
    for (long long i = 0; i < s->layers; i++) {
        snprintf(at, sizeof at, "language_model.model.layers.%lld.", i);
        add_linear(at, "input_layernorm", s->hidden, 0, 0);
        add_linear(at, "self_attn.q_proj", s->hidden, s->hidden, 0);
        add_linear(at, "self_attn.k_proj", s->hidden, s->hidden, 0);
        add_linear(at, "self_attn.v_proj", s->hidden, s->hidden, 0);
        add_linear(at, "self_attn.o_proj", s->hidden, s->hidden, 0);
        add_linear(at, "post_attention_layernorm", s->hidden, 0, 0);
        add_linear(at, "mlp.gate_proj", s->mlp, s->hidden, 0);
        add_linear(at, "mlp.up_proj", s->mlp, s->hidden, 0);
        add_linear(at, "mlp.down_proj", s->hidden, s->mlp, 0);
    }
    add("language_model.model.norm.weight", s->hidden, 0);
    add("language_model.lm_head.weight", s->vocabulary, s->hidden);
    const char *v = "vision_tower.vision_model.";
    add("vision_tower.vision_model.embeddings.class_embedding", s->vision_width, 0);
    add("vision_tower.vision_model.embeddings.patch_embedding.weight", s->vision_width, -1);
    add("vision_tower.vision_model.embeddings.position_embedding.weight", 577, s->vision_width);
    add_linear(v, "pre_layrnorm", s->vision_width, 0, 1);
    for (long long i = 0; i < s->vision_layers; i++) {
        snprintf(at, sizeof at, "%sencoder.layers.%lld.", v, i);
        add_linear(at, "layer_norm1", s->vision_width, 0, 1);
        add_linear(at, "self_attn.q_proj", s->vision_width, s->vision_width, 1);
        add_linear(at, "self_attn.k_proj", s->vision_width, s->vision_width, 1);
        add_linear(at, "self_attn.v_proj", s->vision_width, s->vision_width, 1);
        add_linear(at, "self_attn.out_proj", s->vision_width, s->vision_width, 1);
        add_linear(at, "layer_norm2", s->vision_width, 0, 1);
        add_linear(at, "mlp.fc1", s->vision_mlp, s->vision_width, 1);
        add_linear(at, "mlp.fc2", s->vision_width, s->vision_mlp, 1);
    }
    add_linear(v, "post_layernorm", s->vision_width, 0, 1);
    add_linear("multi_modal_projector.", "linear_1", s->hidden, s->vision_width, 1);
    add_linear("multi_modal_projector.", "linear_2", s->hidden, s->hidden, 1);
}

static uint16_t to_bf16(double x)
{
    float f = (float)x;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)((bits + 0x8000) >> 16);
}

/* A norm is all ones; everything else runs through a table of normal numbers of deviation 0.02, from another place each. */
static void write_tensor(FILE *out, const tensor *t, const uint16_t *table, radz_rng *rng)
{
    int is_norm = t->columns == 0 && strstr(t->name, "norm") != NULL && strstr(t->name, "weight") != NULL;
    uint16_t one = to_bf16(1);
    for (size_t left = t->bytes / 2; left > 0;) {
        size_t from = (size_t)(radz_rng_uniform(rng) * (TABLE / 2)), n = left < TABLE / 2 ? left : TABLE / 2;
        if (is_norm)
            for (size_t i = 0; i < n; i++)
                fwrite(&one, 2, 1, out);
        else
            fwrite(table + from, 2, n, out);
        left -= n;
    }
}

static radz_status write_shard(const char *path, int number, const uint16_t *table, radz_rng *rng, radz_error *err)
{
    radz_out out = {0};
    char *header = NULL;
    size_t size = 0, offset = 0;
    FILE *memory = open_memstream(&header, &size);
    radz_status st = memory != NULL ? radz_out_open(path, &out, err) : radz_fail(err, RADZ_E_NOMEM, "no memory");
    if (st)
        goto done;
    radz_json_writer w;
    radz_json_writer_init(&w, memory);
    radz_json_object_begin(&w, NULL);
    for (size_t i = 0; i < count; i++) {
        const tensor *t = &list[i];
        if (t->shard != number)
            continue;
        radz_json_object_begin(&w, t->name);
        radz_json_put_string(&w, "dtype", "BF16");
        radz_json_array_begin_inline(&w, "shape");
        radz_json_put_i64(&w, NULL, t->rows);
        if (t->columns > 0)
            radz_json_put_i64(&w, NULL, t->columns);
        for (int d = 0; t->columns < 0 && d < 3; d++)
            radz_json_put_i64(&w, NULL, d == 0 ? 3 : 14);
        radz_json_array_end(&w);
        radz_json_array_begin_inline(&w, "data_offsets");
        radz_json_put_i64(&w, NULL, (int64_t)offset);
        radz_json_put_i64(&w, NULL, (int64_t)(offset + t->bytes));
        radz_json_array_end(&w);
        radz_json_object_end(&w);
        offset += t->bytes;
    }
    radz_json_object_end(&w);
    fflush(memory);
    while ((8 + size) % 64 != 0) {
        fputc(' ', memory);
        fflush(memory);
    }
    for (int i = 0; i < 8; i++)
        fputc((int)(size >> (8 * i)) & 255, out.stream);
    fwrite(header, 1, size, out.stream);
    for (size_t i = 0; i < count; i++)
        if (list[i].shard == number)
            write_tensor(out.stream, &list[i], table, rng);
    st = radz_out_commit(&out, err);
done:
    radz_out_abandon(&out);
    if (memory != NULL)
        fclose(memory);
    free(header);
    return st;
}

static void write_config(FILE *f, const shape *s)
{
    fprintf(f, "{\n  \"architectures\": [\"LlavaForConditionalGeneration\"],\n  \"model_type\": \"llava\",\n"
               "  \"image_token_index\": %lld,\n  \"projector_hidden_act\": \"gelu\",\n  \"torch_dtype\": \"bfloat16\",\n"
               "  \"vision_feature_layer\": -2,\n  \"vision_feature_select_strategy\": \"default\",\n", s->vocabulary - 64);
    fprintf(f, "  \"text_config\": {\"model_type\": \"llama\", \"hidden_size\": %lld, \"intermediate_size\": %lld, "
               "\"num_hidden_layers\": %lld, \"num_attention_heads\": %lld, \"vocab_size\": %lld, "
               "\"max_position_embeddings\": 4096, \"rms_norm_eps\": 1e-05},\n", s->hidden, s->mlp, s->layers, s->heads, s->vocabulary);
    fprintf(f, "  \"vision_config\": {\"model_type\": \"clip_vision_model\", \"hidden_size\": %lld, \"intermediate_size\": %lld, "
               "\"num_hidden_layers\": %lld, \"num_attention_heads\": %lld, \"image_size\": 336, \"patch_size\": 14}\n}\n",
            s->vision_width, s->vision_mlp, s->vision_layers, s->vision_heads);
}

int main(int argc, char **argv)
{
    radz_error err = {0};
    const shape *s = NULL;
    for (size_t i = 0; argc == 3 && i < sizeof SHAPES / sizeof *SHAPES; i++)
        if (strcmp(SHAPES[i].name, argv[1]) == 0)
            s = &SHAPES[i];
    if (s == NULL) {
        fprintf(stderr, "usage: %s 7b|small OUT_DIR\n", argv[0]);
        return 2;
    }
    uint16_t *table = radz_calloc(TABLE, sizeof *table, &err);
    radz_rng rng;
    radz_rng_seed(&rng, 1, 0);
    for (size_t i = 0; table != NULL && i < TABLE; i++)
        table[i] = to_bf16(0.02 * radz_rng_normal(&rng));
    add_all(s);
    int shards = 1;
    size_t used = 0, total = 0;
    for (size_t i = 0; i < count; i++) {
        if (used > 0 && used + list[i].bytes > s->shard) {
            shards++;
            used = 0;
        }
        list[i].shard = shards;
        used += list[i].bytes;
        total += list[i].bytes;
    }
    char path[4096], name[64];
    radz_status st = table != NULL ? radz_mkdirs(argv[2], &err) : RADZ_E_NOMEM;
    for (int k = 1; st == RADZ_OK && k <= shards; k++) {
        snprintf(path, sizeof path, "%s/model-%05d-of-%05d.safetensors", argv[2], k, shards);
        st = write_shard(path, k, table, &rng, &err);
    }
    radz_out out = {0};
    snprintf(path, sizeof path, "%s/model.safetensors.index.json", argv[2]);
    if (st == RADZ_OK && (st = radz_out_open(path, &out, &err)) == RADZ_OK) {
        fprintf(out.stream, "{\"metadata\": {\"total_size\": %zu}, \"weight_map\": {\n", total);
        for (size_t i = 0; i < count; i++) {
            snprintf(name, sizeof name, "model-%05d-of-%05d.safetensors", list[i].shard, shards);
            fprintf(out.stream, "\"%s\": \"%s\"%s\n", list[i].name, name, i + 1 < count ? "," : "}}");
        }
        st = radz_out_commit(&out, &err);
    }
    snprintf(path, sizeof path, "%s/config.json", argv[2]);
    if (st == RADZ_OK && (st = radz_out_open(path, &out, &err)) == RADZ_OK) {
        write_config(out.stream, s);
        st = radz_out_commit(&out, &err);
    }
    radz_out_abandon(&out);
    free(table);
    if (st) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("%s: %.2f GB in %d shards\n", argv[2], (double)total / 1e9, shards);
    return 0;
}
