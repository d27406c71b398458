#include "tests/faults/preload_disk.h"

#include "tests/faults/preload_real.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 4096, FDS_MAX = 4096, CHUNK = 1 << 16 };

/* A file that was ever in the directory. */
struct file {
    ino_t inode; /* 0: gone, and its number may be another file's by now */
    bool truncated;
    off_t from, to; /* written and not yet synced */
};

static bool used;
static char directory[256];
static int image_fd = -1;
static struct file files[FILES_MAX];
static int files_n;
static int file_of_fd[FDS_MAX]; /* index + 1 */

/* The library cannot fail a test; ending the program with this is noticed. */
static void must(bool condition, const char *what)
{
    if (condition)
        return;
    (void)dprintf(STDERR_FILENO, "libassent_faults: %s\n", what);
    _exit(199);
}

static int find(ino_t inode)
{
    for (int i = 0; i < files_n; i++)
        if (files[i].inode == inode)
            return i;
    return -1;
}

static int add(ino_t inode)
{
    int old = find(inode);
    if (old >= 0)
        files[old].inode = 0;
    must(files_n < FILES_MAX, "too many files");
    files[files_n] = (struct file){.inode = inode};
    return files_n++;
}

static int open_image(int file)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%d", file);
    int fd = real.openat(image_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    must(fd >= 0, "cannot open a file of the image");
    return fd;
}

static void copy(int from_fd, int file, off_t from, off_t to)
{
    static char chunk[CHUNK];
    int out = open_image(file);
    while (from < to) {
        size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
        ssize_t n = real.pread(from_fd, chunk, want, from);
        if (n <= 0)
            break; /* cut since then */
        must(real.pwrite(out, chunk, (size_t)n, from) == n, "cannot write to the image");
        from += n;
    }
    (void)real.close(out);
}

static void mark(const char *name)
{
    int fd = real.openat(image_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    must(fd >= 0, "cannot write to the image directory");
    (void)real.close(fd);
}

/* Calls `visit` for each file of the watched directory. */
static void each_file(void (*visit)(FILE *names, int dir_fd, const char *name, ino_t inode),
                      FILE *names)
{
    DIR *entries = real.opendir(directory);
    must(entries != NULL, "cannot list the watched directory");
    const struct dirent *entry;
    while ((entry = real.readdir(entries)) != NULL) {
        struct stat st;
        if (real.fstatat(dirfd(entries), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode))
            visit(names, dirfd(entries), entry->d_name, st.st_ino);
    }
    (void)real.closedir(entries);
}

static void write_name(FILE *names, int dir_fd, const char *name, ino_t inode)
{
    int file = find(inode);
    (void)dir_fd;
    if (file < 0)
        file = add(inode);
    (void)real.close(open_image(file));
    (void)fprintf(names, "%d %s\n", file, name);
}

static void take_over(FILE *names, int dir_fd, const char *name, ino_t inode)
{
    struct stat st;
    (void)names;
    int fd = real.openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    must(fd >= 0 && real.fstat(fd, &st) == 0, "cannot read a file that was there");
    copy(fd, add(inode), 0, st.st_size);
    (void)real.close(fd);
}

void disk_synced_directory(void)
{
    if (!used)
        return;
    int fd = real.openat(image_fd, "names.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *names = fd < 0 ? NULL : fdopen(fd, "w");
    must(names != NULL, "cannot write the names");
    each_file(write_name, names);
    must(real.fclose(names) == 0, "cannot write the names");
    must(renameat(image_fd, "names.new", image_fd, "names") == 0, "cannot rename the names");
}

void disk_synced_parent(void)
{
    if (used)
        mark("born");
}

void disk_made_directory(void)
{
    if (used)
        disk_synced_directory(); /* empty */
}

void disk_begin(const char *watched, const char *image)
{
    struct stat st;
    (void)snprintf(directory, sizeof directory, "%s", watched);
    image_fd = real.open(image, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(image_fd >= 0, "cannot open the image directory");
    used = true;
    if (real.stat(directory, &st) != 0)
        return;
    each_file(take_over, NULL);
    disk_synced_directory();
    disk_synced_parent();
}

void disk_opened(int fd, bool created, bool truncated)
{
    struct stat st;
    if (!used)
        return;
    must(fd < FDS_MAX && real.fstat(fd, &st) == 0, "cannot follow a file descriptor");
    int file = created ? -1 : find(st.st_ino);
    if (file < 0)
        file = add(st.st_ino);
    file_of_fd[fd] = file + 1;
    files[file].truncated |= truncated;
}

static struct file *file_of(int fd)
{
    bool ours = used && fd >= 0 && fd < FDS_MAX && file_of_fd[fd] > 0;
    return ours ? &files[file_of_fd[fd] - 1] : NULL;
}

void disk_closed(int fd)
{
    if (file_of(fd) != NULL)
        file_of_fd[fd] = 0;
}

void disk_written(int fd, off_t from, off_t to)
{
    struct file *file = file_of(fd);
    if (file == NULL)
        return;
    bool clean = file->from == file->to;
    file->from = clean || from < file->from ? from : file->from;
    file->to = clean || to > file->to ? to : file->to;
}

void disk_truncated(int fd)
{
    struct file *file = file_of(fd);
    if (file != NULL)
        file->truncated = true;
}

void disk_synced_file(int fd, bool done)
{
    struct file *file = file_of(fd);
    struct stat st;
    if (file == NULL)
        return;
    if (done && file->truncated && real.fstat(fd, &st) == 0) {
        int out = open_image((int)(file - files));
        must(real.ftruncate(out, st.st_size) == 0, "cannot cut a file of the image");
        (void)real.close(out);
    }
    if (done && file->from < file->to) {
        /* Through a descriptor of its own: this one may be open for writing alone. */
        char path[64];
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int in = real.open(path, O_RDONLY | O_CLOEXEC);
        must(in >= 0, "cannot read a file that is being synced");
        copy(in, (int)(file - files), file->from, file->to);
        (void)real.close(in);
    }
    if (done)
        file->truncated = false;
    file->from = file->to = 0;
}
