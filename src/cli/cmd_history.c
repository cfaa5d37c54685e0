/* pond log, show, status, config: history, statistics, health, settings; none of them loads the
 * engine. */
#include "cli/commands.h"
#include <stdlib.h>
#include <string.h>

/* ---- log ---- */

static const Option LOG_OPTIONS[] = {
    {"limit", 'n', "N", "at most N transactions (default 20)"},
    {"txn", 0, "N", "only transaction N"},
};

static Err *number_option(const Cli *cli, const char *name, int64_t *out)
{
    const char *text = cli_option(cli, name);
    char *end = NULL;
    if (text == NULL) return NULL;
    *out = strtoll(text, &end, 10);
    if (*text != '\0' && *end == '\0' && *out > 0) return NULL;
    return ERR(USAGE, "--%s: a number above 0 is expected, not '%s'", name, text);
}

static void log_text(const Cli *cli, const TlogEntry *entry)
{
    SCRATCH(scratch);
    out_printf("%stransaction %lld%s (write)  COMMITTED %s\n", paint(cli->color_out, "yellow"),
               (long long)entry->txn, paint(cli->color_out, "reset"),
               time_to_second(scratch, entry->time));
    out_printf("    Command  : %s\n",
               text_printable(scratch, entry->command != NULL ? entry->command : "-"));
    out_printf("    By       : %s@%s\n", entry->user != NULL ? entry->user : "-",
               entry->host != NULL ? entry->host : "-");
    for (size_t i = 0; entry->metrics != NULL && i < entry->metrics->count; i++) {
        const Json *value = &entry->metrics->items[i];
        if (value->kind == JSON_INT && value->integer != 0)
            out_printf("    %-9s: %lld\n", entry->metrics->keys[i], (long long)value->integer);
        if (value->kind == JSON_STRING)
            out_printf("    %-9s: %s\n", entry->metrics->keys[i], value->string);
        for (size_t k = 0; value->kind == JSON_ARRAY && k < value->count; k++) {
            if (value->items[k].kind == JSON_STRING)
                out_printf("    %-9s: %s\n", k == 0 ? entry->metrics->keys[i] : "",
                           text_printable(scratch, value->items[k].string));
        }
    }
    out_printf("\n");
}

static void log_json(JsonOut *json, const TlogEntry *entry)
{
    SCRATCH(scratch);
    json_begin_object(json);
    json_kv_int(json, "txn", entry->txn);
    json_kv_int(json, "log_version", entry->log_version);
    json_kv_str(json, "time", time_format(scratch, entry->time));
    json_kv_str(json, "command", entry->command);
    json_kv_str(json, "user", entry->user);
    json_kv_str(json, "host", entry->host);
    if (entry->metrics != NULL) {
        json_key(json, "metrics");
        json_put(json, entry->metrics);
    }
    json_end(json);
}

static Err *run_log(Cli *cli)
{
    enum { BATCH = 100 };
    int64_t limit = 20, txn = -1, before = -1, shown = 0;
    Pond *pond = NULL;
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    TRY(number_option(cli, "limit", &limit));
    TRY(number_option(cli, "txn", &txn));
    TRY(cli_open_pond(cli, &pond));
    if (txn > pond_info(pond)->txn)
        return ERR(NOT_FOUND, "transaction %lld: the newest is %lld", (long long)txn,
                   (long long)pond_info(pond)->txn);
    json_begin_array(&json);
    for (bool more = true; more && shown < limit;) {
        TlogEntry *entries = NULL;
        size_t count = 0;
        TRY(tlog_history(cli->arena, pond_tlog(pond), before,
                         txn < 0 && limit - shown < BATCH ? (size_t)(limit - shown) : BATCH,
                         &entries, &count));
        for (size_t i = 0; i < count && shown < limit; i++) {
            before = entries[i].log_version;
            if (txn >= 0 && entries[i].txn != txn) continue;
            if (cli->json)
                log_json(&json, &entries[i]);
            else
                log_text(cli, &entries[i]);
            shown++;
            if (txn >= 0) limit = shown;
        }
        more = count > 0;
    }
    json_end(&json);
    if (cli->json) out_json(&text);
    return txn >= 0 && shown == 0
               ? ERR(NOT_FOUND, "transaction %lld is not in the log", (long long)txn)
               : NULL;
}

