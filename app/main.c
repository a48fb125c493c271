#include <gsl/gsl_errno.h>

#include "app/command.h"

int main(int argc, char **argv)
{
    gsl_set_error_handler_off();
    return ts_command_main(argc, argv);
}
