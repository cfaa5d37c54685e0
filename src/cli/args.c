/* Arguments: global options anywhere, a command, its options and its operands. `--` ends options;
 * --name=value and -n value both work. */
#include "cli/cli.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const Option GLOBAL_OPTIONS[] = {
    {"pond", 0, "DIR", "the pond (default: $POND)"},
    {"var", 'v', "KEY=VALUE", "set ${var:KEY} for configurations"},
    {"json", 0, NULL, "print one JSON document"},
    {"quiet", 'q', NULL, "no messages but errors"},
    {"verbose", 0, NULL, "tell what is done, with the statements that run"},
    {"color", 0, "WHEN", "auto, always or never"},
    {"progress", 0, "HOW", "auto, plain, json or none"},
    {"stats", 0, NULL, "a table of counters after the command"},
    {"trace", 0, "FILE", "write spans to FILE (*.pftrace: for Perfetto; else Chrome's JSON)"},
    {"trace-level", 0, "LEVEL", "off, counts, spans or detail (default: counts, or $POND_TRACE)"},
    {"plans", 0, "WHICH",
     "statements to profile: auto, all or off (default: auto, or $POND_PLANS)"},
    {"memory-limit", 0, "SIZE", "for the engine, e.g. 512MB"},
    {"threads", 0, "N", "workers of an export (default: cores)"},
    {"toggle", 0, "NAME=off,...", "switch an optimisation off: pond bench toggles --list"},
    {"wait", 0, "TIME", "how long to wait for another writer, e.g. 30s"},
    {"allow-network-fs", 0, NULL, "write a pond on a network file system"},
    {"help", 'h', NULL, "help on the command"},
};
const size_t GLOBAL_OPTION_COUNT = sizeof GLOBAL_OPTIONS / sizeof *GLOBAL_OPTIONS;

typedef struct Parse {
    Cli *cli;
    VEC(const char *) args;
    VEC(OptionValue) given;
    VEC(UrlOption) vars;
    Buf line; /* the redacted command line */
    const char *color;
    bool help, operands_only;
} Parse;

static const Option *find_in(const Option *options, size_t count, const char *name, size_t length,
                             char letter)
{
    for (size_t i = 0; i < count; i++) {
        if (letter != 0 ? options[i].letter == letter
                        : strlen(options[i].name) == length &&
                              strncmp(options[i].name, name, length) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static Err *unknown_option(const Parse *parse, const char *word)
{
    const Command *command = parse->cli->command;
    size_t own = command != NULL ? command->option_count : 0, count = 0;
    const char *names[64] = {0};
    for (size_t i = 0; i < own && count < 64; i++) names[count++] = command->options[i].name;
    for (size_t i = 0; i < GLOBAL_OPTION_COUNT && count < 64; i++)
        names[count++] = GLOBAL_OPTIONS[i].name;
    Err *err = ERR(USAGE, "unknown option '%s'%s%s", word, command != NULL ? " of pond " : "",
                   command != NULL ? command->name : "");
    const char *near = text_nearest(word + strspn(word, "-"), names, count);
    if (near != NULL) return err_hint(err, "did you mean '--%s'?", near);
    return err_hint(err, "pond %s%s--help shows the options", command != NULL ? command->name : "",
                    command != NULL ? " " : "");
}

static Err *take_var(Parse *parse, const char *value)
{
    const char *equals = strchr(value, '=');
    if (equals == NULL || equals == value) return ERR(USAGE, "-v %s: KEY=VALUE is expected", value);
    UrlOption var = {.key = arena_strndup(parse->cli->arena, value, (size_t)(equals - value)),
                     .value = equals + 1};
    vec_push(parse->cli->arena, &parse->vars, var);
    return NULL;
}

static Err *one_of(const char *option, const char *value, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, words[i]) == 0) return NULL;
    }
    Err *err = ERR(USAGE, "--%s: unknown value '%s'", option, value);
    const char *near = text_nearest(value, words, count);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near) : err;
}

static Err *take_number(const char *option, const char *value, int *out)
{
    char *end = NULL;
    long number = strtol(value, &end, 10);
    if (*value == '\0' || *end != '\0' || number < 1 || number > 1024) {
        return ERR(USAGE, "--%s: a number from 1 to 1024 is expected, not '%s'", option, value);
    }
    *out = (int)number;
    return NULL;
}