const Command COMMAND_LOG = {
    .name = "log",
    .usage = "log [--limit N] [--txn N]",
    .summary = "the history of transactions, newest first",
    .examples = "  pond log\n  pond log --txn 12\n  pond log --limit 1000 --json\n",
    .json = "[{\"txn\",\"log_version\",\"time\",\"command\",\"user\",\"host\",\"metrics\"}]",
    .options = LOG_OPTIONS,
    .option_count = 2,
    .run = run_log,
};

/* ---- show, status: pairs of name and value ---- */

typedef struct Pairs {
    Cli *cli;
    Buf text;
    JsonOut json;
} Pairs;

static void pairs_begin(Pairs *pairs, Cli *cli)
{
    pairs->cli = cli;
    pairs->text = buf_new(cli->arena);
    pairs->json = json_out(&pairs->text);
    json_begin_object(&pairs->json);
}

static void put_text(Pairs *pairs, const char *key, const char *label, const char *value)
{
    if (pairs->cli->json)
        json_kv_str(&pairs->json, key, value);
    else
        out_printf("%-22s %s\n", label, value != NULL ? value : "-");
}

static void put_count(Pairs *pairs, const char *key, const char *label, int64_t value)
{
    if (pairs->cli->json)
        json_kv_int(&pairs->json, key, value);
    else
        out_printf("%-22s %s\n", label, count_format(pairs->cli->arena, value));
}

static void pairs_end(Pairs *pairs)
{
    json_end(&pairs->json);
    if (pairs->cli->json) out_json(&pairs->text);
}

/* Statistics of the rest are still of use. */
static void on_broken(void *context, const Err *err)
{
    (void)context;
    log_warn("%s", err_message(err));
}

static Err *run_show(Cli *cli)
{
    Pond *pond = NULL;
    Provider *provider = NULL;
    const Pattern *pattern = NULL;
    Match *matches = NULL;
    size_t count = 0;
    int64_t kinds[ENTRY_TYPE_COUNT] = {0}, bytes = 0, rows = 0;
    TRY(cli_open_provider(cli, true, &provider));
    TRY(cli_open_pond(cli, &pond));
    TRY(pattern_compile(cli->arena, "/**", &pattern));
    TRY(fs_match(provider_fs(provider), cli->arena, pattern,
                 (MatchOptions){.keep_links = true, .broken = on_broken}, &matches, &count));
    for (size_t i = 0; i < count; i++) {
        const Node *node = &matches[i].node;
        kinds[node->type]++;
        if (node->size_bytes > 0) bytes += node->size_bytes;
        if (node->rows > 0) rows += node->rows;
    }
    const TlogInfo *info = pond_info(pond);
    Pairs pairs;
    pairs_begin(&pairs, cli);
    put_text(&pairs, "pond", "pond", info->dir);
    put_text(&pairs, "id", "id", info->pond_id);
    put_text(&pairs, "birthplace", "birthplace", info->birthplace);
    put_count(&pairs, "transactions", "transactions", info->txn);
    put_text(&pairs, "last_change", "last change",
             cli->json ? time_format(cli->arena, info->time)
                       : time_to_second(cli->arena, info->time));
    for (int type = 0; type < ENTRY_TYPE_COUNT; type++) {
        if (kinds[type] > 0)
            put_count(&pairs, entry_type_name((EntryType)type), entry_type_name((EntryType)type),
                      kinds[type]);
    }
    put_count(&pairs, "versions", "live versions", info->versions);
    put_count(&pairs, "rows", "rows", rows);
    put_count(&pairs, "bytes", "bytes", bytes);
    pairs_end(&pairs);
    return NULL;
}

const Command COMMAND_SHOW = {
    .name = "show",
    .usage = "show",
    .summary = "statistics: nodes by type, versions, rows, bytes",
    .examples = "  pond show\n  pond show --json\n",
    .json = "{\"pond\",\"id\",\"birthplace\",\"transactions\",\"last_change\",\"<entry "
            "type>\",\"versions\",\"rows\",\"bytes\"}",
    .run = run_show,
};

