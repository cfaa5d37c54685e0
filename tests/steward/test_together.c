/* Several processes on one pond: readers while a writer commits and checkpoints, while the index is
 * deleted, damaged or made anew under them; and a reader that may not write anything. */
#include "steward/sweep.h"
#include <fcntl.h>
#include <sys/stat.h>

typedef struct Shared {
    const char *dir;
    int rounds;
    unsigned seed;
} Shared;

static Err *add_numbered(void *context, Pond *p)
{
    return sweep_create(p, NODE_ROOT, arena_printf(arena, "n%05d", *(int *)context), ENTRY_DIR,
                        NULL);
}

static void write_many(const void *context, FILE *answer)
{
    const Shared *shared = context;
    Err *error = NULL;
    log_set_level(LOG_QUIET);
    for (int i = 0; error == NULL && i < shared->rounds; i++) {
        CLEANUP(pond_close_at) Pond *p = NULL;
        error =
            pond_open(shared->dir, &(PondOptions){.command = "pond write", .wait_ms = 20000}, &p);
        if (error == NULL) error = pond_transact(p, add_numbered, &i, NULL);
    }
    (void)fprintf(answer, "%s\n", error == NULL ? "done" : err_message(error));
}

/* Each transaction after the first adds one directory to the root: so nodes, entries and
 * transaction must agree, in every snapshot. */
static Err *read_once(const Shared *shared, int64_t *last_txn)
{
    SCRATCH(scratch);
    CLEANUP(pond_close_at) Pond *p = NULL;
    TRY(pond_open(shared->dir, &(PondOptions){.command = "pond read"}, &p));
    Node *nodes = NULL;
    size_t count = 0;
    TRY(tlog_op_children(pond_tlog(p), scratch, NODE_ROOT, &nodes, &count));
    const TlogInfo *info = pond_info(p);
    bool agree =
        info->nodes == info->txn && (int64_t)count == info->txn - 1 && info->txn >= *last_txn;
    for (size_t i = 0; agree && i < count; i++) {
        agree = strcmp(nodes[i].name, arena_printf(scratch, "n%05zu", i)) == 0;
    }
    if (!agree) {
        return ERR(INTERNAL, "transaction %lld after %lld: %lld nodes, %zu entries",
                   (long long)info->txn, (long long)*last_txn, (long long)info->nodes, count);
    }
    *last_txn = info->txn;
    return NULL;
}

static void read_many(const void *context, FILE *answer)
{
    const Shared *shared = context;
    int64_t last_txn = 0;
    int rounds = 0;
    Err *error = NULL;
    log_set_level(LOG_QUIET);
    while (error == NULL && last_txn <= shared->rounds) {
        error = read_once(shared, &last_txn);
        rounds++;
    }
    (void)fprintf(answer, "%s\n%d\n", error == NULL ? "done" : err_message(error), rounds);
}

/* Deletes or damages the index now and then. */
static void vandal(const Shared *shared)
{
    unsigned seed = shared->seed;
    const char *cache = arena_printf(arena, "%s/cache", shared->dir);
    const char *index = arena_printf(arena, "%s/index.db", cache);
    for (;;) {
        (void)usleep(20000 + (unsigned)rand_r(&seed) % 60000);
        int file = open(index, O_WRONLY);
        struct stat stat;
        switch (rand_r(&seed) % 3) {
        case 0: (void)system(arena_printf(arena, "rm -rf %s", cache)); break;
        case 1: (void)unlink(index); break;
        default:
            if (file >= 0 && fstat(file, &stat) == 0 && stat.st_size > 0) {
                char byte = (char)rand_r(&seed);
                (void)!pwrite(file, &byte, 1, rand_r(&seed) % stat.st_size);
            }
        }
        if (file >= 0) (void)close(file);
    }
}

static pid_t start(ChildMain *main, const Shared *shared, const char *answer)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid != 0) return pid;
    FILE *file = answer == NULL ? NULL : fopen(answer, "w");
    if (main == NULL)
        vandal(shared);
    else
        main(shared, file);
    (void)fclose(file);
    _exit(0);
}

static void expect_done(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    OK(os_read_file(arena, path, 4096, &text, &size));
    if (!text_starts(text, "done")) fail_msg("%s", text);
}

