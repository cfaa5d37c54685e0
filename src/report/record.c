/* A run as bytes. The form, once in a file, tells what numbers stand for:
 *
 *     sections: count, each: key ("" the run itself), count of fields, each: key, kind
 *     words:    count, each a text
 *
 * A record: for each list that has items its number in the form + 1, how many items, and the items;
 * 0 ends it. An item: for each field that is not what it would be anyway its number + 1 and value;
 * 0 ends it. Values by kind are those of wire.h; a word is its number, or 0 and a text. A histogram
 * is the length of a tick, sum, least and most in ticks, and its buckets that are not empty as
 * distance from the one before (of the first from -1) and count; 0 ends it.
 *
 * A reader looks up the form's keys in its own tables (fields.c): a field that it does not know, or
 * knows with another kind, is passed by. What follows from a histogram is not written beside it. */
#include "report/report_int.h"
#include <math.h>

enum { ITEMS_MOST = 1 << 16, FIELDS_MOST = 255, SECTIONS_MOST = 255 };

/* ---- writing ---- */

void record_form_put(Buf *to, Map *words)
{
    run_words(words);
    wire_put_uint(to, RUN_SECTION_COUNT);
    for (size_t s = 0; s < RUN_SECTION_COUNT; s++) {
        const Section *section = &RUN_SECTIONS[s];
        wire_put_text(to, section->key != NULL ? section->key : "");
        wire_put_uint(to, section->field_count);
        for (size_t f = 0; f < section->field_count; f++) {
            wire_put_text(to, section->fields[f].key);
            wire_put_uint(to, section->fields[f].kind);
        }
    }
    wire_put_uint(to, words->count);
    for (size_t i = 0; i < words->count; i++) wire_put_text(to, words->entries[i].key);
}

static uint64_t ticks(const PerfHist *hist, double ns)
{
    return (uint64_t)llround(ns / hist->ns_per_tick);
}

static void put_hist(Buf *to, const PerfHist *hist)
{
    unsigned first = perf_hist_index(ticks(hist, hist->min_ns)), next = 0;
    unsigned last = perf_hist_index(ticks(hist, hist->max_ns)) + 1; /* one more on both sides: */
    wire_put_real(to, hist->ns_per_tick);                           /* merging may round */
    wire_put_uint(to, ticks(hist, hist->sum_ns));
    wire_put_uint(to, ticks(hist, hist->min_ns));
    wire_put_uint(to, ticks(hist, hist->max_ns));
    for (unsigned i = first > 0 ? first - 1 : 0; i <= last && i < PERF_BUCKETS; i++) {
        if (hist->buckets[i] == 0) continue;
        wire_put_uint(to, i + 1 - next);
        wire_put_uint(to, hist->buckets[i]);
        next = i + 1;
    }
    wire_put_uint(to, 0);
}

static void put_word(Buf *to, const Map *words, const char *text)
{
    const size_t *number = map_get(words, text);
    wire_put_uint(to, number != NULL ? *number : 0);
    if (number == NULL) wire_put_text(to, text);
}

/* Whether a reader would find the same without it. */
static bool is_plain(const Field *field, const void *at)
{
    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_WORD: return *(const char *const *)at == NULL || **(const char *const *)at == '\0';
    case FIELD_REAL: return *(const double *)at == 0;
    case FIELD_HIST: return *(const void *const *)at == NULL;
    case FIELD_INT:
    case FIELD_UINT:
    case FIELD_TIME: break;
    }
    return *(const int64_t *)at == field->otherwise;
}

static void put_value(Buf *to, const Field *field, const void *at, const Map *words)
{
    switch (field->kind) {
    case FIELD_TEXT: wire_put_text(to, *(const char *const *)at); return;
    case FIELD_WORD: put_word(to, words, *(const char *const *)at); return;
    case FIELD_REAL: wire_put_real(to, *(const double *)at); return;
    case FIELD_HIST: put_hist(to, *(const PerfHist *const *)at); return;
    case FIELD_UINT: wire_put_uint(to, *(const uint64_t *)at); return;
    case FIELD_INT:
    case FIELD_TIME: break;
    }
    wire_put_int(to, *(const int64_t *)at);
}

static bool has_hist(const Section *section, const void *item)
{
    for (size_t f = 0; f < section->field_count; f++) {
        const Field *field = &section->fields[f];
        if (field->kind == FIELD_HIST && !is_plain(field, (const char *)item + field->at))
            return true;
    }
    return false;
}

