/* The run history: POND/history/runs-<6 digits>, text, one run a line:
 *
 *     <16 hex digits: XXH3-64 of the rest of the line> <the run as JSON>
 *
 * Appending is one write(2) of a whole line to a file opened for appending, which the kernel makes
 * whole between processes; a line begins with a line break of its own, so that one that a crash or
 * a full disk has torn spoils no other. Nothing is synced: a power cut may lose the last runs.
 *
 * Bounds: a file that has 512 KiB gets no further line; of 16 files the oldest goes when another is
 * begun. A line has at most 256 KiB: files beyond the 64 with the most bytes are left out of it.
 *
 * A file with a line that does not match its hash is renamed to runs-<n>.damaged, so that nothing
 * is appended to it, and read as before: what is whole in it is not lost. It counts among the 16.
 */
#include "report/report_int.h"
#include <stdlib.h>
#include <string.h>

enum {
    FILE_BYTES_FULL = 512 << 10,
    FILE_BYTES_MAX = 64 << 20, /* to read: more is not ours */
    LINE_BYTES_MAX = 256 << 10,
    FILES_MOST = 16,
    RUN_FILES_MOST = 64,
    HASH_DIGITS = 16,
    NAME_DIGITS = 6
};
static const char PREFIX[] = "runs-";

char *report_history_dir(Arena *arena, const char *pond_dir)
{
    return arena_printf(arena, "%s/history", pond_dir);
}

void report_set_aside(const char *dir, const char *name)
{
    SCRATCH(scratch);
    err_free(os_rename(arena_printf(scratch, "%s/%s", dir, name),
                       arena_printf(scratch, "%s/%s.damaged", dir, name)));
}

/* ---- the files ---- */

typedef struct Segment {
    const char *name;
    int number;
    bool damaged; /* by its name */
} Segment;

/* runs-<6 digits>, and maybe .damaged */
static bool parse_name(const OsEntry *entry, Segment *out)
{
    const char *digits = entry->name + strlen(PREFIX), *rest = digits + NAME_DIGITS;
    if (!entry->is_file || !text_starts(entry->name, PREFIX)) return false;
    if (strspn(digits, "0123456789") != NAME_DIGITS) return false;
    *out = (Segment){
        .name = entry->name, .number = (int)strtol(digits, NULL, 10), .damaged = *rest != '\0'};
    return *rest == '\0' || strcmp(rest, ".damaged") == 0;
}

/* By number; none when there is no folder. */
static Err *list_segments(Arena *arena, const char *dir, Segment **out, size_t *out_count)
{
    OsEntry *entries = NULL;
    OsStat stat;
    size_t count = 0, found = 0;
    bool exists = false;
    TRY(os_stat_if(dir, &exists, &stat));
    if (exists) TRY(os_list(arena, dir, &entries, &count));
    Segment *segments = AARRAY(arena, Segment, count + 1);
    for (size_t i = 0; i < count; i++) found += parse_name(&entries[i], &segments[found]);
    *out = segments;
    *out_count = found;
    return NULL;
}

/* ---- appending ---- */

static char *segment_path(Arena *arena, const char *dir, int number)
{
    return arena_printf(arena, "%s/%s%06d", dir, PREFIX, number);
}

/* Which file takes the next line; makes room for a new one. */
static Err *choose_segment(Arena *arena, const char *dir, char **out)
{
    Segment *segments;
    size_t count;
    OsStat stat;
    bool exists = false;
    TRY(list_segments(arena, dir, &segments, &count));
    int newest = count > 0 ? segments[count - 1].number : 0;
    if (count > 0 && !segments[count - 1].damaged) {
        *out = segment_path(arena, dir, newest);
        TRY(os_stat_if(*out, &exists, &stat));
        if (!exists || stat.size_bytes < FILE_BYTES_FULL) return NULL;
    }
    for (size_t i = 0; i + FILES_MOST <= count; i++)
        TRY(os_unlink_if(arena_printf(arena, "%s/%s", dir, segments[i].name)));
    *out = segment_path(arena, dir, (newest + 1) % 1000000);
    return NULL;
}

