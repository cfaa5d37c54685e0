/* What the files of the OTLP reader share. */
#pragma once
#include "base/json_pull.h"
#include "provider/otel.h"

/* A string whose bytes lie in a line. */
typedef JsonText Slice;

/* ---- one line as read (otel_line.c) ---- */
typedef enum OtelKind { OTEL_NULL, OTEL_INT, OTEL_DOUBLE } OtelKind;

typedef struct OtelPoint {
    TimeUs time;
    OtelKind kind;
    union {
        int64_t integer;
        double number;
    } value;
    size_t metric;     /* in the line's list */
    size_t attributes; /* where the array begins in the line; 0: none */
    size_t attributes_size;
    size_t at; /* where the point begins: for messages */
} OtelPoint;

typedef struct OtelOwner { /* a resource or scope; attributes as above */
    Slice name;            /* of a scope */
    size_t attributes, attributes_size;
} OtelOwner;

typedef struct OtelMetric {
    Slice name;
    size_t at;
    size_t resource, scope; /* in the line's lists */
} OtelMetric;

/* Kinds of metrics that have no single value; the other two lists are gauge and sum. */
typedef enum OtelOther { OTEL_HISTOGRAM, OTEL_EXPONENTIAL, OTEL_SUMMARY, OTEL_OTHERS } OtelOther;
typedef struct OtelSkipped {
    size_t metric;
    OtelOther kind;
    int64_t points;
} OtelSkipped;

typedef struct OtelLine {
    JsonPull pull;
    VEC(OtelOwner) resources, scopes;
    VEC(OtelMetric) metrics;
    VEC(OtelPoint) points;
    VEC(OtelSkipped) skipped;
    bool is_other; /* traces, logs or profiles */
} OtelLine;

/* Reads one line into the lists, which are emptied first. */
Err *otel_line_read(Arena *arena, OtelLine *line) WARN_UNUSED;

/* ---- which column a point belongs to (otel_series.c) ---- */
typedef struct OtelPair {
    const char *key, *value;
} OtelPair;
typedef struct OtelColumn {
    const char *name, *metric;
    const OtelPair *pairs; /* the attributes that tell it from others, by key */
    size_t pair_count;
    int64_t line;     /* where it was first seen */
    uint32_t in_part; /* its place in the part's columns, + 1; 0: not there yet */
} OtelColumn;

/* A metric of one resource and scope. */
typedef struct OtelStream OtelStream;

typedef struct OtelNames {
    const char **v;
    size_t n;
    bool all;
} OtelNames;

typedef struct OtelRow {
    TimeUs time;
    uint32_t column; /* of the part */
    OtelKind kind;
    union {
        int64_t integer;
        double number;
    } value;
} OtelRow;

/* What was left out, by metric. */
typedef struct OtelLeft {
    OtelOther kind;
    int64_t points;
} OtelLeft;

struct Otel {
    Arena *arena; /* what lasts */
    OtelNames attributes, ignored;
    VEC(OtelColumn) columns;
    Map by_name; /* column's name -> its index + 1 */
    Map left;    /* metric's name -> OtelLeft */
    int64_t other_lines;
    int64_t line;
    OtelLine current;
    /* of the part */
    Arena *part;
    Map streams; /* text of resource, scope and name -> OtelStream */
    Buf key;
    OtelStream *stream; /* of the metric of the line that was looked up last */
    size_t stream_metric;
    VEC(uint32_t) part_columns; /* indexes of columns, in order of appearance */
    VEC(OtelRow) rows;
    bool is_sorted;
};

/* The column of a point, found or made. INVALID when the metric came with other attributes. */
Err *otel_column_of(Otel *otel, const OtelPoint *point, uint32_t *out) WARN_UNUSED;
