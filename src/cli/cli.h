/* cli — the command line: one file per command, one table of commands. Options, help, man page,
 * completion and suggestions come from the tables; a command is one function over an opened Cli.
 *
 * Results go to stdout, everything else to stderr. With --json each command prints one document of
 * its documented shape, and an error is
 * {"error":{"code","message","path","hint"}} on stderr.
 * Threads: one, but for the watcher that passes Ctrl-C on to the engine. */
#pragma once
#include "export/export.h"
#include "factory/factory.h"
#include "os/os.h"
#include "perf/read.h"
#include "report/report.h"

typedef struct Option {
    const char *name;  /* long name without dashes */
    char letter;       /* 0 = none */
    const char *value; /* what the value is called in help; NULL: a flag */
    const char *text;
} Option;

typedef struct Cli Cli;
typedef struct Watch Watch;

typedef struct Command {
    const char *name, *usage; /* "copy SRC... DEST"; "bench ab" of one below another */
    const char *summary;      /* one line */
    const char *details;      /* paragraphs, or NULL */
    const char *examples;     /* lines "pond ..."; shown first */
    const char *json;         /* the shape of --json, or NULL */
    const Option *options;
    size_t option_count;
    int least_args, most_args; /* -1 = any number */
    Err *(*run)(Cli *cli);
    const struct Command *const *subs; /* commands below it, one of which is named, or NULL */
    size_t sub_count;
} Command;

extern const Command *const COMMANDS[];
extern const size_t COMMAND_COUNT;
extern const Option GLOBAL_OPTIONS[];
extern const size_t GLOBAL_OPTION_COUNT;
const Command *command_find(const char *name);
const Command *command_find_sub(const Command *command, const char *word);
const char *command_word(const Command *command); /* the last word of its name */
/* USAGE that says which there are; `word`: what was given instead, or NULL. */
Err *command_no_sub(const Command *command, const char *word) WARN_UNUSED;

typedef struct OptionValue {
    const Option *option;
    const char *value;
} OptionValue;

struct Cli {
    Arena *arena;
    const Command *command;
    const char **args;
    size_t arg_count;
    OptionValue *given; /* of the command, in order */
    size_t given_count;
    /* global */
    const char *pond_dir;
    bool json, quiet, stats, verbose, color_out, color_err;
    const char *progress; /* auto, plain, json, none */
    int64_t memory_bytes;
    int threads;
    UrlOption *vars;
    size_t var_count;
    char *command_line; /* redacted, for the log */
    /* opened on demand */
    Pond *pond;
    Provider *provider;
    OsFile *trace; /* --trace: spans are written until the end, or at it */
    Watch *watch;
    char *own_temp;    /* scratch without a pond */
    int64_t committed; /* the newest transaction of this command; 0: none */
    int status;        /* exit status of a command that succeeded but has a negative answer */
    /* for the record of the run */
    const RunTarget *targets;
    size_t target_count;
    const RunWork *work;
    size_t work_count;
};

/* ---- arguments ---- */
Err *args_parse(Cli *cli, int argc, char **argv) WARN_UNUSED;
/* The last value given, or NULL; for flags "" when given. */
const char *cli_option(const Cli *cli, const char *name);
bool cli_flag(const Cli *cli, const char *name);
/* An option that is a duration, or 0; 0 when it is not given. */
Err *cli_duration(const Cli *cli, const char *name, int64_t *out_us) WARN_UNUSED;
Err *cli_wait_ms(const Cli *cli, int64_t *out) WARN_UNUSED; /* --wait */
/* A bound given by two options, inclusive on both sides: a day as end means its last µs. An option
 * that is not given leaves its side as it is. USAGE when the end is before the start. */
Err *cli_time_span(const Cli *cli, const char *start, const char *end, TimeSpan *out) WARN_UNUSED;

/* ---- what a command works on ---- */
Err *cli_open_pond(Cli *cli, Pond **out) WARN_UNUSED;
/* With the pond where one is named (needed = false: also without). */
Err *cli_open_provider(Cli *cli, bool pond_needed, Provider **out) WARN_UNUSED;
/* INVALID for a place on the host within the open pond's own folder: what is written there would
 * meet the pond's files, or go with its cache. */
Err *cli_check_outside(const Cli *cli, const char *path) WARN_UNUSED;
/* Runs `body` in a transaction with a fresh Fs in cli->provider; changes seen by it are dropped
 * again when it fails. With --json the transaction is printed. */
typedef Err *CliBody(void *context, Cli *cli);
Err *cli_transact(Cli *cli, CliBody *body, void *context) WARN_UNUSED;
/* The same without a word. */
Err *cli_commit(Cli *cli, CliBody *body, void *context, TlogCommitted *out) WARN_UNUSED;
/* The same, undone at once. */
Err *cli_rehearse(Cli *cli, CliBody *body, void *context) WARN_UNUSED;
/* After a command that committed: the executables in /system/run, by name, each in a transaction of
 * its own. They speak on stderr. PARTIAL when some fail. */
