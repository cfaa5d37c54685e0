/* Help, from the tables: the overview, one command (examples first), topics; and what is generated
 * from the same tables: the man page. */
#include "cli/catalog.h"
#include <string.h>

const char *const OVERVIEW_GROUPS[][12] = {
    {"Start", "init", "copy", "list", "cat", "sql", "describe", NULL},
    {"Define", "mknod", "list-factories", "apply", "run", "mkdir", "mv", "rm", "ln", NULL},
    {"Export", "export", NULL},
    {"Look after", "log", "show", "status", "config", "set-temporal-bounds", "detect-overlaps",
     "maintain", "fsck", "recover", "perf", NULL},
    {"More", "bench", "help", "completion", "version", NULL},
};
enum { GROUP_COUNT = sizeof OVERVIEW_GROUPS / sizeof *OVERVIEW_GROUPS };

static void print_options(const Option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "--%s%s%s", options[i].name,
                       options[i].value != NULL ? " " : "",
                       options[i].value != NULL ? options[i].value : "");
        char letter[4] = "    ";
        if (options[i].letter != 0)
            (void)snprintf(letter, sizeof letter, "-%c,", options[i].letter);
        else
            letter[3] = '\0';
        out_printf("  %s %-26s %s\n", letter, name, options[i].text);
    }
}

static void print_json(const Cli *cli, const Command *command);

void help_overview(const Cli *cli)
{
    if (cli->json) {
        print_json(cli, NULL);
        return;
    }
    const char *bold = paint(cli->color_out, "bold"), *reset = paint(cli->color_out, "reset");
    out_printf("pond - a small, local-first data lake for time series\n\n"
               "usage: pond [--pond DIR] [options] COMMAND [arguments]\n");
    for (size_t g = 0; g < GROUP_COUNT; g++) {
        out_printf("\n%s%s%s\n", bold, OVERVIEW_GROUPS[g][0], reset);
        for (size_t i = 1; OVERVIEW_GROUPS[g][i] != NULL; i++) {
            const Command *command = command_find(OVERVIEW_GROUPS[g][i]);
            if (command != NULL) out_printf("  %-20s %s\n", command->name, command->summary);
        }
    }
    out_printf("\n%sOptions of every command%s\n", bold, reset);
    print_options(GLOBAL_OPTIONS, GLOBAL_OPTION_COUNT);
    out_printf("\npond COMMAND --help shows examples. Topics: pond help patterns | urls | tables | "
               "errors | exit-codes\n");
}

static void print_subs(const Command *command)
{
    for (size_t i = 0; i < command->sub_count; i++)
        out_printf("  %-20s %s\n", command->subs[i]->name, command->subs[i]->summary);
    out_printf("\npond %s SUB-COMMAND --help shows examples and options of one\n", command->name);
}

void help_command(const Cli *cli, const Command *command)
{
    if (cli->json) {
        print_json(cli, command);
        return;
    }
    const char *bold = paint(cli->color_out, "bold"), *reset = paint(cli->color_out, "reset");
    out_printf("%s\n\n%sExamples%s\n%s\n%sUsage%s\n  pond %s\n", command->summary, bold, reset,
               command->examples, bold, reset, command->usage);
    if (command->details != NULL) out_printf("\n%s\n", command->details);
    if (command->subs != NULL) {
        out_printf("\n%sSub-commands%s\n", bold, reset);
        print_subs(command);
    }
    if (command->option_count > 0) {
        out_printf("\n%sOptions%s\n", bold, reset);
        print_options(command->options, command->option_count);
    }
    if (command->json != NULL) out_printf("\n%sWith --json%s\n  %s\n", bold, reset, command->json);
    out_printf("\nOptions of every command: pond help\n");
}

/* ---- the same as JSON ---- */

static void json_options(JsonOut *json, const char *key, const Option *options, size_t count)
{
    json_key(json, key);
    json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        char letter[2] = {options[i].letter, '\0'};
        json_begin_object(json);
        json_kv_str(json, "name", options[i].name);
        json_kv_str(json, "letter", options[i].letter != 0 ? letter : NULL);
        json_kv_str(json, "value", options[i].value);
        json_kv_str(json, "text", options[i].text);
        json_end(json);
    }
    json_end(json);
}

