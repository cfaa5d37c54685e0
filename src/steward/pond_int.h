/* What the files of steward share. */
#pragma once
#include "os/os.h"
#include "perf/perf.h"
#include "steward/steward.h"

/* Where a pond handle is between two calls (transact.c has the table of allowed moves). */
typedef enum PondState {
    POND_READING,   /* no lock */
    POND_LOCKED,    /* holds POND/lock */
    POND_CHANGING,  /* a tlogfs transaction is open */
    POND_COMMITTED, /* it was committed */
    POND_ABORTED,   /* it was undone */
    POND_STATE_COUNT
} PondState;

struct Pond {
    Arena *arena;
    const char *dir;
    const char *command;
    int64_t wait_ms;
    bool allow_network_fs, network_fs, read_only;
    Tlog *tlog;
    Cache *cache;
    const char *temp_dir;
    OsLock *temp_lock; /* says that temp_dir's owner lives */
    Arena *lock_arena;
    OsLock *lock;
    PondState state;
};

/* ---- transact.c ---- */
Err *pond_lock(Pond *pond) WARN_UNUSED; /* READING → LOCKED */
void pond_unlock(Pond *pond);           /* → READING */
TlogCommitInfo pond_who(const Pond *pond);

/* ---- temp.c ---- */
void pond_temp_close(Pond *pond);
/* Temporary folders of ended processes; adds how many. */
Err *pond_temp_sweep(Pond *pond, int64_t *count) WARN_UNUSED;
