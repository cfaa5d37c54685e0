/* Errors: one heap object with its own arena; frames are kept for --trace and bug reports. */
#include "base/err.h"
#include "base/arena.h"
#include "base/buf.h"
#include <errno.h>
#include <string.h>

enum { MAX_FRAMES = 16 };

struct Err {
    Arena *arena;
    ErrCode code;
    int errnum;
    const char *message, *hint, *path, *source;
    int line, column;
    struct {
        const char *file;
        int line;
    } frames[MAX_FRAMES];
    int frame_count;
};

typedef struct CodeInfo {
    const char *name, *when, *state;
    int exit_status;
} CodeInfo;

static const CodeInfo CODES[] = {
#define ERR_CODE(name, number, exit_status, when, state)                                           \
    [number] = {#name, when, state, exit_status},
#include "base/err_codes.def"
#undef ERR_CODE
};

__attribute__((format(printf, 4, 0))) static Err *
err_vmake(ErrCode code, const char *file, int line, const char *format, va_list args)
{
    Arena *arena = arena_new();
    Err *err = ANEW(arena, Err);
    err->arena = arena;
    err->code = code;
    err->message = arena_vprintf(arena, format, args);
    return err_frame(err, file, line);
}

Err *err_make(ErrCode code, const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    Err *err = err_vmake(code, file, line, format, args);
    va_end(args);
    return err;
}

Err *err_errno(int errnum, const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    Err *err = err_vmake(ERR_IO, file, line, format, args);
    va_end(args);
    err->errnum = errnum;
    char reason[128];
    const char *text = strerror_r(errnum, reason, sizeof reason);
    err->message = arena_printf(err->arena, "%s: %s", err->message, text);
    return err;
}

Err *err_frame(Err *err, const char *file, int line)
{
    if (err->frame_count < MAX_FRAMES) {
        err->frames[err->frame_count].file = file;
        err->frames[err->frame_count++].line = line;
    }
    return err;
}

Err *err_wrap(Err *err, const char *format, ...)
{
    if (err == NULL) return NULL;
    va_list args;
    va_start(args, format);
    char *sentence = arena_vprintf(err->arena, format, args);
    va_end(args);
    err->message = arena_printf(err->arena, "%s: %s", sentence, err->message);
    return err;
}

Err *err_hint(Err *err, const char *format, ...)
{
    if (err == NULL || err->hint != NULL) return err;
    va_list args;
    va_start(args, format);
    err->hint = arena_vprintf(err->arena, format, args);
    va_end(args);
    return err;
}

Err *err_path(Err *err, const char *path)
{
    if (err != NULL && err->path == NULL) err->path = arena_strdup(err->arena, path);
    return err;
}

Err *err_at(Err *err, int line, int column)
{
    if (err != NULL && err->line == 0) {
        err->line = line;
        err->column = column;
    }
    return err;
}

Err *err_source(Err *err, const char *text)
{
    if (err != NULL && err->source == NULL) err->source = arena_strdup(err->arena, text);
    return err;
}

void err_free(Err *err)
{
    if (err != NULL) arena_free(err->arena);
}

ErrCode err_code(const Err *err)
{
    return err->code;
}

int err_errnum(const Err *err)
{
    return err->errnum;
}

const char *err_message(const Err *err)
{
    return err->message;
}

const char *err_hint_text(const Err *err)
{
    return err->hint;
}

const char *err_path_text(const Err *err)
{
    return err->path;
}

void err_position(const Err *err, int *line, int *column)
{
    *line = err->line;
    *column = err->column;
}

const char *err_source_text(const Err *err)
{
    return err->source;
}

void err_print_frames(const Err *err, FILE *to)
{
    for (int i = 0; i < err->frame_count; i++) {
        (void)fprintf(to, "  at %s:%d\n", err->frames[i].file, err->frames[i].line);
    }
}

int err_exit_status(ErrCode code)
{
    return CODES[code].exit_status;
}

const char *err_code_name(ErrCode code)
{
    return CODES[code].name;
}

const char *err_code_id(ErrCode code)
{
    static const char *const IDS[] = {
#define ERR_CODE(name, number, exit_status, when, state) [number] = "POND-00" #number,
#include "base/err_codes.def"
#undef ERR_CODE
    };
    return IDS[code];
}

const char *err_code_when(ErrCode code)
{
    return CODES[code].when;
}

const char *err_code_state(ErrCode code)
{
    return CODES[code].state;
}
