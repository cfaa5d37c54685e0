/* The steward: transactions under the lock, what a second writer is told, a lost race, upkeep,
 * temporary folders. */
#include "steward/pond_int.h"
#include "tlogfs/tlog_check.h"

static const PondOptions OPTIONS = {.command = "pond mkdir /a"};

static Pond *open_steward(void)
{
    Pond *opened = NULL;
    OK(pond_open(pond, &OPTIONS, &opened));
    return opened;
}

static Pond *new_steward(void)
{
    OK(pond_init(pond, NULL, &(PondOptions){.command = "pond init"}));
    return open_steward();
}

static Err *make_named(void *context, Pond *p)
{
    SCRATCH(scratch);
    Node node = {.parent = NODE_ROOT, .name = context, .type = ENTRY_DIR};
    FsBackend backend = pond_backend(p);
    return backend.ops->create(backend.self, scratch, &node, NULL);
}

static Err *make_and_fail(void *context, Pond *p)
{
    TRY(make_named(context, p));
    return ERR(INVALID, "the body failed");
}

static bool has(Pond *p, const char *name)
{
    Node node;
    bool found = false;
    FsBackend backend = pond_backend(p);
    OK(backend.ops->lookup(backend.self, arena, NODE_ROOT, name, &found, &node));
    return found;
}

static void transact_commits(void **state)
{
    (void)state;
    Pond *p = new_steward();
    TlogCommitted done = {0};
    assert_string_equal(pond_info(p)->birthplace, os_hostname());
    OK(pond_transact(p, make_named, (char[]){"a"}, &done));
    assert_int_equal(done.txn, 2);
    assert_int_equal(done.log_version, 1);
    pond_close_at(&p);
    p = open_steward();
    assert_true(has(p, "a"));
    TlogEntry *entries = NULL;
    size_t count = 0;
    OK(tlog_history(arena, pond_tlog(p), -1, 1, &entries, &count));
    assert_string_equal(entries[0].command, "pond mkdir /a");
    assert_string_equal(entries[0].user, os_username());
    assert_string_equal(entries[0].host, os_hostname());
    pond_close_at(&p);
}

static void failing_body_changes_nothing(void **state)
{
    (void)state;
    Pond *p = new_steward();
    TlogCommitted done = {.txn = 77};
    const char *before = check_whole(pond_tlog(p));
    FAILS(pond_transact(p, make_and_fail, (char[]){"a"}, &done), INVALID, "the body failed");
    assert_int_equal(done.txn, 77);
    assert_false(has(p, "a"));
    assert_int_equal(pond_info(p)->log_version, 0);
    assert_string_equal(check_whole(pond_tlog(p)), before);
    OK(pond_transact(p, make_named, (char[]){"a"}, &done)); /* and the lock is free again */
    pond_close_at(&p);
}

static void rehearsal_changes_nothing(void **state)
{
    (void)state;
    Pond *p = new_steward();
    const char *before = check_whole(pond_tlog(p));
    OK(pond_rehearse(p, make_named, (char[]){"a"}));
    assert_false(has(p, "a"));
    FAILS(pond_rehearse(p, make_and_fail, (char[]){"a"}), INVALID, "the body failed");
    assert_int_equal(pond_info(p)->log_version, 0);
    assert_string_equal(check_whole(pond_tlog(p)), before);
    OK(pond_transact(p, make_named, (char[]){"a"}, NULL)); /* the lock is free, the state right */
    assert_int_equal(pond_info(p)->txn, 2);
    pond_close_at(&p);
}

static void acting_as_another(void **state)
{
    (void)state;
    Pond *p = new_steward();
    TlogEntry *entries = NULL;
    size_t count = 0;
    OK(pond_transact(p, make_named, (char[]){"a"}, NULL));
    pond_act_as(p, "pond run /x # after transaction 2", 0);
    OK(pond_transact(p, make_named, (char[]){"b"}, NULL));
    OK(tlog_history(arena, pond_tlog(p), -1, 2, &entries, &count));
    assert_string_equal(entries[0].command, "pond run /x # after transaction 2");
    assert_string_equal(entries[1].command, "pond mkdir /a");
    pond_close_at(&p);
}

/* In another process: holds the lock until told to end. */
typedef struct Holder {
    pid_t pid;
    int go, told;
} Holder;

static Err *hold(void *context, Pond *p)
{
    const Holder *holder = context;
    char byte = 'x';
    (void)p;
    if (write(holder->told, &byte, 1) != 1 || read(holder->go, &byte, 1) < 0)
        return ERR(IO, "the pipe is broken");
    return NULL;
}

