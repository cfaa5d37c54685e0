/* Tables for people (libsmartcols underneath). On a terminal they fit it: texts are cut with "…"
 * and columns in the middle are left out, which is told; numbers and times are never cut, since a
 * cut one reads as another. */
#include "cli/cli.h"
#include <libsmartcols/libsmartcols.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CELL_LEAST = 12, CELL_MOST = 60, GAP = 2 };

struct Table {
    Arena *arena;
    const char *const *headers;
    const bool *right, *exact;
    size_t columns;
    VEC(const char **) rows;
};

Table *table_new(Arena *arena, const char *const *headers, const bool *right, const bool *exact,
                 size_t count)
{
    Table *table = ANEW(arena, Table);
    *table = (Table){
        .arena = arena, .headers = headers, .right = right, .exact = exact, .columns = count};
    return table;
}

void table_add(Table *table, const char *const *cells)
{
    const char **copy = AARRAY(table->arena, const char *, table->columns);
    for (size_t i = 0; i < table->columns; i++)
        copy[i] = arena_strdup(table->arena, cells[i] != NULL ? cells[i] : "");
    vec_push(table->arena, &table->rows, copy);
}

int screen_width(FILE *stream)
{
    struct winsize size = {0};
    if (!isatty(fileno(stream))) return 0;
    return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

const char *screen_cut(Arena *arena, const char *text, int most)
{
    if (utf8_width(text) <= most) return text;
    size_t length = strlen(text);
    char *shorter = NULL;
    do {
        while (length > 0 && ((unsigned char)text[--length] & 0xC0) == 0x80) {
        }
        shorter = arena_strndup(arena, text, length);
    } while (utf8_width(shorter) > most - 1);
    return arena_printf(arena, "%s…", shorter);
}

/* Texts and headers: a third of the screen is enough for each. */
static void cut_texts(Table *table, int screen)
{
    Arena *arena = table->arena;
    int most = screen / 3 < CELL_LEAST  ? CELL_LEAST
               : screen / 3 > CELL_MOST ? CELL_MOST
                                        : screen / 3;
    const char **headers = AARRAY(arena, const char *, table->columns);
    for (size_t c = 0; c < table->columns; c++) {
        bool exact = table->exact != NULL && table->exact[c];
        headers[c] = screen_cut(arena, table->headers[c], most);
        for (size_t i = 0; i < table->rows.n && !exact; i++)
            table->rows.v[i][c] = screen_cut(arena, table->rows.v[i][c], most);
    }
    table->headers = headers;
}

static int column_width(const Table *table, size_t column)
{
    int most = utf8_width(table->headers[column]);
    for (size_t i = 0; i < table->rows.n; i++) {
        int width = utf8_width(table->rows.v[i][column]);
        if (width > most) most = width;
    }
    return most + GAP;
}

/* How many columns of each end fit; all of them at the left when all fit. */
static void fit(const Table *table, int screen, size_t *left, size_t *right)
{
    int all = 0, used = 1 + GAP; /* the dots in the middle */
    for (size_t c = 0; c < table->columns; c++) all += column_width(table, c);
    *left = table->columns;
    *right = 0;
    if (screen == 0 || all - GAP <= screen) return;
    bool open[2] = {true, true}; /* left, right */
    for (*left = 0; *left + *right < table->columns && (open[0] || open[1]);) {
        bool from_left = open[0] && (!open[1] || *left <= *right);
        int width = column_width(table, from_left ? *left : table->columns - 1 - *right);
        if (used + width - GAP > screen && *left > 0) {
            open[from_left ? 0 : 1] = false;
            continue;
        }
        used += width;
        ++*(from_left ? left : right);
    }
}

static void put_column(struct libscols_table *to, const char *header, bool right, bool color)
{
    struct libscols_column *column =
        scols_table_new_column(to, header, 0, right ? SCOLS_FL_RIGHT : 0);
    if (color && column != NULL)
        (void)scols_cell_set_color(scols_column_get_header(column), "bold");
}

static void put_cells(struct libscols_table *to, const Table *table, size_t left, size_t right)
{
    bool all = left + right == table->columns;
    for (size_t i = 0; i < table->rows.n; i++) {
        struct libscols_line *line = scols_table_new_line(to, NULL);
        const char **cells = table->rows.v[i];
        size_t at = 0;
        for (size_t c = 0; c < left; c++) (void)scols_line_set_data(line, at++, cells[c]);
        if (!all) (void)scols_line_set_data(line, at++, "…");
        for (size_t c = table->columns - right; c < table->columns; c++)
            (void)scols_line_set_data(line, at++, cells[c]);
    }
}

size_t table_print(Table *table, bool color)
{
    return table_print_to(table, stdout, color);
}

size_t table_print_to(Table *table, FILE *stream, bool color)
{
    int screen = screen_width(stream);
    size_t left = 0, right = 0;
    (void)fflush(stdout);
    scols_init_debug(0);
    struct libscols_table *to = scols_new_table();
    if (to == NULL) return 0;
    if (screen > 0) cut_texts(table, screen);
    fit(table, screen, &left, &right);
    (void)scols_table_set_termforce(to, SCOLS_TERMFORCE_NEVER);
    (void)scols_table_set_column_separator(to, "  ");
    (void)scols_table_enable_colors(to, color);
    (void)scols_table_enable_noencoding(to, 1); /* cells are printable: text_printable */
    for (size_t c = 0; c < left; c++)
        put_column(to, table->headers[c], table->right != NULL && table->right[c], color);
    if (left + right < table->columns) put_column(to, "…", false, color);
    for (size_t c = table->columns - right; c < table->columns; c++)
        put_column(to, table->headers[c], table->right != NULL && table->right[c], color);
    put_cells(to, table, left, right);
    (void)scols_table_set_stream(to, stream);
    (void)scols_print_table(to);
    scols_unref_table(to);
    return table->columns - left - right;
}