static char *line_of(Arena *arena, const Run *run, size_t *out_size)
{
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    Run kept = *run;
    if (kept.file_count > RUN_FILES_MOST) {
        kept.files_left_out += kept.file_count - RUN_FILES_MOST;
        kept.file_count = RUN_FILES_MOST;
    }
    run_to_json(&json, &kept);
    Buf line = buf_new(arena);
    buf_printf(&line, "\n%016llx ", (unsigned long long)xxh64(text.data, text.size));
    buf_add(&line, text.data, text.size);
    buf_putc(&line, '\n');
    *out_size = line.size;
    return line.data;
}

Err *history_append(const char *pond_dir, const Run *run)
{
    SCRATCH(scratch);
    CLEANUP(os_close_at) OsFile *file = NULL;
    char *dir = report_history_dir(scratch, pond_dir), *path;
    size_t size;
    const char *line = line_of(scratch, run, &size);
    if (size > LINE_BYTES_MAX) return ERR(LIMIT, "the record of a run has %zu bytes", size);
    TRY(os_mkdirs(dir));
    TRY(choose_segment(scratch, dir, &path));
    TRY(os_open_append(path, &file));
    return os_write(file, line, size);
}

/* ---- reading ---- */

typedef VEC(Run) Runs;
typedef VEC(const char *) Names;

static bool parse_line(Arena *arena, const char *line, size_t size, Run *out)
{
    const Json *json = NULL;
    char digits[HASH_DIGITS + 1];
    if (size < HASH_DIGITS + 2 || line[HASH_DIGITS] != ' ') return false;
    const char *text = line + HASH_DIGITS + 1;
    size_t text_size = size - HASH_DIGITS - 1;
    (void)snprintf(digits, sizeof digits, "%016llx", (unsigned long long)xxh64(text, text_size));
    if (memcmp(digits, line, HASH_DIGITS) != 0) return false;
    Err *err = json_parse(arena, text, text_size, &json);
    if (err == NULL) err = run_from_json(arena, json, out);
    bool good = err == NULL;
    err_free(err);
    return good;
}

/* Returns how many lines were no runs. */
static uint64_t parse_lines(Arena *arena, const char *text, size_t size, Runs *runs)
{
    uint64_t bad = 0;
    for (const char *line = text; line < text + size;) {
        const char *end = memchr(line, '\n', (size_t)(text + size - line));
        size_t length = (size_t)((end != NULL ? end : text + size) - line);
        Run run;
        if (length > 0) {
            if (parse_line(arena, line, length, &run))
                vec_push(arena, runs, run);
            else
                bad++;
        }
        line += length + 1;
    }
    return bad;
}

static void read_segment(Arena *arena, const char *dir, const Segment *segment, bool mend,
                         Runs *runs, Names *set_aside, uint64_t *damaged)
{
    char *text = NULL;
    size_t size = 0;
    Err *err = os_read_file_if(arena, arena_printf(arena, "%s/%s", dir, segment->name),
                               FILE_BYTES_MAX, &text, &size);
    uint64_t bad = err != NULL ? 1 : text == NULL ? 0 : parse_lines(arena, text, size, runs);
    err_free(err);
    *damaged += bad;
    if (bad == 0 || segment->damaged) return;
    vec_push(arena, set_aside, segment->name);
    if (mend) report_set_aside(dir, segment->name);
}

static int by_begin(const void *a, const void *b)
{
    const Run *x = a, *y = b;
    if (x->begun != y->begun) return x->begun < y->begun ? -1 : 1;
    return strcmp(x->id, y->id);
}

Err *history_read(Arena *arena, const char *pond_dir, size_t most, bool mend, History *out)
{
    const char *dir = report_history_dir(arena, pond_dir);
    Segment *segments;
    size_t count;
    Runs runs = {0};
    Names set_aside = {0};
    uint64_t damaged = 0;
    TRY(list_segments(arena, dir, &segments, &count));
    for (size_t i = 0; i < count; i++)
        read_segment(arena, dir, &segments[i], mend, &runs, &set_aside, &damaged);
    if (runs.n > 1) qsort(runs.v, runs.n, sizeof *runs.v, by_begin);
    size_t skip = most > 0 && runs.n > most ? runs.n - most : 0;
    *out = (History){.runs = runs.v + skip,
                     .count = runs.n - skip,
                     .damaged = damaged,
                     .set_aside = set_aside.v,
                     .set_aside_count = set_aside.n};
    return NULL;
}
