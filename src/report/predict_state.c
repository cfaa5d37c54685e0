/* POND/history/model: what was learned, in the machine's byte order.
 *
 *     "PONDMDL1"  u32 size of the whole file  u32 clock  u32 shapes  u32 ratios  u32 outcomes  u32
 * 0 the fits, shapes, ratios, outcomes; u64: XXH3-64 of all before
 *
 * It is replaced as a whole by rename(2), without fsync: after a power cut it may be damaged, which
 * its hash tells. Bounds: 128 shapes, 1,024 ratios (of each the ones used last), 256 outcomes. */
#include "report/predict_int.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

static const char MAGIC[8] = "PONDMDL1";

typedef struct Head {
    char magic[8];
    uint32_t size_bytes, clock, shapes, ratios, outcomes, unused;
} Head;

/* ---- tables ---- */

static size_t slot_find(const uint16_t *slots, size_t slot_count, const void *items,
                        size_t item_bytes, uint64_t key)
{
    size_t slot = (size_t)(key * 0x9E3779B97F4A7C15U >> 40) & (slot_count - 1);
    for (; slots[slot] != 0; slot = (slot + 1) & (slot_count - 1)) {
        uint64_t there;
        memcpy(&there, (const char *)items + (size_t)(slots[slot] - 1) * item_bytes, sizeof there);
        if (there == key) break;
    }
    return slot;
}

static void index_all(State *state)
{
    memset(state->shape_slots, 0, sizeof state->shape_slots);
    memset(state->ratio_slots, 0, sizeof state->ratio_slots);
    for (size_t i = 0; i < state->shape_count; i++)
        state->shape_slots[slot_find(state->shape_slots, SHAPE_SLOTS, state->shapes, sizeof(Shape),
                                     state->shapes[i].key)] = (uint16_t)(i + 1);
    for (size_t i = 0; i < state->ratio_count; i++)
        state->ratio_slots[slot_find(state->ratio_slots, RATIO_SLOTS, state->ratios, sizeof(Ratio),
                                     state->ratios[i].key)] = (uint16_t)(i + 1);
}

const Shape *state_shape(const State *state, uint64_t key)
{
    size_t slot = slot_find(state->shape_slots, SHAPE_SLOTS, state->shapes, sizeof(Shape), key);
    size_t place = state->shape_slots[slot];
    return place == 0 ? NULL : &state->shapes[place - 1];
}

const Ratio *state_ratio(const State *state, uint64_t key)
{
    size_t slot = slot_find(state->ratio_slots, RATIO_SLOTS, state->ratios, sizeof(Ratio), key);
    size_t place = state->ratio_slots[slot];
    return place == 0 ? NULL : &state->ratios[place - 1];
}

Shape *state_shape_put(State *state, uint64_t key)
{
    size_t place = 0;
    const Shape *known = state_shape(state, key);
    if (known != NULL) {
        place = (size_t)(known - state->shapes);
    } else {
        if (state->shape_count < SHAPES_MOST)
            place = state->shape_count++;
        else
            for (size_t i = 1; i < SHAPES_MOST; i++)
                if (state->shapes[i].used < state->shapes[place].used) place = i;
        state->shapes[place] = (Shape){.key = key};
        index_all(state);
    }
    state->shapes[place].used = ++state->clock;
    return &state->shapes[place];
}

Ratio *state_ratio_put(State *state, uint64_t key, bool *out_new)
{
    size_t place = 0;
    const Ratio *known = state_ratio(state, key);
    *out_new = known == NULL;
    if (known != NULL) {
        place = (size_t)(known - state->ratios);
    } else if (state->ratio_count < RATIOS_MOST) {
        place = state->ratio_count++;
        state->ratios[place] = (Ratio){.key = key};
        state->ratio_slots[slot_find(state->ratio_slots, RATIO_SLOTS, state->ratios, sizeof(Ratio),
                                     key)] = (uint16_t)(place + 1);
    } else {
        for (size_t i = 1; i < RATIOS_MOST; i++)
            if (state->ratios[i].used < state->ratios[place].used) place = i;
        state->ratios[place] = (Ratio){.key = key};
        index_all(state);
    }
    state->ratios[place].used = ++state->clock;
    return &state->ratios[place];
}

void state_begin(State *state)
{
    memset(state, 0, sizeof *state);
    for (size_t i = 0; i <= WORK_KINDS; i++) fit_begin(&state->fits[i], PRIORS[i]);
}

