/* Tables that other writers left (shared/fixtures/delta-tables), at the newest and at older
 * versions, against fixtures.tsv: what the Python package deltalake sees in them. The tables are
 * found by POND_SHARED or beside the source tree; without them the tests pass and say so (cmocka's
 * skip() counts as a failure in TAP). */
#include "delta_test.h"
#include "engine/engine.h"

/* Tables that must be refused, and what the refusal must name. The other reader opens the variant
 * ones. */
static const struct {
    const char *table;
    ErrCode code;
    const char *words;
} REFUSED[] = {
    {"delta-rs/simple_table_features", ERR_UNSUPPORTED, "reader version 5"},
    {"kernel/table-with-geo", ERR_UNSUPPORTED, "\"geospatial\""},
    {"delta-rs/spark-shredded-variant-preview-delta", ERR_UNSUPPORTED,
     "\"variantShredding-preview\""},
    {"delta-rs/spark-variant-checkpoint", ERR_UNSUPPORTED, "\"variantType-preview\""},
    {"delta-rs/spark-variant-stable-feature-checkpoint", ERR_UNSUPPORTED, "\"variantType\""},
    {"kernel/unshredded-variant.tar.zst", ERR_UNSUPPORTED, "\"variantType-preview\""},
    {"kernel/crc-malformed", ERR_NOT_FOUND, "no Delta table"},
    {"delta-rs/checkpoints_tombstones", ERR_NOT_FOUND, "no Delta table"},
};
enum { REFUSED_COUNT = sizeof REFUSED / sizeof *REFUSED };

static const char *shared_dir(void)
{
    const char *shared = getenv("POND_SHARED"), *source = getenv("POND_SOURCE");
    bool exists = false;
    OsStat stat;
    if (shared == NULL) shared = arena_printf(arena, "%s/../shared", source == NULL ? "." : source);
    const char *dir = arena_printf(arena, "%s/fixtures/delta-tables", shared);
    OK(os_stat_if(dir, &exists, &stat));
    if (exists) return dir;
    print_message("# skipped: no shared/fixtures/delta-tables (set POND_SHARED)\n");
    return NULL;
}

/* The folder of a fixture; archives are unpacked below the test's directory. NULL when that cannot
 * be done. */
static const char *fixture_dir(const char *dir, const char *name)
{
    if (!text_ends(name, ".tar.zst")) return arena_printf(arena, "%s/%s", dir, name);
    const char *to = arena_printf(arena, "%s/%s", root, name);
    bool exists = false;
    OsStat stat;
    OK(os_stat_if(to, &exists, &stat));
    if (exists) return to;
    OK(os_mkdirs(to));
    const char *command = arena_printf(arena, "tar -C '%s' --zstd -xf '%s/%s'", to, dir, name);
    return system(command) == 0 ? to : NULL;
}

static bool is_refused(const char *name)
{
    for (size_t i = 0; i < REFUSED_COUNT; i++)
        if (strcmp(REFUSED[i].table, name) == 0) return true;
    return false;
}

/* ---- one line of the expectations ---- */

typedef struct Line {
    char *fields[6];
    size_t count;
} Line;

static bool next_line(char **text, Line *line)
{
    line->count = 0;
    while (**text == '#') *text += strcspn(*text, "\n") + 1;
    if (**text == '\0') return false;
    char *end = *text + strcspn(*text, "\n"), *saved = NULL;
    char *next = *end == '\0' ? end : end + 1;
    *end = '\0';
    for (char *field = strtok_r(*text, "\t", &saved); field != NULL && line->count < 6;
         field = strtok_r(NULL, "\t", &saved))
        line->fields[line->count++] = field;
    *text = next;
    return line->count > 0;
}

static const char *names_hash(const DeltaSnapshot *snapshot)
{
    const char **names = add_names(snapshot);
    Buf text = buf_new(arena);
    for (size_t i = 0; i < snapshot->add_count; i++) buf_printf(&text, "%s\n", names[i]);
    char *hex = arena_alloc(arena, SHA256_HEX + 1);
    sha256_of(text.data, text.size, hex);
    return hex;
}

