/* Types, how they widen, and the union of schemas. */
#include "help.h"

static const char *const TYPES[] = {
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL(18,3)",
    "DECIMAL(3,1)",
    "DECIMAL(8,4)",
    "DECIMAL(5,0)",
    "DECIMAL(38,10)",
    "TIMESTAMP",
    "TIMESTAMP_S",
    "TIMESTAMP_MS",
    "TIMESTAMP_NS",
    "TIMESTAMP WITH TIME ZONE",
    "DATE",
    "VARCHAR",
    "BLOB",
    "STRUCT(a INTEGER)",
    "INTEGER[]",
    "\"NULL\"",
};

static void test_classes(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        TypeClass class;
        bool numeric;
    } CASES[] = {
        {"BOOLEAN", TYPE_BOOL, false},
        {"TINYINT", TYPE_INT, true},
        {"UHUGEINT", TYPE_INT, true},
        {"FLOAT", TYPE_FLOAT, true},
        {"DOUBLE", TYPE_FLOAT, true},
        {"DECIMAL(18,3)", TYPE_DECIMAL, true},
        {"TIMESTAMP", TYPE_TIMESTAMP, false},
        {"TIMESTAMP_NS", TYPE_TIMESTAMP, false},
        {"TIMESTAMP WITH TIME ZONE", TYPE_TIMESTAMPTZ, false},
        {"DATE", TYPE_DATE, false},
        {"VARCHAR", TYPE_TEXT, false},
        {"BLOB", TYPE_OTHER, false},
        {"INTEGER[]", TYPE_OTHER, false},
        {"DECIMAL(18,3)[]", TYPE_OTHER, false},
        {"STRUCT(a DOUBLE)", TYPE_OTHER, false},
        {"TIME", TYPE_OTHER, false},
        {"", TYPE_OTHER, false},
        {"double", TYPE_OTHER, false},
        {"\"NULL\"", TYPE_OTHER, false},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(type_class(CASES[i].type), CASES[i].class);
        assert_int_equal(type_is_numeric(CASES[i].type), CASES[i].numeric);
    }
}

