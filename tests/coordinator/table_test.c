/* Every row of the coordinator's table in docs/protocol.md, one test for each; the name says the
 * cell. */
#include "table.h"

struct driver d;

int table_setup(void **unused)
{
    (void)unused;
    driver_up(&d);
    driver_quiet(&d);
    return 0;
}

int table_teardown(void **unused)
{
    (void)unused;
    driver_deinit(&d);
    return 0;
}

int main(void)
{
    return table_begun() + table_collecting() + table_decided() + table_started();
}
