/* A check of a file from outside runs in a child process: of 24,000 damaged Parquet files two
 * crashed the engine (tests/engine). The child writes what it found, or its error, as JSON into a
 * pipe; a child that dies is the error that the file is damaged. The engine is loaded before, and
 * has no threads of its own (`threads=1`), so that the child goes on with the parent's. */
#include "perf/perf.h"
#include "provider/provider_int.h"
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void put_error(JsonOut *json, const Err *err)
{
    json_begin_object(json);
    json_kv_int(json, "code", (int64_t)err_code(err));
    json_kv_str(json, "message", err_message(err));
    json_kv_str(json, "hint", err_hint_text(err));
    json_end(json);
}

static void write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        bytes += written;
        size -= (size_t)written;
    }
}

/* Never returns. */
static _Noreturn void child(int fd, PerfChild *counts, MetaBody *body, void *context)
{
    perf_child_enter(counts);
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    Version meta = {0};
    Err *err = body(context, scratch, &meta);
    if (err != NULL)
        put_error(&json, err);
    else
        meta_to_json(&json, &meta);
    write_all(fd, text.data, text.size);
    _exit(0);
}

static void read_all(int fd, Buf *into)
{
    char bytes[4096];
    for (;;) {
        ssize_t got = read(fd, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        buf_add(into, bytes, (size_t)got);
    }
}

static Err *died(int status, const char *label)
{
    TRY(os_check_interrupt());
    if (!WIFSIGNALED(status))
        return ERR(IO, "%s: checking it ended early (status %d)", label, WEXITSTATUS(status));
    return err_hint(ERR(INVALID, "%s: not a valid parquet file: decoding it crashes (%s)", label,
                        strsignal(WTERMSIG(status))),
                    "it is damaged; ask for another copy, or keep it as bytes with host:///");
}

static Err *take_result(Arena *arena, const Buf *text, int status, const char *label, Version *meta)
{
    const Json *json = NULL;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return died(status, label);
    TRY(json_parse(arena, text->data, text->size, &json));
    if (json_get(json, "code") == NULL) {
        meta_from_json(arena, json, meta);
        return NULL;
    }
    const char *hint = json_str(json, "hint", NULL);
    Err *err = err_make((ErrCode)json_int(json, "code", ERR_INTERNAL), __FILE__, __LINE__, "%s",
                        json_str(json, "message", ""));
    return hint != NULL ? err_hint(err, "%s", hint) : err;
}

Err *isolated(Arena *arena, const char *label, MetaBody *body, void *context, Version *meta)
{
    int ends[2], status = 0;
    if (pipe(ends) != 0) return ERR_ERRNO(errno, "pipe");
    PerfChild *counts = perf_child_new();
    pid_t pid = fork();
    if (pid < 0) {
        int why = errno;
        perf_child_end(counts);
        (void)close(ends[0]);
        (void)close(ends[1]);
        return ERR_ERRNO(why, "fork");
    }
    if (pid == 0) child(ends[1], counts, body, context);
    Buf text = buf_new(arena);
    (void)close(ends[1]);
    read_all(ends[0], &text);
    (void)close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    perf_child_end(counts);
    return take_result(arena, &text, status, label, meta);
}
