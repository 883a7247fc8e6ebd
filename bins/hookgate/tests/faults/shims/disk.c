/* A disk under the store's files that fails on demand, and of which only what was synced is left when the power goes.
 *
 * In the directory that HOOKGATE_TEST_IMAGE names stands what a power cut would leave: what a sync covered, and of what was
 * written since, some writes in any order. The image of a file is written only here, and never before the file itself.
 * Files are made and cut in the image at once. The -shm file is memory and dies with the power. */

#include "control.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Calls until one of them fails, 0 for never; how many there were; whether syncs only say that they do it. */
enum { FAIL_IN, CALLS, LIES };

/* One write in so many reaches the image without a sync, and half of those in part only. */
#define EARLY 3

struct piece {
    struct piece *before;
    off64_t offset;
    size_t length;
};

struct known {
    char name[NAME_MAX + 1];
    struct piece *unsynced;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct known files[8];

/* The name of a file of the store, or NULL. */
static const char *stored(int fd, char path[PATH_MAX]) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    const char *name = strrchr(path, '/');
    if (!name || strncmp(++name, "hookgate.db", 11) || strstr(name, "-shm")) return NULL;
    return name;
}

/* Counts a call; whether it is the one that fails. */
static int fails(void) {
    __atomic_add_fetch(&numbers[CALLS], 1, __ATOMIC_SEQ_CST);
    if (numbers[FAIL_IN] <= 0 || __atomic_sub_fetch(&numbers[FAIL_IN], 1, __ATOMIC_SEQ_CST)) return 0;
    errno = EIO;
    return 1;
}

static struct known *known(const char *name) {
    for (struct known *file = files; file < files + 8; file++) {
        if (!file->name[0]) strcpy(file->name, name);
        if (!strcmp(file->name, name)) return file;
    }
    abort();
}

/* The image of a file; -1 if none is kept. */
static int image(const char *name) {
    const char *directory = getenv("HOOKGATE_TEST_IMAGE");
    if (!directory) return -1;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) abort();
    return fd;
}

/* Everything below is called with the lock held, so that an image never has more than its file. */

static void put(int to, const void *bytes, size_t length, off64_t offset) {
    ssize_t (*write_at)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    if (write_at(to, bytes, length, offset) != (ssize_t)length) abort();
}

static void written(const char *name, const void *bytes, size_t length, off64_t offset) {
    int to = image(name);
    if (to < 0) return;
    struct known *file = known(name);
    struct piece *piece = malloc(sizeof *piece);
    *piece = (struct piece){file->unsynced, offset, length};
    file->unsynced = piece;
    if (rand() % EARLY == 0) put(to, bytes, rand() % 2 ? length : length / 2, offset);
    close(to);
}

static void synced(const char *name, int from) {
    int to = image(name);
    if (to < 0) return;
    ssize_t (*read_at)(int, void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pread64");
    struct known *file = known(name);
    for (struct piece *piece = file->unsynced; piece; piece = file->unsynced) {
        char *bytes = malloc(piece->length);
        /* A file that was cut since has less. */
        ssize_t length = read_at(from, bytes, piece->length, piece->offset);
        if (length > 0) put(to, bytes, length, piece->offset);
        file->unsynced = piece->before;
        free(bytes);
        free(piece);
    }
    close(to);
}

ssize_t pread64(int fd, void *bytes, size_t length, off64_t offset) {
    NEXT(pread64);
    char path[PATH_MAX];
    return stored(fd, path) && fails() ? -1 : next(fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    NEXT(pwrite64);
    char path[PATH_MAX];
    const char *name = stored(fd, path);
    if (!name) return next(fd, bytes, length, offset);
    if (fails()) return -1;
    pthread_mutex_lock(&lock);
    ssize_t done = next(fd, bytes, length, offset);
    if (done > 0) written(name, bytes, done, offset);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate64(int fd, off64_t length) {
    NEXT(ftruncate64);
    char path[PATH_MAX];
    const char *name = stored(fd, path);
    if (name && fails()) return -1;
    pthread_mutex_lock(&lock);
    int failed = next(fd, length);
    int to = name && !failed ? image(name) : -1;
    if (to >= 0) {
        next(to, length);
        close(to);
    }
    pthread_mutex_unlock(&lock);
    return failed;
}

int fdatasync(int fd) {
    NEXT(fdatasync);
    char path[PATH_MAX];
    const char *name = stored(fd, path);
    if (!name) return next(fd);
    if (fails()) return -1;
    pthread_mutex_lock(&lock);
    int failed = next(fd);
    if (!failed && !numbers[LIES]) synced(name, fd);
    pthread_mutex_unlock(&lock);
    return failed;
}

int fsync(int fd) { return fdatasync(fd); }
