/* The sweep of test_sweep.c over an export that the engine takes part in: files of their own, files
 * of one pass, and a relation that is materialised first. Here: every call of ours, and the
 * engine's first, second and last of each kind. With POND_SOAK set: every call. */
#include "rows.h"
#include "sweep.h"

#define ROWS                                                                                       \
    "SELECT TIMESTAMPTZ '2024-01-31 00:00:00Z' + INTERVAL 1 HOUR * i AS timestamp, i AS v FROM "   \
    "range(%d) t(i)"

typedef struct Body {
    ExportInput inputs[3];
    size_t count;
} Body;

static Err *export_body(void *context)
{
    Body *body = context;
    ExportOptions options = options_new();
    ExportSummary summary;
    options.threads = 1;
    options.temporal = "year,month";
    return run_export(body->inputs, body->count, &options, &summary);
}

static Body body_of(int rows)
{
    SqlInput input = {"a", series_from("a", arena_printf(fx.arena, ROWS, rows))};
    const Rel *sql;
    OK(rel_sql(fx.arena, "/sql", "SELECT * FROM a ORDER BY v LIMIT 30", &input, 1, &sql));
    /* 1,500 rows of one file make three months of one pass; 30 make two of their own. */
    return (Body){
        .inputs = {input_of("/a", input.rel), input_of("/sql", sql), input_raw("/raw", "bytes")},
        .count = 3};
}

static void sweep_plan(Sweep *sweep, const char *plan)
{
    bool soak = getenv("POND_SOAK") != NULL;
    sweep->plan = plan;
    if (soak || strstr(plan, "origin=ours") != NULL) {
        (void)sweep_run(sweep);
        return;
    }
    sweep->count = 2;
    (void)sweep_run(sweep);
    /* How many there are: a plan that counts and never comes to its turn. */
    sweep_reset(sweep);
    register_classes();
    OK(os_fault_set(arena_printf(fx.arena, "%s,nth=1000000", plan)));
    OK(sweep->body(sweep->context));
    uint64_t calls = os_fault_seen();
    OK(os_fault_set(NULL));
    sweep->count = 1;
    sweep->first = calls;
    if (calls > 2) (void)sweep_run(sweep);
    sweep->first = sweep->count = 0;
}

static void sweep_plans(Sweep *sweep)
{
    static const char *const PLANS[] = {
        "origin=ours,do=eio",
        "origin=ours,do=lose",
        "origin=engine,op=open,do=eio",
        "origin=engine,op=read,do=eio",
        "origin=engine,op=write,do=eio",
        "origin=engine,op=write,do=enospc",
        "origin=engine,op=write,do=short",
        "origin=engine,op=open,do=crash",
        "origin=engine,op=write,do=crash",
        "origin=engine,op=write,do=lose",
        "origin=engine,op=rename,do=eio",
        "origin=engine,op=unlink,do=eio",
        "origin=engine,op=truncate,do=eio",
    };
    for (size_t i = 0; i < sizeof PLANS / sizeof PLANS[0]; i++) sweep_plan(sweep, PLANS[i]);
}

static void test_first_export(void **state)
{
    (void)state;
    Body body = body_of(1500);
    Sweep sweep = {.body = export_body, .context = &body, .old = tree_of(fx.out)};
    OK(export_body(&body));
    sweep.new = tree_of(fx.out);
    sweep_plans(&sweep);
}

static void test_second_export(void **state)
{
    (void)state;
    Body old = body_of(700), new = body_of(1500);
    old.inputs[2] = input_raw("/gone", "bye");
    OK(export_body(&old));
    Sweep sweep = {.body = export_body,
                   .context = &new,
                   .saved = under(fx.base, "saved"),
                   .old = tree_of(fx.out)};
    shell("cp -a '%s' '%s'", fx.out, sweep.saved);
    OK(export_body(&new));
    sweep.new = tree_of(fx.out);
    sweep_plans(&sweep);
}

/* A SIGINT while files are written: nothing is left of it. */
static void test_an_interrupt(void **state)
{
    (void)state;
    Body old = body_of(700), new = body_of(1500);
    OK(export_body(&old));
    const char *before = tree_of(fx.out);
    pid_t child = fork();
    if (child == 0) {
        os_signals_install(engine_interrupt);
        (void)raise(SIGINT);
        Err *err = export_body(&new);
        _exit(err != NULL && err_code(err) == ERR_INTERRUPTED ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_string_equal(tree_of(fx.out), before);
    assert_string_equal(names_of(under(fx.out, ".pond")), "lock\nmanifest\n");
    assert_string_equal(names_of(fx.scratch), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_export),
        TEST(test_second_export),
        TEST(test_an_interrupt),
    };
    return cmocka_run_group_tests_name("sweep_engine", tests, NULL, NULL);
}
