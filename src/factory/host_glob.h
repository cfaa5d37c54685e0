/* Globs over the host's files: patterns as in the pond (tinyfs.h), absolute, matched against the
 * paths of regular files (links to files count). Directories that cannot lead to a match are not
 * listed; below `**` links to directories are not followed. */
#pragma once
#include "os/os.h"
#include "tinyfs/tinyfs.h"

typedef struct HostFile {
    const char *path;
    const char **captures;
    size_t capture_count;
    OsStat stat;
} HostFile;

/* Sorted by path. A missing directory on the way is no error. */
Err *host_glob(Arena *arena, const Pattern *pattern, HostFile **out, size_t *count) WARN_UNUSED;
/* The directory in front of the first component with a wildcard; of a literal path its parent. */
char *host_glob_dir(Arena *arena, const char *pattern_text);
/* The path that a pattern means with these captures: what each wildcard stands for, in order. */
char *host_glob_fill(Arena *arena, const char *pattern_text, const char *const *captures);
