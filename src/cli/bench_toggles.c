/* pond bench toggles: the optimisations that can be switched off, and what each is worth. */
#include "cli/bench.h"

static void list_json(void)
{
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    json_begin_array(&json);
    for (int i = 0; i < TOGGLE_COUNT; i++) {
        const ToggleInfo *info = toggle_info((Toggle)i);
        json_begin_object(&json);
        json_kv_str(&json, "name", info->name);
        json_kv_str(&json, "module", info->module);
        json_kv_bool(&json, "on", toggle_on((Toggle)i));
        json_kv_str(&json, "shows", info->shows);
        json_kv_str(&json, "text", info->text);
        json_kv_str(&json, "details", info->details);
        json_end(&json);
    }
    json_end(&json);
    out_json(&text);
}

static void list_text(const Cli *cli)
{
    static const char *const HEADERS[] = {"toggle", "", "module", "off, more", "what it is"};
    static const bool EXACT[] = {true, true, true, true, false};
    Table *table = table_new(cli->arena, HEADERS, NULL, EXACT, 5);
    for (int i = 0; i < TOGGLE_COUNT; i++) {
        const ToggleInfo *info = toggle_info((Toggle)i);
        table_add(table, (const char *const[]){info->name, toggle_on((Toggle)i) ? "on" : "off",
                                               info->module, info->shows, info->text});
    }
    (void)table_print(table, cli->color_out);
}

Err *bench_toggles(Cli *cli)
{
    if (cli->json)
        list_json();
    else
        list_text(cli);
    return NULL;
}
