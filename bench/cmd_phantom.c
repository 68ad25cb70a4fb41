/* radz-bench phantom: the synthetic data set. */
#include <stdio.h>

#include "base/clock.h"
#include "bench/command.h"
#include "data/phantom.h"
#include "run/make_phantom.h"

radz_status radz_cmd_phantom(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    if (options->out == NULL)
        return radz_fail(err, RADZ_E_USAGE, "phantom: --out DIR is missing");
    radz_make_phantom_options make = {
        .patients = (uint32_t)options->patients,
        .seed = options->seed < 0 ? RADZ_PHANTOM_DEFAULT_SEED : (uint64_t)options->seed,
        .split = options->split,
        .threads = options->threads > 0 ? (int)options->threads : radz_cpu_count(),
    };
    if (options->sheet)
        return radz_make_phantom_sheets(options->out, &make, err);
    radz_status st = radz_make_phantom(options->out, &make, err);
    if (st == RADZ_OK)
        printf("The phantom is in '%s'. It is synthetic: it shows no patient and proves nothing clinical.\n", options->out);
    return st;
}
