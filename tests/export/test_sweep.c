/* Every file call of ours fails, is short, ends the process, or ends it with the loss of all that
 * was not synced: in a first export and in a second that writes, replaces, keeps and removes. Raw
 * data: the calls are all ours. */
#include "sweep.h"

typedef struct Body {
    ExportInput inputs[4];
    size_t count;
} Body;

static Err *export_body(void *context)
{
    Body *body = context;
    ExportOptions options = options_new();
    ExportSummary summary;
    options.threads = 1;
    return run_export(body->inputs, body->count, &options, &summary);
}

static Body before(void)
{
    return (Body){.inputs = {input_raw("/keep", "same"), input_raw("/d/change", "old"),
                             input_raw("/gone/away", "bye")},
                  .count = 3};
}

static Body after(void)
{
    return (Body){.inputs = {input_raw("/keep", "same"), input_raw("/d/change", "new"),
                             input_raw("/new/and/deep/er/here", "hello"), input_raw("/empty", "")},
                  .count = 4};
}

static void sweep_all(const Body *first, const Body *second)
{
    static const char *const DEEDS[] = {"do=eio",   "do=enospc", "op=write,do=short",
                                        "do=crash", "do=lose",   "do=tear"};
    const char *saved = NULL;
    Body body = *second;
    if (first != NULL) {
        Body old = *first;
        OK(export_body(&old));
        saved = under(fx.base, "saved");
        shell("cp -a '%s' '%s'", fx.out, saved);
    }
    Sweep sweep = {.body = export_body, .context = &body, .saved = saved, .old = tree_of(fx.out)};
    OK(export_body(&body));
    sweep.new = tree_of(fx.out);
    assert_string_not_equal(sweep.old, sweep.new);
    for (size_t i = 0; i < sizeof DEEDS / sizeof DEEDS[0]; i++) {
        sweep.plan = DEEDS[i];
        uint64_t calls = sweep_run(&sweep);
        assert_true(calls > (strstr(DEEDS[i], "short") ? 5 : 30));
    }
}

static void test_first_export(void **state)
{
    (void)state;
    Body body = after();
    sweep_all(NULL, &body);
}

static void test_second_export(void **state)
{
    (void)state;
    Body old = before(), new = after();
    sweep_all(&old, &new);
}

/* Recovery fails too, anywhere, and the next one completes it. */
static Err *recover_body(void *context)
{
    (void)context;
    bool completed;
    if (access(under(fx.out, ".pond"), F_OK) != 0) return NULL;
    return export_recover(fx.out, 0, &completed);
}

static void test_recovery_is_swept_too(void **state)
{
    (void)state;
    static const char *const DEEDS[] = {"do=eio", "do=crash", "do=lose"};
    Body old = before(), new = after();
    OK(export_body(&old));
    Sweep sweep = {.body = export_body,
                   .context = &new,
                   .saved = under(fx.base, "saved"),
                   .old = tree_of(fx.out)};
    shell("cp -a '%s' '%s'", fx.out, sweep.saved);
    OK(export_body(&new));
    const char *whole = tree_of(fx.out);
    /* Stop in the middle of the renames: the record is there, two files have moved. */
    sweep.plan = "origin=ours,op=rename,do=crash";
    sweep_reset(&sweep);
    register_classes();
    assert_int_equal(sweep_child(&sweep, 4), CHILD_DIED);
    const char *half = tree_of(fx.out);
    assert_string_not_equal(half, whole);
    assert_string_not_equal(half, sweep.old);
    shell("rm -rf '%s' && cp -a '%s' '%s'", sweep.saved, fx.out, sweep.saved);
    for (size_t i = 0; i < sizeof DEEDS / sizeof DEEDS[0]; i++) {
        Sweep again = {.plan = DEEDS[i],
                       .body = recover_body,
                       .saved = sweep.saved,
                       .old = whole,
                       .new = whole};
        assert_true(sweep_run(&again) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_export),
        TEST(test_second_export),
        TEST(test_recovery_is_swept_too),
    };
    return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
