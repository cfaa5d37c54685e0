/* base/toggle — the optimisations that can be switched off, by name, to prove what they are worth:
 * off means the plain way with the same results, to the byte, and more work.
 *
 *   if (toggle_on(TOGGLE_dir_memo) && dir->listed) return NULL;
 *
 * toggles.def declares them; `pond bench toggles --list` and docs/toggles.md show them. They are
 * set by $POND_TOGGLES and --toggle, both "NAME=off,NAME=on,...", before other threads start; each
 * is read at one place. Reading is one relaxed load of a byte. Threads: any may read. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum Toggle {
#define TOGGLE(name, module, shows, text, details) TOGGLE_##name,
#include "base/toggles.def"
#undef TOGGLE
    TOGGLE_COUNT
} Toggle;

typedef struct ToggleInfo {
    const char *name, *module, *shows, *text, *details;
} ToggleInfo;
const ToggleInfo *toggle_info(Toggle toggle); /* [0, TOGGLE_COUNT) */
/* -1 when there is none of that name. */
int toggle_by_name(const char *name, size_t length);

extern _Atomic uint8_t toggles_off[TOGGLE_COUNT];

static inline bool toggle_on(Toggle toggle)
{
    return atomic_load_explicit(&toggles_off[toggle], memory_order_relaxed) == 0;
}
/* What such a run takes is no measure of the next. */
bool toggles_any_off(void);
/* "" when all are on, "all", or the names of those that are off, with commas. */
const char *toggles_off_list(Arena *arena);
void toggle_set(Toggle toggle, bool on);
/* "NAME=off,NAME=on,..."; "all" names all of them; empty: nothing. `from` is what the text is
 * called in errors. USAGE, with nothing set, for unknown names (the nearest is the hint) and
 * values. */
Err *toggles_parse(const char *from, const char *text) WARN_UNUSED;
/* The same errors; sets nothing. */
Err *toggles_check(const char *from, const char *text) WARN_UNUSED;
