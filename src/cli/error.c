/* How an error is told: the sentence, the line it points at with a caret, the hint; or one JSON
 * document. Always on stderr. */
#include "cli/cli.h"
#include <string.h>

static void error_json(const Err *err)
{
    SCRATCH(scratch);
    int line = 0, column = 0;
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    err_position(err, &line, &column);
    json_begin_object(&json);
    json_key(&json, "error");
    json_begin_object(&json);
    json_kv_str(&json, "code", err_code_id(err_code(err)));
    json_kv_str(&json, "name", err_code_name(err_code(err)));
    json_kv_str(&json, "message", err_message(err));
    json_kv_str(&json, "path", err_path_text(err));
    json_kv_str(&json, "hint", err_hint_text(err));
    if (line > 0) {
        json_kv_int(&json, "line", line);
        json_kv_int(&json, "column", column);
    }
    json_end(&json);
    json_end(&json);
    (void)fprintf(stderr, "%s\n", text.data);
}

/* From `line` on, at most to its end. */
static const char *characters_on(const char *line, int count)
{
    for (; count > 0 && *line != '\0' && *line != '\n' && *line != '\r'; count--) {
        do line++;
        while (((unsigned char)*line & 0xC0) == 0x80);
    }
    return line;
}

/* Each control character as one blank, so that columns stay. */
static char *in_one_line(Arena *arena, const char *from, const char *to)
{
    char *text = arena_strndup(arena, from, (size_t)(to - from));
    for (char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 127) *p = ' ';
    }
    return text;
}

/* The line that the error's position points at, and a caret below it. Of a long line a window is
 * shown. */
static void print_excerpt(const Err *err, bool color)
{
    enum { BEFORE = 60, AFTER = 40 };
    SCRATCH(scratch);
    const char *text = err_source_text(err);
    int line = 0, column = 0;
    err_position(err, &line, &column);
    for (int i = 1; i < line && text != NULL; i++) {
        text = strchr(text, '\n');
        if (text != NULL) text++;
    }
    if (text == NULL || line <= 0 || text[strspn(text, " \t\r\n")] == '\0') return;
    const char *from = characters_on(text, column - BEFORE), *at = characters_on(text, column - 1);
    (void)fprintf(stderr, "%5d | %s\n      | %*s%s^%s\n", line,
                  in_one_line(scratch, from, characters_on(at, AFTER)),
                  utf8_width(in_one_line(scratch, from, at)), "", paint(color, "red"),
                  paint(color, "reset"));
}

void error_print(const Cli *cli, const Err *err)
{
    (void)fflush(stdout);
    if (cli->json) {
        error_json(err);
        return;
    }
    SCRATCH(scratch);
    bool color = cli->color_err;
    int line = 0, column = 0;
    err_position(err, &line, &column);
    (void)fprintf(stderr, "%s%spond:%s %s", paint(color, "bold"), paint(color, "red"),
                  paint(color, "reset"), text_printable(scratch, err_message(err)));
    if (err_code(err) == ERR_SQL && line > 0)
        (void)fprintf(stderr, " (line %d, column %d)", line, column);
    (void)fputc('\n', stderr);
    print_excerpt(err, color);
    if (err_hint_text(err) != NULL) {
        (void)fprintf(stderr, "%shint:%s %s\n", paint(color, "cyan"), paint(color, "reset"),
                      err_hint_text(err));
    }
    if (cli->verbose) {
        (void)fprintf(stderr, "code: %s %s\n", err_code_id(err_code(err)),
                      err_code_name(err_code(err)));
        err_print_frames(err, stderr);
    }
}

void cli_pass_by(void *context, const Err *err)
{
    Cli *cli = context;
    error_print(cli, err);
    if (cli->status == 0) cli->status = err_exit_status(err_code(err));
}
