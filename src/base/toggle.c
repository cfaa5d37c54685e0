/* The table of toggles, and its texts. A text is checked to its end before anything is set. */
#include "base/toggle.h"
#include "base/buf.h"
#include "base/text.h"
#include <string.h>

static const ToggleInfo TOGGLES[TOGGLE_COUNT] = {
#define TOGGLE(name, module, shows, text, details) {#name, #module, #shows, text, details},
#include "base/toggles.def"
#undef TOGGLE
};

_Atomic uint8_t toggles_off[TOGGLE_COUNT];

static const char ALL[] = "all";

const ToggleInfo *toggle_info(Toggle toggle)
{
    return &TOGGLES[toggle];
}

int toggle_by_name(const char *name, size_t length)
{
    for (int i = 0; i < TOGGLE_COUNT; i++)
        if (strlen(TOGGLES[i].name) == length && memcmp(TOGGLES[i].name, name, length) == 0)
            return i;
    return -1;
}

void toggle_set(Toggle toggle, bool on)
{
    atomic_store_explicit(&toggles_off[toggle], !on, memory_order_relaxed);
}

static Err *unknown(const char *from, const char *name, size_t length)
{
    SCRATCH(scratch);
    const char *names[TOGGLE_COUNT], *word = arena_strndup(scratch, name, length);
    for (size_t i = 0; i < TOGGLE_COUNT; i++) names[i] = TOGGLES[i].name;
    const char *near = text_nearest(word, names, TOGGLE_COUNT);
    Err *err = ERR(USAGE, "%s: there is no toggle '%s'", from, word);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "pond bench toggles --list shows them");
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

/* One NAME=VALUE; `is_off` has all toggles. */
static Err *take(const char *from, const char *text, size_t length, uint8_t *is_off)
{
    const char *equals = memchr(text, '=', length);
    size_t name = equals != NULL ? (size_t)(equals - text) : length;
    const char *value = text + name + 1;
    size_t value_length = equals != NULL ? length - name - 1 : 0;
    bool is_all = is_word(text, name, ALL);
    int toggle = toggle_by_name(text, name);
    if (toggle < 0 && !is_all) return unknown(from, text, name);
    bool on = equals != NULL && is_word(value, value_length, "on");
    if (!on && (equals == NULL || !is_word(value, value_length, "off")))
        return ERR(USAGE, "%s: %.*s is on or off, not '%.*s'", from, (int)name, text,
                   (int)value_length, equals != NULL ? value : "");
    for (int i = 0; i < TOGGLE_COUNT; i++)
        if (is_all || i == toggle) is_off[i] = !on;
    return NULL;
}

static Err *parse(const char *from, const char *text, uint8_t *is_off)
{
    for (size_t i = 0; i < TOGGLE_COUNT; i++) is_off[i] = !toggle_on((Toggle)i);
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, ",");
        if (length > 0) TRY(take(from, at, length, is_off));
        at += length + (at[length] == ',');
    }
    return NULL;
}

bool toggles_any_off(void)
{
    for (size_t i = 0; i < TOGGLE_COUNT; i++)
        if (!toggle_on((Toggle)i)) return true;
    return false;
}

const char *toggles_off_list(Arena *arena)
{
    Buf list = buf_new(arena);
    size_t off = 0;
    for (size_t i = 0; i < TOGGLE_COUNT; i++) {
        if (toggle_on((Toggle)i)) continue;
        buf_printf(&list, "%s%s", off > 0 ? "," : "", toggle_info((Toggle)i)->name);
        off++;
    }
    return off == TOGGLE_COUNT ? ALL : list.data;
}

Err *toggles_check(const char *from, const char *text)
{
    uint8_t is_off[TOGGLE_COUNT];
    return parse(from, text, is_off);
}

Err *toggles_parse(const char *from, const char *text)
{
    uint8_t is_off[TOGGLE_COUNT];
    TRY(parse(from, text, is_off));
    for (size_t i = 0; i < TOGGLE_COUNT; i++) toggle_set((Toggle)i, !is_off[i]);
    return NULL;
}
