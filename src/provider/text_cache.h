/* What is kept of texts (text_cache.c), for text_node.c. */
#pragma once
#include "perf/perf.h"
#include "provider/text_int.h"

/* A text's segments, and the content hash of each (NULL: not known, nothing is kept). */
typedef struct TextVersions {
    TextSegment *segments;
    const char **hashes;
    size_t count;
} TextVersions;

bool text_cache_serves(const Provider *provider);
/* The text converted to its end: from what is kept of it, or of its first versions, and
 * text_advance for the rest; then kept. */
Err *text_cached(TextJob *job, const TextVersions *versions, const TextInput *input,
                 TextState *state, Layout *out_layout) WARN_UNUSED;
/* Names for files that are not kept, by their place alone. */
void text_name_files(TextState *state);