static void json_command(JsonOut *json, const Command *command);

static void json_commands(JsonOut *json, const Command *const *commands, size_t count)
{
    json_key(json, "commands");
    json_begin_array(json);
    for (size_t i = 0; i < count; i++) json_command(json, commands[i]);
    json_end(json);
}

static void json_command(JsonOut *json, const Command *command)
{
    json_begin_object(json);
    json_kv_str(json, "name", command->name);
    json_kv_str(json, "usage", command->usage);
    json_kv_str(json, "summary", command->summary);
    json_kv_str(json, "details", command->details);
    json_kv_str(json, "examples", command->examples);
    json_kv_str(json, "json", command->json);
    json_options(json, "options", command->options, command->option_count);
    if (command->subs != NULL) json_commands(json, command->subs, command->sub_count);
    json_end(json);
}

static void json_overview(JsonOut *json)
{
    json_begin_object(json);
    json_commands(json, COMMANDS, COMMAND_COUNT);
    json_options(json, "options", GLOBAL_OPTIONS, GLOBAL_OPTION_COUNT);
    json_end(json);
}

static void print_json(const Cli *cli, const Command *command)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    if (command != NULL)
        json_command(&json, command);
    else
        json_overview(&json);
    out_json(&text);
}

/* ---- topics ---- */

static const char PATTERNS_TEXT[] =
    "Patterns name nodes of the pond.\n\n"
    "  *        any text within one component        ?      one character\n"
    "  [abc]    one of them, [a-z], [!a] none        {a,b}  one of these texts\n"
    "  **       as a component: any number of directories; at the end: everything below\n"
    "  /d/      the contents of d, as /d/*           \\*     a literal star\n\n"
    "Each wildcard captures what it matched, left to right: $0, $1, ... (${10} where digits "
    "follow). `**` captures\n"
    "the path it matched, which may be empty. Matches come sorted by path, each once. Symlinks are "
    "followed.\n";

static const char URLS_TEXT[] =
    "[host+]FORMAT[+COMPRESSION][+ENTRYTYPE]:///PATH[?option=value&...] says how bytes are "
    "read.\n\n"
    "  formats      file (by type), table, series (Parquet); texts: csv, jsonl (JSON lines),\n"
    "               oteljson (OTLP metrics as JSON lines)\n"
    "  compression  gzip, zstd, bzip2, of texts\n"
    "  host+        the host's file system instead of the pond\n"
    "  entry type   +data, +data:series, +table, +series: what it becomes on copy\n"
    "  options      delimiter header nullstr quote (csv), time=COLUMN, "
    "timeformat=%25d/%25m/%25Y, unit=s|ms|us|ns\n\n"
    "  host:///tmp/f.bin               bytes\n"
    "  host+data:series:///tmp/f.log   bytes; the next copy onto it is appended\n"
    "  host+series:///tmp/f.parquet    a Parquet file as a version of a series\n"
    "  host+csv+series:///tmp/f.csv    converted to Parquet\n"
    "  csv:///raw/f.csv?delimiter=;    text in the pond, read as a table\n"
    "  jsonl+gzip:///logs/*.gz         JSON lines, packed\n\n"
    "URLs are percent-decoded once (%3F is a question mark in a name); plain paths are taken as "
    "they stand.\n";

