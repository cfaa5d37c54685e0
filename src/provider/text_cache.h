/* What is kept of texts (text_cache.c), for text_node.c. */
#pragma once
#include "perf/lookup.h"
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
/* Rows of these files, as they follow each other. At least one. */
Err *text_scan(Provider *provider, const char *label, const TextFile *files, size_t count,
               const Rel **out) WARN_UNUSED;
/* Brings small files at the end together. */
Err *text_merge(TextJob *job, const TextInput *input, TextState *state) WARN_UNUSED;
/* Keeps the folder within its budget. */
void text_evict(const Provider *provider);
/* Notes that files are in use; true when that changed what is to be kept of them. */
bool text_renew(TextState *state);
/* Names for files that are not kept, by their place alone. */
void text_name_files(TextState *state);
