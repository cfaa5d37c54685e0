#!/usr/bin/env bats
# Optimisations switched off by name: the same bytes, more work.
load helpers

@test "each toggle: off, the same bytes and more of what it names" {
    run python3 "$ROOT/tests/cli/toggles.py" "$POND_BIN"
    [ "$status" -eq 0 ] || fail "not all hold"
    [[ ${lines[-1]} =~ ^$(pond bench toggles --list --json | jq length)\ toggles: ]] || fail "not all ran"
}

@test "toggles: by environment and option, unknown names and values are refused" {
    pond init
    run -0 env POND_TOGGLES=dir_memo=off,name_memo=off "$POND_BIN" --toggle name_memo=on bench toggles --list --json
    [ "$(jq -r '[.[] | select(.on | not) | .name] | join(" ")' <<<"$output")" = dir_memo ] || fail "wrong ones are off"
    run -0 env POND_CACHE=off "$POND_BIN" bench toggles --list --json
    [ "$(jq -r '[.[] | select(.on | not) | .name] | join(" ")' <<<"$output")" = persistent_cache ] || fail "the alias"
    [ "$(pond --toggle all=off bench toggles --list --json | jq 'map(.on) | any')" = false ] || fail "all"
    [ "$(pond --toggle all=off,workers=on bench toggles --list --json | jq 'map(select(.on)) | length')" = 1 ] || fail "all but one"
    fails 2 --toggle dir_mmeo=off list
    tells "there is no toggle 'dir_mmeo'" "did you mean 'dir_memo'"
    fails 2 --toggle dir_memo=no list
    tells "dir_memo is on or off, not 'no'"
    fails 2 --toggle dir_memo list
    export POND_TOGGLES=nothing_of_the_kind=off
    fails 2 list
    tells "POND_TOGGLES" "pond bench toggles --list"
}

@test "docs/toggles.md is what src/base/toggles.def says" {
    python3 "$ROOT/scripts/toggles_doc.py" --check
}

# found SCENARIO TOGGLE COUNTER: with the toggle off the first run tells that the counter has grown.
found() {
    run -1 pond --toggle "$2=off" bench run "$1" --quick --dir "$PWD/ponds" --baselines "$PWD/b"
    grep -qE "worse $1 [a-z-]+: $3 is " <<<"$output" || fail "$2: not found by $3"
}

@test "injected defects: the first run against a baseline finds each" {
    ok bench baseline --update noyo noyo-sql --quick --dir "$PWD/ponds" --baselines "$PWD/b"
    found noyo dir_memo op.dir_dynamic                    # a redundant read of listings,
    found noyo relation_memo op.relation_build            # of nodes and their schemas,
    found noyo blob_memo op.blob_verify                   # of blobs
    found noyo join_columns io.blob.engine.read.bytes     # a lost pushdown: columns
    found noyo shared_joins op.join_row                   # a lost sharing
    found noyo-sql schema_cache op.schema_sql             # a lost cache key: each look-up misses
}
