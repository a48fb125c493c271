#include <gsl/gsl_errno.h>

#include "app/command.h"
#include "kernels/bench/blas.h"

int main(int argc, char **argv)
{
    gsl_set_error_handler_off();
    (void)ts_blas_set_threads(1); /* GSL's matrices are small: threads would only wait. Benchmarks set theirs */
    return ts_command_main(argc, argv);
}
