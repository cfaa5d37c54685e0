/* What the values of a column are like, as far as their Parquet bytes depend on it, while they go
 * up a tree of relations: work.c. The writer that is modelled is the engine's (1.5): a dictionary
 * where a row group has no more distinct values than a fifth of its rows, else the plain encodings
 * of version 2 pages; zstd over both; a Bloom filter beside each dictionary. */
#pragma once
#include "plan/plan_int.h"

typedef enum ValuesKind {
    VALUES_FIXED, /* so many bytes a value, whatever the file */
    VALUES_INT,
    VALUES_REAL,
    VALUES_TEXT
} ValuesKind;

typedef struct Values {
    ValuesKind kind;
    double filled;  /* share of rows that hold a value */
    double stretch; /* rows that `distinct` was counted in, a row here */
    double plain;   /* bytes a value without a dictionary */
    double entry;   /* bytes of a dictionary's entry */
    double indexed; /* what an index takes, by what it usually takes */
    double
        distinct[FACT_WINDOWS]; /* among facts_window(i) rows; beyond what was counted, guessed */
} Values;

/* Nothing in any row. */
Values values_none(void);
/* `each` bytes a value. */
Values values_fixed(double each);
/* Times of an even step. */
Values values_even(void);
/* False of times that are known to come at uneven steps. */
bool values_are_even(const Values *values);
/* Numbers that hardly repeat: all different. */
Values values_full(double plain);
Values values_of_facts(const char *type, const ColumnFacts *facts, int64_t rows);
/* Of both, one behind the other. */
Values values_join(const Values *one, double one_rows, const Values *other, double other_rows);
/* Each of `rows` in a longer table of `all`. */
Values values_spread(const Values *values, double rows, double all);
/* An aggregate of `size` rows each. */
Values values_aggregate(AggKind kind, const Values *values, double size);
/* Of `rows` rows, written in files of file_rows; heads and footers of files aside. */
double values_bytes(const Values *values, double rows, double file_rows);
