/* Messages on stderr. The level and the hook are the only state that base keeps; both are set once
 * at start, before threads, and read freely afterwards. A message is formatted whole and written by
 * one call, so that lines of several threads do not mix. What a message quotes may hold anything
 * (file names with newlines, terminal escapes), so it is made printable first. */
#include "base/log.h"
#include "base/arena.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>

static LogLevel current_level = LOG_NORMAL;
static void (*warning_hook)(LogLevel level, const char *message, void *context);
static void *warning_hook_context;

void log_set_level(LogLevel level)
{
    current_level = level;
}

LogLevel log_level(void)
{
    return current_level;
}

void log_set_hook(void (*hook)(LogLevel level, const char *message, void *context), void *context)
{
    warning_hook = hook;
    warning_hook_context = context;
}

static void emit(Arena *arena, const char *word, const char *message)
{
    (void)fputs(arena_printf(arena, "pond: %s%s\n", word, message), stderr);
}

void log_warn(const char *format, ...)
{
    SCRATCH(scratch);
    va_list args;
    va_start(args, format);
    const char *message = text_printable(scratch, arena_vprintf(scratch, format, args));
    va_end(args);
    if (warning_hook != NULL) warning_hook(LOG_NORMAL, message, warning_hook_context);
    if (current_level >= LOG_NORMAL) emit(scratch, "warning: ", message);
}

void log_note(const char *format, ...)
{
    if (current_level < LOG_NORMAL) return;
    SCRATCH(scratch);
    va_list args;
    va_start(args, format);
    emit(scratch, "", text_printable(scratch, arena_vprintf(scratch, format, args)));
    va_end(args);
}

void log_debug(const char *format, ...)
{
    if (current_level < LOG_VERBOSE) return;
    SCRATCH(scratch);
    va_list args;
    va_start(args, format);
    emit(scratch, "debug: ", text_printable(scratch, arena_vprintf(scratch, format, args)));
    va_end(args);
}