static Err *run_status(Cli *cli)
{
    Pond *pond = NULL;
    int64_t free_bytes = 0;
    TRY(cli_open_pond(cli, &pond));
    const TlogInfo *info = pond_info(pond);
    TRY(os_free_bytes(info->dir, &free_bytes));
    int64_t tail = info->log_version - info->checkpoint_version;
    Pairs pairs;
    pairs_begin(&pairs, cli);
    put_text(&pairs, "pond", "pond", info->dir);
    put_count(&pairs, "log_version", "log version", info->log_version);
    if (cli->json || info->checkpoint_version >= 0)
        put_count(&pairs, "checkpoint_version", "checkpoint", info->checkpoint_version);
    else
        put_text(&pairs, "checkpoint_version", "checkpoint", "none yet");
    put_count(&pairs, "tail", "entries since then", tail);
    put_count(&pairs, "log_files", "log data files", info->log_files);
    put_count(&pairs, "tombstones", "tombstones", info->tombstones);
    put_text(&pairs, "index", "catalog index",
             info->index_path != NULL ? info->index_path : "in memory");
    put_text(&pairs, "index_state", "index was",
             info->index_was_current ? "current" : "brought up to date");
    if (cli->json)
        json_kv_int(&pairs.json, "free_bytes", free_bytes);
    else
        out_printf("%-22s %s\n", "free on the disk", size_format(cli->arena, free_bytes));
    pairs_end(&pairs);
    return NULL;
}

const Command COMMAND_STATUS = {
    .name = "status",
    .usage = "status",
    .summary = "health: log, checkpoint, index, disk",
    .examples = "  pond status\n",
    .details = "pond fsck checks the content itself.",
    .json = "{\"pond\",\"log_version\",\"checkpoint_version\",\"tail\",\"log_files\","
            "\"tombstones\",\"index\",\"index_state\",\"free_bytes\"}",
    .run = run_status,
};

/* ---- config ---- */

static Err *config_body(void *context, Cli *cli)
{
    (void)context;
    return tlog_setting_set(pond_tlog(cli->pond), cli->args[1],
                            cli->arg_count > 2 ? cli->args[2] : NULL);
}

static Err *config_show(Cli *cli)
{
    Pond *pond = NULL;
    Pairs pairs;
    TRY(cli_open_pond(cli, &pond));
    pairs_begin(&pairs, cli);
    for (size_t i = 0; i < POND_SETTING_COUNT; i++) {
        char *value = NULL;
        const PondSetting *setting = &POND_SETTINGS[i];
        TRY(tlog_setting_get(pond_tlog(pond), cli->arena, setting->key, &value));
        const char *shown = value != NULL ? value : setting->otherwise;
        if (cli->json)
            json_kv_str(&pairs.json, setting->key, shown);
        else
            out_printf("%-24s %-12s %s%s\n", setting->key, *shown != '\0' ? shown : "-",
                       setting->text, value != NULL ? "" : " (default)");
    }
    pairs_end(&pairs);
    return NULL;
}

static Err *run_config(Cli *cli)
{
    if (cli->arg_count == 0) return config_show(cli);
    bool set = strcmp(cli->args[0], "set") == 0 && cli->arg_count == 3;
    bool unset = strcmp(cli->args[0], "unset") == 0 && cli->arg_count == 2;
    if (!set && !unset)
        return err_hint(ERR(USAGE, "pond config: wrong arguments"),
                        "usage: pond config [set KEY VALUE | unset KEY]");
    TRY(pond_setting_check(cli->args[1], set ? cli->args[2] : NULL));
    return cli_transact(cli, config_body, NULL);
}

const Command COMMAND_CONFIG = {
    .name = "config",
    .usage = "config [set KEY VALUE | unset KEY]",
    .summary = "show or change the pond's settings",
    .examples = "  pond config\n  pond config set retain 7d\n",
    .json = "{\"<key>\": \"<value>\"}; set and unset " COMMITTED_JSON,
    .most_args = 3,
    .run = run_config,
};