static Err *take_global(Parse *parse, const Option *option, const char *value)
{
    static const char *const WHEN[] = {"auto", "always", "never"}, *const HOW[] = {"auto", "plain",
                                                                                   "json", "none"};
    Cli *cli = parse->cli;
    const char *name = option->name;
    if (strcmp(name, "pond") == 0)
        cli->pond_dir = value;
    else if (strcmp(name, "var") == 0)
        TRY(take_var(parse, value));
    else if (strcmp(name, "json") == 0)
        cli->json = true;
    else if (strcmp(name, "quiet") == 0)
        cli->quiet = true;
    else if (strcmp(name, "verbose") == 0)
        cli->verbose = true;
    else if (strcmp(name, "stats") == 0)
        cli->stats = true;
    else if (strcmp(name, "help") == 0)
        parse->help = true;
    else if (strcmp(name, "threads") == 0)
        TRY(take_number(name, value, &cli->threads));
    else if (strcmp(name, "memory-limit") == 0) {
        Err *err = size_parse(value, &cli->memory_bytes);
        if (err != NULL) {
            Err *own = ERR(USAGE, "--memory-limit: %s", err_message(err));
            err_free(err);
            return own;
        }
    } else if (strcmp(name, "color") == 0) {
        TRY(one_of(name, value, WHEN, 3));
        parse->color = value;
    } else if (strcmp(name, "progress") == 0) {
        TRY(one_of(name, value, HOW, 4));
        cli->progress = value;
    }
    /* all are kept, so that cli_option finds wait, trace, allow-network-fs */
    vec_push(cli->arena, &parse->given,
             ((OptionValue){.option = option, .value = value != NULL ? value : ""}));
    return NULL;
}

/* As a shell would have to be given it. */
static void put_quoted(Buf *line, const char *word)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+./:,=@%^";
    if (*word != '\0' && word[strspn(word, PLAIN)] == '\0') {
        buf_puts(line, word);
        return;
    }
    buf_putc(line, '\'');
    for (const char *p = word; *p != '\0'; p++) {
        if (*p == '\'')
            buf_puts(line, "'\\''");
        else
            buf_putc(line, *p);
    }
    buf_putc(line, '\'');
}

/* user:password@ of URLs does not reach the log. */
static void add_to_line(Parse *parse, const char *word)
{
    const char *scheme = strstr(word, "://"), *at = scheme != NULL ? strchr(scheme + 3, '@') : NULL;
    const char *slash = scheme != NULL ? strchr(scheme + 3, '/') : NULL;
    bool secret = at != NULL && (slash == NULL || at < slash);
    if (secret)
        word = arena_printf(parse->cli->arena, "%.*s***%s", (int)(scheme + 3 - word), word, at);
    buf_putc(&parse->line, ' ');
    put_quoted(&parse->line, word);
}

static Err *take_option(Parse *parse, const Option *option, const char *word,
                        const char *inline_value, int *i, int argc, char **argv)
{
    Cli *cli = parse->cli;
    const char *value = inline_value;
    if (option->value == NULL && value != NULL) return ERR(USAGE, "%s: takes no value", word);
    if (option->value != NULL && value == NULL) {
        if (*i + 1 >= argc) return ERR(USAGE, "%s: %s is missing", word, option->value);
        value = argv[++*i];
    }
    bool global = option >= GLOBAL_OPTIONS && option < GLOBAL_OPTIONS + GLOBAL_OPTION_COUNT;
    if (global) return take_global(parse, option, value);
    buf_printf(&parse->line, " --%s", option->name);
    if (value != NULL) add_to_line(parse, value);
    vec_push(cli->arena, &parse->given,
             ((OptionValue){.option = option, .value = value != NULL ? value : ""}));
    return NULL;
}

static const Option *find_option(const Cli *cli, const char *name, size_t length, char letter)
{
    const Option *option = NULL;
    if (cli->command != NULL)
        option = find_in(cli->command->options, cli->command->option_count, name, length, letter);
    return option != NULL ? option
                          : find_in(GLOBAL_OPTIONS, GLOBAL_OPTION_COUNT, name, length, letter);
}

static Err *take_dashed(Parse *parse, int *i, int argc, char **argv)
{
    const char *word = argv[*i];
    if (strcmp(word, "--") == 0) {
        parse->operands_only = true;
        return NULL;
    }
    if (word[1] == '-') {
        const char *equals = strchr(word, '=');
        size_t length = equals != NULL ? (size_t)(equals - word - 2) : strlen(word + 2);
        const Option *option = find_option(parse->cli, word + 2, length, 0);
        if (option == NULL) return unknown_option(parse, word);
        return take_option(parse, option, word, equals != NULL ? equals + 1 : NULL, i, argc, argv);
    }
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const Option *option = find_option(parse->cli, "", 0, *letter);
        if (option == NULL) return unknown_option(parse, word);
        const char *rest = option->value != NULL && letter[1] != '\0' ? letter + 1 : NULL;
        TRY(take_option(parse, option, word, rest, i, argc, argv));
        if (rest != NULL) break;
    }
    return NULL;
}

static Err *take_command(Parse *parse, const char *word)
{
    parse->cli->command = command_find(word);
    if (parse->cli->command != NULL) return NULL;
    const char *names[64] = {0};
    for (size_t i = 0; i < COMMAND_COUNT; i++) names[i] = COMMANDS[i]->name;
    const char *near = text_nearest(word, names, COMMAND_COUNT);
    Err *err = ERR(USAGE, "unknown command '%s'", word);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "pond help shows the commands");
}