static void run_together(bool with_vandal)
{
    enum { READERS = 2 };
    Shared shared = {.dir = pond, .rounds = 60, .seed = (unsigned)getpid()};
    print_message("# seed %u\n", shared.seed);
    pid_t maker = fork();
    if (maker == 0) {
        err_free(pond_init(pond, "here", &(PondOptions){.command = "pond init"}));
        _exit(0);
    }
    assert_int_equal(waitpid(maker, NULL, 0), maker);
    const char *answers[READERS + 1];
    pid_t pids[READERS + 1], breaker = with_vandal ? start(NULL, &shared, NULL) : 0;
    for (int i = 0; i <= READERS; i++) {
        answers[i] = arena_printf(arena, "%s/answer-%d", root, i);
        pids[i] = start(i == 0 ? write_many : read_many, &shared, answers[i]);
    }
    for (int i = 0; i <= READERS; i++) assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    if (with_vandal) {
        assert_int_equal(kill(breaker, SIGKILL), 0);
        assert_int_equal(waitpid(breaker, NULL, 0), breaker);
    }
    for (int i = 0; i <= READERS; i++) expect_done(answers[i]);
    Answer answer = in_child(run_check, &(Run){.dir = pond});
    if (answer.count != 1) fail_msg("%s %s", answer.words[0], answer.words[1]);
}

static void readers_and_a_writer(void **state)
{
    (void)state;
    run_together(false);
}

static void and_a_vandal(void **state)
{
    (void)state;
    run_together(true);
}

/* ---- a pond that cannot be written ---- */

static Err *as_reader(const char *dir, const char *tmp)
{
    CLEANUP(pond_close_at) Pond *p = NULL;
    TRY(pond_open(dir, &(PondOptions){.command = "pond list"}, &p));
    Node node;
    bool found = false;
    int number = 1;
    TRY(tlog_op_lookup(pond_tlog(p), arena, NODE_ROOT, "n00000", &found, &node));
    if (!found) return ERR(INTERNAL, "the directory is not there");
    if (!text_starts(pond_temp_dir(p), tmp))
        return ERR(INTERNAL, "temporary files in %s", pond_temp_dir(p));
    cache_put(pond_cache(p), "kind", "key", "value", 5);
    Err *error = pond_transact(p, add_numbered, &number, NULL);
    if (error == NULL) return ERR(INTERNAL, "it was written");
    ErrCode code = err_code(error);
    err_free(error);
    return code == ERR_IO ? NULL : ERR(INTERNAL, "refused as %s", err_code_name(code));
}

static void read_only(const void *context, FILE *answer)
{
    const char *tmp = arena_printf(arena, "%s/tmp-of-reader", root), *dir = context;
    (void)setenv("TMPDIR", tmp, 1);
    (void)setenv("XDG_CACHE_HOME", path_join(arena, tmp, "cache"), 1);
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(1);
    Err *error = as_reader(dir, tmp);
    (void)fprintf(answer, "%s\n", error == NULL ? "done" : err_message(error));
}

static void a_pond_that_cannot_be_written(void **state)
{
    (void)state;
    Shared shared = {.dir = pond, .rounds = 1};
    const char *tmp = arena_printf(arena, "%s/tmp-of-reader", root);
    OK(os_mkdirs(tmp));
    assert_int_equal(chmod(tmp, 0777) + chmod(program_root, 0755), 0);
    pid_t maker = fork();
    if (maker == 0) {
        err_free(pond_init(pond, "here", &(PondOptions){.command = "pond init"}));
        _exit(0);
    }
    assert_int_equal(waitpid(maker, NULL, 0), maker);
    assert_string_equal(in_child(write_many, &shared).words[0], "done");
    shell(arena_printf(arena, "chmod -R a-w,a+rX %s", pond));
    shell(arena_printf(arena, "ls -lR %s | md5sum >%s/before", pond, root));
    assert_string_equal(in_child(read_only, pond).words[0], "done");
    shell(arena_printf(arena, "ls -lR %s | md5sum | cmp - %s/before", pond, root));
    shell(arena_printf(arena, "rm -rf %s/cache && mkdir %s/cache && chmod a-w %s/cache", pond, pond,
                       pond));
    assert_string_equal(in_child(read_only, pond).words[0], "done");
    shell(arena_printf(arena, "chmod -R u+w %s", pond));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readers_and_a_writer),
        TEST(and_a_vandal),
        TEST(a_pond_that_cannot_be_written),
    };
    return RUN("together", tests);
}
