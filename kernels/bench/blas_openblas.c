/* Hides OpenBLAS: the only file that knows it. The Fortran names are called, not the C ones, since libgslcblas defines
 * slow functions under the C names and may come first at run time. In column-major terms W is a cols x rows matrix, x a
 * cols x n_tok one, y = W^T x. */
#include "kernels/bench/blas.h"

#include <stdio.h>
#include <string.h>

#include <cblas.h>
#include <f77blas.h>

void ts_blas_matmul(float *y, float *w, float *x, uint32_t rows, uint32_t cols, uint32_t n_tok)
{
    char transposed[] = "T", plain[] = "N";
    blasint m = (blasint)rows, n = (blasint)n_tok, k = (blasint)cols, one_apart = 1;
    float one = 1.0F, zero = 0.0F;
    if (n_tok == 1) {
        BLASFUNC(sgemv)(transposed, &k, &m, &one, w, &k, x, &one_apart, &zero, y, &one_apart);
        return;
    }
    BLASFUNC(sgemm)(transposed, plain, &m, &n, &k, &one, w, &k, x, &k, &zero, y, &m);
}

uint32_t ts_blas_set_threads(uint32_t n_threads)
{
    int before = openblas_get_num_threads();
    openblas_set_num_threads((int)n_threads);
    return (uint32_t)before;
}

size_t ts_blas_name(char *out, size_t size)
{
    const char *config = openblas_get_config(); /* "OpenBLAS 0.3.21 DYNAMIC_ARCH NO_AFFINITY Haswell MAX_THREADS=64" */
    size_t words = strcspn(config, " ");
    words += config[words] == ' ' ? 1 + strcspn(config + words + 1, " ") : 0;
    return (size_t)snprintf(out, size, "%.*s %s", (int)words, config, openblas_get_corename());
}
