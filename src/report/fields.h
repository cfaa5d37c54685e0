/* The figures of a run, listed once: what JSON, the history and the SQL tables of it hold all
 * follows from these tables.
 *
 * To add a figure: a member in the struct of report.h and a row in fields.c. To add a list: the
 * same for its struct, a pointer and a count in Run, and a row in RUN_SECTIONS. Nothing else:
 * records that are older have the row's `otherwise` there, readers that are older pass the figure
 * by. Never give a key another kind or another `otherwise`: older records would be misread. */
#pragma once
#include "report/report.h"

/* In memory: a text is a `const char *`, numbers are 64 bits. */
typedef enum FieldKind {
    FIELD_TEXT, /* "" when it was not there */
    FIELD_WORD, /* a text that mostly is one of run_words(): stands as a number in the history */
    FIELD_INT,
    FIELD_UINT,
    FIELD_REAL,
    FIELD_TIME, /* TimeUs */
    FIELD_HIST  /* a PerfHist *, NULL: none; not in SQL */
} FieldKind;

typedef struct Field {
    const char *key;
    FieldKind kind;
    size_t at;         /* offset in its struct */
    int64_t otherwise; /* a number that is not written, and read when it is not there */
    bool of_hist;      /* follows from the histogram, where there is one */
    const char *text;  /* for people */
} Field;

typedef struct Section {
    const char *key;  /* of the list; NULL: the run itself, first */
    const char *text; /* for people: what a row of it is */
    const Field *fields;
    size_t field_count;
    size_t item_bytes, items_at, count_at; /* the list: offsets in Run of its pointer and count */
} Section;

extern const Section RUN_SECTIONS[];
extern const size_t RUN_SECTION_COUNT;

size_t run_items(const Section *section, const Run *run); /* of the run itself: 1 */
const void *run_item(const Section *section, const Run *run, size_t index);

/* Names that stand in many records (of operations, layers, units, classes, caches): the value of
 * each is a size_t, its number from 1. */
void run_words(Map *words);
void run_word(Map *words, const char *word);
