/* The catalog as tables for SQL: one table of tables, from which `pond sql`, its help and its
 * suggestions come. Rows stream; no data is opened. */
#pragma once
#include "cli/cli.h"

typedef struct CatalogColumn {
    const char *name, *type, *text;
} CatalogColumn;

typedef struct CatalogTable {
    const char *name, *text;
    const CatalogColumn *columns;
    size_t column_count;
    FeedTable feed; /* its context is the Cli */
} CatalogTable;

extern const CatalogTable *const CATALOG_TABLES[];
extern const size_t CATALOG_TABLE_COUNT;
extern const CatalogTable CATALOG_NODES, CATALOG_VERSIONS, CATALOG_COMMITS;

const CatalogTable *catalog_find(const char *name); /* as SQL compares names; NULL when unknown */
const Rel *catalog_relation(Cli *cli, const CatalogTable *table);
char *catalog_help(Arena *arena);

/* ---- cells of a row being filled; a column that the statement does not read takes nothing ---- */
void cell_put_text(FeedColumn *column, size_t row, const char *text); /* NULL: null */
void cell_put_int(FeedColumn *column, size_t row, int64_t value);     /* also times */
void cell_put_bool(FeedColumn *column, size_t row, bool value);
void cell_put_null(FeedColumn *column, size_t row);

/* ---- the nodes of the pond, one after the other ---- */
/* Directories before what is in them, names ascending; links as links. */
typedef struct NodeWalk NodeWalk;
typedef struct NodeWalkOptions {
    bool derived; /* also what factories list; a directory that cannot be listed is told as a
                     warning and gone past */
} NodeWalkOptions;
NodeWalk *node_walk_open(Cli *cli, NodeWalkOptions options);
/* NULL at the end; valid until the next call. */
Err *node_walk_next(NodeWalk *walk, const Node **out, const char **out_path) WARN_UNUSED;
void node_walk_close(NodeWalk *walk);
