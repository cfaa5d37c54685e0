/* Growing texts: one text in 1, 7 and 500 appends, cut at random bytes, with reads in between, has
 * the rows of the text as it is whole; what is kept of it is used, bounded, and made again. */
#include "perf/ops.h"
#include "perf/read.h"
#include "provider_test.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

typedef struct Pool {
    Bench base;
    FsMemory *memory;
    Cache *cache;
    char *formats, *scratch; /* scratch: of the command that reads */
    int64_t budget;
    size_t piece_bytes, sample_bytes;
    uint64_t seed;
    int staged, reads;
} Pool;

static uint64_t draw(Pool *pool, uint64_t below)
{
    pool->seed = pool->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (pool->seed >> 33) % below;
}

static Err *scratch(void *context, const char **out)
{
    *out = ((Pool *)context)->scratch;
    return NULL;
}

static Cache *cache(void *context)
{
    return ((Pool *)context)->cache;
}

static int setup(void **state)
{
    Arena *arena = arena_new();
    Pool *pool = ANEW(arena, Pool);
    pool->base.arena = arena;
    (void)strcpy(pool->base.dir, "/tmp/pond-growth-XXXXXX");
    assert_non_null(mkdtemp(pool->base.dir));
    pool->formats = arena_printf(arena, "%s/formats", pool->base.dir);
    pool->cache = cache_open(NULL, 0);
    pool->seed = 42;
    OK(fs_memory_open(arena, pool->base.dir, &pool->memory));
    *state = pool;
    return 0;
}

static int teardown(void **state)
{
    Pool *pool = *state;
    cache_close_at(&pool->cache);
    engine_shutdown();
    err_free(os_remove_tree(pool->base.dir));
    arena_free(pool->base.arena);
    return 0;
}

/* ---- the pond ---- */

static void append(Pool *pool, const char *path, EntryType type, const char *bytes, size_t size)
{
    Arena *arena = pool->base.arena;
    FsBackend backend = fs_memory_backend(pool->memory);
    Fs *fs = NULL;
    Found found;
    fs_memory_begin(pool->memory);
    OK(fs_open(arena, backend, &fs));
    OK(fs_find(fs, arena, path, (FindOptions){0}, &found));
    Node node = found.node;
    if (!found.exists) OK(fs_create(fs, arena, path, &(Node){.type = type}, &node));
    VersionSpec spec = {.meta = {.size_bytes = (int64_t)size, .rows = -1}};
    sha256_of(bytes, size, spec.meta.sha256);
    if (size <= 4096) {
        spec.meta.bytes = arena_memdup(arena, bytes, size + 1);
    } else {
        char *staged = arena_printf(arena, "%s/staged%d", pool->base.dir, ++pool->staged);
        OK(os_replace_file(staged, bytes, size));
        spec.staged_path = staged;
    }
    OK(backend.ops->append(backend.self, node.id, &spec, NULL));
    fs_memory_commit(pool->memory);
}

typedef struct Got {
    char *rows; /* all of them, as text; NULL: an error */
    const char *error;
    uint64_t parsed, hits, damaged, evicted; /* by this read alone */
    size_t files;
} Got;

static void put_cell(Buf *text, const Vector *vector, const char *type, size_t row)
{
    size_t size = 0;
    if (vector_is_null(vector, row)) {
        buf_puts(text, "\x01|");
    } else if (vector->phys == PHYS_STRING) {
        const char *bytes = engine_str(vector, row, &size);
        buf_add(text, bytes, size);
        buf_putc(text, '|');
    } else if (vector->phys == PHYS_F64) {
        buf_printf(text, "%.17g|", engine_double(vector, row));
    } else {
        buf_printf(text, "%lld:%s|", (long long)engine_int(vector, row),
                   type_class(type) == TYPE_BOOL ? "b" : "i");
    }
}

