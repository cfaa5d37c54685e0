/* The SQLite file behind a Cache. What SQLite says is reduced to what matters here: it worked,
 * there is no such row, the file is busy (as good as a miss), it is damaged (throw it away), or it
 * cannot be used here (go on in memory). */
#pragma once
#include "base/base.h"
#include <string.h>

typedef enum StoreResult {
    STORE_OK,
    STORE_ABSENT,
    STORE_BUSY,
    STORE_DAMAGED,
    STORE_UNUSABLE
} StoreResult;

typedef struct Store Store;
enum { STORE_VALUE_BYTES_MAX = 512 << 20, STORE_ROW_OVERHEAD_BYTES = 64 };

/* What a row counts for against the budget. */
static inline int64_t store_row_bytes(const char *kind, const char *key, size_t size)
{
    return (int64_t)(size + strlen(kind) + strlen(key)) + STORE_ROW_OVERHEAD_BYTES;
}

/* `path` NULL: in memory. */
StoreResult store_open(const char *path, Store **out);
void store_close(Store *store);
const char *store_last_error(const Store *store);

/* `now` becomes the time of last use when the stored one is a second older. The value is in
 * `arena`, with a NUL after it. */
StoreResult store_get(Store *store, Arena *arena, const char *kind, const char *key, TimeUs now,
                      char **out, size_t *out_size);
StoreResult store_put(Store *store, const char *kind, const char *key, const void *value,
                      size_t size, TimeUs now);
/* After ABSENT: whether the value was evicted, not long ago. It is then forgotten that it was. */
bool store_ghost_take(Store *store, const char *kind, const char *key);
/* Bytes of all rows. */
StoreResult store_size(Store *store, int64_t *out_bytes);
/* Removes the least recently used values until `keep_bytes` are left. */
StoreResult store_evict(Store *store, int64_t keep_bytes, int64_t *out_left_bytes,
                        uint64_t *out_count);
