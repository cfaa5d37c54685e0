/* The worker pool: every job once, the longest first, one error of several, and nothing after it.
 */
#include "export_test.h"
#include <stdatomic.h>

typedef struct Note {
    int number;
    Err *(*refuse)(void);
    int runs, turn; /* how often, and as the how-manieth */
    bool meets;     /* goes on only when another has begun too */
    long sleep_us;
} Note;

static atomic_int turns;

static Err *note_run(void *self, Worker *worker)
{
    Note *note = self;
    worker->bytes = 10;
    note->runs++;
    note->turn = atomic_fetch_add(&turns, 1);
    (void)arena_alloc(worker->arena, 1000);
    while (note->meets && atomic_load(&turns) < 2) (void)usleep(100);
    (void)usleep((useconds_t)note->sleep_us);
    return note->refuse != NULL ? note->refuse() : NULL;
}

static Err *fail_invalid(void)
{
    return ERR(INVALID, "invalid");
}

static Err *fail_corrupt(void)
{
    return ERR(CORRUPT, "corrupt");
}

static Err *fail_interrupted(void)
{
    return ERR(INTERRUPTED, "interrupted");
}

enum { COUNT = 200 };
static Note notes[COUNT];
static Job jobs[COUNT];

static void make_jobs(void)
{
    atomic_store(&turns, 0);
    for (int i = 0; i < COUNT; i++) {
        notes[i] = (Note){.number = i};
        jobs[i] = (Job){
            .run = note_run, .self = &notes[i], .cost = i, .rows = 2, .files = 1, .label = "job"};
    }
}

static void test_every_job_once(void **state)
{
    (void)state;
    ExportOptions options = options_new();
    for (int threads = 1; threads <= 8; threads *= 2) {
        JobPool pool = {
            .threads = threads, .options = &options, .progress = {.partitions_done = 5}};
        make_jobs();
        OK(jobs_run(&pool, jobs, COUNT));
        for (int i = 0; i < COUNT; i++) assert_int_equal(notes[i].runs, 1);
        if (threads == 1)
            for (int i = 0; i < COUNT; i++) assert_int_equal(notes[i].turn, COUNT - 1 - i);
        assert_int_equal(pool.progress.partitions_done, 5 + COUNT);
        assert_int_equal(pool.progress.rows_done, 2 * COUNT);
        assert_int_equal(pool.progress.bytes_done, 10 * COUNT);
    }
}

static void test_nothing_after_an_error(void **state)
{
    (void)state;
    JobPool pool = {.threads = 1};
    make_jobs();
    notes[COUNT - 3].refuse = fail_invalid;
    FAILS(jobs_run(&pool, jobs, COUNT), INVALID, "invalid");
    assert_int_equal(atomic_load(&turns), 3);
}

/* Both fail while the other runs; the one given first counts, unless it only tells of the
 * interrupt. */
static void test_one_error_of_two(void **state)
{
    (void)state;
    JobPool pool = {.threads = 2};
    for (int round = 0; round < 4; round++) {
        make_jobs();
        notes[0].refuse = round == 3 ? fail_interrupted : fail_invalid;
        notes[1].refuse = fail_corrupt;
        notes[0].meets = notes[1].meets = true;
        notes[round % 2].sleep_us = 20000;
        if (round == 3)
            FAILS(jobs_run(&pool, jobs, 2), CORRUPT, "corrupt");
        else
            FAILS(jobs_run(&pool, jobs, 2), INVALID, "invalid");
    }
}

static void test_thread_count(void **state)
{
    (void)state;
    ExportOptions options = {.threads = 3};
    assert_int_equal(jobs_thread_count(&options), 3);
    options.memory_bytes = 130 * 1000 * 1000;
    assert_int_equal(jobs_thread_count(&options), 2);
    options.memory_bytes = 1;
    assert_int_equal(jobs_thread_count(&options), 1);
    options = (ExportOptions){.threads = 1000};
    assert_int_equal(jobs_thread_count(&options), 6); /* 400 MB, 60 each */
    options = (ExportOptions){0};
    assert_in_range(jobs_thread_count(&options), 1, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_job_once),
        TEST(test_nothing_after_an_error),
        TEST(test_one_error_of_two),
        TEST(test_thread_count),
    };
    return cmocka_run_group_tests_name("execute", tests, NULL, NULL);
}