static Holder start_holder(void)
{
    int go[2], told[2];
    assert_int_equal(pipe(go) + pipe(told), 0);
    Holder holder = {.pid = fork(), .go = go[1], .told = told[0]};
    if (holder.pid == 0) {
        Holder mine = {.go = go[0], .told = told[1]};
        (void)close(go[1]);
        Pond *p = NULL;
        Err *error = pond_open(pond, &(PondOptions){.command = "pond copy big"}, &p);
        if (error == NULL) error = pond_transact(p, hold, &mine, NULL);
        _exit(error == NULL ? 0 : 1);
    }
    (void)close(go[0]);
    char byte = 0;
    assert_int_equal(read(holder.told, &byte, 1), 1);
    return holder;
}

static void end_holder(Holder *holder)
{
    int status = 0;
    (void)close(holder->go);
    assert_int_equal(waitpid(holder->pid, &status, 0), holder->pid);
    assert_int_equal(status, 0);
}

static void second_writer_is_told_who(void **state)
{
    (void)state;
    Pond *p = new_steward();
    Holder holder = start_holder();
    Err *error = pond_transact(p, make_named, (char[]){"a"}, NULL);
    assert_non_null(error);
    assert_int_equal(err_code(error), ERR_LOCKED);
    assert_non_null(strstr(err_message(error), "pond copy big"));
    assert_non_null(strstr(err_message(error), arena_printf(arena, "process %d", (int)holder.pid)));
    assert_non_null(strstr(err_message(error), os_hostname()));
    assert_non_null(strstr(err_message(error), " since 20"));
    assert_non_null(err_hint_text(error));
    err_free(error);
    assert_false(has(p, "a")); /* reading needs no lock */
    end_holder(&holder);
    OK(pond_transact(p, make_named, (char[]){"a"}, NULL));
    pond_close_at(&p);
}

static void waiting_for_the_lock(void **state)
{
    (void)state;
    Pond *p = new_steward();
    pond_close_at(&p);
    Holder holder = start_holder();
    OK(pond_open(pond, &(PondOptions){.command = "pond mkdir", .wait_ms = 60}, &p));
    FAILS(pond_transact(p, make_named, (char[]){"a"}, NULL), LOCKED, "locked by");
    pond_close_at(&p);
    OK(pond_open(pond, &(PondOptions){.command = "pond mkdir", .wait_ms = 60000}, &p));
    pid_t releaser = fork();
    if (releaser == 0) {
        (void)usleep(150000);
        _exit(kill(holder.pid, SIGKILL));
    }
    (void)close(holder.told);
    OK(pond_transact(p, make_named, (char[]){"a"}, NULL)); /* a killed holder holds nothing */
    assert_int_equal(waitpid(releaser, NULL, 0), releaser);
    assert_int_equal(waitpid(holder.pid, NULL, 0), holder.pid);
    (void)close(holder.go);
    check_whole(pond_tlog(p));
    pond_close_at(&p);
}

/* Commits behind the steward's back while its body runs, `losses` times. */
typedef struct Rival {
    int runs, losses;
} Rival;

static Err *lose_race(void *context, Pond *p)
{
    Rival *rival = context;
    TRY(make_named((char[]){"mine"}, p));
    if (rival->runs++ >= rival->losses) return NULL;
    TlogCommitted done;
    Tlog *other = NULL;
    TRY(tlog_open(pond, (TlogOptions){.no_index = true}, &other));
    Err *error = tlog_begin(other);
    if (error == NULL)
        (void)make(other, NODE_ROOT, arena_printf(arena, "theirs%d", rival->runs), ENTRY_DIR);
    if (error == NULL) error = tlog_commit(other, &WHO, &done);
    tlog_close_at(&other);
    return error;
}

static void lost_race_runs_once_more(void **state)
{
    (void)state;
    Pond *p = new_steward();
    Rival rival = {.losses = 1};
    TlogCommitted done;
    OK(pond_transact(p, lose_race, &rival, &done));
    assert_int_equal(rival.runs, 2);
    assert_int_equal(done.txn, 3);
    assert_true(has(p, "mine") && has(p, "theirs1"));
    rival = (Rival){.losses = 9};
    OK(pond_transact(p, make_named, (char[]){"x"}, NULL));
    check_whole(pond_tlog(p));
    pond_close_at(&p);
}

