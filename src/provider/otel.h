/* OTLP metrics as JSON lines to rows: each line one ExportMetricsServiceRequest (OTLP 1.x, section
 * "JSON Protobuf Encoding"; instrumentationLibraryMetrics of before 0.15 too). One row a time, one
 * column a metric; docs/oteljson.md tells the rules.
 *
 * An Otel reads one text in one or more parts, each of complete lines: otel_begin, otel_add ...,
 * otel_write, otel_begin ... What parts have in common (columns, the attributes that each stands
 * for, what was left out) is its state, which can be stored between them. Rows of one time in two
 * parts are brought together by otel_relation.
 *
 * Memory: 24 bytes a data point of a part, beside the bytes. Threads: one. Errors: INVALID and
 * LIMIT with line and byte, without the name of the text. */
#pragma once
#include "provider/provider_int.h"

typedef struct Otel Otel;
/* Of the URL's options: attribute (names, separated by commas, that make columns of their own) and
 * ignore (names that do not tell series apart; * for all). */
Err *otel_new(Arena *arena, const Url *url, Otel **out) WARN_UNUSED;

/* A part begins; `line` is the number of its first line in the text. Its memory is freed by the
 * next begin and by otel_end. */
void otel_begin(Otel *otel, int64_t line);
/* Complete lines (the last one may lack its newline at the end of the text). Blank ones are passed
 * over. */
Err *otel_add(Otel *otel, const char *bytes, size_t size) WARN_UNUSED;
int64_t otel_line(const Otel *otel); /* the number of the line to come */
/* The part's rows in time order as Parquet, and what is known of them: rows, schema, time column,
 * intervals, size. Columns stand in the file under internal names, by position. */
Err *otel_write(Otel *otel, Arena *arena, Conn *conn, const char *path, Version *meta) WARN_UNUSED;
void otel_end(Otel *otel);

/* The state as JSON, and back into a new Otel with the same options. */
void otel_state_put(const Otel *otel, JsonOut *json);
Err *otel_state_get(Otel *otel, const Json *json) WARN_UNUSED;
/* The parts' files, as one scan in the order of the text, to one row a time. */
Err *otel_relation(Provider *provider, const char *label, const Rel *scan, const Rel **out)
    WARN_UNUSED;
/* What was left out so far, in one sentence; NULL when nothing was. */
char *otel_left_out(const Otel *otel, Arena *arena);
