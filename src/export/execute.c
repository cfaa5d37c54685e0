/* The worker pool: jobs longest first, one client thread and one engine connection each.
 *
 * Parallelism is several statements at once, each on one thread (the determinism contract), so
 * which worker runs what, and when, never shows in the output. The calling thread runs no jobs: it
 * reports progress and hears interrupts.
 *
 * Failure: the first job that fails stops the queue and interrupts the statements that run; of
 * several failures the one of the job given first is returned, others are what the interrupt made
 * of them. */
#include "export/export_int.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { JOB_MEMORY_BYTES = 60 * 1000 * 1000, THREADS_MAX = 64, TICK_MS = 200 };
static const int64_t MEMORY_DEFAULT_BYTES = 400 * 1000 * 1000;

/* What a worker is at, for whoever tells the progress. Written under the queue's mutex, but for the
 * connection: that is closed only after it was taken away here under the mutex. */
typedef struct Slot {
    size_t job;
    int64_t begun_us; /* 0: at nothing */
    _Atomic(Conn *) conn;
    _Atomic double part; /* done, as the job tells it */
} Slot;

typedef struct Queue {
    pthread_mutex_t mutex;
    pthread_cond_t ended; /* a worker has ended */
    const Job *jobs;
    const size_t *order; /* positions in jobs, longest first */
    size_t count, next;
    int running; /* workers */
    int busy;    /* of them, with a job */
    ExportWork work;
    bool stopped;
    Err *error;
    size_t error_job;
    ExportProgress progress;
    Slot slots[THREADS_MAX];
    int slot_count;
    double ended_work_s; /* predicted of the jobs that have ended, */
    int64_t ended_us;    /* and what they took */
} Queue;

Err *worker_conn(Worker *worker, Conn **out)
{
    TRY(engine_connect_once(&worker->conn));
    atomic_store(&worker->slot->conn, worker->conn);
    *out = worker->conn;
    return NULL;
}

void worker_tell(Worker *worker, double part)
{
    atomic_store(&worker->slot->part, part);
}

