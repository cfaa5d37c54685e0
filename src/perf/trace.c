/* The trace of --trace FILE: Chrome's trace event format as an array, one event a line, each line
 * one write(2), so that a killed process leaves whole lines, but for the last one where it was
 * being written across two pages. The closing bracket is written only by
 * perf_trace_to(-1): viewers do without. Failure: a write that fails or comes up short (disk full)
 * ends the trace; nothing else is disturbed. */
#include "perf/perf_int.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAME_BYTES_MAX = 240, LINE_BYTES_MAX = 2048 };

_Atomic int trace_fd = -1;
static _Atomic int trace_failed;

static void trace_write(int fd, const char *line, size_t size_bytes)
{
    long written =
        syscall(SYS_write, fd, line, size_bytes); /* not counted as a call of the engine */
    if (written >= 0 && (size_t)written == size_bytes) return;
    atomic_store(&trace_failed, written < 0 ? errno : ENOSPC);
    atomic_store(&trace_fd, -1);
}

int perf_trace_failed(void)
{
    return atomic_load(&trace_failed);
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
    int fd = atomic_load_explicit(&trace_fd, memory_order_relaxed), saved = errno;
    if (fd < 0) return;
    uint64_t now_ns = perf_clock_monotonic();
    char text[6 * NAME_BYTES_MAX + 1], line[LINE_BYTES_MAX];
    put_name(text, name);
    int size = snprintf(line, sizeof line,
                        "{\"name\":\"%s\",%s,\"ts\":%llu.%03llu,\"pid\":%d,\"tid\":%ld}%s", text,
                        phase, (unsigned long long)now_ns / 1000, (unsigned long long)now_ns % 1000,
                        getpid(), syscall(SYS_gettid), end_of_line);
    trace_write(fd, line, (size_t)size);
    errno = saved; /* the call that is traced has its own */
}

void perf_trace_to(int fd)
{
    if (fd >= 0 && perf_level() < PERF_SPANS) perf_level_set(PERF_SPANS);
    trace_event("trace_end", "\"ph\":\"i\",\"s\":\"p\"", "\n]\n");
    if (fd >= 0) atomic_store(&trace_failed, 0);
    atomic_store(&trace_fd, fd);
    modes_set();
    if (fd >= 0) trace_write(fd, "[\n", 2);
}

#ifndef POND_NO_TRACKER

void trace_begin(PerfOp op)
{
    trace_event(perf_op_info(op)->name, "\"ph\":\"B\"", ",\n");
}

void trace_end(PerfOp op)
{
    trace_event(perf_op_info(op)->name, "\"ph\":\"E\"", ",\n");
}

void perf_mark(const char *text)
{
    trace_event(text, "\"ph\":\"i\",\"s\":\"t\"", ",\n");
}

#endif
