/* radz-bench train: a model by its recipe. */
#include "base/clock.h"
#include "bench/command.h"
#include "run/home.h"
#include "run/train_recipe.h"

radz_status radz_cmd_train(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    if (options->recipe == NULL)
        return radz_fail(err, RADZ_E_USAGE, "train: --recipe NAME is missing (see `radz-bench list recipes`)");
    if (options->changes.count > 0 && options->out == NULL)
        return radz_fail(err, RADZ_E_USAGE, "train: a recipe changed by --set makes another model: give its folder with --out DIR");
    radz_home home;
    radz_status st = radz_home_open(options->cache, &options->manifests, &home, err);
    if (st != RADZ_OK)
        return st;
    radz_train_recipe_options train = {
        .out = options->out,
        .changes = &options->changes,
        .threads = options->threads > 0 ? (int)options->threads : radz_cpu_count(),
        .device = options->device,
        .fresh = options->fresh,
    };
    st = radz_train_recipe(&home, options->recipe, &train, err);
    radz_home_close(&home);
    return st;
}
