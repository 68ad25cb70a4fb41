/* The rate at which libtorch multiplies matrices of a decoder's shape: what a model's tokens per second are held against.
 * Prints one line of JSON.
 *
 *   perf_matrix_rate DTYPE THREADS [POSITIONS WIDTH MLP]    (LLaVA-1.5-7B's prompt: 616 4096 11008) */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "torch/tensor.h"
#include "cpu_seconds.h"

int main(int argc, char **argv)
{
    enum { REPEATS = 9 };
    radz_error err = {0};
    TDtype dtype;
    Scope *s = NULL;
    if ((argc != 3 && argc != 6) || atoi(argv[2]) < 1 || t_dtype_parse(argv[1], &dtype, &err) != RADZ_OK) {
        fprintf(stderr, "usage: %s DTYPE THREADS [POSITIONS WIDTH MLP]\n", argv[0]);
        return 2;
    }
    int64_t n = argc == 6 ? atoll(argv[3]) : 616, width = argc == 6 ? atoll(argv[4]) : 4096, mlp = argc == 6 ? atoll(argv[5]) : 11008;
    TDevice cpu = {T_CPU, 0};
    if (n < 1 || width < 1 || mlp < 1 || t_threads_set(atoi(argv[2]), &err) != RADZ_OK ||
        scope_create(SCOPE_INFERENCE, &s, &err) != RADZ_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    Tensor *x = t_full(s, T_SHAPE(n, width), 0.37, dtype, cpu), *w = t_full(s, T_SHAPE(mlp, width), 0.01, dtype, cpu);
    double wall = 1e30, busy = 1e30, flops = 2.0 * (double)n * (double)width * (double)mlp;
    for (int i = 0; i <= REPEATS; i++) { /* the first is not counted */
        size_t mark = scope_mark(s);
        double begun = radz_clock_seconds(), used = cpu_seconds();
        (void)t_linear(s, x, w, NULL);
        begun = radz_clock_seconds() - begun;
        used = cpu_seconds() - used;
        scope_release(s, mark, NULL);
        if (i > 0 && begun < wall)
            wall = begun;
        if (i > 0 && used < busy)
            busy = used;
    }
    if (scope_error(s, &err) != RADZ_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("{\"dtype\": \"%s\", \"gflop_per_s\": %.1f, \"gflop_per_cpu_s\": %.1f}\n", argv[1], flops / wall / 1e9, flops / busy / 1e9);
    scope_free(s);
    return 0;
}
