/* Maintenance and recovery, under the writer lock and outside transactions; and the table of
 * settings. */
#include "steward/pond_int.h"
#include <string.h>

#define RETAIN_DEFAULT "24h"

const PondSetting POND_SETTINGS[] = {
    {"retain", RETAIN_DEFAULT, "how long maintain --vacuum keeps what nothing refers to any more"},
    {"title", "", "what status and show call the pond"},
};
const size_t POND_SETTING_COUNT = sizeof POND_SETTINGS / sizeof *POND_SETTINGS;

Err *pond_setting_check(const char *key, const char *value)
{
    const char *keys[sizeof POND_SETTINGS / sizeof *POND_SETTINGS];
    bool known = false;
    for (size_t i = 0; i < POND_SETTING_COUNT; i++) {
        keys[i] = POND_SETTINGS[i].key;
        known = known || strcmp(keys[i], key) == 0;
    }
    if (!known) {
        const char *near = text_nearest(key, keys, POND_SETTING_COUNT);
        Err *error = ERR(NOT_FOUND, "%s: there is no such setting", key);
        return near == NULL ? err_hint(error, "pond config lists the settings")
                            : err_hint(error, "did you mean '%s'?", near);
    }
    int64_t duration_us = 0;
    bool is_duration = strcmp(key, "retain") == 0;
    return value != NULL && is_duration
               ? ERR_WRAP(duration_parse(value, &duration_us), "setting %s", key)
               : NULL;
}

static Err *retention(Pond *pond, int64_t given_us, int64_t *out_us)
{
    SCRATCH(scratch);
    char *value = NULL;
    *out_us = given_us;
    if (given_us >= 0) return NULL;
    TRY(tlog_setting_get(pond->tlog, scratch, "retain", &value));
    return ERR_WRAP(duration_parse(value == NULL ? RETAIN_DEFAULT : value, out_us),
                    "setting retain");
}

static Err *maintain(Pond *pond, PondMaintain what, PondMaintained *out)
{
    int64_t retain_us = 0;
    TRY(tlog_checkpoint(pond->tlog, what.compact, &out->checkpoint));
    if (what.vacuum) {
        TRY(retention(pond, what.retain_us, &retain_us));
        TRY(tlog_vacuum(pond->tlog, retain_us, &out->vacuumed));
    } else {
        TRY(tlog_sweep_staging(pond->tlog, &out->vacuumed));
    }
    return pond_temp_sweep(pond, &out->vacuumed.staging);
}

Err *pond_maintain(Pond *pond, PondMaintain what, PondMaintained *out)
{
    PondMaintained done = {0};
    TRY(pond_lock(pond));
    Err *error = maintain(pond, what, &done);
    pond_unlock(pond);
    TRY(error);
    *out = done;
    return NULL;
}

static Err *recover(Pond *pond, PondRecovered *out)
{
    SCRATCH(scratch);
    TlogVacuum swept = {0};
    const char *difference = NULL;
    TRY(tlog_sweep_staging(pond->tlog, &swept));
    out->staging_removed = swept.staging;
    TRY(pond_temp_sweep(pond, &out->staging_removed));
    TRY(tlog_index_check(scratch, pond->tlog, &difference));
    out->index_rebuilt = difference != NULL || tlog_info(pond->tlog)->index_was_damaged;
    return difference == NULL ? NULL : tlog_reindex(pond->tlog);
}

Err *pond_recover(Pond *pond, PondRecovered *out)
{
    PondRecovered done = {0};
    TRY(pond_lock(pond));
    Err *error = recover(pond, &done);
    pond_unlock(pond);
    TRY(error);
    *out = done;
    return NULL;
}
