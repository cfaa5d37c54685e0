/* The table of catalog tables, and the walk over the pond that two of them stand on. The walk keeps
 * the listings of one way down the tree, no more. */
#include "cli/catalog.h"
#include "report/fields.h"
#include <string.h>

size_t catalog_tables(Arena *arena, const CatalogTable **out)
{
    static const CatalogTable *const OF_CATALOG[] = {&CATALOG_NODES, &CATALOG_VERSIONS,
                                                     &CATALOG_COMMITS};
    enum { OF_CATALOG_COUNT = sizeof OF_CATALOG / sizeof *OF_CATALOG };
    size_t count = 0;
    CatalogTable *tables = AARRAY(arena, CatalogTable, OF_CATALOG_COUNT + RUN_SECTION_COUNT + 1);
    while (count < OF_CATALOG_COUNT) {
        tables[count] = *OF_CATALOG[count];
        count++;
    }
    for (size_t i = 0; i < RUN_SECTION_COUNT; i++)
        catalog_of_section(arena, &RUN_SECTIONS[i], &tables[count++]);
    tables[count++] = CATALOG_SPANS;
    *out = tables;
    return count;
}

const CatalogTable *catalog_find(Arena *arena, const char *name)
{
    const CatalogTable *tables;
    size_t count = catalog_tables(arena, &tables);
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(tables[i].name, name) == 0) return &tables[i];
    }
    return NULL;
}

const Rel *catalog_relation(Cli *cli, const CatalogTable *table)
{
    const TlogInfo *info = pond_info(cli->pond);
    Schema schema = {.columns = AARRAY(cli->arena, Column, table->column_count),
                     .count = table->column_count};
    for (size_t i = 0; i < schema.count; i++)
        schema.columns[i] = (Column){table->columns[i].name, table->columns[i].type};
    CatalogSource *source = ANEW(cli->arena, CatalogSource);
    *source = (CatalogSource){cli, table};
    const RowsSpec spec = {.label = table->name,
                           .schema = schema,
                           .identity = arena_printf(cli->arena, "%s %s %lld", info->pond_id,
                                                    table->name, (long long)info->log_version),
                           .table = &table->feed,
                           .context = source};
    return rel_rows(cli->arena, &spec);
}

char *catalog_help(Arena *arena)
{
    Buf text = buf_new(arena);
    const CatalogTable *tables;
    size_t count = catalog_tables(arena, &tables);
    buf_puts(&text, "Tables that pond sql knows beside paths and URLs. They are built from the "
                    "catalog and the run history; no data is read. What was not measured is "
                    "null.\n");
    for (size_t i = 0; i < count; i++) {
        const CatalogTable *table = &tables[i];
        buf_printf(&text, "\n%s - %s\n", table->name, table->text);
        for (size_t k = 0; k < table->column_count; k++)
            buf_printf(&text, "  %-17s %-24s %s\n", table->columns[k].name, table->columns[k].type,
                       table->columns[k].text);
    }
    return text.data;
}

/* ---- cells ---- */

void cell_put_null(FeedColumn *column, size_t row)
{
    if (column->validity == NULL) return;
    column->validity[row >> 6] &= ~(UINT64_C(1) << (row & 63));
}

void cell_put_text(FeedColumn *column, size_t row, const char *text)
{
    if (text == NULL)
        cell_put_null(column, row);
    else if (column->data != NULL)
        engine_feed_str(column, row, text, strlen(text));
}

void cell_put_int(FeedColumn *column, size_t row, int64_t value)
{
    if (column->data != NULL) ((int64_t *)column->data)[row] = value;
}

void cell_put_real(FeedColumn *column, size_t row, double value)
{
    if (column->data != NULL) ((double *)column->data)[row] = value;
}

void cell_put_bool(FeedColumn *column, size_t row, bool value)
{
    if (column->data != NULL) ((bool *)column->data)[row] = value;
}

/* ---- the walk ---- */

typedef struct Frame {
    Arena *arena;
    const char *path; /* of the directory */
    const Node *children;
    size_t count, next;
} Frame;

struct NodeWalk {
    Cli *cli;
    NodeWalkOptions options;
    Arena *arena;
    VEC(Frame) frames;
    Node entered; /* a directory that was given out last: what is in it comes next */
    const char *entered_path;
    bool is_entering;
};

NodeWalk *node_walk_open(Cli *cli, NodeWalkOptions options)
{
    Arena *arena = arena_new();
    NodeWalk *walk = ANEW(arena, NodeWalk);
    walk->cli = cli;
    walk->options = options;
    walk->arena = arena;
    walk->entered = (Node){.id = NODE_ROOT, .type = ENTRY_DIR};
    walk->entered_path = "/";
    walk->is_entering = true;
    return walk;
}

void node_walk_close(NodeWalk *walk)
{
    if (walk == NULL) return;
    for (size_t i = 0; i < walk->frames.n; i++) arena_free(walk->frames.v[i].arena);
    arena_free(walk->arena);
}

static bool is_listed_by_factory(const Node *dir)
{
    return dir->derived || dir->type == ENTRY_DYNAMIC_DIR;
}

/* What a factory lists lives as long as the command, and so must the node and path it refers to. */
static Err *list_dynamic(Fs *fs, const Node *dir, Frame *frame)
{
    Node kept = node_copy(fs_arena(fs), dir);
    kept.derivation = dir->derivation;
    return fs_children(fs, frame->arena, &kept, arena_strdup(fs_arena(fs), frame->path),
                       &frame->children, &frame->count);
}

/* Stored directories are asked of the store, so that their listings can be given back. */
static Err *list(NodeWalk *walk, Frame *frame)
{
    Fs *fs = provider_fs(walk->cli->provider);
    if (is_listed_by_factory(&walk->entered)) return list_dynamic(fs, &walk->entered, frame);
    FsBackend store = fs_backend(fs);
    Node *children = NULL;
    TRY(store.ops->children(store.self, frame->arena, walk->entered.id, &children, &frame->count));
    frame->children = children;
    return NULL;
}

static Err *enter(NodeWalk *walk)
{
    Frame frame = {.arena = arena_new()};
    frame.path = arena_strdup(frame.arena, walk->entered_path);
    Err *err = list(walk, &frame);
    if (err != NULL && err_code(err) != ERR_INTERRUPTED && is_listed_by_factory(&walk->entered)) {
        log_warn("%s", err_message(err));
        err_free(err);
        err = NULL;
        frame.count = 0;
    }
    if (err != NULL) {
        arena_free(frame.arena);
        return err;
    }
    vec_push(walk->arena, &walk->frames, frame);
    return NULL;
}

Err *node_walk_next(NodeWalk *walk, const Node **out, const char **out_path)
{
    TRY(os_check_interrupt());
    if (walk->is_entering) TRY(enter(walk));
    walk->is_entering = false;
    *out = NULL;
    while (walk->frames.n > 0) {
        Frame *top = &walk->frames.v[walk->frames.n - 1];
        if (top->next < top->count) {
            const Node *node = &top->children[top->next++];
            walk->entered = *node;
            walk->entered_path = path_join(top->arena, top->path, node->name);
            walk->is_entering =
                entry_is_dir(node->type) && (walk->options.derived || !is_listed_by_factory(node));
            *out = node;
            *out_path = walk->entered_path;
            return NULL;
        }
        arena_free(top->arena);
        walk->frames.n--;
    }
    return NULL;
}
