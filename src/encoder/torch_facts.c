#include "encoder/torch_facts.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* cmake/torch_plugin.cmake finds these: RADZ_TORCH_VERSION, and RADZ_TORCH_BLAS, which is "libblas.so.3", "MKL",
 * "OpenBLAS", "unknown" or "none". */

static struct {
    pthread_once_t once;
    char text[96];
    bool slow, threads;
} blas = {.once = PTHREAD_ONCE_INIT};

const char *radz_torch_version(void)
{
    return RADZ_TORCH_VERSION;
}

static void *symbol_of(void *library, const char *name, void *function, size_t size)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, size); /* POSIX: an object pointer that is a function's */
    return symbol;
}

static void ask_system_blas(void)
{
    void *library = dlopen("libblas.so.3", RTLD_LAZY | RTLD_LOCAL);
    if (library == NULL) {
        snprintf(blas.text, sizeof blas.text, "libblas.so.3 is missing");
        return;
    }
    char *(*config)(void) = NULL;
    int (*parallel)(void) = NULL;
    char *(*blis_version)(void) = NULL;
    if (symbol_of(library, "openblas_get_config", &config, sizeof config) != NULL) {
        int kind = symbol_of(library, "openblas_get_parallel", &parallel, sizeof parallel) != NULL ? parallel() : 0;
        const char *text = config(); /* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." */
        const char *version = strncmp(text, "OpenBLAS ", 9) == 0 ? text + 9 : text;
        snprintf(blas.text, sizeof blas.text, "OpenBLAS %.*s (%s)", (int)strcspn(version, " "), version,
                 kind == 2 ? "OpenMP" : kind == 1 ? "pthreads" : "one thread");
        blas.threads = kind != 2;
    } else if (symbol_of(library, "bli_info_get_version_str", &blis_version, sizeof blis_version) != NULL) {
        snprintf(blas.text, sizeof blas.text, "BLIS %.40s", blis_version());
    } else if (dlsym(library, "MKL_Get_Version") != NULL) {
        snprintf(blas.text, sizeof blas.text, "MKL");
    } else if (dlsym(library, "ATL_dgemm") != NULL) {
        snprintf(blas.text, sizeof blas.text, "ATLAS");
    } else {
        snprintf(blas.text, sizeof blas.text, "reference BLAS (slow)");
        blas.slow = true;
    }
    /* It stays loaded: taking an OpenMP runtime out of a process again leaks, and libtorch will want it anyway. */
}

static void find_blas(void)
{
    if (strcmp(RADZ_TORCH_BLAS, "libblas.so.3") == 0)
        ask_system_blas();
    else if (strcmp(RADZ_TORCH_BLAS, "none") == 0)
        snprintf(blas.text, sizeof blas.text, "none");
    else
        snprintf(blas.text, sizeof blas.text, "built into libtorch (%s)", RADZ_TORCH_BLAS);
}

const char *radz_blas_text(void)
{
    pthread_once(&blas.once, find_blas);
    return blas.text;
}

bool radz_blas_is_slow(void)
{
    pthread_once(&blas.once, find_blas);
    return blas.slow;
}

const char *radz_blas_advice(void)
{
    pthread_once(&blas.once, find_blas);
    if (blas.slow)
        return "libtorch uses the reference BLAS, which is some 40 times slower than OpenBLAS: install "
               "libopenblas-openmp-dev (Debian) and see `update-alternatives --config libblas.so.3-x86_64-linux-gnu`";
    if (blas.threads)
        return "libtorch uses an OpenBLAS that is not the OpenMP build, so the two compete for the processors: install "
               "libopenblas-openmp-dev (Debian)";
    return NULL;
}