static Err *rows_of(Pool *pool, Provider *provider, const char *url, Got *got)
{
    const Rel *rel = NULL;
    Plan *plan = NULL;
    RelStream *stream = NULL;
    const ScanFile **inputs = NULL;
    TRY(provider_relation_of(provider, url, &rel));
    TRY(provider_plan(provider, &plan));
    TRY(plan_resolve(plan, rel));
    rel_inputs_in(pool->base.arena, rel, (TimeSpan){TIME_MIN, TIME_MAX}, &inputs, &got->files);
    Buf text = buf_new(pool->base.arena);
    const Schema *schema = rel_schema(rel);
    for (size_t i = 0; i < schema->count; i++)
        buf_printf(&text, "%s %s,", schema->columns[i].name, schema->columns[i].type);
    TRY(rel_open(plan, rel, (RelRead){.span = {TIME_MIN, TIME_MAX}}, &stream));
    Err *err = NULL;
    for (Chunk chunk; (err = rel_next(stream, &chunk)) == NULL && chunk.rows > 0;) {
        for (size_t row = 0; row < chunk.rows; row++) {
            buf_putc(&text, '\n');
            for (size_t c = 0; c < chunk.columns; c++)
                put_cell(&text, &chunk.vectors[c], schema->columns[c].type, row);
        }
    }
    rel_close_at(&stream);
    got->rows = text.data;
    return err;
}

static uint64_t format_events(Arena *arena, PerfCacheEvent event)
{
    PerfCacheCounts counts;
    perf_read_cache(arena, PERF_CACHE_format, &counts);
    return counts.events[event];
}

static Got read_all(Pool *pool, const char *url)
{
    Arena *arena = pool->base.arena;
    Got got = {.parsed = perf_read(PERF_format_byte),
               .hits = format_events(arena, PERF_HITS),
               .damaged = perf_read(PERF_format_damaged),
               .evicted = format_events(arena, PERF_EVICTIONS)};
    CLEANUP(provider_close_at) Provider *provider = NULL;
    pool->scratch = arena_printf(arena, "%s/run%d", pool->base.dir, ++pool->reads);
    OK(os_mkdir(pool->scratch));
    ProviderOptions options = {.backend = fs_memory_backend(pool->memory),
                               .scratch = scratch,
                               .cache = cache,
                               .context = pool,
                               .threads = 2,
                               .format_dir = pool->formats,
                               .format_budget_bytes = pool->budget};
    OK(provider_open(arena, &options, &provider));
    provider->piece_bytes = pool->piece_bytes;
    provider->sample_bytes = pool->sample_bytes;
    Err *err = rows_of(pool, provider, url, &got);
    if (err != NULL) {
        got.rows = NULL;
        got.error = arena_strdup(arena, err_message(err));
        err_free(err);
    }
    got.parsed = perf_read(PERF_format_byte) - got.parsed;
    got.hits = format_events(arena, PERF_HITS) - got.hits;
    got.damaged = perf_read(PERF_format_damaged) - got.damaged;
    got.evicted = format_events(arena, PERF_EVICTIONS) - got.evicted;
    return got;
}

/* ---- texts ---- */

typedef struct Text {
    char *bytes;
    size_t size;
} Text;

/* Quotes, line ends in quotes, and types that change late: a whole number that is one no more, a
 * name of digits among numbers, a date that becomes a stamp. */
static Text csv_text(Pool *pool, int rows, bool changing)
{
    Buf text = buf_new(pool->base.arena);
    buf_puts(&text, "timestamp,\"a \"\"q\"\", x\",b,c,d,e,narrows\n");
    for (int i = 0; i < rows; i++) {
        buf_printf(&text, "2024-01-%02d %02d:%02d:%02d,", 1 + i / 86400 % 28, i / 3600 % 24,
                   i / 60 % 60, i % 60);
        buf_printf(&text, changing && i > rows * 2 / 3 ? "%d.5," : "%d,", i);
        switch (draw(pool, 5)) {
        case 0: buf_puts(&text, "\"two\nlines\","); break;
        case 1: buf_puts(&text, "\"a \"\"word\"\", more\","); break;
        case 2: buf_puts(&text, ","); break;
        case 3: buf_puts(&text, "µ°,"); break;
        default: buf_puts(&text, "plain \" quote,"); break;
        }
        buf_printf(&text, changing && i > rows / 2 && i % 7 == 0 ? "%03d," : "%d,", i % 5 + 1);
        buf_puts(&text, changing && i > rows * 4 / 5 ? "2024-02-03 04:05:06," : "2024-02-03,");
        buf_puts(&text, i < rows / 2 ? "," : "7,");
        buf_puts(&text, i < rows / 4 ? "1.5" : "2");
        buf_puts(&text, draw(pool, 3) == 0 ? "\r\n" : "\n");
    }
    return (Text){text.data, text.size};
}

