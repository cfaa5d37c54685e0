/* Facts of columns (plan.h), counted while a file's rows go by.
 *
 * How many different values stand in a window of n rows, on average over all windows of a file
 * taken as a circle, follows from how far back each value stood last: the sum of min(distance, n)
 * by the number of rows (Denning's working set). One pass, one table a column, all windows at
 * once. Where a column has more than 1,024 different values, only those are followed whose hash is
 * below a bound that is halved as often as needed (SHARDS), which is off by some 3 %. Values of the
 * first 131,072 rows are looked up; how many more there are in a longer file is told by how their
 * number grew (Heaps' law), so that a long file costs no more than its beginning. */
#pragma once
#include "plan/plan.h"

typedef struct Tally Tally; /* of all columns */
Tally *tally_new(Arena *arena, size_t column_count);
void tally_add(Tally *tally, const Chunk *chunk); /* the next rows */
/* `bytes` of each column, as the footer has them. */
ColumnFacts *tally_finish(const Tally *tally, Arena *arena, const int64_t *bytes);
