/* Records of the run history, their forms, kept spans and what a killed process left: whatever
 * bytes stand in a frame whose hash is right, reading takes them or not, and what it took is
 * written and read again as the same.
 *
 * Input: 'S' and the content of a spans frame; a flight file; or two bytes (little endian), the
 * length of a form (0: this build's), the form, and a record. */
#include "fuzz.h"
#include "report/report_int.h"

static void check_spans(Arena *arena, const char *bytes, size_t size)
{
    Buf content = buf_new(arena), frame = buf_new(arena);
    RunSpans run;
    buf_add(&content, bytes, size);
    frame_put(&frame, 'S', &content);
    if (!run_spans_parse(arena, frame.data, frame.size, &run)) return;
    CHECK(run.run != NULL);
    for (size_t i = 0; i < run.spans.count; i++) {
        CHECK(run.spans.records[i].op < run.name_count);
        CHECK(i == 0 || run.spans.records[i - 1].begin_ticks <= run.spans.records[i].begin_ticks);
    }
}

static void check_flight(Arena *arena, const char *bytes, size_t size)
{
    Flight flight;
    Run run;
    Buf trace = buf_new(arena);
    if (!flight_parse(arena, arena_memdup(arena, bytes, size), size, &flight)) return;
    flight_to_run(arena, &flight, &run);
    const char **layers = AARRAY(arena, const char *, flight.name_count + 1);
    for (size_t i = 0; i < flight.name_count; i++) layers[i] = "";
    TraceInput input = {.spans = &flight.spans,
                        .names = flight.names,
                        .layers = layers,
                        .name_count = flight.name_count,
                        .ns_per_tick = flight.ns_per_tick,
                        .command = flight.command};
    trace_to_perfetto(&trace, &input);
    CHECK(trace.size > 0);
}

static char *as_json(Arena *arena, const Run *run)
{
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    run_to_json(&json, run);
    return text.data;
}

/* Histograms may be at odds with their own least and most, and then do not come back. */
static void forget_histograms(Run *run)
{
    for (size_t i = 0; i < run->op_count; i++) run->ops[i].hist = NULL;
}

static void check_again(Arena *arena, Run *run)
{
    Buf form = buf_new(arena), record = buf_new(arena);
    Map words = map_new(arena);
    Run again;
    forget_histograms(run);
    record_form_put(&form, &words);
    record_put(&record, run, &words);
    const RecordForm *own = record_form_get(arena, form.data, form.size);
    CHECK(own != NULL);
    CHECK(record_get(arena, own, record.data, record.size, &again));
    CHECK(strcmp(as_json(arena, run), as_json(arena, &again)) == 0);
}

static const RecordForm *form_of(Arena *arena, const char *bytes, size_t size)
{
    Buf form = buf_new(arena);
    Map words = map_new(arena);
    if (size > 0) return record_form_get(arena, bytes, size);
    record_form_put(&form, &words);
    return record_form_get(arena, form.data, form.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    SCRATCH(arena);
    const char *text = (const char *)bytes;
    Run run;
    if (size_bytes < 2) return 0;
    if (text[0] == 'S') {
        check_spans(arena, text + 1, size_bytes - 1);
        return 0;
    }
    if (size_bytes > 8 && memcmp(text, "PONDFLT1", 8) == 0) {
        check_flight(arena, text, size_bytes);
        return 0;
    }
    size_t form_size = wire_le(text, 2);
    if (form_size > size_bytes - 2) return 0;
    const RecordForm *form = form_of(arena, text + 2, form_size);
    if (form == NULL) return 0;
    if (record_get(arena, form, text + 2 + form_size, size_bytes - 2 - form_size, &run))
        check_again(arena, &run);
    return 0;
}
