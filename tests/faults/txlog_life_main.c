/* The program under the preloaded library: txlog_life DIRECTORY ACKNOWLEDGED. Two days of a log;
 * each durable LSN goes into the file ACKNOWLEDGED, a failure to standard error. */
#include "tests/faults/txlog_life.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static int acknowledged_fd;

static void durable(struct tx_lsn lsn)
{
    if (pwrite(acknowledged_fd, &lsn.n, sizeof lsn.n, 0) != (ssize_t)sizeof lsn.n)
        _exit(LIFE_SURPRISED);
}

int main(int argc, char **argv)
{
    struct tx_why why = {""};
    if (argc != 3)
        return LIFE_SURPRISED;
    acknowledged_fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (acknowledged_fd < 0)
        return LIFE_SURPRISED;
    for (int day = 0; day < 2; day++) {
        enum tx_error error = life_day(argv[1], durable, &why);
        if (error != TX_OK) {
            (void)fprintf(stderr, "%s: %s\n", tx_error_name(error), why.text);
            return LIFE_FAILED;
        }
    }
    return 0;
}
