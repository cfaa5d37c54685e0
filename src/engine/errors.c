/* From the engine's messages to our errors.
 *
 * With errors_as_json the engine answers
 * {"exception_type":"Binder","exception_message":"...","position":"7",...}, now and then with
 * "Parser Error: " in front; a few places still give "Type Error: text". The type picks the code,
 * the position (bytes into the statement as sent) becomes line and column of the user's own text,
 * and an errno keeps its meaning. Of a message of several lines the first says what, the rest is
 * the hint.
 *
 * A damaged Parquet file has no exception type of its own: the decoders of the format, of Thrift
 * and of each codec throw what they like. DAMAGE lists their words, found by damaging 60,000 files.
 */
#include "engine/engine_int.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct EngineMessage {
    const char *type, *text;
    int64_t position; /* -1: none */
    int errnum;       /* 0: none */
} EngineMessage;

static const struct {
    const char *type;
    ErrCode code;
} CODES[] = {
    {"Out of Memory", ERR_LIMIT},
    {"INTERRUPT", ERR_INTERRUPTED},
    {"INTERNAL", ERR_INTERNAL},
    {"FATAL", ERR_INTERNAL},
};

/* Types that speak of the statement's text, never of a file. */
static const char *const OF_THE_TEXT[] = {"Parser",  "Syntax",     "Binder",
                                          "Catalog", "Conversion", "Parameter Not Resolved"};

static const char *const DAMAGE[] = {
    "No magic bytes",
    "Parquet file",
    "Failed to read file",
    "Malformed",
    "Footer length error",
    "TProtocolException",
    "TType",
    "don't know what type",
    "Failed to decompress",
    "unsupported GZIP stream",
    "Could not read from file",
    "Out of buffer",
    "Invalid unicode",
    "Prefetch registered for bytes outside",
    "in parquet read",
    "orrupted",
    "Page size mismatch",
    "decode did not find enough",
    "Incorrect stats size",
    "Variable-length int over",
    "Varint-decoding",
    "encoding is only supported for",
    "Missing data page header",
};

static EngineMessage message_of_json(Arena *arena, const Json *json, const char *otherwise)
{
    const char *position = json_str(json, "position", NULL),
               *errnum = json_str(json, "errno", NULL);
    return (EngineMessage){
        .type = arena_strdup(arena, json_str(json, "exception_type", "")),
        .text = arena_strdup(arena, json_str(json, "exception_message", otherwise)),
        .position = position != NULL ? strtoll(position, NULL, 10) : -1,
        .errnum = errnum != NULL ? (int)strtol(errnum, NULL, 10) : 0,
    };
}

static EngineMessage message_parse(Arena *arena, const char *message)
{
    const char *brace = strchr(message, '{');
    const Json *json = NULL;
    if (brace != NULL) err_free(json_parse(arena, brace, strlen(brace), &json));
    if (json_get(json, "exception_type") != NULL) return message_of_json(arena, json, message);

    EngineMessage plain = {.type = "", .text = message, .position = -1};
    const char *colon = strstr(message, " Error: ");
    if (colon != NULL && colon - message < 30) {
        plain.type = arena_strndup(arena, message, (size_t)(colon - message));
        plain.text = colon + strlen(" Error: ");
    }
    return plain;
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0) return true;
    return false;
}

static bool message_tells_damage(const EngineMessage *message)
{
    if (is_one_of(message->type, OF_THE_TEXT, sizeof OF_THE_TEXT / sizeof OF_THE_TEXT[0]))
        return false;
    if (strstr(message->text, "schema mismatch") != NULL)
        return false; /* whole files that disagree */
    for (size_t i = 0; i < sizeof DAMAGE / sizeof DAMAGE[0]; i++)
        if (strstr(message->text, DAMAGE[i]) != NULL) return true;
    return false;
}

/* An IO error without an errno comes from the readers of formats, but for these. */
static bool message_tells_absence(const EngineMessage *message)
{
    return text_starts(message->text, "No files found") || text_starts(message->text, "Extension ");
}

