/* Output: results on stdout, counters on stderr, colours where wanted, and tables for people
 * (libsmartcols). */
#include "cli/cli.h"
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
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

/* ---- tables ---- */

struct Table {
    Arena *arena;
    const char *const *headers;
    const bool *right;
    size_t columns;
    VEC(const char **) rows;
};

Table *table_new(Arena *arena, const char *const *headers, const bool *right_aligned, size_t count)
{
    Table *table = ANEW(arena, Table);
    *table = (Table){.arena = arena, .headers = headers, .right = right_aligned, .columns = count};
    return table;
}

void table_add(Table *table, const char *const *cells)
{
    const char **copy = AARRAY(table->arena, const char *, table->columns);
    for (size_t i = 0; i < table->columns; i++)
        copy[i] = arena_strdup(table->arena, cells[i] != NULL ? cells[i] : "");
    vec_push(table->arena, &table->rows, copy);
}

static void add_rows(struct libscols_table *to, const Table *table)
{
    for (size_t i = 0; i < table->rows.n; i++) {
        struct libscols_line *line = scols_table_new_line(to, NULL);
        for (size_t c = 0; c < table->columns; c++)
            (void)scols_line_set_data(line, c, table->rows.v[i][c]);
    }
}

void table_print(Table *table, bool color)
{
    (void)fflush(stdout);
    scols_init_debug(0);
    struct libscols_table *to = scols_new_table();
    if (to == NULL) return;
    (void)scols_table_enable_maxout(to, 0);
    (void)scols_table_set_column_separator(to, "  ");
    (void)scols_table_enable_colors(to, color);
    for (size_t c = 0; c < table->columns; c++) {
        int flags = (table->right != NULL && table->right[c] ? SCOLS_FL_RIGHT : 0) |
                    (isatty(STDOUT_FILENO) ? SCOLS_FL_TRUNC : 0);
        struct libscols_column *column = scols_table_new_column(to, table->headers[c], 0, flags);
        if (color && column != NULL)
            (void)scols_cell_set_color(scols_column_get_header(column), "bold");
    }
    add_rows(to, table);
    (void)scols_table_set_stream(to, stdout);
    (void)scols_print_table(to);
    scols_unref_table(to);
}

/* ---- counters ---- */

static void add_os_counts(Table *table)
{
    for (int origin = 0; origin < OS_ORIGIN_COUNT; origin++) {
        for (int class = 0; class < OS_CLASS_COUNT; class ++) {
            for (int op = 0; op < OS_OP_COUNT; op++) {
                OsCount count = os_count((OsOrigin)origin, (OsClass) class, (OsOp)op);
                if (count.calls == 0 || class == OS_OTHER) continue;
                char *name = arena_printf(table->arena, "%s %s (%s)", os_op_name((OsOp)op),
                                          os_class_name((OsClass) class),
                                          origin == OS_OURS ? "pond" : "engine");
                table_add(
                    table,
                    (const char *[]){
                        name, "os",
                        arena_printf(table->arena, "%llu", (unsigned long long)count.calls),
                        count.bytes > 0 ? size_format(table->arena, (int64_t)count.bytes) : "",
                        ""});
            }
        }
    }
}

/* On stderr, since stdout belongs to the result. */
void stats_print(const Cli *cli)
{
    static const char *const HEADERS[] = {"operation", "layer", "count", "bytes", "what"};
    static const bool RIGHT[] = {false, false, true, true, false};
    (void)cli;
    SCRATCH(scratch);
    Table *table = table_new(scratch, HEADERS, RIGHT, 5);
    for (int op = 0; op < PERF_OP_COUNT; op++) {
        uint64_t count = perf_read((PerfOp)op);
        const PerfOpInfo *info = perf_op_info((PerfOp)op);
        if (count == 0) continue;
        table_add(table, (const char *[]){info->name, info->layer,
                                          arena_printf(scratch, "%llu", (unsigned long long)count),
                                          "", info->text});
    }
    add_os_counts(table);
    (void)fflush(stdout);
    for (size_t i = 0; i < table->rows.n; i++) {
        const char **row = table->rows.v[i];
        (void)fprintf(stderr, "%-32s %-10s %12s %10s  %s\n", row[0], row[1], row[2], row[3],
                      row[4]);
    }
}
