/* Times yes/no questions about one picture with the picture's part computed once, against every question's whole prompt run by
 * itself, on one model in one run. Prints one line of JSON.
 *
 *   perf_mllm_prefix MODEL_DIR DTYPE THREADS QUESTIONS [shared]
 *
 * LLaVA-1.5's counts: 35 tokens before the picture, 576 of it, 5 behind it; 20 per question. With `shared` the slow way is
 * left out (a 7B model on two processors needs hours for it). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "encoder/door.h"
#include "cpu_seconds.h"

enum { BEFORE = 35, BEHIND = 5, PER_QUESTION = 20, WANTED = 4 };

static radz_status unshared(const radz_door *d, radz_door_mllm *m, const float *pixels, const int32_t *prefix, size_t prefix_count,
                            const int32_t *questions, size_t n, const int32_t *wanted, float *out, radz_door_cost *cost,
                            radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        int32_t ids[BEFORE + 1 + BEHIND + PER_QUESTION];
        size_t one = 1, count = prefix_count + PER_QUESTION - 1;
        memcpy(ids, prefix, prefix_count * sizeof *ids);
        memcpy(ids + prefix_count, questions + i * PER_QUESTION, PER_QUESTION * sizeof *ids);
        radz_door_prefix *p;
        st = d->prefix_open(m, pixels, 1, 1, ids, count, &p, NULL, cost, err);
        radz_door_questions last = {.ids = ids + count, .lengths = &one, .count = 1, .length = 1};
        if (st == RADZ_OK)
            st = d->prefix_logits(p, &last, wanted, WANTED, out + i * WANTED, cost, err);
        if (p != NULL)
            d->prefix_close(p);
    }
    return st;
}

int main(int argc, char **argv)
{
    radz_error err = {0};
    if (argc < 5 || atoi(argv[3]) < 1 || atoi(argv[4]) < 1) {
        fprintf(stderr, "usage: %s MODEL_DIR DTYPE THREADS QUESTIONS [shared]\n", argv[0]);
        return 2;
    }
    radz_door_prepare();
    size_t n = (size_t)atoi(argv[4]);
    bool slow = argc < 6 || strcmp(argv[5], "shared") != 0;
    const radz_door *d;
    radz_door_mllm *m = NULL;
    radz_door_mllm_info info;
    radz_door_mllm_options options = {.compute = {.device = "cpu", .dtype = argv[2], .threads = atoi(argv[3])}};
    float *pixels = NULL, *shared = NULL, *alone = NULL;
    int32_t *asked = NULL, prefix[BEFORE + 1 + BEHIND], wanted[WANTED] = {3, 4, 5, 6};
    size_t *lengths = NULL;
    radz_door_cost opening = {0}, together = {0}, apart = {0};
    double begun = radz_clock_seconds(), loaded = 0, worst = 0;
    radz_status st = radz_door_open(&d, &err);
    if (st == RADZ_OK)
        st = d->mllm_open(argv[1], &options, &m, &info, &err);
    loaded = radz_clock_seconds() - begun;
    if (st == RADZ_OK && info.image_tokens == 0)
        st = radz_fail(&err, RADZ_E_USAGE, "'%s' sees no pictures", argv[1]);
    if (st == RADZ_OK) {
        size_t floats = 3 * info.image_size * info.image_size;
        pixels = radz_calloc(floats, sizeof *pixels, &err);
        shared = radz_calloc(n * WANTED, sizeof *shared, &err);
        alone = radz_calloc(n * WANTED, sizeof *alone, &err);
        asked = radz_calloc(n * PER_QUESTION, sizeof *asked, &err);
        lengths = radz_calloc(n, sizeof *lengths, &err);
        if (pixels == NULL || shared == NULL || alone == NULL || asked == NULL || lengths == NULL)
            st = RADZ_E_NOMEM;
        for (size_t i = 0; st == RADZ_OK && i < floats; i++)
            pixels[i] = (float)sin((double)i * 0.37);
        for (size_t i = 0; st == RADZ_OK && i < n * PER_QUESTION; i++)
            asked[i] = (int32_t)(10 + (i * 7919) % 1000);
        for (size_t i = 0; st == RADZ_OK && i < n; i++)
            lengths[i] = PER_QUESTION - i % 3; /* names of classes differ in length */
        for (size_t i = 0; i < BEFORE + 1 + BEHIND; i++)
            prefix[i] = (int32_t)(20 + i);
        prefix[0] = 1;
        prefix[BEFORE] = (int32_t)info.image_token;
    }
    radz_door_prefix *p = NULL;
    radz_door_questions q = {.ids = asked, .lengths = lengths, .count = n, .length = PER_QUESTION};
    if (st == RADZ_OK && slow) { /* what happens once in a process is not timed */
        st = d->prefix_open(m, pixels, 1, 1, prefix, BEFORE + 1 + BEHIND, &p, NULL, NULL, &err);
        if (st == RADZ_OK)
            st = d->prefix_logits(p, &q, wanted, WANTED, shared, NULL, &err);
        if (p != NULL)
            d->prefix_close(p);
        p = NULL;
    }
    double cpu = cpu_seconds(), cpu_shared, cpu_apart = 0;
    if (st == RADZ_OK)
        st = d->prefix_open(m, pixels, 1, 1, prefix, BEFORE + 1 + BEHIND, &p, NULL, &opening, &err);
    if (st == RADZ_OK)
        st = d->prefix_logits(p, &q, wanted, WANTED, shared, &together, &err);
    cpu_shared = cpu_seconds() - cpu;
    if (p != NULL)
        d->prefix_close(p);
    if (st == RADZ_OK && slow) {
        for (size_t i = 0; i < n; i++)
            lengths[i] = PER_QUESTION; /* so that both ways run the same tokens and can be compared */
        p = NULL;
        st = d->prefix_open(m, pixels, 1, 1, prefix, BEFORE + 1 + BEHIND, &p, NULL, NULL, &err);
        if (st == RADZ_OK)
            st = d->prefix_logits(p, &q, wanted, WANTED, shared, NULL, &err);
        if (p != NULL)
            d->prefix_close(p);
        cpu = cpu_seconds();
        if (st == RADZ_OK)
            st = unshared(d, m, pixels, prefix, BEFORE + 1 + BEHIND, asked, n, wanted, alone, &apart, &err);
        cpu_apart = cpu_seconds() - cpu;
        for (size_t i = 0; st == RADZ_OK && i < n * WANTED; i++)
            worst = fmax(worst, fabs((double)shared[i] - alone[i]));
    }
    if (st) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    double seconds = opening.seconds + together.seconds, tokens = (double)(opening.tokens + together.tokens);
    printf("{\"questions\": %zu, \"load_s\": %.1f, \"prefix_s\": %.3f, \"questions_s\": %.3f, \"tokens\": %.0f, "
           "\"tokens_per_s\": %.1f, \"cpu_s\": %.1f, ", n, loaded, opening.seconds, together.seconds, tokens, tokens / seconds,
           cpu_shared);
    if (slow)
        printf("\"unshared_s\": %.3f, \"unshared_tokens\": %llu, \"ratio\": %.2f, \"cpu_ratio\": %.2f, "
               "\"largest_difference\": %.1e, ", apart.seconds, (unsigned long long)apart.tokens, apart.seconds / seconds,
               cpu_apart / cpu_shared, worst);
    printf("\"peak_gb\": %.2f}\n", (double)radz_peak_memory_bytes() / 1e9);
    d->mllm_close(m);
    free(pixels);
    free(shared);
    free(alone);
    free(asked);
    free(lengths);
    return 0;
}
