/* Fault and crash sweeps: a body is run with the 1st, 2nd, ... n-th file call failing (or the
 * process ending there) until it passes the last; after each run the pond must be as before or as
 * after the body, whole, and usable.
 *
 * Bodies and checks run in processes of their own, each on a copy of a template pond, because a
 * crash ends the process and because the engine does not survive fork. What they find comes back
 * through a file. */
#pragma once
#include "steward/pond_int.h"
#include "tlogfs/tlog_check.h"

typedef struct SweepBody {
    const char *name;
    int commits; /* of the template, before the body; -1: no pond at all */
    Err *(*run)(const char *dir);
    bool same_root; /* it does not change the content */
} SweepBody;

/* Of a child: what it wrote to `root`/answer, one word a line; its exit status. */
typedef struct Answer {
    int status;
    char words[6][80];
    int count;
} Answer;

typedef void ChildMain(const void *context, FILE *answer);

static inline Answer in_child(ChildMain *main, const void *context)
{
    Answer answer = {0};
    const char *path = path_join(arena, root, "answer");
    (void)unlink(path);
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        FILE *file = fopen(path, "w");
        (void)setvbuf(file, NULL, _IOLBF, 256);
        main(context, file);
        (void)fclose(file);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &answer.status, 0), pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && answer.count < 6 &&
           fgets(answer.words[answer.count], 80, file) != NULL) {
        answer.words[answer.count][strcspn(answer.words[answer.count], "\n")] = '\0';
        answer.count++;
    }
    if (file != NULL) (void)fclose(file);
    return answer;
}

static inline void shell(const char *command)
{
    int status = system(command);
    if (status != 0) fail_msg("%s: %d", command, status);
}

/* ---- bodies' vocabulary ---- */

static inline Err *transact_in(const char *dir, PondBody *body, void *context)
{
    CLEANUP(pond_close_at) Pond *p = NULL;
    TRY(pond_open(dir, &(PondOptions){.command = "pond sweep"}, &p));
    return pond_transact(p, body, context, NULL);
}

static inline Err *sweep_create(Pond *p, NodeId parent, const char *name, EntryType type, Node *out)
{
    Node given = {.parent = parent, .name = name, .type = type};
    return tlog_op_create(pond_tlog(p), arena, &given, out);
}

static inline Err *sweep_text(Pond *p, NodeId id, const char *text)
{
    VersionSpec spec = {.meta = {.bytes = text, .size_bytes = (int64_t)strlen(text), .rows = -1}};
    return tlog_op_append(pond_tlog(p), id, &spec, NULL);
}

/* Through our own calls, so that staging is swept too. */
static inline Err *sweep_blob(Pond *p, NodeId id, int seed, size_t size)
{
    char *bytes = arena_alloc(arena, size);
    for (size_t i = 0; i < size; i++) bytes[i] = (char)(i * 31 + (size_t)seed);
    VersionSpec spec = {.meta = {.size_bytes = (int64_t)size, .parquet = true, .rows = 3}};
    sha256_of(bytes, size, spec.meta.sha256);
    spec.staged_path = arena_printf(arena, "%s/blob-%d", tlog_op_staging_dir(pond_tlog(p)), seed);
    OsFile *file = NULL;
    TRY(os_open_new(spec.staged_path, &file));
    Err *error = os_write(file, bytes, size);
    Err *closed = os_close(file);
    if (error == NULL)
        error = closed;
    else
        err_free(closed);
    TRY(error);
    return tlog_op_append(pond_tlog(p), id, &spec, NULL);
}

static inline Err *sweep_find(Pond *p, const char *name, Node *out)
{
    bool found = false;
    TRY(tlog_op_lookup(pond_tlog(p), arena, NODE_ROOT, name, &found, out));
    return found ? NULL : ERR(NOT_FOUND, "%s", name);
}

/* ---- children ---- */

typedef struct Run {
    const SweepBody *body;
    const char *dir, *plan;
} Run;

static inline Err *sweep_again(void *context, Pond *p)
{
    (void)context;
    return sweep_create(p, NODE_ROOT, "again", ENTRY_DIR, NULL);
}

static inline Err *examine(const Run *run, TlogFsck *found)
{
    CLEANUP(pond_close_at) Pond *p = NULL;
    TRY(pond_open(run->dir, &(PondOptions){.command = "pond check"}, &p));
    TRY(tlog_fsck(arena, pond_tlog(p), (TlogFsckOptions){0}, found));
    if (found->problem_count > 0) return NULL;
    TlogFsck after = {0};
    TRY(pond_transact(p, sweep_again, NULL, NULL));
    TRY(tlog_fsck(arena, pond_tlog(p), (TlogFsckOptions){.quick = true}, &after));
    if (after.problem_count > 0) *found = after;
    return NULL;
}

