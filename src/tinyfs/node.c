/* Nodes: names of the entry types, ids, copies, and what a node says of its versions.
 *
 * Ids are UUIDs of version 7 (RFC 9562): 48 bits of Unix milliseconds, 12 bits counting within the
 * millisecond, 62 random bits. Within a process they ascend strictly, also when the clock goes
 * back, so that nodes made later sort later. Ids of derived nodes are the first 128 bits of a
 * SHA-256 laid into the same form with the millisecond 1, which no stored node can have: the same
 * description gives the same id in every run. */
#include "tinyfs/tinyfs.h"
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

const NodeId NODE_ROOT = {"00000000-0000-7000-8000-000000000000"};

static const char *const TYPE_NAMES[] = {
    [ENTRY_DIR] = "directory",
    [ENTRY_SYMLINK] = "symlink",
    [ENTRY_DATA] = "data",
    [ENTRY_DATA_SERIES] = "data:series",
    [ENTRY_TABLE] = "table",
    [ENTRY_TABLE_SERIES] = "table:series",
    [ENTRY_DYNAMIC] = "table:dynamic",
    [ENTRY_DYNAMIC_DIR] = "dynamic-directory",
    [ENTRY_DYNAMIC_DATA] = "data:dynamic",
};
enum { TYPE_COUNT = sizeof TYPE_NAMES / sizeof TYPE_NAMES[0] };

const char *entry_type_name(EntryType type)
{
    return TYPE_NAMES[type];
}

bool entry_type_parse(const char *name, EntryType *out)
{
    for (int i = 0; i < TYPE_COUNT; i++) {
        if (strcmp(name, TYPE_NAMES[i]) == 0) {
            *out = (EntryType)i;
            return true;
        }
    }
    return false;
}

bool entry_is_dir(EntryType type)
{
    return type == ENTRY_DIR || type == ENTRY_DYNAMIC_DIR;
}

bool entry_is_dynamic(EntryType type)
{
    return type == ENTRY_DYNAMIC || type == ENTRY_DYNAMIC_DIR || type == ENTRY_DYNAMIC_DATA;
}

bool entry_is_series(EntryType type)
{
    return type == ENTRY_DATA_SERIES || type == ENTRY_TABLE_SERIES;
}

bool entry_is_table(EntryType type)
{
    return type == ENTRY_TABLE || type == ENTRY_TABLE_SERIES;
}

bool entry_has_versions(EntryType type)
{
    return type == ENTRY_DATA || type == ENTRY_TABLE || entry_is_series(type);
}

/* ---- ids ---- */

static NodeId id_of_bytes(unsigned char bytes[16])
{
    static const char HEX[] = "0123456789abcdef";
    bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0f));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
    NodeId id = {0};
    char *to = id.text;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
        *to++ = HEX[bytes[i] >> 4];
        *to++ = HEX[bytes[i] & 15];
    }
    return id;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Where ticks and chance come from; the lock is that of `last`, too. */
static pthread_mutex_t source_lock = PTHREAD_MUTEX_INITIALIZER;
static NodeIdSource source;
static uint64_t last_tick;

void node_id_source_set(NodeIdSource new_source)
{
    (void)pthread_mutex_lock(&source_lock);
    source = new_source;
    last_tick = 0;
    (void)pthread_mutex_unlock(&source_lock);
}

/* The next tick: milliseconds in the high 48 bits, a counter in the low 12. */
static uint64_t next_tick(NodeIdSource *out_source)
{
    (void)pthread_mutex_lock(&source_lock);
    uint64_t tick = (source.now_ms != NULL ? source.now_ms() : now_ms()) << 12;
    if (tick <= last_tick) tick = last_tick + 1;
    last_tick = tick;
    *out_source = source;
    (void)pthread_mutex_unlock(&source_lock);
    return tick;
}

static void fill_random(unsigned char *into, size_t size_bytes)
{
    size_t done = 0;
    while (done < size_bytes) {
        ssize_t got = getrandom(into + done, size_bytes - done, 0);
        if (got > 0) done += (size_t)got;
    }
}

NodeId node_id_new(void)
{
    unsigned char bytes[16];
    NodeIdSource from;
    uint64_t tick = next_tick(&from);
    uint64_t ms = tick >> 12;
    for (int i = 0; i < 6; i++) bytes[i] = (unsigned char)(ms >> (8 * (5 - i)));
    bytes[6] = (unsigned char)((tick >> 8) & 0x0f);
    bytes[7] = (unsigned char)tick;
    if (from.random != NULL)
        from.random(bytes + 8, 8);
    else
        fill_random(bytes + 8, 8);
    return id_of_bytes(bytes);
}

static unsigned char hex_digit(char c)
{
    return (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

NodeId node_id_derived(const char *material)
{
    char hex[SHA256_HEX + 1];
    sha256_of(material, strlen(material), hex);
    unsigned char bytes[16] = {0, 0, 0, 0, 0, 1};
    for (size_t i = 6; i < 16; i++) {
        bytes[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    }
    return id_of_bytes(bytes);
}

bool node_id_equal(const NodeId *a, const NodeId *b)
{
    return strcmp(a->text, b->text) == 0;
}

/* ---- copies ---- */

Node node_copy(Arena *arena, const Node *node)
{
    Node copy = *node;
    copy.name = arena_strdup(arena, node->name);
    copy.factory = arena_strdup(arena, node->factory);
    copy.content = arena_strdup(arena, node->content);
    copy.attributes = arena_strdup(arena, node->attributes);
    return copy;
}

Version version_copy(Arena *arena, const Version *version)
{
    Version copy = *version;
    if (version->bytes != NULL) {
        /* One byte more: text content may be used as a string. */
        copy.bytes = arena_strndup(arena, version->bytes, (size_t)version->size_bytes);
    }
    copy.time_column = arena_strdup(arena, version->time_column);
    copy.intervals =
        version->interval_count == 0
            ? NULL
            : arena_memdup(arena, version->intervals, version->interval_count * sizeof(TimeSpan));
    copy.schema = arena_strdup(arena, version->schema);
    copy.attributes = arena_strdup(arena, version->attributes);
    return copy;
}

/* ---- what a node says of its versions ---- */

static void widen_range(Node *node, const Version *version)
{
    for (size_t i = 0; i < version->interval_count; i++) {
        const TimeSpan *span = &version->intervals[i];
        if (!node->has_range || span->min < node->range.min) node->range.min = span->min;
        if (!node->has_range || span->max > node->range.max) node->range.max = span->max;
        node->has_range = true;
    }
}

void node_sum_versions(Node *node, const Version *versions, size_t count)
{
    bool table = entry_is_table(node->type);
    node->version = count == 0 ? 0 : versions[count - 1].version;
    node->version_count = (int64_t)count;
    node->size_bytes = 0;
    node->rows = table ? 0 : -1;
    node->has_range = false;
    node->range = (TimeSpan){0};
    size_t first = entry_is_series(node->type) || count == 0 ? 0 : count - 1;
    for (size_t i = first; i < count; i++) {
        node->size_bytes += versions[i].size_bytes;
        if (versions[i].rows < 0)
            node->rows = -1;
        else if (node->rows >= 0)
            node->rows += versions[i].rows;
        widen_range(node, &versions[i]);
    }
}
