/* The run history: POND/history/runs-<form>, binary, one frame (frame.c) after the other:
 *
 *     of kind 'F', the first of a file: the form, as record.c writes it
 *     of kind 'R': when the run began (8 bytes, µs), and the record
 *
 * <form> is the hash of the form, 16 hex digits: another build appends to another file. Appending
 * is one write(2) of whole frames to a file opened for appending, which the kernel makes whole
 * between processes: open, fstat, write, close, no lock and no listing. Nothing is synced: a power
 * cut may lose the last runs. What a crash or a full disk has torn ends at the next magic.
 *
 * Bounds: a file that has 512 KiB is renamed to runs-<form>-<time and chance, 16 hex digits>; of 16
 * files the oldest go when another is begun. A record has at most 256 KiB: of the command the first
 * 64 KiB, and no files and targets where these have names that are too long; files beyond the 64
 * with the most bytes are left out of it. Two processes that begin another at once may leave a
 * short one.
 *
 * A file with something in it that is no frame is renamed to <name>.damaged, so that nothing is
 * appended to it, and read as before: what is whole in it is not lost. It counts among the 16. So
 * does a file of the oldest form (runs-<6 digits>, text), of which nothing is read: it is not
 * damaged and stays until it is the oldest. */
#include "report/report_int.h"
#include <stdlib.h>

enum {
    FILE_BYTES_FULL = 512 << 10,
    FILE_BYTES_MAX = 4 << 20, /* to read: more is not ours */
    FRAME_BYTES_MAX = 256 << 10,
    FILES_MOST = 16,
    RUN_FILES_MOST = 64,
    COMMAND_BYTES_MOST = 64 << 10,
    HASH_DIGITS = 16,
    DAMAGES_MOST = 1000 /* in a file: what follows is not looked at */
};
static const char PREFIX[] = "runs-", DAMAGED[] = ".damaged";

char *report_history_dir(Arena *arena, const char *pond_dir)
{
    return arena_printf(arena, "%s/history", pond_dir);
}

Err *report_history_make(const char *dir)
{
    OsStat stat;
    bool exists = false;
    TRY(os_stat_if(dir, &exists, &stat));
    Err *err = exists ? NULL : os_mkdir(dir);
    if (err == NULL || err_code(err) != ERR_EXISTS) return err;
    err_free(err); /* another process was first */
    return NULL;
}

void report_set_aside(const char *dir, const char *name)
{
    SCRATCH(scratch);
    err_free(os_rename(arena_printf(scratch, "%s/%s", dir, name),
                       arena_printf(scratch, "%s/%s%s", dir, name, DAMAGED)));
}

/* ---- the files ---- */

static size_t hex_digits(const char *text)
{
    return strspn(text, "0123456789abcdef");
}

/* runs-<form>, runs-<form>-<time>, runs-<6 digits>, each maybe .damaged */
static bool is_ours(const OsEntry *entry)
{
    const char *rest = entry->name + strlen(PREFIX);
    if (!entry->is_file || !text_starts(entry->name, PREFIX)) return false;
    size_t digits = hex_digits(rest);
    rest += digits;
    if (digits == HASH_DIGITS && *rest == '-' && hex_digits(rest + 1) == HASH_DIGITS)
        rest += 1 + HASH_DIGITS;
    return (digits == HASH_DIGITS || digits == 6) && (*rest == '\0' || strcmp(rest, DAMAGED) == 0);
}

static const char **pick_ours(Arena *arena, const OsEntry *entries, size_t count, size_t *out_count)
{
    size_t found = 0;
    const char **names = AARRAY(arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        names[found] = entries[i].name;
        found += is_ours(&entries[i]);
    }
    *out_count = found;
    return names;
}

static bool is_oldest_form(const char *name)
{
    return hex_digits(name + strlen(PREFIX)) == 6;
}

/* By name; none when there is no folder. */
static Err *list_ours(Arena *arena, const char *dir, const char ***out, size_t *out_count)
{
    OsEntry *entries = NULL;
    OsStat stat;
    size_t count = 0;
    bool exists = false;
    TRY(os_stat_if(dir, &exists, &stat));
    if (exists) TRY(os_list(arena, dir, &entries, &count));
    *out = pick_ours(arena, entries, count, out_count);
    return NULL;
}

/* ---- appending ---- */