/* Answers: the root fingerprint, or what is wrong. */
static inline void run_check(const void *context, FILE *answer)
{
    const Run *run = context;
    TlogFsck found = {0};
    log_set_level(LOG_QUIET);
    Err *error = examine(run, &found);
    if (error != NULL && err_code(error) == ERR_NOT_A_POND) {
        err_free(error);
        (void)fprintf(answer, "none\n");
        error = pond_init(run->dir, "here", &(PondOptions){.command = "pond init"});
        if (error == NULL) error = examine(run, &found);
    } else if (error == NULL && found.problem_count == 0) {
        (void)fprintf(answer, "%s\n", found.root);
    }
    if (error != NULL) (void)fprintf(answer, "error\n%.75s\n", err_message(error));
    if (found.problem_count > 0) (void)fprintf(answer, "fsck\n%.75s\n", found.problems[0].what);
    engine_shutdown();
}

/* Answers: how many calls the plan saw, how the body ended, why; then as run_check. */
static inline void run_body(const void *context, FILE *answer)
{
    const Run *run = context;
    tlog_register_classes(run->dir);
    log_set_level(LOG_QUIET);
    err_free(os_fault_set(run->plan));
    Err *error = run->body->run(run->dir);
    uint64_t seen = os_fault_seen();
    err_free(os_fault_set(NULL));
    (void)fprintf(answer, "%llu\n%s\n%.70s\n", (unsigned long long)seen,
                  error == NULL ? "done" : err_code_name(err_code(error)),
                  error == NULL ? "" : err_message(error));
    run_check(run, answer);
}

/* ---- the sweep ---- */

static inline Err *sweep_fill(void *context, Pond *p)
{
    int number = *(int *)context;
    Node node;
    if (number == 0) {
        TRY(sweep_create(p, NODE_ROOT, "dir", ENTRY_DIR, NULL));
        TRY(sweep_create(p, NODE_ROOT, "series", ENTRY_TABLE_SERIES, &node));
        TRY(sweep_blob(p, node.id, 1, 6000));
        TRY(sweep_create(p, NODE_ROOT, "data", ENTRY_DATA, &node));
        TRY(sweep_blob(p, node.id, 2, 7000));
    }
    TRY(sweep_find(p, "data", &node));
    return sweep_text(p, node.id, arena_printf(arena, "text %d", number));
}

static inline void make_template(const void *context, FILE *answer)
{
    const Run *run = context;
    Err *error = pond_init(run->dir, "here", &(PondOptions){.command = "pond init"});
    for (int i = 0; error == NULL && i < run->body->commits; i++)
        error = transact_in(run->dir, sweep_fill, &i);
    (void)fprintf(answer, "%s\n", error == NULL ? "done" : err_message(error));
    engine_shutdown();
}

typedef struct Sweep {
    const SweepBody *body;
    const char *before, *after; /* roots; "none": no pond */
    const char *template_dir, *dir;
    int runs;
} Sweep;

static inline void fresh_copy(const Sweep *sweep)
{
    shell(arena_printf(arena, "rm -rf %s", sweep->dir));
    if (sweep->body->commits >= 0)
        shell(arena_printf(arena, "cp -a %s %s", sweep->template_dir, sweep->dir));
}

/* The root among what run_check answered, from line `first` on. */
static inline const char *root_of(const Sweep *sweep, const char *what, const Answer *answer,
                                  int first)
{
    bool good = answer->status == 0 && answer->count == first + 1;
    if (!good) {
        fail_msg("%s: %s: status %d: %s %s", sweep->body->name, what, answer->status,
                 answer->words[first], answer->words[first + 1]);
    }
    return arena_strdup(arena, answer->words[first]);
}

static inline const char *check_root(const Sweep *sweep, const char *what)
{
    Run run = {sweep->body, sweep->dir, NULL};
    Answer answer = in_child(run_check, &run);
    return root_of(sweep, what, &answer, 0);
}

static inline Sweep sweep_begin(const SweepBody *body)
{
    Sweep sweep = {.body = body,
                   .template_dir = path_join(arena, root, "template"),
                   .dir = path_join(arena, root, "run")};
    Run make_it = {body, sweep.template_dir, NULL}, run = {body, sweep.dir, NULL};
    if (body->commits >= 0) assert_string_equal(in_child(make_template, &make_it).words[0], "done");
    fresh_copy(&sweep);
    sweep.before = body->commits < 0 ? "none" : check_root(&sweep, "template");
    fresh_copy(&sweep);
    Answer answer = in_child(run_body, &run);
    if (strcmp(answer.words[1], "done") != 0) fail_msg("%s: %s", body->name, answer.words[2]);
    sweep.after = root_of(&sweep, "without fault", &answer, 3);
    assert_int_equal(strcmp(sweep.before, sweep.after) == 0, body->same_root);
    return sweep;
}

