/* Texts: how CSV, JSON lines and their like become Parquet. Nothing here knows nodes or caches.
 *
 * A text is a sequence of records, each ended by its line end. It is cut into pieces of whole
 * records, and each piece becomes a Parquet file, on any thread and in any order. What the values
 * of a text are is its *shape*: per column the set of kinds that were seen. Shapes join by set
 * union, so that the shape of a text does not depend on how it is cut, and a sample may guess what
 * the whole only confirms: a value that its column's type cannot hold is a *misfit*, after which
 * the piece is looked at in full and written again. From the shape follows the *layout*: the
 * columns that are written, and how values become theirs.
 *
 * A format is a TextDriver in the table of text_format.c. It brings where records end (`cut`), and
 * then either what they hold (`learn`) and their rows (`open`, `next`), or all of it at once
 * (`part`); text_convert.c does the rest. `begin`, `layout` and `part` run on the command's thread;
 * all else on any, several pieces at a time: a job is read-only by then. */
#pragma once
#include "provider/provider_int.h"

enum {
    TEXT_PIECE_BYTES =
        32 << 20, /* of a text, in one Parquet file, unless the input says otherwise */
    TEXT_RECORD_BYTES_MAX = 16 << 20,
    TEXT_SAMPLE_BYTES = 1 << 20,
    TEXT_DEPTH_MAX = 64 /* of JSON */
};

/* ---- shapes ---- */
typedef enum Seen {
    SEEN_BOOL = 1 << 0,
    SEEN_INT = 1 << 1,
    SEEN_FLOAT = 1 << 2,
    SEEN_CLOCK = 1 << 3,
    SEEN_DATE = 1 << 4,
    SEEN_STAMP = 1 << 5,   /* date and clock without a zone */
    SEEN_STAMPTZ = 1 << 6, /* with one */
    SEEN_WORDS = 1 << 7,   /* any other text */
    SEEN_HUGE = 1 << 8,    /* JSON: a number beyond a double */
    SEEN_LIST = 1 << 9,    /* JSON */
    SEEN_OBJECT = 1 << 10  /* JSON: its members are columns of their own */
} Seen;

typedef struct ShapeColumn {
    int parent; /* the object it is a member of, -1: none */
    const char *key;
    size_t length;
    unsigned seen;    /* 0: no value yet */
    bool may_be_time; /* by its name, should it hold numbers */
    TimeUnit unit;    /* then: of the first number whose magnitude tells */
} ShapeColumn;

typedef struct Shape {
    Arena *arena;
    VEC(ShapeColumn) columns; /* in order of first appearance; parents before members */
    uint32_t *slots;          /* hash table over (parent, key) */
    size_t slot_count;
} Shape;

void shape_init(Shape *shape, Arena *arena);
/* Finds, -1 when absent. */
ptrdiff_t shape_find(const Shape *shape, int parent, const char *key, size_t length);
/* Finds or adds. */
size_t shape_column(Shape *shape, int parent, const char *key, size_t length);
/* `from` is what comes later in the text. */
void shape_join(Shape *into, const Shape *from);
void shape_to_json(JsonOut *out, const Shape *shape);
void shape_from_json(Shape *shape, const Json *json);

/* ---- layouts ---- */
typedef enum Target {
    TARGET_NOTHING, /* VARCHAR of nulls; any value is a misfit */
    TARGET_BOOL,
    TARGET_INT,
    TARGET_FLOAT,
    TARGET_CLOCK,
    TARGET_DATE,
    TARGET_STAMP,
    TARGET_STAMPTZ,
    TARGET_WORDS,
    TARGET_JSON,  /* values as they are written in JSON */
    TARGET_TIME,  /* the time column, from a date or stamp: TIMESTAMPTZ */
    TARGET_EPOCH, /* from a number */
    TARGET_FORM   /* from a text, by ?timeformat= */
} Target;

typedef struct LayoutColumn {
    const char *name;
    Target target;
    size_t of; /* the shape's column */
} LayoutColumn;

typedef struct Layout {
    LayoutColumn *columns;
    size_t count;
    ptrdiff_t *of_shape; /* by the shape's columns: the layout's, -1 for objects */
    ptrdiff_t time;      /* -1: none */
    TimeUnit unit;       /* of TARGET_EPOCH */
    const char *form;    /* of TARGET_FORM */
    const Shape *shape;
} Layout;
/* Names, types, time column by the rules of docs/formats.md. INVALID, NOT_FOUND. */
typedef struct TextJob TextJob;
Err *layout_make(Arena *arena, const TextJob *job, const Shape *shape, Layout *out) WARN_UNUSED;
Schema layout_schema(Arena *arena, const Layout *layout);

/* ---- a text being read ---- */
/* What is wrong in a text, where. Lines and rows count from the piece's beginning. */
typedef struct TextFault {
    char *what; /* NULL: nothing */
    const char *hint;
    ErrCode code;
    int64_t line; /* from 0 */
    int column;   /* byte, from 1; 0: none */
} TextFault;

