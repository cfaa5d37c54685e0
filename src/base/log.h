/* Messages for people, on stderr, one line each: "pond: warning: ...". Never on stdout. Control
 * characters in a message are shown as \n, \x1b. The level and the hook are set at start, before
 * other threads. */
#pragma once

typedef enum LogLevel { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE } LogLevel;

void log_set_level(LogLevel level); /* once, at start */
LogLevel log_level(void);
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2))); /* not when quiet */
void log_note(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* not when quiet; "pond: ..." */
void log_debug(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* only when verbose */
/* Called with every warning too (the CLI collects them for --json); NULL removes. */
void log_set_hook(void (*hook)(LogLevel level, const char *message, void *context), void *context);
