/* radz-bench version: what the figures of this program rest on. Loads no libtorch. */
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "bench/command.h"
#include "cache/cache.h"
#include "encoder/torch_facts.h"

radz_status radz_cmd_version(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    (void)err;
    char hdf5[32];
    radz_cache_hdf5_version(hdf5);
    if (options->json) {
        radz_json_writer w;
        radz_json_writer_init(&w, stdout);
        radz_json_object_begin(&w, NULL);
        radz_json_put_string(&w, "radz-bench", RADZ_VERSION);
        radz_json_put_string(&w, "libtorch", radz_torch_version());
        radz_json_put_string(&w, "blas", radz_blas_text());
        radz_json_put_i64(&w, "threads", radz_cpu_count());
        radz_json_put_string(&w, "hdf5", hdf5);
        radz_json_object_end(&w);
        return RADZ_OK;
    }
    printf("radz-bench %s\nlibtorch   %s\nBLAS       %s\nthreads    %d\nHDF5       %s\n", RADZ_VERSION,
           radz_torch_version(), radz_blas_text(), radz_cpu_count(), hdf5);
    if (radz_blas_advice() != NULL)
        printf("\n%s\n", radz_blas_advice());
    return RADZ_OK;
}