/* The part of a driver's reader that text_convert.c sees: it comes first in the driver's own
 * struct. `next` stops at the first misfit or fault. */
typedef struct TextReader {
    const TextJob *job;
    const Layout *layout;
    const char *at, *end; /* what is left of the piece */
    int64_t line;         /* of the record at `at`; at the end: how many there were */
    bool misfit;
    TextFault fault;
    bool *has_value; /* by layout column; set by `next` */
    Arena *arena;
} TextReader;

typedef struct TextPiece {
    const char *bytes;
    size_t size;
} TextPiece;

typedef struct TextDriver {
    Format format;
    const char *name; /* "CSV" */
    /* Reads the options, and what stands before the first record: *out_used bytes of `head`; may
     * set job->own, and name columns in `shape`. When `head` is not the whole text and not enough,
     * *out_used = SIZE_MAX. */
    Err *(*begin)(TextJob *job, const char *head, size_t size, bool whole, Shape *shape,
                  size_t *out_used);
    /* Where the last record that ends within the bytes ends: behind its line end. */
    size_t (*cut)(const TextJob *job, const char *bytes, size_t size);
    /* Adds what the piece's records hold to `shape`. False after a fault. */
    bool (*learn)(const TextJob *job, const TextPiece *piece, Arena *arena, Shape *shape,
                  TextFault *fault);
    Err *(*layout)(Arena *arena, const TextJob *job, const Shape *shape, Layout *out);
    /* Rows of a piece, by a layout. */
    TextReader *(*open)(Arena *arena, const TextJob *job, const Layout *layout,
                        const TextPiece *piece);
    /* Fills up to `capacity` rows; 0: the end, or misfit or fault. */
    size_t (*next)(TextReader *reader, FeedColumn *columns, size_t capacity);
    /* Instead of learn, layout, open and next, for formats whose pieces are converted one after the
     * other, with a state of the driver's (in job->own, made by `begin`) that goes from each to the
     * next. Writes the piece's Parquet file and fills `meta` (rows, size, schema, time column,
     * intervals, in_order). Errors have the line, counted from `first_line`; not the label. */
    Err *(*part)(TextJob *job, Arena *arena, Conn *conn, const TextPiece *piece, int64_t first_line,
                 const char *path, Version *meta);
    /* That state, kept with the pieces that it stands behind, and restored before the next. */
    void (*state_put)(const TextJob *job, JsonOut *json);
    Err *(*state_get)(TextJob *job, const Json *json);
    /* After the last piece, when any was converted: warnings. May be NULL. */
    void (*done)(const TextJob *job);
    /* What the scan of a text's files is made into; NULL: it is the text's rows. Where pieces may
     * hold rows that belong together, here they meet. */
    Err *(*relation)(Provider *provider, const char *label, const Rel *scan, const Rel **out);
} TextDriver;
/* NULL when the format is no text. */
const TextDriver *text_driver(Format format);

struct TextJob {
    Provider *provider;
    const Url *url;
    const char *label;
    const TextDriver *driver;
    Arena *arena;
    void *own;   /* the driver's: dialect and the like */
    bool series; /* an incomplete last line is left out, not taken as a record */
};

/* The place and length of the first byte that is no text (not UTF-8, or NUL); false: there is none.
 */
bool text_find_bad_byte(const char *bytes, size_t size, size_t *out);
/* Faults bytes that are no text. */
void text_check_bytes(TextReader *reader);
int64_t text_count_lines(const char *bytes, size_t size);
/* Finds or adds a column, and notes whether it may be the time. */
size_t job_column(const TextJob *job, Shape *shape, int parent, const char *key, size_t length);
/* Counts a text in a column of the shape. */
void text_see(ShapeColumn *column, Seen kind, const char *text, size_t size);
/* Sets up the part of a reader that is not the driver's. */
void text_reader_init(TextReader *reader, Arena *arena, const TextJob *job, const Layout *layout,
                      const TextPiece *piece);
