/* pond: arguments, one command, one exit. */
#include "bench/bench.h"
#include "cli/cli.h"
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

/* Ctrl-C: the handler may do next to nothing, so a thread that waits for it interrupts the engine.
 */
static sem_t interrupts;

static void on_interrupt(void)
{
    (void)sem_post(&interrupts);
}

static void *watch(void *unused)
{
    (void)unused;
    for (;;) {
        while (sem_wait(&interrupts) != 0) {
        }
        engine_interrupt();
    }
    return NULL;
}

static void watch_interrupts(void)
{
    pthread_t thread;
    (void)sem_init(&interrupts, 0, 0);
    os_signals_install(on_interrupt);
    if (pthread_create(&thread, NULL, watch, NULL) == 0) (void)pthread_detach(thread);
}

/* The environment first, then the options as they were given. */
static Err *set_toggles(Cli *cli)
{
    const char *caches = getenv("POND_CACHE"), *toggles = getenv("POND_TOGGLES");
    cache_set_off(caches != NULL && strcmp(caches, "off") == 0);
    if (toggles != NULL) TRY(toggles_parse("POND_TOGGLES", toggles));
    for (size_t i = 0; i < cli->given_count; i++) {
        const Option *option = cli->given[i].option;
        bool is_global = option >= GLOBAL_OPTIONS && option < GLOBAL_OPTIONS + GLOBAL_OPTION_COUNT;
        if (is_global && strcmp(option->name, "toggle") == 0)
            TRY(toggles_parse("--toggle", cli->given[i].value));
    }
    if (!toggle_on(TOGGLE_workers)) cli->threads = 1;
    return NULL;
}

static Err *run(Cli *cli, int argc, char **argv)
{
    bench_begin_measured();
    TRY(args_parse(cli, argc, argv));
    TRY(set_toggles(cli));
    if (cli->quiet) log_set_level(LOG_QUIET);
    if (cli->verbose) log_set_level(LOG_VERBOSE);
    if (cli->command == NULL) {
        help_overview(cli);
        if (cli_flag(cli, "help")) return NULL;
        return argc > 1 ? ERR(USAGE, "a command is missing") : NULL;
    }
    if (cli_flag(cli, "help")) {
        help_command(cli, cli->command);
        return NULL;
    }
    TRY(watch_start(cli));
    watch_interrupts();
    TRY(cli->command->run(cli));
    return cli->committed > 0 ? cli_run_automatic(cli) : NULL;
}

int main(int argc, char **argv)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* libsmartcols would escape all but ASCII */
    Arena *arena = arena_new();
    Cli cli = {.arena = arena};
    Err *err = run(&cli, argc, argv);
    watch_before_close(&cli);
    cli_close(&cli);
    if (err == NULL) err = out_flush();
    int status = err == NULL ? cli.status : err_exit_status(err_code(err));
    if (err != NULL && !(err_errnum(err) == EPIPE && err_code(err) == ERR_IO))
        error_print(&cli, err);
    watch_end(&cli, status);
    err_free(err);
    arena_free(arena);
    return status;
}