static void twice_lost_is_a_conflict(void **state)
{
    (void)state;
    Pond *p = new_steward();
    Rival rival = {.losses = 2};
    FAILS(pond_transact(p, lose_race, &rival, NULL), CONFLICT, "first");
    assert_int_equal(rival.runs, 2);
    assert_false(has(p, "mine"));
    check_whole(pond_tlog(p));
    pond_close_at(&p);
}

static void checkpoint_follows_the_ninth_commit(void **state)
{
    (void)state;
    Pond *p = new_steward();
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pond_info(p)->checkpoint_version, -1);
        OK(pond_transact(p, make_named, arena_printf(arena, "n%d", i), NULL));
    }
    assert_int_equal(pond_info(p)->checkpoint_version, 9);
    assert_int_equal(pond_info(p)->log_version, 9);
    assert_int_equal(pond_info(p)->log_files, 1);
    assert_int_equal(pond_info(p)->txn, 9);
    check_whole(pond_tlog(p));
    pond_close_at(&p);
}

static void failed_checkpoint_is_a_warning(void **state)
{
    (void)state;
    Pond *p = new_steward();
    log_set_level(LOG_QUIET);
    for (int i = 0; i < 7; i++)
        OK(pond_transact(p, make_named, arena_printf(arena, "n%d", i), NULL));
    /* The ninth commit writes one entry; the next link belongs to the merge. */
    OK(os_fault_set("origin=ours,class=log,op=link,nth=2,do=eio"));
    TlogCommitted done = {0};
    OK(pond_transact(p, make_named, (char[]){"last"}, &done));
    OK(os_fault_set(NULL));
    assert_int_equal(done.txn, 9);
    assert_int_equal(pond_info(p)->checkpoint_version, -1);
    check_whole(pond_tlog(p));
    OK(pond_transact(p, make_named, (char[]){"next"}, &done));
    assert_int_equal(pond_info(p)->checkpoint_version, pond_info(p)->log_version);
    log_set_level(LOG_NORMAL);
    check_whole(pond_tlog(p));
    pond_close_at(&p);
}

static void temp_folders_come_and_go(void **state)
{
    (void)state;
    Pond *p = new_steward();
    const char *dir = pond_temp_dir(p);
    assert_ptr_equal(dir, pond_temp_dir(p));
    assert_true(exists_file(dir));
    OK(os_mkdirs(path_join(arena, pond, "tmp/run-dead")));
    OK(os_replace_file(path_join(arena, pond, "tmp/run-dead.lock"), "", 0));
    OK(os_mkdirs(path_join(arena, pond, "tmp/txn-dead/x")));
    PondRecovered done;
    OK(pond_recover(p, &done));
    assert_int_equal(done.staging_removed, 2);
    assert_false(done.index_rebuilt);
    assert_true(exists_file(dir));
    assert_false(exists_file(path_join(arena, pond, "tmp/run-dead")));
    assert_false(exists_file(path_join(arena, pond, "tmp/run-dead.lock")));
    assert_false(exists_file(path_join(arena, pond, "tmp/txn-dead")));
    Pond *other = open_steward(); /* a living one's folder is left alone */
    OK(pond_recover(other, &done));
    assert_int_equal(done.staging_removed, 0);
    assert_true(exists_file(dir));
    pond_close_at(&other);
    dir = arena_strdup(arena, dir);
    pond_close_at(&p);
    assert_false(exists_file(dir));
    assert_false(exists_file(arena_printf(arena, "%s.lock", dir)));
}

static void settings_are_checked(void **state)
{
    (void)state;
    OK(pond_setting_check("retain", "2h"));
    OK(pond_setting_check("retain", NULL));
    FAILS(pond_setting_check("retain", "soon"), INVALID, "retain");
    Err *error = pond_setting_check("retian", "2h");
    assert_int_equal(err_code(error), ERR_NOT_FOUND);
    assert_non_null(strstr(err_hint_text(error), "'retain'"));
    err_free(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(transact_commits),
        TEST(failing_body_changes_nothing),
        TEST(rehearsal_changes_nothing),
        TEST(acting_as_another),
        TEST(second_writer_is_told_who),
        TEST(waiting_for_the_lock),
        TEST(lost_race_runs_once_more),
        TEST(twice_lost_is_a_conflict),
        TEST(checkpoint_follows_the_ninth_commit),
        TEST(failed_checkpoint_is_a_warning),
        TEST(temp_folders_come_and_go),
        TEST(settings_are_checked),
    };
    return RUN("pond", tests);
}
