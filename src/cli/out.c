/* Output: results on stdout, counters on stderr, colours where wanted. */
#include "cli/cli.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void out_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
}

void out_write(const void *bytes, size_t size)
{
    (void)fwrite(bytes, 1, size, stdout);
}

Err *out_flush(void)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) return NULL;
    return ERR_ERRNO(errno != 0 ? errno : EIO, "standard output");
}

void out_json(const Buf *json)
{
    out_write(json->data, json->size);
    out_write("\n", 1);
}

void out_text(const Cli *cli, const char *name_key, const char *name, const char *text_key,
              const char *text)
{
    if (!cli->json) {
        out_write(text, strlen(text));
        return;
    }
    Buf buf = buf_new(cli->arena);
    JsonOut json = json_out(&buf);
    json_begin_object(&json);
    json_kv_str(&json, name_key, name);
    json_kv_str(&json, text_key, text);
    json_end(&json);
    out_json(&buf);
}

char *count_of(Arena *arena, int64_t count, const char *what)
{
    return arena_printf(arena, "%s %s%s", count_format(arena, count), what, count == 1 ? "" : "s");
}

char *time_to_second(Arena *arena, TimeUs time)
{
    TimeUs fraction = time % US_PER_SECOND;
    return time_format_human(arena, time - fraction - (fraction < 0 ? US_PER_SECOND : 0));
}

const char *paint(bool colored, const char *style)
{
    static const char *const STYLES[][2] = {
        {"bold", "\033[1m"},    {"dim", "\033[2m"},   {"red", "\033[31m"},  {"green", "\033[32m"},
        {"yellow", "\033[33m"}, {"blue", "\033[34m"}, {"cyan", "\033[36m"}, {"reset", "\033[0m"}};
    for (size_t i = 0; colored && i < sizeof STYLES / sizeof *STYLES; i++) {
        if (strcmp(STYLES[i][0], style) == 0) return STYLES[i][1];
    }
    return "";
}

bool screen_is_dumb(void)
{
    const char *term = getenv("TERM");
    return term != NULL && strcmp(term, "dumb") == 0;
}

Err *cli_open_output(const Cli *cli, const char *path, OsFile **out)
{
    OsStat stat;
    bool exists = false;
    char *file = NULL;
    if (*path == '\0') return ERR(USAGE, "the name of a file is expected");
    TRY(os_stat_if(path, &exists, &stat));
    if (exists && !stat.is_file) return os_open_append(path, out);
    TRY(os_absolute(cli->arena, path, &file));
    TRY(os_unlink_if(file));
    return os_open_new(file, out);
}
