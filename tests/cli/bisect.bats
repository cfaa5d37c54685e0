#!/usr/bin/env bats
# pond bench bisect, and what pond bench toggles measures.
load helpers

prepare() {
    pond init
    pond mkdir /s
    printf 'timestamp,v\n2024-01-01T00:00:00Z,1\n2024-01-01T00:10:00Z,2\n' >a.csv
    for name in a b c; do pond copy "host+csv+series://$PWD/a.csv" /s/$name; done
    printf 'in_pattern: /s/*\nout_pattern: $0\nresolutions: [1h]\naggregations: [{type: avg}]\n' >r.yaml
    pond mknod temporal-reduce /reduce --config-path r.yaml
    LIST="$POND_BIN list '/**'"
}

bisect() { # ARGS...: its JSON
    run --separate-stderr pond bench bisect --json "$@"
    [ "$status" -eq 0 ] || fail "bisect failed"
}
is_true() { jq -e "$1" <<<"$output" >/dev/null || fail "not so: $1"; }

@test "bisect: of a set, the toggles that matter" {
    bisect --a "$LIST" --off dir_memo,blob_memo,schema_cache
    is_true '.differs == "work" and .same_output and [.toggles[].name] == ["dir_memo"] and .explained == 1'
    is_true '.toggles[0].off > .toggles[0].on'
    bisect --a "$LIST" --off blob_memo,schema_cache
    is_true '.differs == "nothing" and .toggles == []'
    bisect --a "$LIST" --off dir_memo,literal_names --by op.lookup_ask
    is_true '[.toggles[].name] == ["literal_names"] or .differs == "nothing"'
}

@test "bisect: a command that works as if a toggle were off" {
    bisect --a "$LIST" --b "POND_TOGGLES=dir_memo=off $LIST"
    is_true '.differs == "work" and [.toggles[].name] == ["dir_memo"] and .explained == 1'
    is_true 'any(.counters[]; .name == "op.dir_read" and .a == 2 and .b == 3)' # / and /s, and /s again by the reduction
    is_true '(.operation == "dir_read" or .operation == "lookup") and .operation_b > .operation_a'
    run -0 pond bench bisect --a "$LIST" --b "POND_TOGGLES=dir_memo=off $LIST" --off dir_memo
    has 'toggle dir_memo: 100 % of the difference' 'operation '
}

@test "bisect: work that no toggle explains is an operation's" {
    # by hand: /s/* lists one stored directory, /** besides / and /s four dynamic ones
    bisect --a "$POND_BIN list '/s/*'" --b "$LIST" --off blob_memo --by op.dir_dynamic
    is_true '.differs == "work" and (.same_output | not) and .toggles == []'
    is_true '.operation == "dir_dynamic" and .operation_a == 0 and .operation_b == 4 and (.counters | length) == 1'
    # of all, the one that asks for the same again: the text /s/* is compiled by each of the four
    bisect --a "$POND_BIN list '/s/*'" --b "$LIST" --off blob_memo
    is_true '.operation == "pattern_compile" and .operation_a == 1 and .operation_b > .operation_a + 3'
}

@test "bisect: the same work in more time is the operation it is spent in" {
    bisect --a "$LIST" --b "POND_FAULT=class=index,op=read,do=slow $LIST" --off workers
    is_true '.differs == "time" and .verdict == "slower" and .operation == "os_read" and .operation_b > .operation_a'
}

@test "bisect: what is missing or fails is told" {
    fails 2 bench bisect --a true
    tells "two sides are needed" "--off NAME"
    fails 2 bench bisect --a true --off dir_mmeo
    tells "did you mean 'dir_memo'"
    fails 1 bench bisect --a true --b true
    tells "runs no pond"
    fails 1 bench bisect --a "$LIST" --b "echo reason >&2; exit 3"
    tells "exited with 3" "reason"
    export TMPDIR=$PWD/t
    mkdir t
    run pond bench bisect --a "$LIST" --b "$LIST; exit 1"
    [ -z "$(ls t)" ] || fail "files are left: $(ls t)"
}

@test "toggles: what each is worth for a command" {
    run --separate-stderr pond bench toggles --command "$LIST" --work --json dir_memo blob_memo
    [ "$status" -eq 0 ] || fail "it failed"
    is_true '[.[].name] == ["dir_memo", "blob_memo"] and all(.same_output)'
    # by hand: /s once more for each of the reduction's patterns and listings; nothing is read of a blob
    is_true '.[0].worth == "work" and .[0].off > .[0].on and .[1].worth == "nothing" and .[1].on == 0 and .[1].off == 0'
    run --separate-stderr pond bench toggles --command "$LIST" --pairs 8 name_memo
    [ "$status" -eq 0 ] || fail "it failed"
    has name_memo lookup
    if command -v valgrind >/dev/null; then
        run --separate-stderr pond bench toggles --command "$LIST" --work --instructions --json dir_memo
        is_true '.[0].instructions_on > 100000 and .[0].instructions_off > .[0].instructions_on'
    fi
    run --separate-stderr pond bench toggles --command "date +%N; $LIST" --work name_memo
    [ "$status" -eq 1 ] || fail "other outputs are not told"
    has 'OTHER OUTPUT'
    fails 2 bench toggles
    tells '--scenario NAME'
    fails 2 bench toggles --command true dir_mmeo
    tells "did you mean 'dir_memo'"
}
