/* Bringing one thing to a path, inside a transaction: shared by mknod, copy and apply. */
#pragma once
#include "cli/cli.h"

typedef enum PutResult { PUT_UNCHANGED, PUT_CREATED, PUT_UPDATED } PutResult;

typedef struct MknodSpec {
    const Factory *factory;
    const char *path, *config;
    bool overwrite; /* an existing node's configuration is replaced */
    bool keep_type; /* but never by one that makes it another type of node */
} MknodSpec;
/* EXISTS. Whether it reads itself is the caller's to check, once all nodes are there. */
Err *mknod_put(Cli *cli, const MknodSpec *spec, PutResult *out) WARN_UNUSED;

/* A host file as a version of `path`, unless it is there already: by its content, or, where it is
 * converted, by what is remembered in the node's attributes. */
typedef struct CopySpec {
    const char *source, *path;
    bool overwrite; /* a series holds nothing else afterwards */
} CopySpec;
Err *copy_put(Cli *cli, const CopySpec *spec, PutResult *out) WARN_UNUSED;