/* Keys that appear late, objects that become something else, strings among numbers. */
static Text jsonl_text(Pool *pool, int rows)
{
    Buf text = buf_new(pool->base.arena);
    for (int i = 0; i < rows; i++) {
        buf_printf(&text, "{\"ts\": %d.25, \"i\": %d, \"o\": {\"x\": %d", 1700000000 + i, i, i % 9);
        if (i > rows / 3 && draw(pool, 4) == 0)
            buf_puts(&text, ", \"late\": \"\\u00b5 \\\"q\\\"\\n\"");
        buf_puts(&text, "}, ");
        if (i > rows / 2)
            buf_printf(&text, "\"new%d\": [%d, {\"a\": null}], ", (int)draw(pool, 3), i);
        if (i < rows * 2 / 3)
            buf_printf(&text, "\"m\": {\"k\": %d}", i);
        else
            buf_printf(&text, "\"m\": %s", i % 2 == 0 ? "\"text\"" : "{\"k\": true}");
        buf_puts(&text, draw(pool, 9) == 0 ? "}\r\n\n" : "}\n");
    }
    return (Text){text.data, text.size};
}

/* ---- the same rows ---- */

static void grow(Pool *pool, const Text *text, int appends, const char *path, const char *url,
                 int reads)
{
    size_t at = 0;
    for (int i = 0; i < appends; i++) {
        size_t left = text->size - at,
               size = i + 1 == appends ? left : draw(pool, 2 * left / (size_t)(appends - i) + 1);
        if (size > left) size = left;
        append(pool, path, ENTRY_DATA_SERIES, text->bytes + at, size);
        at += size;
        if (draw(pool, (uint64_t)appends) < (uint64_t)reads) (void)read_all(pool, url);
    }
    assert_int_equal(at, text->size);
}

static void same(Pool *pool, const Text *text, const char *format)
{
    static const int APPENDS[] = {1, 7, 500};
    Arena *arena = pool->base.arena;
    append(pool, "/whole", ENTRY_DATA, text->bytes, text->size);
    Got whole = read_all(pool, arena_printf(arena, "%s:///whole", format));
    if (whole.rows == NULL) fail_msg("whole: %s", whole.error);
    for (size_t i = 0; i < COUNT_OF(APPENDS); i++) {
        char *path = arena_printf(arena, "/grown%d", APPENDS[i]);
        char *url = arena_printf(arena, "%s://%s", format, path);
        grow(pool, text, APPENDS[i], path, url, 40);
        Got grown = read_all(pool, url);
        if (grown.rows == NULL) fail_msg("%s: %s", url, grown.error);
        if (strcmp(grown.rows, whole.rows) != 0) {
            fail_msg("%s: other rows", url);
        }
        Got again = read_all(pool, url);
        assert_int_equal(again.parsed, 0);
        assert_int_equal(again.hits, 1);
        assert_string_equal(again.rows, whole.rows);
        cache_set_off(true);
        Got off = read_all(pool, url);
        cache_set_off(false);
        assert_string_equal(off.rows, whole.rows);
        assert_true(grown.files <= 30);
    }
}

/* Many pieces side by side, of which the first few promise less than the rest holds. */
static void test_pieces(void **state)
{
    Pool *pool = *state;
    Arena *arena = pool->base.arena;
    const Text texts[] = {csv_text(pool, 4000, true), jsonl_text(pool, 3000)};
    static const char *const FORMATS[] = {"csv", "jsonl"};
    for (size_t i = 0; i < 2; i++) {
        char *path = arena_printf(arena, "/%s", FORMATS[i]);
        char *url = arena_printf(arena, "%s://%s", FORMATS[i], path);
        append(pool, path, ENTRY_DATA, texts[i].bytes, texts[i].size);
        cache_set_off(true);
        pool->piece_bytes = pool->sample_bytes = 0;
        Got whole = read_all(pool, url);
        if (whole.rows == NULL) fail_msg("%s: %s", url, whole.error);
        for (size_t piece = 4000; piece < 50000; piece *= 4) {
            pool->piece_bytes = piece;
            pool->sample_bytes = 300;
            Got pieces = read_all(pool, url);
            if (pieces.rows == NULL) fail_msg("%s: %s", url, pieces.error);
            assert_true(pieces.files > 2);
            assert_string_equal(pieces.rows, whole.rows);
        }
        cache_set_off(false);
    }
}

static void test_csv(void **state)
{
    Pool *pool = *state;
    Text text = csv_text(pool, 4000, true);
    same(pool, &text, "csv");
}

static void test_jsonl(void **state)
{
    Pool *pool = *state;
    Text text = jsonl_text(pool, 3000);
    same(pool, &text, "jsonl");
}

/* ---- what is kept ---- */

