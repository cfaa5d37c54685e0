/* base — what every module stands on: errors, arenas, strings, containers, time, hashes, JSON,
 * YAML, log.
 *
 * The module is a set of small headers, each its own manual; include this one to have them all.
 * Invariant: nothing here touches the file system or keeps state between calls (except the log
 * level). Threads: everything may be used from any thread; one Arena belongs to one thread at a
 * time. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/schema.h"
#include "base/stats.h"
#include "base/text.h"
#include "base/time.h"
#include "base/toggle.h"
#include "base/vec.h"
#include "base/yaml.h"