static int check_state(const char *at, const Line *line, DeltaSnapshot *out)
{
    int64_t version = strcmp(line->fields[0], "newest") == 0 ? -1 : atoll(line->fields[1]),
            bytes = 0;
    Err *err = delta_snapshot_load(arena, at, version, out);
    if (err != NULL) {
        print_error("%s version %s: %s\n", at, line->fields[1], err_message(err));
        err_free(err);
        return 1;
    }
    for (size_t i = 0; i < out->add_count; i++) bytes += out->adds[i].size_bytes;
    if (out->version == atoll(line->fields[1]) &&
        (int64_t)out->add_count == atoll(line->fields[2]) && bytes == atoll(line->fields[3]) &&
        strcmp(names_hash(out), line->fields[4]) == 0)
        return 0;
    print_error("%s: version %" PRId64 ", %zu files, %" PRId64
                " bytes; expected %s, %s, %s: %.2000s\n",
                at, out->version, out->add_count, bytes, line->fields[1], line->fields[2],
                line->fields[3], live(out));
    return 1;
}

static int check_file(const char *at, const DeltaSnapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->add_count; i++)
        if (strcmp(snapshot->adds[i].path, name) == 0) return 0;
    print_error("%s: lacks %s\n", at, name);
    return 1;
}

static int check_gone(const char *at, const char *version)
{
    DeltaSnapshot snapshot = {0};
    Err *err = delta_snapshot_load(arena, at, atoll(version), &snapshot);
    bool right = err != NULL && err_code(err) == ERR_NOT_FOUND;
    if (!right)
        print_error("%s: version %s should be gone: %s\n", at, version,
                    err == NULL ? "it is not" : err_message(err));
    err_free(err);
    return right ? 0 : 1;
}

static void test_against_another_reader(void **state)
{
    (void)state;
    const char *dir = shared_dir(), *at = NULL;
    if (dir == NULL) return;
    char *text = NULL;
    size_t size = 0;
    const char *source = getenv("POND_SOURCE");
    OK(os_read_file(
        arena, arena_printf(arena, "%s/tests/delta/fixtures.tsv", source == NULL ? "." : source),
        1 << 20, &text, &size));
    Line line;
    DeltaSnapshot snapshot = {0}, older = {0};
    int tables = 0, states = 0, wrong = 0;
    while (next_line(&text, &line)) {
        if (strcmp(line.fields[0], "table") == 0) {
            at = is_refused(line.fields[1]) ? NULL : fixture_dir(dir, line.fields[1]);
            if (at != NULL && strcmp(line.fields[2], ".") != 0)
                at = arena_printf(arena, "%s/%s", at, line.fields[2]);
            tables += at != NULL;
            continue;
        }
        if (at == NULL) continue;
        states++;
        if (strcmp(line.fields[0], "newest") == 0) wrong += check_state(at, &line, &snapshot);
        if (strcmp(line.fields[0], "version") == 0) wrong += check_state(at, &line, &older);
        if (strcmp(line.fields[0], "file") == 0) wrong += check_file(at, &snapshot, line.fields[1]);
        if (strcmp(line.fields[0], "gone") == 0) wrong += check_gone(at, line.fields[1]);
    }
    print_message("# %d tables, %d expectations, %d wrong\n", tables, states, wrong);
    assert_int_equal(wrong, 0);
    assert_int_equal(tables, 99);
}

static void test_refused_by_name(void **state)
{
    (void)state;
    const char *dir = shared_dir();
    if (dir == NULL) return;
    for (size_t i = 0; i < REFUSED_COUNT; i++) {
        DeltaSnapshot snapshot = {0};
        const char *at = fixture_dir(dir, REFUSED[i].table);
        if (strcmp(REFUSED[i].table, "kernel/unshredded-variant.tar.zst") == 0)
            at = arena_printf(arena, "%s/unshredded-variant", at);
        Err *err = delta_snapshot_load(arena, at, -1, &snapshot);
        fail_with(err, REFUSED[i].code, REFUSED[i].words, REFUSED[i].table, __LINE__);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_against_another_reader),
        TEST(test_refused_by_name),
    };
    return RUN("delta fixtures", tests);
}
