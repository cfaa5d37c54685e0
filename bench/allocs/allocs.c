/* Preloaded into a run of pond: counts its allocations. At the end a line "CALLS BYTES CALLS BYTES"
 * goes to the file that POND_ALLOCS names: first those of the program itself, then those of the
 * libraries (the engine's through malloc and new; what it takes from its own allocator by mmap is
 * not among them). A realloc counts as one call with its new size.
 *
 * It lives outside of pond so that a run that is not measured pays nothing. */
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

#define EXPORT __attribute__((visibility("default")))

enum { PROGRAM, LIBRARIES, ORIGINS };
static _Atomic uint64_t calls[ORIGINS], bytes[ORIGINS];
static uintptr_t program_begin, program_end; /* 0, 0 until known */

static void count(const void *caller, size_t size)
{
    uintptr_t at = (uintptr_t)caller;
    int origin = at >= program_begin && at < program_end ? PROGRAM : LIBRARIES;
    atomic_fetch_add_explicit(&calls[origin], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&bytes[origin], size, memory_order_relaxed);
}

EXPORT void *malloc(size_t size)
{
    count(__builtin_return_address(0), size);
    return __libc_malloc(size);
}

EXPORT void *calloc(size_t number, size_t size)
{
    count(__builtin_return_address(0), number * size);
    return __libc_calloc(number, size);
}

EXPORT void *realloc(void *old, size_t size)
{
    count(__builtin_return_address(0), size);
    return __libc_realloc(old, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    count(__builtin_return_address(0), size);
    return __libc_memalign(alignment, size);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
    count(__builtin_return_address(0), size);
    *out = __libc_memalign(alignment, size);
    return *out != NULL ? 0 : 12; /* ENOMEM */
}

/* The first object is the program. */
static int look_at(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    (void)context;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0) continue;
        program_begin = info->dlpi_addr + part->p_vaddr;
        program_end = program_begin + part->p_memsz;
    }
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    (void)dl_iterate_phdr(look_at, NULL);
}

__attribute__((destructor)) static void end(void)
{
    char line[128];
    const char *path = getenv("POND_ALLOCS");
    if (path == NULL) return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int length =
        snprintf(line, sizeof line, "%llu %llu %llu %llu\n", (unsigned long long)calls[PROGRAM],
                 (unsigned long long)bytes[PROGRAM], (unsigned long long)calls[LIBRARIES],
                 (unsigned long long)bytes[LIBRARIES]);
    if (fd < 0) return;
    (void)!syscall(SYS_write, fd, line, (size_t)length);
    (void)syscall(SYS_close, fd);
}
