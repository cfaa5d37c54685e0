/* What the files of the check for time-locality share (sql_local.c says what it is).
 *
 * The walk goes through the syntax tree of a text that the engine has accepted, so names resolve,
 * and what is ambiguous has been refused. Nothing here fails: whatever is not understood is a
 * reason to run the text whole. */
#pragma once
#include "plan/plan_int.h"
#include "plan/sql_tree.h"

/* A column of a table or query. */
typedef struct LocalColumn {
    const char *name; /* "": an expression without one */
    const char *type; /* NULL: not known */
    TimeUnit unit;
    bool is_time; /* the row's time, a bucket of it, or null */
} LocalColumn;
typedef VEC(LocalColumn) LocalColumnVec;

/* A table or query, with what is known of its rows. */
typedef struct LocalRel {
    const char *why_whole; /* NULL: a range of it follows from that range of the inputs */
    bool is_static;        /* names no input with a time: it is the same for every range */
    bool is_open;          /* of its columns not all are known */
    bool is_steady;        /* the rows of a range come in the order that they have in the whole */
    bool is_in_order;      /* and in that of their times */
    int steps;             /* buckets that may lie between two of its times */
    LocalColumnVec columns;
} LocalRel;

typedef struct LocalWalk {
    Arena *arena;
    const Plan *plan;
    const Rel *rel;
    const SqlTree *tree;
    Map functions;        /* name in small letters → FunctionKind */
    const Grid **grid_of; /* per node of the tree: the bucket that a call makes; NULL: none known */
    LocalRel **rel_of;    /* per node: of a query that was walked */
    signed char *is_static; /* per node: 1, -1; 0: not asked yet */
    VEC(Grid) grids;        /* all that times went through */
    bool sorts_inputs;
} LocalWalk;

/* Whether nothing at or below the node names an input with a time. */
bool local_is_static(LocalWalk *walk, const SqlTreeNode *node);
/* What a query (SELECT, UNION) gives. */
LocalRel local_query(LocalWalk *walk, const SqlTreeNode *query);
/* Reads the constants of calls of time_bucket and date_trunc. */
Err *local_read_grids(LocalWalk *walk, Conn *conn) WARN_UNUSED;

/* ---- FROM ---- */
typedef struct LocalTable {
    const char *alias;
    LocalRel rel;
    int group; /* tables of one group have equal times; -1: static */
} LocalTable;
/* A column that USING or NATURAL made one of several. */
typedef struct LocalMerge {
    const char *name;
    size_t begin, end; /* tables whose columns of that name are in it */
} LocalMerge;
typedef struct LocalScope {
    LocalWalk *walk;
    VEC(LocalTable) tables;
    VEC(LocalMerge) merges;        /* outer ones last */
    const LocalColumnVec *aliases; /* of the SELECT list, so far; NULL: none count here */
    bool is_steady, is_in_order;
    int steps;
} LocalScope;
/* Adds what FROM names; the answer is why it is not local, or NULL. */
const char *local_from(LocalScope *scope, const SqlTreeNode *from);
/* Equalities of times among AND-ed conditions make one group of two. */
void local_equate(LocalScope *scope, const SqlTreeNode *condition);
/* All tables with a time are of one group. */
bool local_is_one_group(const LocalScope *scope);
/* The column of an unqualified or qualified name; nothing known when there is none. */
LocalColumn local_column(const LocalScope *scope, const SqlTreeNode *names, int *out_group);
/* Columns of * or alias.*, in order; false when they are not all known. */
bool local_star(const LocalScope *scope, const char *alias, LocalColumnVec *out);
const char *local_alias(const SqlTreeNode *from, const char *otherwise);
/* "AS t(a, b)": new names for the first columns. */
void local_rename(Arena *arena, LocalRel *rel, const SqlTreeNode *names);

/* ---- expressions ---- */
/* What the value is; `out_group` (of its table) may be NULL. */
LocalColumn local_value(LocalScope *scope, const SqlTreeNode *expr, int *out_group);
/* Whether the value follows from the row (or, with aggregates, from the group's rows); else why
 * not.
 */
const char *local_check(LocalScope *scope, const SqlTreeNode *expr, bool *out_has_aggregate);
/* Times that are equal as SQL compares them are the same instant. */
bool local_comparable(const LocalColumn *a, const LocalColumn *b);
LocalColumn local_union(const LocalColumn *a, const LocalColumn *b);
