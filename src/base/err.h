/* Errors. A function that can fail returns Err * (NULL = success); its results leave through
 * out-parameters, last, untouched on failure. An Err owns itself: pass it up with TRY or free it.
 *
 *   Err *f(Arena *a, int *out) {
 *       TRY(g(a));                                        // propagates
 *       if (bad) return ERR(INVALID, "%s: not a number", text);
 *       ...
 *   }
 *
 * The message says what, with the name of the thing; the cause comes after a colon. A hint says
 * what to do. ERR_WRAP puts a user-level sentence in front ("export /a/b: ") at layer borders only.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>

typedef enum ErrCode {
#define ERR_CODE(name, number, exit_status, when, state) ERR_##name = number,
#include "base/err_codes.def"
#undef ERR_CODE
} ErrCode;

typedef struct Err Err;

#define WARN_UNUSED __attribute__((warn_unused_result))

Err *err_make(ErrCode code, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5), returns_nonnull)) WARN_UNUSED;
#define ERR(code, ...) err_make(ERR_##code, __FILE__, __LINE__, __VA_ARGS__)

/* From errno: "open /x: No such file or directory". ENOENT stays IO: a missing thing that is normal
 * is not an error and must be asked for by its own function. */
Err *err_errno(int errnum, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5), returns_nonnull)) WARN_UNUSED;
#define ERR_ERRNO(errnum, ...) err_errno((errnum), __FILE__, __LINE__, __VA_ARGS__)

#define TRY(expression)                                                                            \
    do {                                                                                           \
        Err *try_error_ = (expression);                                                            \
        if (__builtin_expect(try_error_ != NULL, 0))                                               \
            return err_frame(try_error_, __FILE__, __LINE__);                                      \
    } while (0)
Err *err_frame(Err *err, const char *file, int line) __attribute__((nonnull(1), returns_nonnull))
WARN_UNUSED;

/* Puts a sentence before the message; NULL in, NULL out. The code stays. */
Err *err_wrap(Err *err, const char *format, ...) __attribute__((format(printf, 2, 3))) WARN_UNUSED;
#define ERR_WRAP(err, ...) err_wrap((err), __VA_ARGS__)

/* Decorations; each returns its argument. The first hint, path, position and source set stay. */
Err *err_hint(Err *err, const char *format, ...) __attribute__((format(printf, 2, 3))) WARN_UNUSED;
Err *err_path(Err *err, const char *path) WARN_UNUSED;
Err *err_at(Err *err, int line, int column) WARN_UNUSED;
/* The text that the position counts in (a query, a configuration), so that its line can be shown.
 */
Err *err_source(Err *err, const char *text) WARN_UNUSED;

/* NULL is free of cost. `err_free(f())` is the visible way to ignore a failure. */
void err_free(Err *err);

ErrCode err_code(const Err *err);
int err_errnum(const Err *err);            /* 0 when the error did not come from errno */
const char *err_message(const Err *err);   /* one line, without "pond:" */
const char *err_hint_text(const Err *err); /* NULL when none */
const char *err_path_text(const Err *err); /* NULL when none */
void err_position(const Err *err, int *line, int *column); /* 0, 0 when none */
const char *err_source_text(const Err *err);               /* NULL when none */
void err_print_frames(const Err *err, FILE *to); /* where it was made and what it passed through */

/* The table of codes, for help and exit: names as POND-0001. */
int err_exit_status(ErrCode code);
const char *err_code_name(ErrCode code); /* "NOT_FOUND" */
const char *err_code_id(ErrCode code);   /* "POND-0003" */
const char *err_code_when(ErrCode code);
const char *err_code_state(ErrCode code);

/* A local that frees itself: CLEANUP(file_close_at) File *f = NULL; */
#define CLEANUP(function) __attribute__((cleanup(function)))
