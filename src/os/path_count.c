/* What was done to each file of a registered class, by name: opens, reads, bytes, time.
 *
 * On the path of every open and read, from any thread: a fixed table of counters that is found by
 * the hash of the cleaned name (two names of one hash would be counted as one: 2^-64), and the row
 * of each open descriptor. No lock, no allocation. When the table or the room for names is full,
 * further names are counted as left out; the sums by class stay exact.
 *
 * The first read by the engine, of each opening, that takes in the magic bytes at a Parquet file's
 * end is a read of its footer (the engine looks at them twice): the file's length is the one that a
 * stat of the descriptor has shown, its name may be any. */
#include "os/os_int.h"
#include "perf/lookup.h"
#include "perf/ops.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 8192, ROWS_FULL = ROWS / 2, NAME_BYTES = 1 << 20, FDS_MAX = 1 << 20 };
enum { FOOTER_SEEN = 1 << 15 }; /* beside a row's number */

typedef struct Row {
    _Atomic uint64_t hash;    /* 0: free */
    const char *_Atomic name; /* NULL until it is copied, and when there was no room */
    _Atomic uint64_t opens, reads, writes, read_bytes, written_bytes, footers, ticks;
    _Atomic int64_t size_bytes; /* + 1; 0: never seen */
    _Atomic uint8_t class;
} Row;

/* Shared with a child process that goes on with our work. */
typedef struct Table {
    Row rows[ROWS];
    _Atomic uint32_t rows_used, names_used;
    _Atomic uint64_t left_out;
    char names[NAME_BYTES];
} Table;

static Table *table; /* NULL: without memory for it nothing is counted by name */
static _Atomic uint16_t row_of_fd[FDS_MAX]; /* + 1, and FOOTER_SEEN */

__attribute__((constructor)) static void share_table(void)
{
    table = os_shared_memory(sizeof *table);
}

static void name_row(Row *row, const char *path, OsClass class)
{
    size_t size = strlen(path) + 1;
    uint32_t at = atomic_fetch_add(&table->names_used, (uint32_t)size);
    atomic_store(&row->class, (uint8_t) class);
    if (at > NAME_BYTES - size) {
        atomic_fetch_sub(&table->names_used, (uint32_t)size);
        atomic_fetch_add(&table->left_out, 1);
        return;
    }
    memcpy(table->names + at, path, size);
    atomic_store_explicit(&row->name, table->names + at, memory_order_release);
}

/* NULL when the table is full. */
static Row *find_row(const char *path, OsClass class)
{
    Row *rows = table->rows;
    uint64_t hash = xxh64(path, strlen(path)) | 1;
    for (size_t i = hash >> 20 & (ROWS - 1);; i = (i + 1) & (ROWS - 1)) {
        uint64_t holds = atomic_load_explicit(&rows[i].hash, memory_order_relaxed);
        if (holds == hash) return &rows[i];
        if (holds != 0) continue;
        if (atomic_load_explicit(&table->rows_used, memory_order_relaxed) >= ROWS_FULL) {
            atomic_fetch_add(&table->left_out, 1);
            return NULL;
        }
        if (!atomic_compare_exchange_strong(&rows[i].hash, &holds, hash)) {
            if (holds == hash) return &rows[i];
            continue;
        }
        atomic_fetch_add(&table->rows_used, 1);
        name_row(&rows[i], path, class);
        return &rows[i];
    }
}

static Row *row_of(int fd)
{
    if (fd < 0 || fd >= FDS_MAX) return NULL;
    unsigned number = atomic_load_explicit(&row_of_fd[fd], memory_order_relaxed);
    number &= ~(unsigned)FOOTER_SEEN;
    return number == 0 ? NULL : &table->rows[number - 1];
}

static void add(_Atomic uint64_t *number, uint64_t n)
{
    atomic_fetch_add_explicit(number, n, memory_order_relaxed);
}