/* That this process may run on. */
static int cpu_count(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

int jobs_thread_count(const ExportOptions *options)
{
    int64_t memory = options->memory_bytes > 0 ? options->memory_bytes : MEMORY_DEFAULT_BYTES;
    int64_t fit = memory / JOB_MEMORY_BYTES;
    int64_t threads = options->threads > 0 ? options->threads : cpu_count();
    if (threads > fit) threads = fit;
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    return threads < 1 ? 1 : (int)threads;
}

static bool queue_take(Queue *queue, Slot *slot, size_t *out_job)
{
    bool taken = false;
    pthread_mutex_lock(&queue->mutex);
    if (!queue->stopped && queue->next < queue->count) {
        *out_job = queue->order[queue->next++];
        queue->progress.target = queue->jobs[*out_job].label;
        slot->job = *out_job;
        atomic_store(&slot->part, 0);
        slot->begun_us = os_monotonic_us();
        taken = true;
    }
    pthread_mutex_unlock(&queue->mutex);
    return taken;
}

/* An interrupt that a failure caused tells nothing: it never takes the place of that failure. */
static bool is_better(const Queue *queue, const Err *err, size_t job)
{
    if (queue->error == NULL) return true;
    bool had = err_code(queue->error) == ERR_INTERRUPTED, has = err_code(err) == ERR_INTERRUPTED;
    return had != has ? had : job < queue->error_job;
}

static void queue_done(Queue *queue, Slot *slot, int64_t bytes, Err *err)
{
    size_t job = slot->job;
    pthread_mutex_lock(&queue->mutex);
    queue->ended_work_s += queue->jobs[job].work_s;
    queue->ended_us += os_monotonic_us() - slot->begun_us;
    slot->begun_us = 0;
    bool first = err != NULL && !queue->stopped;
    if (err == NULL) {
        queue->progress.partitions_done += queue->jobs[job].files;
        queue->progress.rows_done += queue->jobs[job].rows;
        queue->progress.work_done += queue->jobs[job].work_s;
        queue->progress.bytes_done += bytes;
    } else if (is_better(queue, err, job)) {
        err_free(queue->error);
        queue->error = err;
        queue->error_job = job;
    } else {
        err_free(err);
    }
    if (err != NULL) queue->stopped = true;
    pthread_mutex_unlock(&queue->mutex);
    if (first) engine_interrupt();
}

/* Runs a job, and records that a worker is busy meanwhile. */
static Err *run_job(Queue *queue, const Job *job, Worker *worker)
{
    pthread_mutex_lock(&queue->mutex);
    if (++queue->busy > queue->work.busy_most) queue->work.busy_most = queue->busy;
    pthread_mutex_unlock(&queue->mutex);
    int64_t begun_us = os_monotonic_us();
    Err *err = job->run(job->self, worker);
    pthread_mutex_lock(&queue->mutex);
    queue->busy--;
    queue->work.jobs++;
    queue->work.busy_us += os_monotonic_us() - begun_us;
    pthread_mutex_unlock(&queue->mutex);
    return err;
}

static void *work(void *argument)
{
    Queue *queue = argument;
    pthread_mutex_lock(&queue->mutex);
    Worker worker = {.arena = arena_new(), .slot = &queue->slots[queue->slot_count++]};
    pthread_mutex_unlock(&queue->mutex);
    size_t job;
    while (queue_take(queue, worker.slot, &job)) {
        Err *err = run_job(queue, &queue->jobs[job], &worker);
        queue_done(queue, worker.slot, worker.bytes, err);
        arena_reset(worker.arena);
        worker.bytes = 0;
    }
    pthread_mutex_lock(&queue->mutex);
    atomic_store(&worker.slot->conn, NULL);
    pthread_mutex_unlock(&queue->mutex);
    engine_disconnect_at(&worker.conn);
    arena_free(worker.arena);
    pthread_mutex_lock(&queue->mutex);
    queue->running--;
    pthread_cond_signal(&queue->ended);
    pthread_mutex_unlock(&queue->mutex);
    return NULL;
}

static struct timespec after_ms(long ms)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += ms * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

/* How much of a running job is done: as it tells, as the engine has it, or by the pace of the jobs
 * before. */
static double part_done(const Queue *queue, const Slot *slot)
{
    static const double MOST = 0.95;
    double predicted_s = queue->jobs[slot->job].work_s, part = atomic_load(&slot->part);
    if (part > 0) return part < MOST ? part : MOST;
    Conn *conn = atomic_load(&slot->conn);
    double percent = conn != NULL ? engine_progress(conn) : -1;
    if (percent > 0) part = percent / 100;
    if (queue->ended_work_s > 0 && predicted_s > 0) {
        double pace = (double)queue->ended_us / 1e6 / queue->ended_work_s;
        double passed = (double)(os_monotonic_us() - slot->begun_us) / 1e6 / (predicted_s * pace);
        if (passed > part) part = passed;
    }
    return part < MOST ? part : MOST;
}

/* With what the running jobs have done so far. Under the mutex. */
static ExportProgress progress_now(const Queue *queue)
{
    ExportProgress progress = queue->progress;
    for (int i = 0; i < queue->slot_count; i++)
        if (queue->slots[i].begun_us != 0)
            progress.work_done +=
                queue->jobs[queue->slots[i].job].work_s * part_done(queue, &queue->slots[i]);
    return progress;
}

/* Until the last worker has ended. */
static void supervise(Queue *queue, const ExportOptions *options)
{
    bool interrupted = false;
    pthread_mutex_lock(&queue->mutex);
    while (queue->running > 0) {
        struct timespec until = after_ms(TICK_MS);
        (void)pthread_cond_timedwait(&queue->ended, &queue->mutex, &until);
        bool tells = options != NULL && options->progress != NULL;
        ExportProgress progress = tells ? progress_now(queue) : queue->progress;
        bool stop = options != NULL && !interrupted && os_interrupted();
        if (stop) queue->stopped = interrupted = true;
        pthread_mutex_unlock(&queue->mutex);
        if (stop) engine_interrupt();
        if (tells) options->progress(options->context, &progress);
        pthread_mutex_lock(&queue->mutex);
    }
    pthread_mutex_unlock(&queue->mutex);
}

/* Longest first, then as given. */
static int order_compare(const void *a, const void *b, void *context)
{
    const Job *jobs = context;
    size_t left = *(const size_t *)a, right = *(const size_t *)b;
    if (jobs[left].cost != jobs[right].cost) return jobs[left].cost > jobs[right].cost ? -1 : 1;
    return (left > right) - (left < right);
}

static Err *start_workers(Queue *queue, pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++) {
        pthread_mutex_lock(&queue->mutex);
        queue->running++;
        pthread_mutex_unlock(&queue->mutex);
        int rc = pthread_create(&threads[i], NULL, work, queue);
        if (rc == 0) continue;
        pthread_mutex_lock(&queue->mutex);
        queue->running--;
        queue->stopped = true;
        pthread_mutex_unlock(&queue->mutex);
        for (int k = 0; k < i; k++) (void)pthread_join(threads[k], NULL);
        return ERR_ERRNO(rc, "start a worker");
    }
    return NULL;
}

