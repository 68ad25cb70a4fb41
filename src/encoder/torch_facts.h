/* Facts about libtorch and its BLAS that must be known without loading libtorch. */
#ifndef RADZ_ENCODER_TORCH_FACTS_H
#define RADZ_ENCODER_TORCH_FACTS_H

#include <stdbool.h>

/* "1.13.0": the libtorch found when the program was configured; "none" when it was built without. Static storage. */
const char *radz_torch_version(void);

/* Which matrix library libtorch's operations will use on this machine: "OpenBLAS 0.3.21 (OpenMP)", "reference BLAS (slow)",
 * "built into libtorch (MKL)", "none". Where libtorch takes the system's libblas.so.3, that library is opened once to ask it
 * (some milliseconds, on the first call). Static storage. */
const char *radz_blas_text(void);
/* The system's libblas.so.3 is the reference implementation: right, but some 40 times slower than OpenBLAS. */
bool radz_blas_is_slow(void);
/* What to do about it, for a warning; NULL when there is nothing to do. */
const char *radz_blas_advice(void);

#endif