static void put_item(Buf *to, const Section *section, const void *item, const Map *words)
{
    bool timed = has_hist(section, item);
    for (size_t f = 0; f < section->field_count; f++) {
        const Field *field = &section->fields[f];
        const void *at = (const char *)item + field->at;
        if (is_plain(field, at) || (timed && field->of_hist)) continue;
        wire_put_uint(to, f + 1);
        put_value(to, field, at, words);
    }
    wire_put_uint(to, 0);
}

void record_put(Buf *to, const Run *run, const Map *words)
{
    for (size_t s = 0; s < RUN_SECTION_COUNT; s++) {
        const Section *section = &RUN_SECTIONS[s];
        size_t count = run_items(section, run);
        if (count == 0) continue;
        wire_put_uint(to, s + 1);
        wire_put_uint(to, count);
        for (size_t i = 0; i < count; i++) put_item(to, section, run_item(section, run, i), words);
    }
    wire_put_uint(to, 0);
}

/* ---- reading ---- */

typedef struct FormField {
    const Field *ours; /* NULL: not known here */
    FieldKind kind;
} FormField;

typedef struct FormSection {
    const Section *ours;
    FormField *fields;
    size_t field_count;
} FormSection;

struct RecordForm {
    FormSection *sections;
    size_t section_count;
    const char **words;
    size_t word_count;
};

static const Section *find_section(const char *key)
{
    for (size_t s = 0; s < RUN_SECTION_COUNT; s++) {
        const char *ours = RUN_SECTIONS[s].key != NULL ? RUN_SECTIONS[s].key : "";
        if (strcmp(ours, key) == 0) return &RUN_SECTIONS[s];
    }
    return NULL;
}

static const Field *find_field(const Section *section, const char *key, FieldKind kind)
{
    for (size_t f = 0; section != NULL && f < section->field_count; f++) {
        if (strcmp(section->fields[f].key, key) == 0 && section->fields[f].kind == kind)
            return &section->fields[f];
    }
    return NULL;
}

/* A count of things of at least a byte each. */
static size_t get_count(Wire *from, size_t most)
{
    uint64_t count = wire_uint(from);
    if (count > most || count > (uint64_t)(from->end - from->at)) from->bad = true;
    return from->bad ? 0 : (size_t)count;
}

static void get_form_section(Arena *arena, Wire *from, FormSection *out)
{
    out->ours = find_section(wire_text(arena, from));
    out->field_count = get_count(from, FIELDS_MOST);
    out->fields = AARRAY(arena, FormField, out->field_count + 1);
    for (size_t f = 0; f < out->field_count; f++) {
        const char *key = wire_text(arena, from);
        uint64_t kind = wire_uint(from);
        if (kind > FIELD_HIST) from->bad = true;
        out->fields[f].kind = from->bad ? FIELD_UINT : (FieldKind)kind;
        out->fields[f].ours = find_field(out->ours, key, out->fields[f].kind);
    }
}

RecordForm *record_form_get(Arena *arena, const char *bytes, size_t size)
{
    Wire from = {bytes, bytes + size, false};
    RecordForm *form = ANEW(arena, RecordForm);
    form->section_count = get_count(&from, SECTIONS_MOST);
    form->sections = AARRAY(arena, FormSection, form->section_count + 1);
    for (size_t s = 0; s < form->section_count; s++)
        get_form_section(arena, &from, &form->sections[s]);
    form->word_count = get_count(&from, ITEMS_MOST);
    form->words = AARRAY(arena, const char *, form->word_count + 1);
    for (size_t i = 0; i < form->word_count; i++) form->words[i] = wire_text(arena, &from);
    return from.bad ? NULL : form;
}

/* NULL, and `from` bad, when it makes no sense. */
static PerfHist *get_hist(Arena *arena, Wire *from)
{
    PerfHist *hist = ANEW(arena, PerfHist);
    uint64_t step, next = 0;
    hist->ns_per_tick = wire_real(from);
    hist->sum_ns = (double)wire_uint(from) * hist->ns_per_tick;
    hist->min_ns = (double)wire_uint(from) * hist->ns_per_tick;
    hist->max_ns = (double)wire_uint(from) * hist->ns_per_tick;
    while ((step = wire_uint(from)) != 0 && step <= PERF_BUCKETS - next) {
        uint64_t count = wire_uint(from);
        next += step;
        hist->buckets[next - 1] += count;
        hist->count += count;
    }
    bool good = step == 0 && hist->count > 0 && hist->ns_per_tick > 0 && hist->ns_per_tick < 1e9;
    if (!good) from->bad = true;
    return from->bad ? NULL : hist;
}