/* One run with one plan. False: the body passed the last call. */
static inline bool sweep_run(Sweep *sweep, const char *plan, uint64_t nth)
{
    Run run = {sweep->body, sweep->dir, plan};
    fresh_copy(sweep);
    Answer answer = in_child(run_body, &run);
    bool crashed = WIFEXITED(answer.status) && WEXITSTATUS(answer.status) == 137;
    if (!crashed && answer.count < 2)
        fail_msg("%s: %s: status %d", sweep->body->name, plan, answer.status);
    if (!crashed && strtoull(answer.words[0], NULL, 10) < nth) return false;
    sweep->runs++;
    const char *got = crashed ? check_root(sweep, plan) : root_of(sweep, plan, &answer, 3);
    bool was = strcmp(got, sweep->before) == 0, is = strcmp(got, sweep->after) == 0;
    bool right = was || is;
    if (!crashed) right = strcmp(answer.words[1], "done") == 0 ? is : was;
    if (!right) {
        fail_msg("%s: %s: root %.8s (before %.8s, after %.8s), the body said %s: %s",
                 sweep->body->name, plan, got, sweep->before, sweep->after,
                 crashed ? "nothing" : answer.words[1], answer.words[2]);
    }
    return true;
}

static inline void sweep_all(Sweep *sweep, const char *who, const char *what)
{
    Arena *outer = arena;
    for (uint64_t nth = 1;; nth++) {
        arena = arena_new();
        const char *plan =
            arena_printf(outer, "%s,nth=%llu,do=%s", who, (unsigned long long)nth, what);
        bool more = sweep_run(sweep, plan, nth);
        arena_free(arena);
        arena = outer;
        if (!more) return;
    }
}

/* ---- the bodies ---- */

static inline Err *body_init(const char *dir)
{
    return pond_init(dir, "here", &(PondOptions){.command = "pond init"});
}

static inline Err *change_inline(void *context, Pond *p)
{
    (void)context;
    Node node;
    TRY(sweep_create(p, NODE_ROOT, "new", ENTRY_DIR, &node));
    TRY(sweep_create(p, node.id, "file", ENTRY_DATA, &node));
    return sweep_text(p, node.id, "hello");
}

static inline Err *body_inline(const char *dir)
{
    return transact_in(dir, change_inline, NULL);
}

static inline Err *change_blobs(void *context, Pond *p)
{
    (void)context;
    Node node;
    TRY(sweep_find(p, "series", &node));
    TRY(sweep_blob(p, node.id, 11, 9000));
    TRY(sweep_blob(p, node.id, 12, 5000));
    return sweep_blob(p, node.id, 1, 6000); /* is there already */
}

static inline Err *body_blobs(const char *dir)
{
    return transact_in(dir, change_blobs, NULL);
}

static inline Err *change_names(void *context, Pond *p)
{
    (void)context;
    Node dir, series, data;
    TRY(sweep_find(p, "dir", &dir));
    TRY(sweep_find(p, "series", &series));
    TRY(sweep_find(p, "data", &data));
    TRY(tlog_op_rename(pond_tlog(p), series.id, dir.id, "moved"));
    return tlog_op_remove(pond_tlog(p), data.id);
}

static inline Err *body_names(const char *dir)
{
    return transact_in(dir, change_names, NULL);
}

static inline Err *body_maintain(const char *dir)
{
    CLEANUP(pond_close_at) Pond *p = NULL;
    PondMaintained done;
    TRY(pond_open(dir, &(PondOptions){.command = "pond maintain"}, &p));
    return pond_maintain(p, (PondMaintain){.compact = true, .vacuum = true, .retain_us = 0}, &done);
}

static const SweepBody BODIES[] = {
    {"init", -1, body_init, false},
    {"inline", 1, body_inline, false},
    {"blobs", 1, body_blobs, false},
    {"rename and remove", 1, body_names, false},
    {"commit with checkpoint and merge", 7, body_inline, false}, /* the ninth commit */
    {"maintain", 3, body_maintain, true},
};

/* One test a body, which finds it in *state. */
static inline void sweep_tests(struct CMUnitTest *tests, CMUnitTestFunction test)
{
    for (size_t i = 0; i < sizeof BODIES / sizeof *BODIES; i++) {
        tests[i] = (struct CMUnitTest){.name = BODIES[i].name,
                                       .test_func = test,
                                       .initial_state = (void *)(uintptr_t)&BODIES[i]};
    }
}