/* ---- the file ---- */

static size_t size_of(const Head *head)
{
    return sizeof *head + sizeof(Fit) * (WORK_KINDS + 1) + sizeof(Shape) * head->shapes +
           sizeof(Ratio) * head->ratios + sizeof(Outcome) * head->outcomes + sizeof(uint64_t);
}

static Head head_of(const State *state)
{
    Head head = {.clock = state->clock,
                 .shapes = (uint32_t)state->shape_count,
                 .ratios = (uint32_t)state->ratio_count,
                 .outcomes = (uint32_t)state->outcome_count};
    memcpy(head.magic, MAGIC, sizeof MAGIC);
    head.size_bytes = (uint32_t)size_of(&head);
    return head;
}

size_t predictor_bytes(const Predictor *predictor)
{
    Head head = head_of(&predictor->state);
    return head.size_bytes;
}

static const char *take(void *into, const char *from, size_t size)
{
    memcpy(into, from, size);
    return from + size;
}

static bool fits_are_sane(const State *state)
{
    for (size_t i = 0; i <= WORK_KINDS; i++)
        for (int f = 0; f < FEATURES; f++)
            if (!isfinite(state->fits[i].rates[f]) || state->fits[i].rates[f] < 0) return false;
    return true;
}

static bool parse(const char *bytes, size_t size, State *out)
{
    Head head;
    uint64_t hash;
    if (size < sizeof head + sizeof hash) return false;
    memcpy(&head, bytes, sizeof head);
    memcpy(&hash, bytes + size - sizeof hash, sizeof hash);
    if (memcmp(head.magic, MAGIC, sizeof MAGIC) != 0 || head.size_bytes != size ||
        head.shapes > SHAPES_MOST || head.ratios > RATIOS_MOST || head.outcomes > OUTCOMES_MOST ||
        size_of(&head) != size || xxh64(bytes, size - sizeof hash) != hash)
        return false;
    out->clock = head.clock;
    out->shape_count = head.shapes;
    out->ratio_count = head.ratios;
    out->outcome_count = head.outcomes;
    const char *at = take(out->fits, bytes + sizeof head, sizeof out->fits);
    at = take(out->shapes, at, sizeof(Shape) * head.shapes);
    at = take(out->ratios, at, sizeof(Ratio) * head.ratios);
    (void)take(out->outcomes, at, sizeof(Outcome) * head.outcomes);
    index_all(out);
    return fits_are_sane(out);
}

static void load(State *state, const char *pond_dir)
{
    SCRATCH(scratch);
    const char *dir = report_history_dir(scratch, pond_dir);
    char *bytes = NULL;
    size_t size = 0;
    Err *err = os_read_file_if(scratch, arena_printf(scratch, "%s/%s", dir, REPORT_MODEL),
                               MODEL_BYTES_MAX, &bytes, &size);
    bool is_unread = err != NULL || (bytes != NULL && !parse(bytes, size, state));
    err_free(err);
    if (!is_unread) return;
    state_begin(state);
    if (bytes != NULL && report_is_of_other_form(bytes, size, MAGIC)) return;
    report_set_aside(dir, REPORT_MODEL);
    log_warn("%s/model is damaged; what was learned for predictions begins anew", dir);
}

Predictor *predictor_load(Arena *arena, const char *pond_dir)
{
    Predictor *predictor = ANEW(arena, Predictor);
    state_begin(&predictor->state);
    if (pond_dir != NULL) load(&predictor->state, pond_dir);
    return predictor;
}

Err *predictor_save(const Predictor *predictor, const char *pond_dir)
{
    SCRATCH(scratch);
    const State *state = &predictor->state;
    Head head = head_of(state);
    Buf bytes = buf_new(scratch);
    buf_add(&bytes, &head, sizeof head);
    buf_add(&bytes, state->fits, sizeof state->fits);
    buf_add(&bytes, state->shapes, sizeof(Shape) * state->shape_count);
    buf_add(&bytes, state->ratios, sizeof(Ratio) * state->ratio_count);
    buf_add(&bytes, state->outcomes, sizeof(Outcome) * state->outcome_count);
    uint64_t hash = xxh64(bytes.data, bytes.size);
    buf_add(&bytes, &hash, sizeof hash);
    return report_replace(pond_dir, REPORT_MODEL, bytes.data, bytes.size);
}
