/* What an executable may do to the pond, besides reading it through its provider: make directories
 * and nodes with versions, append versions, remember things in a node's attributes. All of it is
 * part of the transaction that the run is; a failure undoes all. */
#pragma once
#include "factory/factory.h"

/* A name for a new file in the store's staging folder. */
char *exec_stage_path(const ExecCall *exec);
/* The node at `path` of that type, made with its parents when missing. EXISTS when it is something
 * else. */
Err *exec_node(const ExecCall *exec, const char *path, EntryType type, Node *out) WARN_UNUSED;
Err *exec_append(const ExecCall *exec, const Node *node, const VersionSpec *spec) WARN_UNUSED;
/* One member of the node's attributes, as JSON text; the others stay. */
Err *exec_remember(const ExecCall *exec, const Node *node, const char *key, const char *json_text)
    WARN_UNUSED;
/* Tells that so many bytes more are done; INTERRUPTED when the user wants no more. */
Err *exec_progress(const ExecCall *exec, int64_t bytes) WARN_UNUSED;