static ErrCode message_code(const EngineMessage *message)
{
    /* A damaged offset makes the engine seek to where no file goes. */
    if (message->errnum != 0) return message->errnum == EINVAL ? ERR_CORRUPT : ERR_IO;
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++)
        if (strcmp(message->type, CODES[i].type) == 0) return CODES[i].code;
    if (strstr(message->text, "Unsupported compression codec") != NULL) return ERR_UNSUPPORTED;
    if (strcmp(message->type, "IO") == 0)
        return message_tells_absence(message) ? ERR_IO : ERR_CORRUPT;
    return message_tells_damage(message) ? ERR_CORRUPT : ERR_SQL;
}

/* White space of any kind becomes one blank; no blank at the ends. */
static char *one_line(Arena *arena, const char *text, size_t size)
{
    Buf line = buf_new(arena);
    for (size_t i = 0; i < size; i++) {
        bool blank = (unsigned char)text[i] <= ' ';
        if (!blank) buf_putc(&line, text[i]);
        if (blank && line.size > 0 && line.data[line.size - 1] != ' ') buf_putc(&line, ' ');
    }
    if (line.size > 0 && line.data[line.size - 1] == ' ') buf_truncate(&line, line.size - 1);
    return line.data;
}

/* Where what the engine advises begins; the end of the text when it advises nothing. */
static size_t advice_offset(const char *text)
{
    static const char *const OPENINGS[] = {"Candidate", "Did you mean", "Possible ",
                                           "HINT:", "LINE "};
    for (const char *line = strchr(text, '\n'); line != NULL; line = strchr(line + 1, '\n')) {
        const char *word = line + strspn(line, " \t\n");
        for (size_t i = 0; i < sizeof OPENINGS / sizeof OPENINGS[0]; i++)
            if (text_starts(word, OPENINGS[i])) return (size_t)(line - text);
    }
    return strlen(text);
}

static Err *error_at(Err *err, const Statement *statement, int64_t position)
{
    int64_t offset = (int64_t)statement->offset, end = offset + (int64_t)strlen(statement->text);
    if (position < offset || position > end) return err;
    int line = 1, column = 1;
    for (const char *p = statement->text; p < statement->text + (position - offset); p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*p & 0xC0) != 0x80) {
            column++;
        }
    }
    return err_source(err_at(err, line, column), statement->text);
}

static Err *error_of_text(const EngineMessage *message, const Statement *statement, ErrCode code)
{
    SCRATCH(scratch);
    size_t end = advice_offset(message->text);
    const char *what = one_line(scratch, message->text, end);
    const char *advice = one_line(scratch, message->text + end, strlen(message->text + end));
    Err *err = err_make(code, __FILE__, __LINE__, "%s",
                        what[0] != '\0' ? what : "the engine gives no reason");
    if (advice[0] != '\0') err = err_hint(err, "%s", advice);
    if (code == ERR_SQL && message->position >= 0)
        err = error_at(err, statement, message->position);
    return err;
}

/* The message ends in ": <strerror>", which ERR_ERRNO adds itself. */
static Err *error_of_errno(const EngineMessage *message)
{
    SCRATCH(scratch);
    char *what = one_line(scratch, message->text, strlen(message->text));
    const char *reason = arena_printf(scratch, ": %s", strerror(message->errnum));
    if (text_ends(what, reason)) what[strlen(what) - strlen(reason)] = '\0';
    return ERR_ERRNO(message->errnum, "%s", what);
}

static Err *error_of_memory(const EngineMessage *message)
{
    SCRATCH(scratch);
    const char *line = arena_strndup(scratch, message->text, strcspn(message->text, "\n"));
    if (strstr(message->text, "max_temp_directory_size") != NULL)
        return ERR(LIMIT, "the space for spilling is used up: %s", line);
    EngineOptions options = instance_options();
    const char *limit = size_format(scratch, settings_memory_limit_bytes(&options));
    return err_hint(ERR(LIMIT, "the memory limit of %s was reached: %s", limit, line),
                    "give more with --memory-limit SIZE");
}

Err *statement_error(Conn *conn, const Statement *statement, const char *engine_message)
{
    Err *own = feed_take_error(conn);
    if (own != NULL) return own;
    SCRATCH(scratch);
    const EngineMessage message =
        message_parse(scratch, engine_message != NULL ? engine_message : "");
    ErrCode code = message_code(&message);
    if (code == ERR_INTERRUPTED) return ERR(INTERRUPTED, "interrupted");
    if (code == ERR_LIMIT) return error_of_memory(&message);
    if (code == ERR_IO && message.errnum != 0) return error_of_errno(&message);
    return error_of_text(&message, statement, code);
}