int report_by_age(const void *a, const void *b)
{
    const ReportAged *x = a, *y = b;
    if (x->mtime_ns != y->mtime_ns) return x->mtime_ns < y->mtime_ns ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The oldest go, so that there may be one more, and what killed processes left in the folder. */
static Err *make_room(const char *dir)
{
    SCRATCH(scratch);
    OsEntry *entries = NULL;
    size_t entry_count = 0, count, there = 0;
    TRY(os_list(scratch, dir, &entries, &entry_count));
    err_free(report_sweep(dir, entries, entry_count));
    const char **names = pick_ours(scratch, entries, entry_count, &count);
    if (count < FILES_MOST) return NULL;
    ReportAged *files = AARRAY(scratch, ReportAged, count);
    for (size_t i = 0; i < count; i++) {
        OsStat stat;
        bool exists = false;
        const char *path = arena_printf(scratch, "%s/%s", dir, names[i]);
        TRY(os_stat_if(path, &exists, &stat));
        if (exists) files[there++] = (ReportAged){path, stat.mtime_ns};
    }
    qsort(files, there, sizeof *files, report_by_age);
    for (size_t i = 0; i + FILES_MOST <= there; i++) TRY(os_unlink_if(files[i].name));
    return NULL;
}

/* Of a longer one, such as of a copy of thousands of files, the beginning. */
static const char *cut_command(Arena *arena, const char *command)
{
    size_t length = strlen(command);
    if (length <= COMMAND_BYTES_MOST) return command;
    length = COMMAND_BYTES_MOST;
    while (length > 0 && ((unsigned char)command[length] & 0xC0) == 0x80) length--;
    return arena_printf(arena, "%.*s…", (int)length, command);
}

static void keep_files(Run *kept, size_t most)
{
    if (kept->file_count <= most) return;
    kept->files_left_out += kept->file_count - most;
    kept->file_count = most;
}

static void put_kept(Buf *to, const Run *kept, const Map *words)
{
    Buf content = buf_new(to->arena);
    wire_put_le(&content, (uint64_t)kept->begun, 8);
    record_put(&content, kept, words);
    to->size = 0;
    frame_put(to, 'R', &content);
}

/* What has names of any length goes where it would make the record too large. */
static void put_run(Buf *to, const Run *run, const Map *words)
{
    Run kept = *run;
    kept.command = cut_command(to->arena, run->command);
    keep_files(&kept, RUN_FILES_MOST);
    run_trim_queries(to->arena, &kept);
    put_kept(to, &kept, words);
    if (to->size <= FRAME_BYTES_MAX) return;
    keep_files(&kept, 0);
    kept.target_count = 0;
    put_kept(to, &kept, words);
}

/* The folder is there since init, as a rule. */
static Err *open_to_append(const char *dir, const char *path, OsFile **out, int64_t *out_size)
{
    OsStat stat;
    Err *err = os_open_append(path, out);
    if (err != NULL) {
        err_free(err);
        TRY(report_history_make(dir));
        TRY(os_open_append(path, out));
    }
    TRY(os_fstat(*out, &stat));
    *out_size = stat.size_bytes;
    return NULL;
}

/* No two processes may choose the same: the time, and a few bits of chance. */
static char *name_when_full(Arena *arena, const char *path)
{
    uint64_t chance;
    os_random(&chance, sizeof chance);
    return arena_printf(arena, "%s-%016llx", path,
                        (unsigned long long)((uint64_t)os_now() << 12 | (chance & 0xFFF)));
}

/* The file that takes the next record; one that is full is closed for good. */
static Err *open_segment(Arena *arena, const char *dir, const char *path, OsFile **out,
                         int64_t *out_size)
{
    TRY(open_to_append(dir, path, out, out_size));
    if (*out_size >= FILE_BYTES_FULL) {
        os_close_at(out);
        err_free(os_rename(path, name_when_full(arena, path))); /* or another process did */
        TRY(open_to_append(dir, path, out, out_size));
    }
    return *out_size == 0 ? make_room(dir) : NULL;
}

Err *history_append(const char *pond_dir, const Run *run)
{
    SCRATCH(scratch);
    CLEANUP(os_close_at) OsFile *file = NULL;
    Map words = map_new(scratch);
    Buf form = buf_new(scratch), record = buf_new(scratch), out = buf_new(scratch);
    int64_t size = 0;
    record_form_put(&form, &words);
    put_run(&record, run, &words);
    if (record.size > FRAME_BYTES_MAX)
        return ERR(LIMIT, "the record of a run has %zu bytes", record.size);
    const char *dir = report_history_dir(scratch, pond_dir);
    const char *path = arena_printf(scratch, "%s/%s%016llx", dir, PREFIX,
                                    (unsigned long long)xxh64(form.data, form.size));
    TRY(open_segment(scratch, dir, path, &file, &size));
    if (size == 0) frame_put(&out, 'F', &form);
    buf_add(&out, record.data, record.size);
    return os_write(file, out.data, out.size);
}

/* ---- reading ---- */

struct HistoryEntry {
    TimeUs begun;
    uint64_t number; /* in the order of reading */
    const RecordForm *form;
    const char *bytes;
    size_t size;
};

typedef struct Reading {
    Arena *arena;
    const char *dir;
    bool mend;
    const RecordForm *own_form; /* of this build */
    char own_name[HASH_DIGITS + 1];
    VEC(HistoryEntry) entries;
    VEC(const char *) set_aside;
    uint64_t damaged;
    const RecordForm *form; /* of the frames that follow in a file */
} Reading;

static bool take_record(Reading *reading, const char *bytes, size_t size)
{
    if (reading->form == NULL || size < 8) return false;
    HistoryEntry entry = {.begun = (TimeUs)wire_le(bytes, 8),
                          .number = reading->entries.n,
                          .form = reading->form,
                          .bytes = bytes + 8,
                          .size = size - 8};
    vec_push(reading->arena, &reading->entries, entry);
    return true;
}

static bool take_form(Reading *reading, const char *bytes, size_t size)
{
    const RecordForm *form = record_form_get(reading->arena, bytes, size);
    if (form != NULL) reading->form = form;
    return form != NULL;
}

/* How many bytes the frame at `at` has; 0: none is there. */
static size_t take_frame(Reading *reading, const char *at, size_t left)
{
    const char *body;
    size_t size = frame_at(at, left, FRAME_BYTES_MAX, &body);
    if (size == 0) return 0;
    bool good = *body == 'F'   ? take_form(reading, body + 1, size - 1)
                : *body == 'R' ? take_record(reading, body + 1, size - 1)
                               : true; /* of a later kind */
    return good ? FRAME_HEAD + size : 0;
}

static void take_frames(Reading *reading, const char *text, size_t size)
{
    uint64_t most = reading->damaged + DAMAGES_MOST;
    for (size_t at = 0; at < size && reading->damaged < most;) {
        size_t taken = take_frame(reading, text + at, size - at);
        at += taken;
        if (taken > 0) continue;
        reading->damaged++;
        const char *next = frame_find(text + at + 1, size - at - 1);
        at = next != NULL ? (size_t)(next - text) : size;
    }
}

static void read_file(Reading *reading, const char *name)
{
    char *text = NULL;
    size_t size = 0;
    uint64_t before = reading->damaged;
    const char *path = arena_printf(reading->arena, "%s/%s", reading->dir, name);
    bool is_own = strncmp(name + strlen(PREFIX), reading->own_name, HASH_DIGITS) == 0;
    reading->form = is_own ? reading->own_form : NULL; /* should the file's be damaged */
    Err *err = os_read_file_if(reading->arena, path, FILE_BYTES_MAX, &text, &size);
    if (err != NULL)
        reading->damaged++;
    else if (text != NULL)
        take_frames(reading, text, size);
    err_free(err);
    if (reading->damaged == before || text_ends(name, DAMAGED)) return;
    vec_push(reading->arena, &reading->set_aside, name);
    if (reading->mend) report_set_aside(reading->dir, name);
}

static Reading start_reading(Arena *arena, const char *pond_dir, bool mend)
{
    Reading reading = {.arena = arena, .dir = report_history_dir(arena, pond_dir), .mend = mend};
    Map words = map_new(arena);
    Buf form = buf_new(arena);
    record_form_put(&form, &words);
    reading.own_form = record_form_get(arena, form.data, form.size);
    (void)snprintf(reading.own_name, sizeof reading.own_name, "%016llx",
                   (unsigned long long)xxh64(form.data, form.size));
    return reading;
}

static int by_begin(const void *a, const void *b)
{
    const HistoryEntry *x = a, *y = b;
    if (x->begun != y->begun) return x->begun < y->begun ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

Err *history_index(Arena *arena, const char *pond_dir, bool mend, HistoryIndex *out)
{
    const char **names;
    size_t count;
    Reading reading = start_reading(arena, pond_dir, mend);
    TRY(list_ours(arena, reading.dir, &names, &count));
    for (size_t i = 0; i < count; i++)
        if (!is_oldest_form(names[i])) read_file(&reading, names[i]);
    if (reading.entries.n > 1)
        qsort(reading.entries.v, reading.entries.n, sizeof *reading.entries.v, by_begin);
    *out = (HistoryIndex){.entries = reading.entries.v,
                          .count = reading.entries.n,
                          .damaged = reading.damaged,
                          .set_aside = reading.set_aside.v,
                          .set_aside_count = reading.set_aside.n};
    return NULL;
}

bool history_run(Arena *arena, const HistoryIndex *index, size_t entry, Run *out)
{
    const HistoryEntry *at = &index->entries[entry];
    return record_get(arena, at->form, at->bytes, at->size, out);
}

Err *history_read(Arena *arena, const char *pond_dir, size_t most, bool mend, History *out)
{
    HistoryIndex index;
    TRY(history_index(arena, pond_dir, mend, &index));
    size_t skip = most > 0 && index.count > most ? index.count - most : 0;
    History history = {.runs = AARRAY(arena, Run, index.count - skip + 1),
                       .damaged = index.damaged,
                       .set_aside = index.set_aside,
                       .set_aside_count = index.set_aside_count};
    for (size_t i = skip; i < index.count; i++) {
        bool good = history_run(arena, &index, i, &history.runs[history.count]);
        history.count += good;
        history.damaged += !good;
    }
    *out = history;
    return NULL;
}
