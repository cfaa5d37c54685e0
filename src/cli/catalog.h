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
    const struct Section *section; /* of the run history: which list of it; else NULL */
    FeedTable feed;                /* its context is a CatalogSource */
} CatalogTable;

typedef struct CatalogSource {
    Cli *cli;
    const CatalogTable *table;
} CatalogSource;

extern const CatalogTable CATALOG_NODES, CATALOG_VERSIONS, CATALOG_COMMITS, CATALOG_SPANS;
/* The table of a list of the run history. */
void catalog_of_section(Arena *arena, const struct Section *section, CatalogTable *out);

/* All of them; returns how many. */
size_t catalog_tables(Arena *arena, const CatalogTable **out);
/* As SQL compares names; NULL when unknown. */
const CatalogTable *catalog_find(Arena *arena, const char *name);
const Rel *catalog_relation(Cli *cli, const CatalogTable *table);
char *catalog_help(Arena *arena);

/* ---- cells of a row being filled; a column that the statement does not read takes nothing ---- */
void cell_put_text(FeedColumn *column, size_t row, const char *text); /* NULL: null */
void cell_put_int(FeedColumn *column, size_t row, int64_t value);     /* also times */
void cell_put_real(FeedColumn *column, size_t row, double value);
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
