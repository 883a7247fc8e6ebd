/* Numbers that a shim and its test both have in hand: the file that HOOKGATE_TEST_SHIM names, mapped into memory. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define NUMBERS 4

static volatile int64_t *numbers;

__attribute__((constructor)) static void open_numbers(void) {
    const char *path = getenv("HOOKGATE_TEST_SHIM");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) abort();
    numbers = mmap(NULL, NUMBERS * sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (numbers == MAP_FAILED) abort();
    close(fd);
}

/* The function of this name that this one stands in front of. */
#define NEXT(name) \
    static __typeof__(name) *next; \
    if (!next) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