static Err *print_errors(Cli *cli)
{
    static const ErrCode CODES[] = {
#define ERR_CODE(name, number, exit_status, when, state) ERR_##name,
#include "base/err_codes.def"
#undef ERR_CODE
    };
    size_t count = sizeof CODES / sizeof *CODES;
    if (cli->json) {
        Buf text = buf_new(cli->arena);
        JsonOut json = json_out(&text);
        json_begin_array(&json);
        for (size_t i = 0; i < count; i++) {
            json_begin_object(&json);
            json_kv_str(&json, "code", err_code_id(CODES[i]));
            json_kv_str(&json, "name", err_code_name(CODES[i]));
            json_kv_int(&json, "exit", err_exit_status(CODES[i]));
            json_kv_str(&json, "when", err_code_when(CODES[i]));
            json_kv_str(&json, "state", err_code_state(CODES[i]));
            json_end(&json);
        }
        json_end(&json);
        out_json(&text);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        out_printf("%s  %-12s exit %-3d  %s\n%31s%s\n", err_code_id(CODES[i]),
                   err_code_name(CODES[i]), err_exit_status(CODES[i]), err_code_when(CODES[i]),
                   "afterwards: ", err_code_state(CODES[i]));
    }
    return NULL;
}

static const char EXIT_TEXT[] = "  0   ok\n  1   negative answer or failed operation\n  2   wrong "
                                "usage\n  3   partly done\n  4   not found\n"
                                "  5   not a pond, or a pond exists already\n  6   locked, or "
                                "another writer was first\n  7   corrupt\n"
                                "  8   a limit was reached\n 74   I/O\n130   interrupted\n";

/* ---- the man page: mdoc-free roff, from the tables ---- */

static void roff(Buf *to, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        bool start = p == text || p[-1] == '\n';
        if (start && (*p == '.' || *p == '\'')) buf_printf(to, "\\&");
        if (*p == '\\')
            buf_printf(to, "\\e");
        else if (*p == '-')
            buf_printf(to, "\\-");
        else
            buf_putc(to, *p);
    }
}

static void roff_options(Buf *to, const Option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(to, ".TP\n");
        if (options[i].letter != 0) buf_printf(to, "\\fB\\-%c\\fR, ", options[i].letter);
        buf_printf(to, "\\fB\\-\\-");
        roff(to, options[i].name);
        buf_printf(to, "\\fR%s%s\n", options[i].value != NULL ? " " : "",
                   options[i].value != NULL ? options[i].value : "");
        roff(to, options[i].text);
        buf_printf(to, "\n");
    }
}

static void roff_section(Buf *to, const char *title, const char *text)
{
    buf_printf(to, ".SH %s\n.nf\n", title);
    roff(to, text);
    buf_printf(to, ".fi\n");
}

static void roff_command(Buf *to, const Command *command)
{
    buf_printf(to, ".SS \"pond %s\"\n", command->usage);
    roff(to, command->summary);
    buf_printf(to, ".\n");
    if (command->details != NULL) {
        buf_printf(to, ".PP\n");
        roff(to, command->details);
        buf_printf(to, "\n");
    }
    roff_options(to, command->options, command->option_count);
    buf_printf(to, ".PP\n.nf\n");
    roff(to, command->examples);
    buf_printf(to, ".fi\n");
    for (size_t i = 0; i < command->sub_count; i++) roff_command(to, command->subs[i]);
}

