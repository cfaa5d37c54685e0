/* What the factories share. */
#pragma once
#include "factory/factory.h"

extern const Factory FACTORY_COLUMN_RENAME, FACTORY_DYNAMIC_DIR, FACTORY_SQL_TABLE,
    FACTORY_SQL_SERIES, FACTORY_SYNTHETIC, FACTORY_TEMPORAL_REDUCE, FACTORY_TIMESERIES_JOIN,
    FACTORY_TIMESERIES_PIVOT, FACTORY_LOGFILE_INGEST;

/* The configuration has only the factory's keys, and all required ones. */
Err *factory_check_keys(const Yaml *config, const char *what, const FactoryKey *keys, size_t count)
    WARN_UNUSED;
/* An error of a value's own parser, at the value's position; NULL in, NULL out. */
Err *factory_error_at(const Yaml *node, Err *err) WARN_UNUSED;
/* The node's path in front, unless it stands there, or the error tells a whole way through nodes.
 */
Err *factory_wrap(const FactoryCall *call, Err *err) WARN_UNUSED;
/* A value that still holds ${env:} or ${var:}: it is checked at use. */
bool factory_is_reference(const Yaml *node);
/* A scalar that must be a duration or a time, with position. */
Err *factory_duration(const Yaml *node, int64_t *out_us) WARN_UNUSED;
Err *factory_time(const Yaml *map, const char *key, bool required, TimeUs *out) WARN_UNUSED;

/* ---- the nodes that a configuration names (inputs.c) ---- */
/* A pattern or URL that compiles; `what` names the key in messages. */
Err *inputs_check_pattern(Arena *arena, const Yaml *node, const char *what) WARN_UNUSED;
/* `transforms`: a list of paths, not empty. NULL is fine. */
Err *inputs_check_transforms(const Yaml *list) WARN_UNUSED;
/* The relations of the sources of one pattern, as they are: all are made before any is resolved, so
 * that a circle shows before anything else that is wrong. */
Err *inputs_make(const FactoryCall *call, const char *pattern, const Source *sources, size_t count,
                 const Rel ***out) WARN_UNUSED;
/* The relations of the sources of one pattern, after the transforms (NULL: none), united by name.
 */
Err *inputs_relation(const FactoryCall *call, const char *pattern, const Yaml *transforms,
                     const Source *sources, size_t count, const Rel **out) WARN_UNUSED;
/* All that a pattern names, united; nothing = an empty relation, with a warning. */
Err *inputs_of_pattern(const FactoryCall *call, const char *pattern, const Yaml *transforms,
                       const Rel **out) WARN_UNUSED;
/* No rows, but a time column. */
const Rel *inputs_nothing(const FactoryCall *call, const char *time_column);

/* How another node's factory is called. */
Err *factory_call_of(Provider *provider, const Node *node, const char *path, FactoryCall *call,
                     const Factory **out) WARN_UNUSED;