static void test_widening(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const struct {
        const char *a, *b, *both;
    } CASES[] = {
        {"TINYINT", "BIGINT", "BIGINT"},
        {"UTINYINT", "USMALLINT", "USMALLINT"},
        {"UTINYINT", "SMALLINT", "SMALLINT"},
        {"UINTEGER", "INTEGER", "BIGINT"},
        {"UTINYINT", "TINYINT", "SMALLINT"},
        {"UBIGINT", "TINYINT", "HUGEINT"},
        {"UHUGEINT", "TINYINT", NULL},
        {"INTEGER", "FLOAT", "DOUBLE"},
        {"FLOAT", "DOUBLE", "DOUBLE"},
        {"BIGINT", "DOUBLE", "DOUBLE"},
        {"DECIMAL(18,3)", "DECIMAL(10,5)", "DECIMAL(20,5)"},
        {"DECIMAL(18,3)", "DOUBLE", "DOUBLE"},
        {"DECIMAL(4,2)", "INTEGER", "DECIMAL(12,2)"},
        {"DECIMAL(38,10)", "HUGEINT", NULL},
        {"DATE", "TIMESTAMP", "TIMESTAMP"},
        {"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_MS"},
        {"DATE", "TIMESTAMP_S", "TIMESTAMP"},
        {"TIMESTAMP", "TIMESTAMP_NS", NULL},
        {"TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE"},
        {"TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", NULL},
        {"VARCHAR", "INTEGER", NULL},
        {"BOOLEAN", "INTEGER", NULL},
        {"BLOB", "VARCHAR", NULL},
        {"\"NULL\"", "STRUCT(a INTEGER)", "STRUCT(a INTEGER)"},
        {"INTEGER[]", "INTEGER[]", "INTEGER[]"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        const char *got = type_widen(arena, CASES[i].a, CASES[i].b);
        if (CASES[i].both == NULL) {
            assert_null(got);
        } else {
            assert_non_null(got);
            assert_string_equal(got, CASES[i].both);
        }
    }
}

/* A cell of a table in the documentation, without blanks. */
static char *cell_of(Arena *arena, const char **at)
{
    const char *begin = *at + 1 + strspn(*at + 1, " "), *end = strchr(begin, '|');
    *at = end;
    while (end > begin && end[-1] == ' ') end--;
    char *cell = arena_strndup(arena, begin, (size_t)(end - begin));
    return strcmp(cell, "TIMESTAMPTZ") == 0 ? arena_strdup(arena, "TIMESTAMP WITH TIME ZONE")
                                            : cell;
}

/* One table "| with | A | B | ...": row by column gives the type, or a dash for a conflict. */
static int check_table(Arena *arena, const char *head)
{
    char *columns[32];
    int count = 0, checked = 0;
    const char *at = head, *line = head;
    (void)cell_of(arena, &at);
    while (at[1] != '\n') columns[count++] = cell_of(arena, &at);
    line = strchr(strchr(line, '\n') + 1, '\n') + 1; /* past the rule */
    for (; *line == '|'; line = strchr(line, '\n') + 1) {
        at = line;
        char *row = cell_of(arena, &at);
        for (int i = 0; i < count; i++, checked++) {
            const char *wanted = cell_of(arena, &at), *got = type_widen(arena, row, columns[i]);
            if (strcmp(got != NULL ? got : "–", wanted) != 0)
                fail_msg("%s with %s: %s, the table says %s", row, columns[i],
                         got != NULL ? got : "a conflict", wanted);
        }
    }
    return checked;
}

static void test_documented_tables(void **state)
{
    (void)state;
    SCRATCH(arena);
    char *text = arena_alloc(arena, 1 << 20);
    const char *root = getenv("POND_SOURCE");
    FILE *file = fopen(arena_printf(arena, "%s/docs/factories.md", root != NULL ? root : "."), "r");
    assert_non_null(file);
    (void)fread(text, 1, (1 << 20) - 1, file);
    (void)fclose(file);
    int checked = 0;
    for (const char *at = text; (at = strstr(at, "\n| with | ")) != NULL; at++)
        checked += check_table(arena, at + 1);
    assert_int_equal(checked, 3 * 81);
}

/* The order of versions must not matter. */
static void test_widening_is_symmetric(void **state)
{
    (void)state;
    SCRATCH(arena);
    for (size_t i = 0; i < COUNT(TYPES); i++) {
        assert_string_equal(type_widen(arena, TYPES[i], TYPES[i]), TYPES[i]);
        for (size_t j = 0; j < COUNT(TYPES); j++) {
            const char *ab = type_widen(arena, TYPES[i], TYPES[j]),
                       *ba = type_widen(arena, TYPES[j], TYPES[i]);
            assert_int_equal(ab == NULL, ba == NULL);
            if (ab != NULL) assert_string_equal(ab, ba);
            for (size_t k = 0; ab != NULL && k < COUNT(TYPES); k++) {
                const char *bc = type_widen(arena, TYPES[j], TYPES[k]);
                const char *left = type_widen(arena, ab, TYPES[k]);
                const char *right = bc == NULL ? NULL : type_widen(arena, TYPES[i], bc);
                if (left != NULL && right != NULL) assert_string_equal(left, right);
            }
        }
    }
}

static void test_stored_form(void **state)
{
    (void)state;
    SCRATCH(arena);
    Column columns[] = {
        {"timestamp", "TIMESTAMP WITH TIME ZONE"}, {"DO.\"mg/L\"", "DOUBLE"}, {"", "VARCHAR"}};
    Schema schema = {columns, 3}, back = {0};
    Buf buf = buf_new(arena);
    JsonOut out = json_out(&buf);
    schema_to_json(&out, &schema);
    assert_string_equal(buf.data, "[[\"timestamp\",\"TIMESTAMP WITH TIME "
                                  "ZONE\"],[\"DO.\\\"mg/L\\\"\",\"DOUBLE\"],[\"\",\"VARCHAR\"]]");
    const Json *json = NULL;
    OK(json_parse(arena, buf.data, buf.size, &json));
    OK(schema_from_json(arena, json, &back));
    assert_true(schema_equal(&schema, &back));
    assert_int_equal(schema_find(&back, "DO.\"mg/L\""), 1);
    assert_int_equal(schema_find(&back, "Timestamp"), -1);
    back.columns[1].type = "FLOAT";
    assert_false(schema_equal(&schema, &back));
    back.count = 2;
    assert_false(schema_equal(&schema, &back));
}

static void test_damaged_stored_forms(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const char *const TEXTS[] = {"{}",
                                        "3",
                                        "null",
                                        "[1]",
                                        "[[]]",
                                        "[[\"a\"]]",
                                        "[[\"a\",1]]",
                                        "[[1,\"a\"]]",
                                        "[[\"a\",\"b\",\"c\"]]",
                                        "[[\"a\",\"INTEGER\"],[\"a\",\"DOUBLE\"]]",
                                        "[[\"a\\u0000b\",\"INTEGER\"]]"};
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        const Json *json = NULL;
        Schema schema = {0};
        OK(json_parse(arena, TEXTS[i], strlen(TEXTS[i]), &json));
        REFUSED(INVALID, schema_from_json(arena, json, &schema));
    }
    Schema schema;
    REFUSED(INVALID, schema_from_json(arena, NULL, &schema));
}