static void put_man(Buf *to)
{
    buf_puts(
        to,
        ".TH POND 1 \"\" \"pond " POND_VERSION
        "\" \"User Commands\"\n.SH NAME\npond \\- a small, local-first data lake for time series\n"
        ".SH SYNOPSIS\n.B pond\n[\\fB\\-\\-pond\\fR DIR] [options] COMMAND [arguments]\n.SH "
        "DESCRIPTION\n"
        "A pond is a transactional virtual file system for time series. Its log is a Delta Lake "
        "table, its series are Parquet files. "
        "Derived nodes (SQL, temporal reduce) are defined over path patterns, and \\fBpond "
        "export\\fR writes them as Hive-partitioned Parquet.\n"
        ".SH OPTIONS\n");
    roff_options(to, GLOBAL_OPTIONS, GLOBAL_OPTION_COUNT);
    buf_printf(to, ".SH COMMANDS\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) roff_command(to, COMMANDS[i]);
    roff_section(to, "PATTERNS", PATTERNS_TEXT);
    roff_section(to, "URLS", URLS_TEXT);
    roff_section(to, "TABLES", catalog_help(to->arena));
    roff_section(to, "EXIT STATUS", EXIT_TEXT);
    buf_puts(
        to,
        ".SH ENVIRONMENT\n.TP\nPOND\nthe pond, where \\-\\-pond is not given\n.TP\nNO_COLOR\nno "
        "colours\n.TP\nPOND_TRACE\nthe level of recording, where \\-\\-trace\\-level is "
        "not given: off, counts, spans or detail\n.TP\nPOND_PLANS\nwhich statements are profiled, "
        "where \\-\\-plans is not given: auto, all or off\n.TP\nPOND_HISTORY\noff: commands leave "
        "no record "
        "in the pond's history\n.TP\nPOND_FORMAT_CACHE\nsize of what is kept of parsed texts "
        "(8GiB)\n.TP\nPOND_TOGGLES\noptimisations that are off: NAME=off,..., before "
        "\\-\\-toggle; pond bench toggles \\-\\-list\n.TP\nPOND_STATS\na file to which each "
        "process "
        "appends its counters as a line of JSON\n.TP\nTMPDIR\nscratch of commands without a "
        "writable pond\n");
}

static Err *help_sub(Cli *cli, const Command *command)
{
    const char *word = cli->args[1];
    if (command == NULL || command->subs == NULL)
        return ERR(USAGE, "pond help: too many arguments: '%s'", word);
    const Command *sub = command_find_sub(command, word);
    if (sub == NULL) return command_no_sub(command, word);
    help_command(cli, sub);
    return NULL;
}

static Err *run_help(Cli *cli)
{
    const char *topic = cli->arg_count > 0 ? cli->args[0] : NULL;
    static const char *const TOPICS[] = {"errors",   "exit-codes", "man",
                                         "patterns", "tables",     "urls"};
    const Command *command = topic != NULL ? command_find(topic) : NULL;
    if (cli->arg_count > 1) return help_sub(cli, command);
    if (topic == NULL)
        help_overview(cli);
    else if (command != NULL)
        help_command(cli, command);
    else if (strcmp(topic, "errors") == 0)
        return print_errors(cli);
    else if (strcmp(topic, "exit-codes") == 0)
        out_text(cli, "topic", topic, "text", EXIT_TEXT);
    else if (strcmp(topic, "patterns") == 0)
        out_text(cli, "topic", topic, "text", PATTERNS_TEXT);
    else if (strcmp(topic, "tables") == 0)
        out_text(cli, "topic", topic, "text", catalog_help(cli->arena));
    else if (strcmp(topic, "urls") == 0)
        out_text(cli, "topic", topic, "text", URLS_TEXT);
    else if (strcmp(topic, "man") == 0) {
        Buf page = buf_new(cli->arena);
        put_man(&page);
        out_text(cli, "topic", topic, "text", page.data);
    } else {
        const char *names[64] = {0};
        size_t count = 0;
        for (size_t i = 0; i < COMMAND_COUNT; i++) names[count++] = COMMANDS[i]->name;
        for (size_t i = 0; i < sizeof TOPICS / sizeof *TOPICS; i++) names[count++] = TOPICS[i];
        const char *near = text_nearest(topic, names, count);
        Err *err = ERR(USAGE, "no help on '%s'", topic);
        return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                            : err_hint(err, "pond help shows the commands and topics");
    }
    return NULL;
}

const Command COMMAND_HELP = {
    .name = "help",
    .usage = "help [COMMAND [SUB-COMMAND]|TOPIC]",
    .summary = "help on a command or topic (patterns, urls, tables, errors, exit-codes, man)",
    .examples =
        "  pond help export\n  pond help bench ab\n  pond help patterns\n  pond help errors\n",
    .json = "{\"commands\":[...],\"options\":[...]}; of a command {\"name\",\"usage\",\"summary\","
            "\"details\",\"examples\",\"json\",\"options\",\"commands\"}; of a topic "
            "{\"topic\",\"text\"}; errors "
            "[{\"code\",\"name\",\"exit\",\"when\",\"state\"}]",
    .most_args = 2,
    .run = run_help,
};
