/* Times reading image files and preparing them for an image tower. Prints one line of JSON; bench/perf/image_decode.py
 * does the same with Pillow and numpy.
 *
 *   perf_image_decode PRESET THREADS REPEATS FILE...
 *
 * PRESET is a recipe's name or, with a '=' in it, its text: "decode jpeg=draft2; rgb; ...". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/workers.h"
#include "image/preprocess.h"

enum { MAX_THREADS = 64 };

typedef struct job {
    char **files;
    size_t count, floats;      /* files; samples per result */
    radz_picture_options options;
    float *results;            /* [count, floats] */
    radz_picture pictures[MAX_THREADS];
    radz_preprocessor *preprocessors[MAX_THREADS];
} job;

static radz_status one(void *context, size_t i, int worker, radz_error *err)
{
    job *j = context;
    const size_t file = i % j->count;
    radz_status st = radz_picture_read(j->files[file], &j->options, &j->pictures[worker], err);
    return st != RADZ_OK
               ? st
               : radz_preprocess(j->preprocessors[worker], &j->pictures[worker], j->results + file * j->floats, err);
}

int main(int argc, char **argv)
{
    static job j;
    radz_error err = {0};
    if (argc < 5 || atoi(argv[2]) < 1 || atoi(argv[2]) > MAX_THREADS || atoi(argv[3]) < 1) {
        fprintf(stderr, "usage: %s PRESET THREADS REPEATS FILE...\n", argv[0]);
        return 2;
    }
    const int threads = atoi(argv[2]), repeats = atoi(argv[3]);
    j.files = argv + 4;
    j.count = (size_t)argc - 4;
    radz_recipe *recipe = NULL;
    radz_status st = strchr(argv[1], '=') != NULL ? radz_recipe_parse("recipe", argv[1], &recipe, &err)
                                                  : radz_recipe_preset(argv[1], &recipe, &err);
    if (st == RADZ_OK) {
        j.options = (radz_picture_options){RADZ_PICTURE_LIMITS, *radz_recipe_decoding(recipe)};
        j.floats = 3 * radz_recipe_height(recipe) * radz_recipe_width(recipe);
        j.results = radz_calloc(j.count * j.floats, sizeof *j.results, &err);
        st = j.results == NULL ? RADZ_E_NOMEM : RADZ_OK;
    }
    for (int t = 0; t < threads && st == RADZ_OK; t++)
        st = radz_preprocessor_create(recipe, &j.preprocessors[t], &err);
    double best = 0;
    for (int r = 0; r <= repeats && st == RADZ_OK; r++) { /* the first round warms the page cache and is not counted */
        const double begun = radz_clock_seconds();
        st = radz_parallel_for(j.count, threads, one, &j, &err);
        const double rate = (double)j.count / (radz_clock_seconds() - begun);
        best = r > 0 && rate > best ? rate : best;
    }
    char hex[RADZ_SHA256_HEX_SIZE];
    if (st == RADZ_OK)
        st = radz_sha256_data(j.results, j.count * j.floats * sizeof *j.results, hex, &err);
    if (st == RADZ_OK)
        printf("{\"images\": %zu, \"threads\": %d, \"images_per_second\": %.2f, \"sha256\": \"%s\"}\n", j.count,
               threads, best, hex);
    else
        fprintf(stderr, "%s\n", err.message);
    for (int t = 0; t < threads; t++) {
        radz_preprocessor_free(j.preprocessors[t]);
        radz_picture_free(&j.pictures[t]);
    }
    free(j.results);
    radz_recipe_free(recipe);
    return st == RADZ_OK ? 0 : 1;
}