Err *jobs_run(JobPool *pool, const Job *jobs, size_t count)
{
    if (count == 0) return NULL;
    SCRATCH(scratch);
    size_t *order = AARRAY(scratch, size_t, count);
    for (size_t i = 0; i < count; i++) order[i] = i;
    qsort_r(order, count, sizeof *order, order_compare, (void *)(uintptr_t)jobs);
    Queue queue = {.jobs = jobs,
                   .order = order,
                   .count = count,
                   .progress = pool->progress,
                   .work = pool->work};
    int64_t begun_us = os_monotonic_us();
    pthread_mutex_init(&queue.mutex, NULL);
    pthread_cond_init(&queue.ended, NULL);

    int thread_count = (size_t)pool->threads < count ? pool->threads : (int)count;
    pthread_t *threads = AARRAY(scratch, pthread_t, thread_count);
    Err *err = start_workers(&queue, threads, thread_count);
    if (err == NULL) {
        supervise(&queue, pool->options);
        for (int i = 0; i < thread_count; i++) (void)pthread_join(threads[i], NULL);
    }
    pool->progress = queue.progress;
    pool->work = queue.work;
    pool->work.wall_us += os_monotonic_us() - begun_us;
    if (thread_count > pool->work.threads) pool->work.threads = thread_count;
    pthread_cond_destroy(&queue.ended);
    pthread_mutex_destroy(&queue.mutex);
    if (err == NULL && pool->options != NULL) err = os_check_interrupt();
    if (err == NULL) return queue.error;
    err_free(queue.error);
    return err;
}

/* ---- fsync ---- */

static Err *sync_file(void *path, Worker *worker)
{
    (void)worker;
    return os_sync_path(path);
}

static Err *sync_dir(void *path, Worker *worker)
{
    (void)worker;
    return os_sync_dir(path);
}

static Err *sync_all(Err *(*run)(void *, Worker *), const char *const *paths, size_t count)
{
    enum { THREADS = 8 };
    SCRATCH(scratch);
    Job *jobs = AARRAY(scratch, Job, count);
    for (size_t i = 0; i < count; i++)
        jobs[i] = (Job){.run = run, .self = (void *)(uintptr_t)paths[i], .label = paths[i]};
    JobPool pool = {.threads = toggle_on(TOGGLE_shared_sync) ? THREADS : 1};
    return jobs_run(&pool, jobs, count);
}

Err *sync_files(const char *const *paths, size_t count)
{
    return sync_all(sync_file, paths, count);
}

Err *sync_dirs(const char *const *paths, size_t count)
{
    return sync_all(sync_dir, paths, count);
}
