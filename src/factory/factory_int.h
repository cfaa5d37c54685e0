/* What the factories share. */
#pragma once
#include "factory/factory.h"

extern const Factory FACTORY_DYNAMIC_DIR, FACTORY_SQL_TABLE, FACTORY_SQL_SERIES, FACTORY_SYNTHETIC,
    FACTORY_TEMPORAL_REDUCE;

/* The configuration has only the factory's keys, and all required ones. */
Err *factory_check_keys(const Yaml *config, const char *what, const FactoryKey *keys, size_t count)
    WARN_UNUSED;
/* An error of a value's own parser, at the value's position; NULL in, NULL out. */
Err *factory_error_at(const Yaml *node, Err *err) WARN_UNUSED;
/* The node's path in front, unless the error tells a whole way through nodes already. */
Err *factory_wrap(const FactoryCall *call, Err *err) WARN_UNUSED;
/* A scalar that must be a duration or a time, with position. */
Err *factory_duration(const Yaml *node, int64_t *out_us) WARN_UNUSED;
Err *factory_time(const Yaml *map, const char *key, bool required, TimeUs *out) WARN_UNUSED;
