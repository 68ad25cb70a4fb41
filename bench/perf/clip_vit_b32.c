/* Times embedding image files with a CLIP folder, from the files on disk to the rows in the cache: decode workers beside
 * the encoder, as a run does it. The weights are loaded before the clock starts. Prints one line of JSON and writes the
 * embeddings, [n,dim] floats in the order of the files, to ROWS. bench/perf/clip_vit_b32.py runs it against PyTorch.
 *
 *   perf_clip_vit_b32 MODEL_DIR THREADS BATCH REPEATS ROWS FILE... */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cache/cache.h"
#include "encoder/door.h"
#include "run/embed.h"

static radz_status once(radz_encoder *encoder, const char *folder, const radz_embed_input *input, radz_embed_output *out,
                        float *rows, radz_error *err)
{
    radz_cache *cache = NULL;
    radz_store *store = NULL;
    radz_status st = radz_cache_open(folder, &cache, err);
    if (st == RADZ_OK)
        st = radz_store_open(cache, "image", "a timing", radz_encoder_info(encoder)->dim, &store, err);
    if (st == RADZ_OK)
        st = radz_embed_images(encoder, store, NULL, input, out, err);
    if (st == RADZ_OK)
        st = radz_store_lookup(store, out->keys, input->n, rows, NULL, err);
    radz_status closed = radz_store_close(store, st == RADZ_OK ? err : NULL);
    radz_cache_free(cache);
    return st == RADZ_OK ? closed : st;
}

int main(int argc, char **argv)
{
    radz_error err = {0};
    if (argc < 7 || atoi(argv[2]) < 1 || atoi(argv[3]) < 1 || atoi(argv[4]) < 1) {
        fprintf(stderr, "usage: %s MODEL_DIR THREADS BATCH REPEATS ROWS FILE...\n", argv[0]);
        return 2;
    }
    radz_door_prepare(); /* as main() does */
    const char **files = (const char **)argv + 6;
    radz_embed_input input = {.paths = files, .names = files, .n = (size_t)argc - 6, .threads = atoi(argv[2])};
    radz_encoder_options options = {.threads = atoi(argv[2]), .batch = (size_t)atoi(argv[3])};
    radz_encoder *encoder = NULL;
    float *pixels = NULL, *rows = NULL;
    double best = 0, decode = 0, encode = 0;
    char folder[] = "/tmp/radz_perf_XXXXXX";
    radz_status st = mkdtemp(folder) != NULL ? RADZ_OK : radz_fail(&err, RADZ_E_IO, "no temporary folder");
    if (st == RADZ_OK)
        st = radz_encoder_open("clip", argv[1], &options, &encoder, &err);
    if (st == RADZ_OK) {
        const radz_encoder_facts *f = radz_encoder_info(encoder);
        pixels = radz_calloc(f->batch * f->pixels_per_image, sizeof *pixels, &err);
        rows = radz_calloc((input.n > f->batch ? input.n : f->batch) * f->dim, sizeof *rows, &err);
        st = pixels == NULL || rows == NULL ? RADZ_E_NOMEM : radz_encoder_images(encoder, pixels, f->batch, rows, &err);
    }
    for (int r = 0; st == RADZ_OK && r < atoi(argv[4]); r++) {
        char name[64];
        radz_embed_output out = {0};
        snprintf(name, sizeof name, "%s/%d", folder, r); /* an empty cache each time */
        st = once(encoder, name, &input, &out, rows, &err);
        if (st == RADZ_OK && (double)out.n / out.seconds > best) {
            best = (double)out.n / out.seconds;
            decode = out.decode_seconds;
            encode = out.encode_seconds;
        }
        radz_embed_output_free(&out);
    }
    if (st == RADZ_OK)
        st = radz_file_write(argv[5], rows, input.n * radz_encoder_info(encoder)->dim * sizeof *rows, &err);
    if (st == RADZ_OK)
        printf("{\"images_per_second\": %.3f, \"decode_seconds\": %.3f, \"encode_seconds\": %.3f, \"dim\": %zu, "
               "\"torch\": \"%s\", \"folder\": \"%s\"}\n", best, decode, encode, radz_encoder_info(encoder)->dim,
               radz_torch_version(), folder);
    else
        fprintf(stderr, "%s\n", err.message);
    radz_encoder_free(encoder);
    free(pixels);
    free(rows);
    return st == RADZ_OK ? 0 : 1;
}