/* The only file in the folder. */
static char *kept_file(Pool *pool)
{
    OsEntry *entries = NULL;
    size_t count = 0;
    OK(os_list(pool->base.arena, pool->formats, &entries, &count));
    assert_int_equal(count, 1);
    return arena_printf(pool->base.arena, "%s/%s", pool->formats, entries[0].name);
}

static void make_old(const char *path)
{
    const struct timespec old[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
}

/* Each byte behind the header is parsed once, however it came; equal content elsewhere, never. */
static void test_parsed_once(void **state)
{
    Pool *pool = *state;
    Text text = csv_text(pool, 3000, false);
    size_t header = strcspn(text.bytes, "\n") + 1, at = 0, step = text.size / 20;
    uint64_t parsed = 0;
    for (int i = 0; i < 20; i++) {
        size_t size = i == 19 ? text.size - at : step;
        append(pool, "/a", ENTRY_DATA_SERIES, text.bytes + at, size);
        append(pool, "/b", ENTRY_DATA_SERIES, text.bytes + at, size);
        at += size;
        Got got = read_all(pool, "csv:///a"), other = read_all(pool, "csv:///b");
        parsed += got.parsed;
        assert_int_equal(other.parsed, 0);
        assert_int_equal(other.hits, 1);
        assert_string_equal(other.rows, got.rows);
    }
    assert_int_equal(parsed, text.size - header);
}

static void test_damage(void **state)
{
    Pool *pool = *state;
    Text text = csv_text(pool, 500, false);
    size_t header = strcspn(text.bytes, "\n") + 1;
    append(pool, "/a", ENTRY_DATA, text.bytes, text.size);
    Got first = read_all(pool, "csv:///a");
    char *path = kept_file(pool), *bytes = NULL;
    size_t size = 0;
    OK(os_read_file(pool->base.arena, path, 1 << 20, &bytes, &size));
    for (int way = 0; way < 3; way++) {
        char *bad = arena_memdup(pool->base.arena, bytes, size);
        bad[size / 2] ^= 1;
        if (way == 0) OK(os_replace_file(path, bad, size));
        if (way == 1) OK(os_replace_file(path, bytes, size / 2));
        if (way == 2) OK(os_unlink(path));
        Got got = read_all(pool, "csv:///a");
        assert_int_equal(got.damaged, 1);
        assert_int_equal(got.parsed, text.size - header);
        assert_string_equal(got.rows, first.rows);
    }
    OK(os_replace_file(path, bytes, size)); /* the same bytes in another file are good */
    Got got = read_all(pool, "csv:///a");
    assert_int_equal(got.damaged, 0);
    assert_int_equal(got.parsed, 0);
}

static void test_budget(void **state)
{
    Pool *pool = *state;
    Text one = csv_text(pool, 500, false), two = csv_text(pool, 500, false);
    append(pool, "/one", ENTRY_DATA, one.bytes, one.size);
    append(pool, "/two", ENTRY_DATA, two.bytes, two.size);
    pool->budget = 1;
    Got first = read_all(pool, "csv:///one");
    assert_int_equal(first.evicted, 0); /* in use */
    make_old(kept_file(pool));
    assert_int_equal(read_all(pool, "csv:///two").evicted, 1);
    make_old(kept_file(pool));
    assert_int_equal(read_all(pool, "csv:///two").parsed, 0); /* and is young again */
    Got again = read_all(pool, "csv:///one");
    assert_int_equal(again.evicted, 0);
    assert_int_equal(again.parsed, first.parsed);
    assert_string_equal(again.rows, first.rows);
}

/* Rows depend on bytes: what is not a whole line is none yet. */
static void test_rest(void **state)
{
    Pool *pool = *state;
    static const char *const PARTS[] = {"timest", "amp,a\n2024-01", "-01,\"x\ny",
                                        "\"\n2024-01-02,y", "\n"};
    static const int LINES[] = {0, 0, 0, 1, 2};
    for (size_t i = 0; i < COUNT_OF(PARTS); i++) {
        append(pool, "/a", ENTRY_DATA_SERIES, PARTS[i], strlen(PARTS[i]));
        Got got = read_all(pool, "csv:///a");
        if (got.rows == NULL) fail_msg("%zu: %s", i, got.error);
        int rows = 0;
        for (const char *p = got.rows; (p = strstr(p, "\n17")) != NULL; p++) rows++;
        assert_int_equal(rows, LINES[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_csv, setup, teardown),
        cmocka_unit_test_setup_teardown(test_jsonl, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parsed_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_budget, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rest, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
