/* Progress on stderr: one line that is rewritten on a terminal, a line every two seconds with
 * `plain`, JSON lines with `json`. The time left comes from the mean rate so far; nothing is
 * printed before 100 ms have passed. */
#include "cli/cli.h"
#include <string.h>
#include <unistd.h>

struct Progress {
    Cli *cli;
    const char *what;
    int64_t start_us, last_us;
    bool shown, terminal, plain, json;
};

Progress *progress_new(Cli *cli, const char *what)
{
    Progress *progress = ANEW(cli->arena, Progress);
    bool automatic = strcmp(cli->progress, "auto") == 0;
    *progress = (Progress){.cli = cli, .what = what, .start_us = os_monotonic_us()};
    progress->json = strcmp(cli->progress, "json") == 0;
    progress->plain = strcmp(cli->progress, "plain") == 0;
    progress->terminal = automatic && !cli->quiet && isatty(STDERR_FILENO);
    return progress;
}

static void print_json(const Progress *progress, int64_t done, int64_t all, const char *unit,
                       double rate)
{
    (void)fprintf(stderr,
                  "{\"progress\":{\"what\":\"%s\",\"done\":%lld,\"all\":%lld,\"unit\":\"%s\",\"per_"
                  "second\":%.0f}}\n",
                  progress->what, (long long)done, (long long)all, unit, rate);
}

static void print_line(Progress *progress, int64_t done, int64_t all, const char *unit,
                       const char *detail, double rate)
{
    SCRATCH(scratch);
    Buf line = buf_new(scratch);
    buf_printf(&line, "%s", progress->what);
    if (all > 0)
        buf_printf(&line, " %3.0f%%", 100.0 * (double)(done < all ? done : all) / (double)all);
    bool bytes = strcmp(unit, "bytes") == 0;
    buf_printf(&line, "  %s%s%s", bytes ? size_format(scratch, done) : count_format(scratch, done),
               bytes ? "" : " ", bytes ? "" : unit);
    buf_printf(&line, "  %s%s%s/s",
               bytes ? size_format(scratch, (int64_t)rate) : count_format(scratch, (int64_t)rate),
               bytes ? "" : " ", bytes ? "" : unit);
    if (all > done && rate > 0) {
        buf_printf(&line, "  %s left",
                   duration_format(scratch, (int64_t)((double)(all - done) / rate * 1e6)));
    }
    if (detail != NULL) buf_printf(&line, "  %s", detail);
    if (progress->terminal)
        (void)fprintf(stderr, "\r\033[K%.150s", line.data);
    else
        (void)fprintf(stderr, "%s\n", line.data);
}

void progress_update(Progress *progress, int64_t done, int64_t all, const char *unit,
                     const char *detail)
{
    int64_t now = os_monotonic_us(), passed = now - progress->start_us;
    int64_t every = progress->terminal ? 100000 : 2 * US_PER_SECOND;
    if (!progress->terminal && !progress->plain && !progress->json) return;
    if (passed < 100000 || (progress->shown && now - progress->last_us < every)) return;
    double rate = (double)done / ((double)passed / 1e6);
    progress->shown = true;
    progress->last_us = now;
    if (progress->json)
        print_json(progress, done, all, unit, rate);
    else
        print_line(progress, done, all, unit, detail, rate);
    (void)fflush(stderr);
}

void progress_end_at(Progress **progress)
{
    if (*progress != NULL && (*progress)->shown && (*progress)->terminal)
        (void)fputs("\r\033[K", stderr);
    *progress = NULL;
}
