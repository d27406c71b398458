/* Runs a fuzz target over files, where there is no libFuzzer: the committed corpus as a test, and a
 * finding by itself under a debugger.
 *
 *     usage: fuzz_TARGET FILE|DIRECTORY...
 *
 * A directory stands for the files in it, in the order of their names. The name of the file at hand
 * is on stderr when the target stops the process. */
#include "fuzz.h"

#include "common/assert.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char current[4096]; /* the file that is being run */
static size_t files_n;

static void tell(int signal_number)
{
    static const char text[] = "\nwhile running ";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    ignored += write(STDERR_FILENO, current, strlen(current));
    ignored += write(STDERR_FILENO, "\n", 1);
    (void)ignored;
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static int run_file(const char *name)
{
    FILE *file = fopen(name, "rb");
    struct stat about;
    if (file == NULL || fstat(fileno(file), &about) != 0) {
        perror(name);
        return EXIT_FAILURE;
    }
    /* A block of exactly its size, so that a read beyond it is noticed. */
    size_t size = (size_t)about.st_size;
    uint8_t *data = tx_xmalloc(size > 0 ? size : 1);
    size_t got = fread(data, 1, size, file);
    (void)fclose(file);
    if (got == size) {
        (void)LLVMFuzzerTestOneInput(data, size);
        files_n++;
    } else {
        fprintf(stderr, "%s: cannot be read\n", name);
    }
    free(data);
    return got == size ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int run(const char *name)
{
    struct dirent **entries;
    int n = scandir(name, &entries, visible, alphasort);
    int status = EXIT_SUCCESS;
    (void)snprintf(current, sizeof current, "%s", name);
    if (n < 0)
        return run_file(name);
    for (int i = 0; i < n; i++) {
        (void)snprintf(current, sizeof current, "%s/%s", name, entries[i]->d_name);
        if (status == EXIT_SUCCESS)
            status = run_file(current);
        free(entries[i]);
    }
    free(entries);
    return status;
}

int main(int argc, char **argv)
{
    int status = argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
    (void)signal(SIGABRT, tell);
    for (int i = 1; i < argc && status == EXIT_SUCCESS; i++)
        status = run(argv[i]);
    if (status == EXIT_SUCCESS && files_n == 0) {
        fprintf(stderr, "there was nothing to run\n");
        status = EXIT_FAILURE;
    }
    if (argc < 2)
        fprintf(stderr, "usage: %s FILE|DIRECTORY...\n", argv[0]);
    printf("%zu inputs\n", files_n);
    return status;
}
