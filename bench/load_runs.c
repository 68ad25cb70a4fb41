#include "bench/load_runs.h"

#include <stdlib.h>

#include "bench/find_run.h"
#include "report/merge.h"

radz_status radz_load_runs(const radz_options *options, radz_results **out, char **first, radz_error *err)
{
    size_t n = options->positional.count > 0 ? options->positional.count : 1;
    radz_results **runs = radz_calloc(n, sizeof *runs, err);
    *out = NULL;
    *first = NULL;
    radz_status st = runs == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; i < n && st == RADZ_OK; i++) {
        char *dir = NULL;
        st = radz_find_run(options->results, options->positional.count > 0 ? options->positional.items[i] : NULL, &dir, err);
        if (st == RADZ_OK)
            st = radz_results_load(dir, &runs[i], err);
        if (st == RADZ_OK)
            st = radz_results_load_timing(runs[i], dir, err);
        if (i == 0)
            *first = dir;
        else
            free(dir);
    }
    if (st == RADZ_OK && n > 1) {
        st = radz_results_merge((const radz_results *const *)runs, n, out, err);
    } else if (st == RADZ_OK) {
        *out = runs[0];
        runs[0] = NULL;
    }
    for (size_t i = 0; runs != NULL && i < n; i++)
        radz_results_free(runs[i]);
    free(runs);
    if (st != RADZ_OK) {
        free(*first);
        *first = NULL;
    }
    return st;
}
