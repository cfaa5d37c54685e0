/* Path classes, the class of each open descriptor, and the counts.
 *
 * Everything here is on the path of every file call of the process, from any thread and before
 * main: no allocation, no lock but in os_class_add, no call that is itself interposed. Classes are
 * appended to a fixed table and published by its length. A descriptor takes its class when it is
 * opened; descriptors that libc opens for itself (stdio, sockets) never pass here and are OS_OTHER,
 * as is 0, 1 and 2. */
#include "os/os_int.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    PREFIXES_MAX = 64,
    ENTRIES_MAX = 3 + 2 * PREFIXES_MAX, /* each as given and with links resolved */
    FDS_MAX = 1 << 20 /* the kernel's own limit by default; untouched pages cost nothing */
};

typedef struct Entry {
    const char *prefix;
    size_t length;
    _Atomic int class;
} Entry;

static Entry entries[ENTRIES_MAX] = {
    {"/proc", 5, OS_OTHER}, {"/dev", 4, OS_OTHER}, {"/sys", 4, OS_OTHER}};
static _Atomic size_t entry_count = 3;
static size_t prefix_count;
static pthread_mutex_t add_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint8_t fd_class[FDS_MAX];

/* Shared with a child process that goes on with our work (a fork), from before main on. */
typedef struct Counts {
    _Atomic uint64_t calls[OS_ORIGIN_COUNT][OS_CLASS_COUNT][OS_OP_COUNT];
    _Atomic uint64_t bytes[OS_ORIGIN_COUNT][OS_CLASS_COUNT][OS_OP_COUNT];
} Counts;
static Counts early_counts;
static Counts *counts = &early_counts;

static const char *const CLASS_NAMES[OS_CLASS_COUNT] = {
    "other", "log", "blob", "staging", "index", "cache", "history", "lock", "out", "host"};
static const char *const OP_NAMES[OS_OP_COUNT] = {"open", "read",   "write", "sync",  "rename",
                                                  "link", "unlink", "mkdir", "rmdir", "truncate",
                                                  "stat", "list",   "close", "seek",  "map"};

const char *os_class_name(OsClass class)
{
    return CLASS_NAMES[class];
}

const char *os_op_name(OsOp op)
{
    return OP_NAMES[op];
}

static int find_name(const char *const *names, int count, const char *name, size_t length)
{
    for (int i = 0; i < count; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) return i;
    }
    return -1;
}

int os_class_by_name(const char *name, size_t length)
{
    return find_name(CLASS_NAMES, OS_CLASS_COUNT, name, length);
}

int os_op_by_name(const char *name, size_t length)
{
    return find_name(OP_NAMES, OS_OP_COUNT, name, length);
}

/* Appends the components of `path` to the absolute path in `out`. */
static bool add_components(const char *path, char *out, size_t size)
{
    while (*path != '\0') {
        size_t length = strcspn(path, "/");
        if (length == 2 && path[0] == '.' && path[1] == '.') {
            while (size > 0 && out[--size] != '/') {
            }
        } else if (length > 0 && !(length == 1 && path[0] == '.')) {
            if (size + length + 2 > PATH_MAX) return false;
            out[size++] = '/';
            memcpy(out + size, path, length);
            size += length;
        }
        path += length;
        while (*path == '/') path++;
    }
    if (size == 0) out[size++] = '/';
    out[size] = '\0';
    return true;
}

bool os_path_clean(const char *path, char out[4096])
{
    _Static_assert(PATH_MAX == 4096, "paths are cleaned into buffers of that size");
    if (path[0] == '/') return add_components(path, out, 0);
    if (getcwd(out, PATH_MAX) == NULL) return false;
    return add_components(path, out, strcmp(out, "/") == 0 ? 0 : strlen(out));
}

/* At or below the prefix; SQLite's companions belong to their file. */
static bool belongs(const char *path, const Entry *entry)
{
    if (strncmp(path, entry->prefix, entry->length) != 0) return false;
    const char *rest = path + entry->length;
    return *rest == '\0' || *rest == '/' || strcmp(entry->prefix, "/") == 0 ||
           strcmp(rest, "-wal") == 0 || strcmp(rest, "-shm") == 0 || strcmp(rest, "-journal") == 0;
}

