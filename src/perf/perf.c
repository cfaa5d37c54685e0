/* Layer: above base, below everything else. Memory only, but for the trace descriptor that a caller
 * lends us.
 *
 * Counters: each thread owns a block of PERF_OP_COUNT counters. Only the owner writes it, with
 * plain relaxed stores (no locked instruction); readers sum all blocks with relaxed loads. Blocks
 * are never freed: when a thread ends its block, counts included, goes to a free list and the next
 * new thread counts on in it. That keeps every sum exact and the memory bounded by the largest
 * number of threads alive at once. blocks_lock guards the two lists and is taken once in a thread's
 * life, and by readers.
 *
 * Trace: Chrome's trace event format as an array, one event a line, each line one write(2), so that
 * a killed process leaves whole lines. The closing bracket is written only by perf_trace_to(-1):
 * viewers do without. Failure: a write that fails or comes up short (disk full) ends the trace;
 * nothing else is disturbed. */
#include "perf/perf.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef struct Block {
    _Alignas(
        64) _Atomic uint64_t counts[PERF_OP_COUNT]; /* no cache line is shared between threads */
    struct Block *next;                             /* all blocks ever made */
    struct Block *next_free;
} Block;

static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static Block *all_blocks, *free_blocks;
static pthread_key_t thread_end;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;
static _Thread_local Block *mine;

static const PerfOpInfo OPS[PERF_OP_COUNT] = {
#define PERF_OP(name, layer, unit, text) [PERF_##name] = {#name, #layer, #unit, text},
#include "perf/ops.def"
#undef PERF_OP
};

const PerfOpInfo *perf_op_info(PerfOp op)
{
    return &OPS[op];
}

/* Other destructors of the same thread may still count: they take a block anew and we run once
 * more. */
static void give_back(void *block)
{
    (void)pthread_mutex_lock(&blocks_lock);
    ((Block *)block)->next_free = free_blocks;
    free_blocks = block;
    (void)pthread_mutex_unlock(&blocks_lock);
    mine = NULL;
}

static void make_key(void)
{
    if (pthread_key_create(&thread_end, give_back) != 0) abort();
}

static Block *new_block(void)
{
    Block *block = aligned_alloc(_Alignof(Block), sizeof(Block));
    if (block == NULL) {
        (void)fprintf(stderr, "pond: out of memory (%zu bytes)\n", sizeof(Block));
        abort();
    }
    memset(block, 0, sizeof *block);
    block->next = all_blocks;
    all_blocks = block;
    return block;
}

static Block *take_block(void)
{
    (void)pthread_once(&thread_end_once, make_key);
    (void)pthread_mutex_lock(&blocks_lock);
    Block *block = free_blocks;
    if (block != NULL) {
        free_blocks = block->next_free;
    } else {
        block = new_block();
    }
    (void)pthread_mutex_unlock(&blocks_lock);
    mine = block;
    (void)pthread_setspecific(thread_end, block);
    return block;
}

void perf_add(PerfOp op, uint64_t n)
{
    Block *block = mine;
    if (__builtin_expect(block == NULL, 0)) block = take_block();
    uint64_t before = atomic_load_explicit(&block->counts[op], memory_order_relaxed);
    atomic_store_explicit(&block->counts[op], before + n, memory_order_relaxed);
}

uint64_t perf_read(PerfOp op)
{
    uint64_t sum = 0;
    (void)pthread_mutex_lock(&blocks_lock);
    for (Block *block = all_blocks; block != NULL; block = block->next) {
        sum += atomic_load_explicit(&block->counts[op], memory_order_relaxed);
    }
    (void)pthread_mutex_unlock(&blocks_lock);
    return sum;
}

/* ---- trace ---- */

enum { NAME_BYTES_MAX = 240, LINE_BYTES_MAX = 2048 };

static _Atomic int trace_fd = -1;

static void trace_write(int fd, const char *line, size_t size_bytes)
{
    ssize_t written = write(fd, line, size_bytes);
    if (written < 0 || (size_t)written != size_bytes) atomic_store(&trace_fd, -1);
}

/* Length of the UTF-8 sequence at `text`, 0 when it is not one (overlong forms pass: viewers accept
 * them). */
static size_t utf8_sequence(const unsigned char *text)
{
    size_t length = text[0] < 0x80   ? 1
                    : text[0] < 0xC2 ? 0
                    : text[0] < 0xE0 ? 2
                    : text[0] < 0xF0 ? 3
                                     : 4;
    if (text[0] > 0xF4) return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80) return 0;
    }
    return length;
}

/* A name as the inside of a JSON string. Long names are cut between characters. */
static void put_name(char into[6 * NAME_BYTES_MAX + 1], const char *name)
{
    const unsigned char *from = (const unsigned char *)name;
    char *to = into;
    for (size_t used = 0; *from != '\0';) {
        size_t length = utf8_sequence(from);
        used += length == 0 ? 1 : length;
        if (used > NAME_BYTES_MAX) break;
        if (length == 0) {
            *to++ = '?';
            from++;
        } else if (*from < 0x20 || *from == '"' || *from == '\\' || *from == 0x7F) {
            to += sprintf(to, "\\u%04x", *from++);
        } else {
            memcpy(to, from, length);
            to += length;
            from += length;
        }
    }
    *to = '\0';
}

static void trace_event(const char *name, const char *phase, const char *end_of_line)
{
    int fd = atomic_load_explicit(&trace_fd, memory_order_relaxed);
    if (fd < 0) return;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    char text[6 * NAME_BYTES_MAX + 1], line[LINE_BYTES_MAX];
    put_name(text, name);
    int size = snprintf(line, sizeof line,
                        "{\"name\":\"%s\",%s,\"ts\":%lld.%03ld,\"pid\":%d,\"tid\":%ld}%s", text,
                        phase, (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000,
                        now.tv_nsec % 1000, getpid(), syscall(SYS_gettid), end_of_line);
    trace_write(fd, line, (size_t)size);
}

void perf_trace_to(int fd)
{
    trace_event("trace_end", "\"ph\":\"i\",\"s\":\"p\"", "\n]\n");
    atomic_store(&trace_fd, fd);
    if (fd >= 0) trace_write(fd, "[\n", 2);
}

void perf_trace_begin(const char *name)
{
    trace_event(name, "\"ph\":\"B\"", ",\n");
}

void perf_trace_end(const char *name)
{
    trace_event(name, "\"ph\":\"E\"", ",\n");
}

void perf_trace_instant(const char *name)
{
    trace_event(name, "\"ph\":\"i\",\"s\":\"t\"", ",\n");
}