void os_path_opened(int fd, const char *path, OsClass class)
{
    char clean[PATH_MAX];
    if (fd < 0 || fd >= FDS_MAX || class == OS_OTHER || table == NULL) return;
    if (perf_level() == PERF_OFF) return;
    if (!os_path_clean(path, clean)) return;
    Row *row = find_row(clean, class);
    if (row == NULL) return;
    add(&row->opens, 1);
    atomic_store_explicit(&row_of_fd[fd], (uint16_t)(row - table->rows + 1), memory_order_relaxed);
}

void os_path_closed(int fd)
{
    if (row_of(fd) != NULL) atomic_store_explicit(&row_of_fd[fd], 0, memory_order_relaxed);
}

void os_path_sized(int fd, int64_t size_bytes)
{
    Row *row = row_of(fd);
    if (row != NULL) atomic_store_explicit(&row->size_bytes, size_bytes + 1, memory_order_relaxed);
}

uint64_t os_path_begin(int fd)
{
    return row_of(fd) != NULL ? perf_ticks() : 0;
}

static void count_footer(Row *row, int fd)
{
    if ((atomic_fetch_or(&row_of_fd[fd], FOOTER_SEEN) & FOOTER_SEEN) != 0) return;
    const char *name = atomic_load_explicit(&row->name, memory_order_acquire);
    add(&row->footers, 1);
    perf_count(PERF_footer_read);
    if (name != NULL) perf_asked(PERF_footer_read, name);
    perf_cache_add(PERF_CACHE_footer, PERF_FETCHES, 1);
}

static bool ends_in_magic(const void *read, uint64_t bytes)
{
    return bytes >= 4 && memcmp((const char *)read + bytes - 4, "PAR1", 4) == 0;
}

void os_path_read(OsOrigin origin, int fd, off_t offset, const void *read, uint64_t bytes,
                  uint64_t begin_ticks)
{
    Row *row = row_of(fd);
    if (row == NULL) return;
    add(&row->ticks, perf_ticks() - begin_ticks);
    add(&row->reads, 1);
    add(&row->read_bytes, bytes);
    int64_t size = atomic_load_explicit(&row->size_bytes, memory_order_relaxed) - 1;
    bool to_end = offset >= 0 && size > 0 && offset + (off_t)bytes >= size;
    if (origin == OS_ENGINE && to_end && ends_in_magic(read, bytes)) count_footer(row, fd);
}

void os_path_written(int fd, uint64_t bytes, uint64_t begin_ticks)
{
    Row *row = row_of(fd);
    if (row == NULL) return;
    add(&row->ticks, perf_ticks() - begin_ticks);
    add(&row->writes, 1);
    add(&row->written_bytes, bytes);
}

static int by_bytes(const void *a, const void *b)
{
    const OsPathCount *x = a, *y = b;
    uint64_t left = x->read_bytes + x->written_bytes, right = y->read_bytes + y->written_bytes;
    if (left != right) return left > right ? -1 : 1;
    return strcmp(x->path, y->path);
}

void os_path_counts(Arena *arena, OsPathCount **out, size_t *out_count, uint64_t *out_left_out)
{
    size_t count = 0;
    OsPathCount *counts = AARRAY(arena, OsPathCount, ROWS_FULL + 1);
    for (size_t i = 0; table != NULL && i < ROWS && count <= ROWS_FULL; i++) {
        const Row *row = &table->rows[i];
        const char *name = atomic_load_explicit(&row->name, memory_order_acquire);
        if (name == NULL) continue;
        counts[count++] = (OsPathCount){.path = name,
                                        .class = (OsClass)row->class,
                                        .opens = row->opens,
                                        .reads = row->reads,
                                        .writes = row->writes,
                                        .read_bytes = row->read_bytes,
                                        .written_bytes = row->written_bytes,
                                        .footers = row->footers,
                                        .ticks = row->ticks,
                                        .size_bytes = row->size_bytes - 1};
    }
    qsort(counts, count, sizeof *counts, by_bytes);
    *out = counts;
    *out_count = count;
    *out_left_out = table != NULL ? atomic_load(&table->left_out) : 0;
}