OsClass os_class_of_path(const char *path)
{
    size_t count = atomic_load_explicit(&entry_count, memory_order_acquire), longest = 0;
    char clean[PATH_MAX];
    int saved = errno, class = OS_OTHER;
    if (count == 3 || path == NULL || !os_path_clean(path, clean)) count = 0;
    errno = saved;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].length > longest && belongs(clean, &entries[i])) {
            longest = entries[i].length;
            class = atomic_load_explicit(&entries[i].class, memory_order_relaxed);
        }
    }
    return (OsClass) class;
}

static Entry *find_entry(const char *prefix)
{
    for (size_t i = 0; i < entry_count; i++) {
        if (strcmp(entries[i].prefix, prefix) == 0) return &entries[i];
    }
    return NULL;
}

/* Prefixes live as long as the process. */
static void add_entry(const char *prefix, OsClass class)
{
    char *kept = strdup(prefix);
    if (kept == NULL) abort();
    size_t count = entry_count;
    entries[count].prefix = kept;
    entries[count].length = strlen(kept);
    atomic_store(&entries[count].class, (int)class);
    atomic_store_explicit(&entry_count, count + 1, memory_order_release);
}

static void add_or_change(const char *prefix, OsClass class)
{
    Entry *entry = find_entry(prefix);
    if (entry != NULL) {
        atomic_store(&entry->class, (int)class);
    } else {
        add_entry(prefix, class);
    }
}

void os_class_add(const char *prefix, OsClass class)
{
    SCRATCH(scratch);
    char clean[PATH_MAX], *resolved = NULL;
    if (!os_path_clean(prefix, clean)) return;
    err_free(os_absolute(scratch, prefix, &resolved));
    (void)pthread_mutex_lock(&add_lock);
    bool known = find_entry(clean) != NULL;
    if (known || prefix_count < PREFIXES_MAX) {
        add_or_change(clean, class);
        if (resolved != NULL && entry_count < ENTRIES_MAX) add_or_change(resolved, class);
        if (!known) prefix_count++;
    }
    (void)pthread_mutex_unlock(&add_lock);
}

OsClass os_class_of_fd(int fd)
{
    if (fd < 0 || fd >= FDS_MAX) return OS_OTHER;
    return (OsClass)atomic_load_explicit(&fd_class[fd], memory_order_relaxed);
}

void os_class_set_fd(int fd, OsClass class)
{
    if (fd < 0 || fd >= FDS_MAX) return;
    /* reading first keeps pages of descriptors that never matter untouched */
    if (os_class_of_fd(fd) != class) {
        atomic_store_explicit(&fd_class[fd], (uint8_t) class, memory_order_relaxed);
    }
}

void *os_shared_memory(size_t size_bytes)
{
    void *memory = os_real()->mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

__attribute__((constructor)) static void share_counts(void)
{
    Counts *shared = os_shared_memory(sizeof *shared);
    if (shared == NULL) return;
    memcpy(shared, &early_counts, sizeof early_counts);
    counts = shared;
}

void os_count_call(OsOrigin origin, OsClass class, OsOp op)
{
    atomic_fetch_add_explicit(&counts->calls[origin][class][op], 1, memory_order_relaxed);
}

static _Thread_local uint64_t engine_read_bytes;

uint64_t os_engine_read_bytes(void)
{
    return engine_read_bytes;
}

void os_count_bytes(OsOrigin origin, OsClass class, OsOp op, uint64_t bytes)
{
    if (origin == OS_ENGINE && op == OS_READ) engine_read_bytes += bytes;
    atomic_fetch_add_explicit(&counts->bytes[origin][class][op], bytes, memory_order_relaxed);
}

OsCount os_count(OsOrigin origin, OsClass class, OsOp op)
{
    return (OsCount){
        .calls = atomic_load_explicit(&counts->calls[origin][class][op], memory_order_relaxed),
        .bytes = atomic_load_explicit(&counts->bytes[origin][class][op], memory_order_relaxed)};
}
