/* The documents of `pond apply`: {version: v1, kind, metadata: {path}, spec}. Read strictly,
 * without a pond; errors carry file, document, line and column. */
#pragma once
#include "cli/cli.h"

typedef enum ApplyKind { APPLY_MKDIR, APPLY_COPY, APPLY_MKNOD } ApplyKind;

typedef struct ApplyDocument {
    const char *file, *text; /* the file's name and all of its text */
    int number;              /* of those in the file that hold something, from 1 */
    const Yaml *root;
    ApplyKind kind;
    const char *path;   /* normalised */
    bool parents;       /* mkdir */
    const char *source; /* copy */
    bool overwrite;
    const Factory *factory; /* mknod; NULL for the others */
    const char *config;     /* as written */
    Yaml *config_tree;
} ApplyDocument;

const char *apply_kind_name(ApplyKind kind);
/* `file` "-" is standard input. INVALID when it holds no document. */
Err *apply_read(Arena *arena, const char *file, ApplyDocument **out, size_t *count) WARN_UNUSED;
/* Puts file and document in front, and the text behind. NULL in, NULL out. */
Err *apply_error(const ApplyDocument *document, Err *err) WARN_UNUSED;
