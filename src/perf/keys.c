/* Calls by distinct key: a table of hashes in each thread's block, of fixed size. It is exact until
 * three quarters of it are in use. Then every second key, by a bit of its hash, is let go, now and
 * from then on, and so again whenever it fills: what stays is an even sample of the keys with the
 * exact number of calls of each, so that calls by key stay right and the number of keys is kept ×
 * (mask + 1). Several threads' tables are joined at the largest mask among them.
 *
 * The bits that sample are the highest of the hash, those that place a key the lowest. */
#include "base/hash.h"
#include "perf/perf_int.h"
#include <stdlib.h>
#include <string.h>

static bool is_kept(uint64_t hash, uint64_t mask)
{
    return (hash >> 40 & mask) == 0;
}

#ifndef POND_NO_TRACKER

/* The key's slot, or the free one where it would stand. */
static KeySlot *find_slot(Keys *keys, uint64_t hash, uint32_t op)
{
    for (size_t i = hash & (KEY_SLOTS - 1);; i = (i + 1) & (KEY_SLOTS - 1)) {
        KeySlot *slot = &keys->slots[i];
        uint32_t holds = atomic_load_explicit(&slot->op, memory_order_relaxed);
        if (holds == 0) return slot;
        if (holds == op && atomic_load_explicit(&slot->hash, memory_order_relaxed) == hash)
            return slot;
    }
}

static void flip_taken(Keys *keys, size_t slot)
{
    _Atomic uint64_t *word = &keys->taken[slot / 64];
    uint64_t before = atomic_load_explicit(word, memory_order_relaxed);
    atomic_store_explicit(word, before ^ (UINT64_C(1) << (slot % 64)), memory_order_relaxed);
}

static void add_calls(Keys *keys, uint64_t hash, uint32_t op, uint32_t calls)
{
    KeySlot *slot = find_slot(keys, hash, op);
    uint32_t before = atomic_load_explicit(&slot->calls, memory_order_relaxed);
    if (atomic_load_explicit(&slot->op, memory_order_relaxed) == 0) {
        atomic_store_explicit(&slot->hash, hash, memory_order_relaxed);
        atomic_store_explicit(&slot->op, op, memory_order_relaxed);
        atomic_fetch_add_explicit(&keys->used, 1, memory_order_relaxed);
        flip_taken(keys, (size_t)(slot - keys->slots));
    }
    atomic_store_explicit(&slot->calls, before + calls, memory_order_relaxed);
}

/* In place: what stays is lifted out run by run and put back. */
static void let_half_go(Keys *keys)
{
    uint64_t mask = atomic_load_explicit(&keys->mask, memory_order_relaxed) * 2 + 1;
    size_t start = 0;
    while (atomic_load_explicit(&keys->slots[start].op, memory_order_relaxed) != 0) start++;
    atomic_store_explicit(&keys->mask, mask, memory_order_relaxed);
    atomic_store_explicit(&keys->used, 0, memory_order_relaxed);
    for (size_t n = 1; n <= KEY_SLOTS; n++) {
        KeySlot *slot = &keys->slots[(start + n) & (KEY_SLOTS - 1)];
        uint64_t hash = atomic_load_explicit(&slot->hash, memory_order_relaxed);
        uint32_t op = atomic_exchange_explicit(&slot->op, 0, memory_order_relaxed);
        uint32_t calls = atomic_exchange_explicit(&slot->calls, 0, memory_order_relaxed);
        if (op != 0) flip_taken(keys, (size_t)(slot - keys->slots));
        if (op != 0 && is_kept(hash, mask)) add_calls(keys, hash, op, calls);
    }
}

void perf_key_text(PerfOp op, const char *text)
{
    Keys *keys = &block_mine()->keys;
    uint64_t hash = xxh64(text, strlen(text));
    own_add(&keys->calls[op], 1);
    if (!is_kept(hash, atomic_load_explicit(&keys->mask, memory_order_relaxed))) return;
    add_calls(keys, hash, (uint32_t)op + 1, 1);
    if (atomic_load_explicit(&keys->used, memory_order_relaxed) > KEY_SLOTS_FULL) let_half_go(keys);
}

#endif

/* ---- reading ---- */

typedef struct Seen {
    uint64_t hash;
    uint32_t op, calls;
} Seen;

static int by_key(const void *a, const void *b)
{
    const Seen *x = a, *y = b;
    if (x->op != y->op) return x->op < y->op ? -1 : 1;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static uint64_t largest_mask(size_t *out_slots)
{
    uint64_t largest = 0;
    for (Block *block = block_all(); block != NULL; block = block->next) {
        uint64_t mask = atomic_load_explicit(&block->keys.mask, memory_order_relaxed);
        largest = mask > largest ? mask : largest;
        *out_slots += atomic_load_explicit(&block->keys.used, memory_order_relaxed);
    }
    return largest;
}

static void collect_slot(const KeySlot *slot, uint64_t mask, Seen *seen, size_t *count)
{
    uint32_t op = atomic_load_explicit(&slot->op, memory_order_relaxed);
    uint64_t hash = atomic_load_explicit(&slot->hash, memory_order_relaxed);
    if (op == 0 || !is_kept(hash, mask)) return;
    seen[*count] = (Seen){hash, op - 1, atomic_load_explicit(&slot->calls, memory_order_relaxed)};
    *count += 1;
}

static void collect(const Keys *keys, uint64_t mask, Seen *seen, size_t most, size_t *count)
{
    if (atomic_load_explicit(&keys->used, memory_order_relaxed) == 0) return;
    for (size_t w = 0; w < KEY_SLOTS / 64; w++) {
        uint64_t taken = atomic_load_explicit(&keys->taken[w], memory_order_relaxed);
        for (; taken != 0 && *count < most; taken &= taken - 1)
            collect_slot(&keys->slots[w * 64 + (size_t)__builtin_ctzll(taken)], mask, seen, count);
    }
}

static void sum_up(const Seen *seen, size_t count, PerfKeys out[])
{
    for (size_t i = 0; i < count;) {
        uint64_t calls = 0;
        size_t begin = i;
        while (i < count && by_key(&seen[begin], &seen[i]) == 0) calls += seen[i++].calls;
        PerfKeys *keys = &out[seen[begin].op];
        keys->distinct++;
        keys->per_key += (double)calls; /* a sum until the end */
        keys->most = calls > keys->most ? calls : keys->most;
    }
}

void perf_read_keys(PerfKeys out[])
{
    SCRATCH(scratch);
    size_t slots = 0, count = 0;
    uint64_t mask = largest_mask(&slots);
    Seen *seen = AARRAY(scratch, Seen, slots + 1);
    memset(out, 0, PERF_OP_COUNT * sizeof *out);
    for (Block *block = block_all(); block != NULL; block = block->next) {
        if (atomic_load_explicit(&block->keys.used, memory_order_relaxed) == 0) continue;
        for (size_t op = 0; op < PERF_OP_COUNT; op++)
            out[op].calls += atomic_load_explicit(&block->keys.calls[op], memory_order_relaxed);
        collect(&block->keys, mask, seen, slots, &count);
    }
    qsort(seen, count, sizeof *seen, by_key);
    sum_up(seen, count, out);
    for (size_t op = 0; op < PERF_OP_COUNT; op++) {
        if (out[op].distinct > 0) out[op].per_key /= (double)out[op].distinct;
        out[op].distinct *= mask + 1;
        out[op].sampled_1_in = mask + 1;
    }
}
