#include "sim/dead.h"

void ts_dead_inside(void)
{
}

/* ts_dead_alone() in a comment is no use of it. */
void ts_dead_alone(void)
{
    ts_dead_inside();
}
