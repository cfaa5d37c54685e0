/* Progress on stderr: one line that is rewritten on a terminal, a line a second with `plain` and on
 * a dumb one, JSON lines with `json`. Updates only store where the work is; a thread tells it, so
 * that something is on the screen after 100 ms even where a step takes long and says nothing. The
 * time left joins what was predicted, where something was, with the rate so far (report/eta.h). */
#include "cli/cli.h"
#include "report/eta.h"
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MOST = 150 };

struct Progress {
    const char *what;
    int64_t start_us;
    bool terminal, json, shown;
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t ending;
    bool ended;
    int64_t done, all;
    const char *unit;
    double work; /* part of it that is done; < 0: as told by done and all */
    double predicted_s;
    Eta eta;
    char detail[128];
};

static double rate_of(const Progress *progress, int64_t passed_us)
{
    return (double)progress->done / ((double)passed_us / 1e6);
}

static EtaView left_of(Progress *progress, int64_t passed_us)
{
    double done = progress->work;
    if (done < 0 && progress->all > 0) done = (double)progress->done / (double)progress->all;
    progress->eta.predicted_s = progress->predicted_s;
    return eta_update(&progress->eta, (double)passed_us / 1e6, done);
}

static void print_json(Progress *progress, int64_t passed_us)
{
    EtaView eta = left_of(progress, passed_us);
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_key(&json, "progress");
    json_begin_object(&json);
    json_kv_str(&json, "what", progress->what);
    json_kv_int(&json, "done", progress->done);
    json_kv_int(&json, "all", progress->all);
    json_kv_str(&json, "unit", progress->unit);
    json_kv_int(&json, "per_second", (int64_t)rate_of(progress, passed_us));
    json_kv_int(&json, "passed_ms", passed_us / 1000);
    json_key(&json, "part");
    json_put_double(&json, eta.part);
    if (progress->work >= 0) {
        json_key(&json, "work");
        json_put_double(&json, progress->work);
    }
    if (eta.left_s >= 0) json_kv_int(&json, "left_ms", (int64_t)(eta.left_s * 1000));
    json_end(&json);
    json_end(&json);
    (void)fprintf(stderr, "%s\n", text.data);
}

static char *amount(Arena *arena, int64_t count, const char *unit)
{
    if (strcmp(unit, "bytes") == 0) return size_format(arena, count);
    return arena_printf(arena, "%s %s", count_format(arena, count), unit);
}

static void print_line(Progress *progress, int64_t passed_us)
{
    SCRATCH(scratch);
    Buf line = buf_new(scratch);
    int64_t done = progress->done;
    double rate = rate_of(progress, passed_us);
    EtaView eta = left_of(progress, passed_us);
    buf_puts(&line, progress->what);
    if (eta.left_s >= 0) buf_printf(&line, " %3.0f%%", 100.0 * eta.part);
    if (done > 0) {
        buf_printf(&line, "  %s  %s/s", amount(scratch, done, progress->unit),
                   amount(scratch, (int64_t)rate, progress->unit));
    }
    if (eta.left_s >= 0)
        buf_printf(&line, "  about %s left", about_format(scratch, eta.left_s));
    else
        buf_printf(&line, "  %.1f s", (double)passed_us / 1e6);
    if (progress->detail[0] != '\0')
        buf_printf(&line, "  %s", text_printable(scratch, progress->detail));
    int width = screen_width(stderr); /* a line that wraps could not be rewritten */
    const char *text = screen_cut(scratch, line.data, width > 2 ? width - 1 : LINE_MOST);
    (void)fprintf(stderr, progress->terminal ? "\r\033[K%s" : "%s\n", text);
}

static void *tell(void *context)
{
    Progress *progress = context;
    int64_t every_us = progress->terminal ? 100000 : US_PER_SECOND, next_us = 100000;
    (void)pthread_mutex_lock(&progress->mutex);
    while (!progress->ended) {
        int64_t at_us = progress->start_us + next_us;
        struct timespec at = {.tv_sec = at_us / US_PER_SECOND,
                              .tv_nsec = at_us % US_PER_SECOND * 1000};
        (void)pthread_cond_timedwait(&progress->ending, &progress->mutex, &at);
        int64_t passed_us = os_monotonic_us() - progress->start_us;
        if (progress->ended || passed_us < next_us) continue;
        if (progress->json)
            print_json(progress, passed_us);
        else
            print_line(progress, passed_us);
        (void)fflush(stderr);
        progress->shown = true;
        next_us = passed_us + every_us;
    }
    (void)pthread_mutex_unlock(&progress->mutex);
    return NULL;
}

Progress *progress_new(Cli *cli, const char *what)
{
    bool json = strcmp(cli->progress, "json") == 0, plain = strcmp(cli->progress, "plain") == 0;
    bool terminal = strcmp(cli->progress, "auto") == 0 && !cli->quiet && isatty(STDERR_FILENO);
    if (terminal && screen_is_dumb()) plain = true;
    terminal = terminal && !plain;
    if (!json && !plain && !terminal) return NULL;
    Progress *progress = ANEW(cli->arena, Progress);
    *progress = (Progress){.what = what,
                           .start_us = os_monotonic_us(),
                           .terminal = terminal,
                           .json = json,
                           .unit = "",
                           .work = -1,
                           .eta = eta_new(0),
                           .mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&progress->ending, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return pthread_create(&progress->thread, NULL, tell, progress) == 0 ? progress : NULL;
}

void progress_update(Progress *progress, int64_t done, int64_t all, const char *unit,
                     const char *detail)
{
    if (progress == NULL) return;
    (void)pthread_mutex_lock(&progress->mutex);
    progress->done = done;
    progress->all = all;
    progress->unit = unit;
    (void)snprintf(progress->detail, sizeof progress->detail, "%s", detail != NULL ? detail : "");
    (void)pthread_mutex_unlock(&progress->mutex);
}

void progress_work(Progress *progress, double part, double predicted_s)
{
    if (progress == NULL) return;
    (void)pthread_mutex_lock(&progress->mutex);
    progress->work = part;
    progress->predicted_s = predicted_s;
    (void)pthread_mutex_unlock(&progress->mutex);
}

void progress_end_at(Progress **at)
{
    Progress *progress = *at;
    *at = NULL;
    if (progress == NULL) return;
    (void)pthread_mutex_lock(&progress->mutex);
    progress->ended = true;
    (void)pthread_cond_signal(&progress->ending);
    (void)pthread_mutex_unlock(&progress->mutex);
    (void)pthread_join(progress->thread, NULL);
    (void)pthread_cond_destroy(&progress->ending);
    if (progress->shown && progress->terminal) (void)fputs("\r\033[K", stderr);
}
