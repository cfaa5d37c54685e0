/* What the files of report share. */
#pragma once
#include "base/base.h"
#include "report/fields.h"
#include "report/wire.h"

/* Who makes file calls. */
#define RUN_BY_POND "pond"
#define RUN_BY_ENGINE "engine"

/* ---- targets.c ---- */
void run_targets(Arena *arena, const RunTarget *targets, size_t count, Run *run);
void run_target_add(RunTarget *to, const RunTarget *from);
void run_work_means(RunWork *work);

/* ---- caches.c ---- */
void run_caches(Arena *arena, Run *run); /* fills run->caches */
void run_cache_times(RunCache *cache);   /* its times from its histograms */
void run_cache_saved(RunCache *cache);
void run_cache_words(Map *words);

/* ---- queries.c ---- */
enum { RUN_QUERIES_MOST = 32, RUN_OPERATORS_MOST = 256, RUN_PASSES_MOST = 128 }; /* in a record */
/* From the tracker. */
void run_queries(Arena *arena, Run *run);
void run_merge_queries(Arena *arena, const Run *runs, size_t count, Run *out);
/* To what a record holds; texts of plans are left to plans.c. The lists that `run` had stay. */
void run_trim_queries(Arena *arena, Run *run);

/* ---- model.c: the figures of an operation from its histogram and count ---- */
void run_op_times(RunOp *op);

/* ---- record.c: a run as bytes, with the tables of fields.c beside it ---- */
typedef struct RecordForm RecordForm; /* what a record's numbers mean */
/* Of this build. `words` outlives nothing but the call. */
void record_form_put(Buf *to, Map *words);
/* NULL when it is not one. `bytes` must stay. */
RecordForm *record_form_get(Arena *arena, const char *bytes, size_t size);
void record_put(Buf *to, const Run *run, const Map *words);
bool record_get(Arena *arena, const RecordForm *form, const char *bytes, size_t size, Run *out);

/* ---- frame.c ---- */
enum { FRAME_HEAD = 16 };
void frame_put(Buf *to, char kind, const Buf *content);
/* Size of the body, kind included, of the frame that begins at `at`; 0: none does, or it is
 * damaged, or larger than `most`. */
size_t frame_at(const char *at, size_t left, size_t most, const char **out_body);
const char *frame_find(const char *from, size_t left); /* where one may begin; NULL: nowhere */

/* ---- flight.c, spans.c: from the bytes of a file; false: they make no sense ---- */
/* `bytes` stay, and are aligned as memory of an arena is. */
bool flight_parse(Arena *arena, const char *bytes, size_t size, Flight *out);
bool run_spans_parse(Arena *arena, const char *bytes, size_t size, RunSpans *out);

/* ---- files in order of their last change ---- */
typedef struct ReportAged {
    const char *name;
    int64_t mtime_ns;
} ReportAged;
int report_by_age(const void *a, const void *b);

char *report_random_id(Arena *arena); /* 16 hex digits */
char *report_history_dir(Arena *arena, const char *pond_dir);
/* Makes that folder where it is missing; not the pond's, which may be gone by the end of a command.
 */
Err *report_history_make(const char *dir) WARN_UNUSED;
/* Small files of the history that are replaced as a whole. */
#define REPORT_MODEL "model"   /* predict_state.c */
#define REPORT_RANGES "ranges" /* alarm.c */
Err *report_replace(const char *pond_dir, const char *name, const void *bytes, size_t size)
    WARN_UNUSED;
/* Removes what killed processes left while they replaced one; `entries`: of the history folder. */
Err *report_sweep(const char *dir, const OsEntry *entries, size_t count) WARN_UNUSED;
/* Renames `name` in the history folder to `name`.damaged, where it can. */
/* A file that begins as ours do but for the digit that ends `magic`, and whose last 8 bytes are the
 * hash of the rest: another build's, not damaged. */
bool report_is_of_other_form(const char *bytes, size_t size, const char magic[8]);
void report_set_aside(const char *dir, const char *name);
