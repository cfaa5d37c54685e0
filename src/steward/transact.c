/* Transactions under the writer lock.
 *
 *   READING -> LOCKED -> CHANGING -> COMMITTED -> READING
 *                           |  ^ once more after a lost commit race
 *                           v  |
 *                        ABORTED ------------> READING
 *   LOCKED -> READING: maintenance without a transaction.
 *
 * The lock is flock(2) on POND/lock; while it is held the file says who holds it and since when, as
 * one line of JSON. An fsync'ed log entry is the commit; what follows (index, checkpoint with
 * merge) may fail and is then only a warning, because the next writer does it. The commit race can
 * only be lost to somebody who does not take the lock (another file system client, an older build);
 * the body then runs once more from the new state. */
#include "perf/ops.h"
#include "steward/pond_int.h"
#include <string.h>
#include <unistd.h>

static const bool ALLOWED[POND_STATE_COUNT][POND_STATE_COUNT] = {
    [POND_READING] = {[POND_LOCKED] = true},
    [POND_LOCKED] = {[POND_CHANGING] = true, [POND_READING] = true},
    [POND_CHANGING] = {[POND_COMMITTED] = true, [POND_ABORTED] = true},
    [POND_COMMITTED] = {[POND_READING] = true},
    [POND_ABORTED] = {[POND_CHANGING] = true, [POND_READING] = true},
};

static Err *move(Pond *pond, PondState to)
{
    if (!ALLOWED[pond->state][to]) {
        return ERR(INTERNAL, "a pond in state %d cannot go to %d", (int)pond->state, (int)to);
    }
    pond->state = to;
    return NULL;
}

TlogCommitInfo pond_who(const Pond *pond)
{
    return (TlogCommitInfo){.command = pond->command, .user = os_username(), .host = os_hostname()};
}

/* ---- the lock ---- */

static char *lock_note(Arena *arena, const Pond *pond)
{
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_int(&json, "pid", getpid());
    json_kv_str(&json, "host", os_hostname());
    json_kv_str(&json, "user", os_username());
    json_kv_str(&json, "command", pond->command);
    json_kv_str(&json, "since", time_format(arena, os_now() / US_PER_SECOND * US_PER_SECOND));
    json_end(&json);
    buf_putc(&text, '\n');
    return text.data;
}

static Err *locked_by(Arena *arena, const Pond *pond, const char *holder)
{
    const Json *note = NULL;
    Err *malformed = json_parse(arena, holder, strlen(holder), &note);
    bool known = malformed == NULL && json_get(note, "pid") != NULL;
    err_free(malformed);
    Err *error = known ? ERR(LOCKED, "%s: locked by %s@%s (process %lld: %s) since %s", pond->dir,
                             json_str(note, "user", "?"), json_str(note, "host", "?"),
                             (long long)json_int(note, "pid", 0), json_str(note, "command", "?"),
                             json_str(note, "since", "?"))
                       : ERR(LOCKED, "%s: locked by another process", pond->dir);
    return err_hint(error, "try again later, or wait for it with --wait 30s");
}

static Err *check_file_system(const Pond *pond)
{
    if (!pond->network_fs || pond->allow_network_fs) return NULL;
    return err_hint(ERR(UNSUPPORTED,
                        "%s: on a network file system, where locks cannot be relied on", pond->dir),
                    "use --allow-network-fs and see to it that nobody else writes");
}

Err *pond_lock(Pond *pond)
{
    if (pond->state != POND_READING) return ERR(INTERNAL, "the pond is locked already");
    TRY(check_file_system(pond));
    arena_reset(pond->lock_arena);
    const char *holder = NULL, *path = path_join(pond->lock_arena, pond->dir, "lock");
    TRY(os_lock(pond->lock_arena, path, lock_note(pond->lock_arena, pond), pond->wait_ms,
                &pond->lock, &holder));
    if (pond->lock == NULL) return locked_by(pond->lock_arena, pond, holder);
    return move(pond, POND_LOCKED);
}

void pond_unlock(Pond *pond)
{
    os_unlock_at(&pond->lock);
    pond->state = POND_READING;
}

/* ---- transactions ---- */

/* *out_lost: another writer's entry came first; nothing was changed. */
static Err *attempt(Pond *pond, PondBody *body, void *context, TlogCommitted *out, bool *out_lost)
{
    *out_lost = false;
    TRY(move(pond, POND_CHANGING));
    Err *error = tlog_begin(pond->tlog);
    if (error == NULL) {
        error = body(context, pond);
        if (error == NULL) {
            TlogCommitInfo who = pond_who(pond);
            error = tlog_commit(pond->tlog, &who, out);
            *out_lost = error != NULL && err_code(error) == ERR_CONFLICT;
        }
        tlog_abort(pond->tlog);
    }
    Err *moved = move(pond, error == NULL ? POND_COMMITTED : POND_ABORTED);
    if (error == NULL) return moved;
    err_free(moved);
    return error;
}

static Err *rehearse(Pond *pond, PondBody *body, void *context)
{
    TRY(move(pond, POND_CHANGING));
    Err *error = tlog_begin(pond->tlog);
    if (error == NULL) error = body(context, pond);
    tlog_abort(pond->tlog);
    Err *moved = move(pond, POND_ABORTED);
    if (error == NULL) return moved;
    err_free(moved);
    return error;
}

/* What a commit leaves to be done now and then. */
static void after_commit(Pond *pond)
{
    TlogCheckpoint done;
    if (!tlog_checkpoint_due(pond->tlog)) return;
    PERF_SPAN(PERF_after);
    Err *error = tlog_checkpoint(pond->tlog, false, &done);
    if (error != NULL) {
        log_warn("the change is made, but the checkpoint after it is not: %s", err_message(error));
    }
    err_free(error);
}

/* What dead writers and readers left in POND/tmp goes at the next write. */
static void sweep_leftovers(Pond *pond)
{
    TlogVacuum done = {0};
    int64_t folders = 0;
    Err *error = tlog_sweep_folders(pond->tlog, &done);
    if (error == NULL) error = pond_temp_sweep(pond, &folders);
    if (error != NULL) log_debug("leftovers stay: %s", err_message(error));
    err_free(error);
}

Err *pond_transact(Pond *pond, PondBody *body, void *context, TlogCommitted *out)
{
    TlogCommitted done = {.log_version = -1};
    bool lost = false;
    TRY(pond_lock(pond));
    sweep_leftovers(pond);
    Err *error = attempt(pond, body, context, &done, &lost);
    if (lost) {
        err_free(error);
        error = attempt(pond, body, context, &done, &lost);
    }
    if (error == NULL && done.txn > 0) after_commit(pond);
    pond_unlock(pond);
    TRY(error);
    if (out != NULL) *out = done;
    return NULL;
}

Err *pond_rehearse(Pond *pond, PondBody *body, void *context)
{
    TRY(pond_lock(pond));
    Err *error = rehearse(pond, body, context);
    pond_unlock(pond);
    return error;
}

void pond_act_as(Pond *pond, const char *command, int64_t wait_ms)
{
    pond->command = arena_strdup(pond->arena, command);
    pond->wait_ms = wait_ms;
}