#define AUTOMATIC_DIR "/system/run"
Err *cli_run_automatic(Cli *cli) WARN_UNUSED;
#define COMMITTED_JSON "{\"txn\",\"log_version\",\"rows\"}: 0, -1, 0 when nothing had to change"
/* A folder of this command's own below $TMPDIR, removed at the end: for what has no pond. */
Err *cli_temp_dir(Cli *cli, const char **out) WARN_UNUSED;
void cli_close(Cli *cli);

/* ---- output ---- */
void out_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void out_write(const void *bytes, size_t size);
Err *out_flush(void) WARN_UNUSED; /* IO when stdout cannot be written */
/* A file that the user names for what a command writes: a new one in place of a file that was
 * there, also behind a link; a device or a pipe is written to as it is. */
Err *cli_open_output(const Cli *cli, const char *path, OsFile **out) WARN_UNUSED;
/* Prints what was put into `json` as one line. */
void out_json(const Buf *json);
/* A text as it is; with --json as {name_key: name, text_key: text}. */
void out_text(const Cli *cli, const char *name_key, const char *name, const char *text_key,
              const char *text);
char *count_of(Arena *arena, int64_t count, const char *what); /* "1 row", "2,000 rows" */
char *time_to_second(Arena *arena, TimeUs time); /* 2024-07-01 00:00:00: fractions are left out */
void error_print(const Cli *cli, const Err *err);
/* Tells an error that does not end the command, which goes on with the rest and then exits with the
 * first one's status. `cli` is a Cli (for MatchOptions.broken). */
void cli_pass_by(void *cli, const Err *err);
const char *paint(
    bool colored,
    const char *style); /* "" when not colored; styles: bold dim red green yellow blue cyan reset */
/* The run as a table, or with --json as a line of JSON {"stats":...}, on stderr: --stats. */
void stats_print(const Cli *cli, const Run *run);
/* On a terminal: what matters first, and what tells the rest. */
void stats_print_screen(const Cli *cli, const Run *run);
void stats_print_notes(const Run *run); /* changed plans, workers, spans that did not fit */
/* That line behind the others of the file: POND_STATS. */
void stats_append(const Cli *cli, const Run *run, const char *path);
/* ---- the run history: watch.c ---- */
/* Of the pond, which is opened; files found damaged are set aside and told. */
Err *cli_history_index(Cli *cli, Arena *arena, HistoryIndex *out) WARN_UNUSED;
void cli_tell_set_aside(const Cli *cli, const char *const *names, size_t count);

/* ---- watching the command: watch.c ---- */
/* Levels, trace, flight recorder, as options and environment say. */
Err *watch_start(Cli *cli) WARN_UNUSED;
/* Before the pond is closed: what the end will need of it. */
void watch_before_close(Cli *cli);
/* POND_HISTORY is not off. */
bool cli_keeps_history(const Cli *cli);
/* Trace, --stats, history. */
void watch_end(Cli *cli, int status);
void help_command(const Cli *cli, const Command *command);
void help_overview(const Cli *cli);

/* A table for people: columns fit the terminal. Cells are copied. */
typedef struct Table Table;
/* `right`: aligned so; `exact`: never cut. Either may be NULL. */
Table *table_new(Arena *arena, const char *const *headers, const bool *right, const bool *exact,
                 size_t count);
void table_add(Table *table, const char *const *cells);
size_t table_print(Table *table, bool color); /* how many columns had no room */
size_t table_print_to(Table *table, FILE *stream, bool color);
int screen_width(FILE *stream); /* 0: not a terminal, anything fits */
/* To so many columns, with "…" in place of the rest. */
const char *screen_cut(Arena *arena, const char *text, int most);
bool screen_is_dumb(void); /* it understands no control sequences */

/* ---- rows ---- */
typedef struct Progress Progress;
typedef enum RowFormat { ROWS_TABLE, ROWS_CSV, ROWS_JSON, ROWS_JSONL } RowFormat;
/* `schema`: the types to show; columns of other types arrive as text. */
/* `progress` ends before a row goes to the terminal. */
Err *rows_print(Cli *cli, RelStream *stream, const Schema *schema, RowFormat format,
                Progress **progress) WARN_UNUSED;

/* ---- progress on stderr ---- */
/* Prints nothing before 100 ms have passed. NULL where none is wanted: fine for the others. End it
 * before anything else is printed to the terminal. */
Progress *progress_new(Cli *cli, const char *what);
/* `all` 0 = unknown; `unit` lives on, `detail` (may be NULL) is copied. */
void progress_update(Progress *progress, int64_t done, int64_t all, const char *unit,
                     const char *detail);
/* The part of the work that is done, where that is known better than by `done` and `all`, and how
 * long all of it was predicted to take (0: unknown). */
void progress_work(Progress *progress, double part, double predicted_s);
void progress_end_at(Progress **progress);