static void test_union(void **state)
{
    (void)state;
    SCRATCH(arena);
    Column a[] = {{"t", "TIMESTAMP"}, {"x", "INTEGER"}, {"s", "VARCHAR"}};
    Column b[] = {{"y", "DOUBLE"}, {"t", "TIMESTAMP"}, {"x", "DOUBLE"}, {"X", "BLOB"}};
    Schema both[] = {{a, 3}, {b, 4}}, out = {0};
    static const char *const LABELS[] = {"/a;v1", "/a;v2"};
    OK(schema_union(arena, both, LABELS, 2, &out));
    static const Column WANTED[] = {
        {"t", "TIMESTAMP"}, {"x", "DOUBLE"}, {"s", "VARCHAR"}, {"y", "DOUBLE"}, {"X", "BLOB"}};
    assert_int_equal(out.count, COUNT(WANTED));
    for (size_t i = 0; i < COUNT(WANTED); i++) {
        assert_string_equal(out.columns[i].name, WANTED[i].name);
        assert_string_equal(out.columns[i].type, WANTED[i].type);
    }
    assert_string_equal(a[1].type, "INTEGER"); /* the inputs are as they were */
    OK(schema_union(arena, both, LABELS, 0, &out));
    assert_int_equal(out.count, 0);
}

static void test_union_conflict(void **state)
{
    (void)state;
    SCRATCH(arena);
    Column a[] = {{"x", "INTEGER"}}, b[] = {{"x", "DOUBLE"}}, c[] = {{"x", "VARCHAR"}};
    Schema all[] = {{a, 1}, {b, 1}, {c, 1}}, out = {0};
    static const char *const LABELS[] = {"/one", "/two", "/three"};
    Err *err = schema_union(arena, all, LABELS, 3, &out);
    assert_non_null(err);
    assert_int_equal(err_code(err), ERR_INVALID);
    assert_string_equal(err_message(err), "column x: DOUBLE in /two, VARCHAR in /three");
    err_free(err);
    assert_null(out.columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_widening),
        cmocka_unit_test(test_documented_tables),
        cmocka_unit_test(test_widening_is_symmetric),
        cmocka_unit_test(test_stored_form),
        cmocka_unit_test(test_damaged_stored_forms),
        cmocka_unit_test(test_union),
        cmocka_unit_test(test_union_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