/* The first fault stays. */
void text_fault(TextReader *reader, int64_t line, int column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- values ---- */
/* Of a whole field, spaces around it allowed. False when it is none, or beyond the type. */
bool value_bool(const char *text, size_t size, bool *out);
bool value_int(const char *text, size_t size, int64_t *out);
bool value_float(const char *text, size_t size, double *out);
bool value_clock(const char *text, size_t size, int64_t *out_us);
/* A date, or a date with a clock, perhaps with a zone: *out_kind is which. µs UTC; a clock without
 * zone is UTC. */
bool value_stamp(const char *text, size_t size, TimeUs *out, Seen *out_kind);
/* By a form of strptime's letters. */
bool value_by_form(const char *form, const char *text, size_t size, TimeUs *out);
/* NULL when the form is one, else the letter that is not known. */
const char *value_check_form(const char *form);
/* The narrowest kind of a text (CSV field, JSON string), never LIST, OBJECT, HUGE. */
Seen value_kind(const char *text, size_t size);
/* The same for JSON strings, where a number in quotes is words. */
Seen value_kind_of_string(const char *text, size_t size);

/* Puts a text into a layout column of the row; false after a misfit or a fault. Nulls are put by
 * value_null. */
bool value_put(TextReader *reader, size_t column, const char *text, size_t size, FeedColumn *into,
               size_t row);
void value_not_a_time(TextReader *reader, size_t column, const char *text, size_t size);
static inline void value_null(FeedColumn *into, size_t row)
{
    into->validity[row >> 6] &= ~(UINT64_C(1) << (row & 63));
}

/* ---- bytes: the versions of a node one behind the other, unpacked ---- */
typedef struct TextSegment {
    const char *path;  /* of a host file, or NULL */
    const char *bytes; /* else */
    int64_t size;
} TextSegment;
typedef struct TextSource TextSource;
/* Begins `skip` bytes into the (unpacked) text. INVALID when it is not packed as it was said to be,
 * or packed and was not said to be; a packed text that ends too early or is damaged is INVALID with
 * the offset in its packed bytes. */
Err *source_open(Arena *arena, const TextSegment *segments, size_t count, const Url *url,
                 int64_t skip, TextSource **out) WARN_UNUSED;
/* Fills `into`; less only at the end. */
Err *source_read(TextSource *source, char *into, size_t size, size_t *out_got) WARN_UNUSED;
void source_close_at(TextSource **source);

/* ---- converting: text_convert.c ---- */
/* A column as it was written; target NOTHING: it holds no value there, and has no say in types. */
typedef struct TextNote {
    const char *name;
    Target target;
} TextNote;

/* A piece and the Parquet file made of it. */
typedef struct TextFile {
    int64_t offset, size, lines; /* in the unpacked text */
    const char *path;            /* NULL: to be made (again) */
    Version meta;                /* rows, size, schema, time column, intervals, order */
    TextNote *notes;
    size_t note_count;
    int64_t null_times, first_null; /* row of the file, from 0 */
    /* Of what is kept (text_cache.c): its name, "" when it is not, and the file as it was last seen
     * to be whole. */
    char key[SHA256_HEX + 1];
    uint64_t inode;
    int64_t mtime_ns;
} TextFile;

/* What is known of a text up to `offset`: its pieces lie there without a gap. */
typedef struct TextState {
    Shape shape;
    VEC(TextFile) files;
    int64_t offset, lines; /* behind the last piece */
    const Json *own;       /* the driver's; NULL when it keeps none */
} TextState;

typedef struct TextInput {
    const TextSegment *segments;
    size_t count;
    size_t piece_bytes, sample_bytes;
    int threads;
    /* A new name for a Parquet file; called on the command's thread and others, one at a time. */
    Err *(*new_path)(void *context, Arena *arena, char **out);
    void *context;
} TextInput;
/* Converts what follows state->offset, and what of the files before does not fit the types that the
 * text has with it. `*state` is complete then: its schema is that of the layout. Everything lives
 * in `arena`. */
Err *text_advance(Arena *arena, TextJob *job, const TextInput *input, TextState *state,
                  Layout *out_layout) WARN_UNUSED;
/* The whole text into one file, its rows in order. */
Err *text_write(Arena *arena, TextJob *job, const TextInput *input, const char *path, Version *meta)
    WARN_UNUSED;

/* ---- pieces: text_cut.c ---- */
typedef struct Cutter {
    const TextJob *job;
    TextSource *source;
    size_t piece_bytes;
    char *buffer; /* malloc'ed; holds bytes [at, size) still to be cut */
    size_t at, size;
    bool filled, ended, too_long;
    int64_t offset;       /* in the text, of `at` */
    const int64_t *sizes; /* follow these, whatever records say; NULL: cut */
} Cutter;
/* A piece in memory of its own (free it); size 0 at the end. After it too_long tells whether what
 * follows is a record beyond TEXT_RECORD_BYTES_MAX. */
Err *cutter_next(Cutter *cutter, char **out_memory, TextPiece *out) WARN_UNUSED;
Err *cutter_fill(Cutter *cutter) WARN_UNUSED; /* the buffer, when it is empty */
void cutter_close(Cutter *cutter);

/* One piece's Parquet file, or the end of a chain of them: text_write.c. */
typedef struct PieceWrite {
    const TextJob *job;
    const Layout *layout;
    Conn *conn;
    const char *path;
    TextPiece piece;
    /* Another piece that follows in the same file; size 0: none. May be NULL. */
    Err *(*more)(void *context, TextPiece *out);
    void *context;
} PieceWrite;
typedef struct PieceWritten {
    TextFile file; /* without offset and size */
    bool misfit;
    TextFault fault; /* its line counts from the first piece */
} PieceWritten;
/* Misfit and fault are no errors: then there is no file. */
Err *piece_write(Arena *arena, const PieceWrite *write, PieceWritten *out) WARN_UNUSED;
char *notes_schema(Arena *arena, const TextNote *notes, size_t count); /* as JSON */