static const char *get_word(Arena *arena, const RecordForm *form, Wire *from)
{
    uint64_t number = wire_uint(from);
    if (number == 0) return wire_text(arena, from);
    if (number <= form->word_count) return form->words[number - 1];
    from->bad = true;
    return "";
}

typedef union FieldValue {
    const char *text;
    int64_t integer;
    uint64_t count;
    double real;
    PerfHist *hist;
} FieldValue;
_Static_assert(sizeof(FieldValue) == 8, "all members of the model's structs are of 8 bytes");

static FieldValue get_value(Arena *arena, const RecordForm *form, FieldKind kind, Wire *from)
{
    switch (kind) {
    case FIELD_TEXT: return (FieldValue){.text = wire_text(arena, from)};
    case FIELD_WORD: return (FieldValue){.text = get_word(arena, form, from)};
    case FIELD_REAL: return (FieldValue){.real = wire_real(from)};
    case FIELD_HIST: return (FieldValue){.hist = get_hist(arena, from)};
    case FIELD_UINT: return (FieldValue){.count = wire_uint(from)};
    case FIELD_INT:
    case FIELD_TIME: break;
    }
    return (FieldValue){.integer = wire_int(from)};
}

static void set_plain(const Section *section, char *item)
{
    for (size_t f = 0; f < section->field_count; f++) {
        const Field *field = &section->fields[f];
        FieldValue value = {.integer = field->otherwise};
        if (field->kind == FIELD_TEXT || field->kind == FIELD_WORD) value.text = "";
        if (field->kind == FIELD_REAL) value.real = 0;
        if (field->kind == FIELD_HIST) value.hist = NULL;
        memcpy(item + field->at, &value, sizeof value);
    }
}

/* `item` NULL: passed by. */
static void get_item(Arena *arena, const RecordForm *form, const FormSection *section, Wire *from,
                     char *item)
{
    for (;;) {
        uint64_t number = wire_uint(from);
        if (number > section->field_count) from->bad = true;
        if (number == 0 || from->bad) return;
        const FormField *field = &section->fields[number - 1];
        FieldValue value = get_value(arena, form, field->kind, from);
        if (item != NULL && field->ours != NULL)
            memcpy(item + field->ours->at, &value, sizeof value);
    }
}

/* The place for the items: the run itself, or a list of it. */
static char *make_items(Arena *arena, const Section *section, size_t count, Run *run)
{
    char *items = (char *)run;
    if (section->key != NULL) {
        items = arena_alloc(arena, (count + 1) * section->item_bytes);
        memcpy((char *)run + section->items_at, &items, sizeof items);
        memcpy((char *)run + section->count_at, &count, sizeof count);
    }
    for (size_t i = 0; i < count; i++) set_plain(section, items + i * section->item_bytes);
    return items;
}

static void get_section(Arena *arena, const RecordForm *form, const FormSection *section,
                        Wire *from, Run *run)
{
    const Section *ours = section->ours;
    size_t count = get_count(from, ITEMS_MOST);
    if (ours != NULL && ours->key == NULL && count != 1) from->bad = true;
    if (from->bad) return;
    char *items = ours != NULL ? make_items(arena, ours, count, run) : NULL;
    for (size_t i = 0; i < count && !from->bad; i++)
        get_item(arena, form, section, from, ours != NULL ? items + i * ours->item_bytes : NULL);
}

bool record_get(Arena *arena, const RecordForm *form, const char *bytes, size_t size, Run *out)
{
    Wire from = {bytes, bytes + size, false};
    Run run = {0};
    set_plain(&RUN_SECTIONS[0], (char *)&run);
    for (;;) {
        uint64_t number = wire_uint(&from);
        if (number > form->section_count) from.bad = true;
        if (number == 0 || from.bad) break;
        get_section(arena, form, &form->sections[number - 1], &from, &run);
    }
    for (size_t i = 0; i < run.op_count && !from.bad; i++)
        if (run.ops[i].hist != NULL) run_op_times(&run.ops[i]);
    *out = run;
    return !from.bad && from.at == from.end;
}
