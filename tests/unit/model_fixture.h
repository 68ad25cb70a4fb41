/* What tests of models share: a folder of their own for altered copies of golden models. */
#ifndef RADZ_TESTS_MODEL_FIXTURE_H
#define RADZ_TESTS_MODEL_FIXTURE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "torch/tensor.h"
#include "must.h"

static char folder[] = "/tmp/radz_model_XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* Also gives libtorch one thread: the models are tiny. */
static int make_folder(void **state)
{
    (void)state;
    radz_error err = {0};
    if (mkdtemp(folder) == NULL)
        return -1;
    return t_threads_set(1, &err);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