static Err *take_sub(Parse *parse, const char *word)
{
    const Command *sub = command_find_sub(parse->cli->command, word);
    if (sub == NULL) return command_no_sub(parse->cli->command, word);
    parse->cli->command = sub;
    return NULL;
}

static bool color_wanted(const char *when, int fd)
{
    if (when != NULL && strcmp(when, "auto") != 0) return strcmp(when, "always") == 0;
    const char *none = getenv("NO_COLOR");
    return (none == NULL || *none == '\0') && isatty(fd) && !screen_is_dumb();
}

static Err *check_count(const Cli *cli)
{
    const Command *command = cli->command;
    if (command->subs != NULL) return command_no_sub(command, NULL);
    bool few = (int)cli->arg_count < command->least_args;
    bool many = command->most_args >= 0 && (int)cli->arg_count > command->most_args;
    if (!few && !many) return NULL;
    Err *err = few ? ERR(USAGE, "pond %s: an argument is missing", command->name)
                   : ERR(USAGE, "pond %s: too many arguments: '%s'", command->name,
                         cli->args[command->most_args]);
    return err_hint(err, "usage: pond %s", command->usage);
}

static Err *parse_words(Cli *cli, int argc, char **argv)
{
    Parse parse = {.cli = cli, .line = buf_new(cli->arena)};
    cli->progress = "auto";
    cli->pond_dir = getenv("POND");
    buf_puts(&parse.line, "pond");
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!parse.operands_only && word[0] == '-' && word[1] != '\0') {
            TRY(take_dashed(&parse, &i, argc, argv));
        } else {
            add_to_line(&parse, word);
            if (cli->command == NULL)
                TRY(take_command(&parse, word));
            else if (cli->command->subs != NULL)
                TRY(take_sub(&parse, word));
            else
                vec_push(cli->arena, &parse.args, word);
        }
        cli->color_err = color_wanted(parse.color, STDERR_FILENO);
    }
    cli->color_out = color_wanted(parse.color, STDOUT_FILENO);
    cli->color_err = color_wanted(parse.color, STDERR_FILENO);
    cli->args = parse.args.v;
    cli->arg_count = parse.args.n;
    cli->given = parse.given.v;
    cli->given_count = parse.given.n;
    cli->vars = parse.vars.v;
    cli->var_count = parse.vars.n;
    cli->command_line = parse.line.data;
    if (parse.help || cli->command == NULL) return NULL;
    return check_count(cli);
}

/* Words in front of what is wrong have been taken; the others are looked at for the form of the
 * error alone. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0) return true;
    return false;
}

Err *args_parse(Cli *cli, int argc, char **argv)
{
    Err *err = parse_words(cli, argc, argv);
    if (err != NULL) cli->json = wants_json(argc, argv);
    return err;
}

const char *cli_option(const Cli *cli, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < cli->given_count; i++) {
        if (strcmp(cli->given[i].option->name, name) == 0) value = cli->given[i].value;
    }
    return value;
}

bool cli_flag(const Cli *cli, const char *name)
{
    return cli_option(cli, name) != NULL;
}

Err *cli_duration(const Cli *cli, const char *name, int64_t *out_us)
{
    const char *text = cli_option(cli, name);
    *out_us = 0;
    if (text == NULL || strcmp(text, "0") == 0) return NULL;
    Err *err = duration_parse(text, out_us);
    if (err == NULL) return NULL;
    Err *own = ERR(USAGE, "--%s: %s", name, err_message(err));
    if (err_hint_text(err) != NULL) own = err_hint(own, "%s", err_hint_text(err));
    err_free(err);
    return own;
}

Err *cli_wait_ms(const Cli *cli, int64_t *out)
{
    TRY(cli_duration(cli, "wait", out));
    *out /= 1000;
    return NULL;
}

static Err *time_option(const Cli *cli, const char *name, bool last, TimeUs *out)
{
    const char *text = cli_option(cli, name);
    TimeUs begin = 0, end = 0;
    if (text == NULL) return NULL;
    Err *err = time_parse_span(text, &begin, &end);
    if (err != NULL) {
        Err *own = ERR(USAGE, "--%s: %s", name, err_message(err));
        const char *hint = err_hint_text(err);
        own = err_hint(own, "%s", hint != NULL ? hint : "times are written 2024-07-01 12:00:00");
        err_free(err);
        return own;
    }
    *out = last ? end : begin;
    return NULL;
}

Err *cli_time_span(const Cli *cli, const char *start, const char *end, TimeSpan *out)
{
    TRY(time_option(cli, start, false, &out->min));
    TRY(time_option(cli, end, true, &out->max));
    return out->min <= out->max ? NULL : ERR(USAGE, "--%s is before --%s", end, start);
}
