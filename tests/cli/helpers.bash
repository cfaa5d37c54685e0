# What every test of the command line starts from: an own folder, no pond yet, POND set to $PWD/p.
# POND_BIN is the program under test. Real data: $VEGA (weather observations, fetched at set-up).
bats_require_minimum_version 1.5.0
: "${POND_BIN:?the program to test}"
ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
VEGA=$ROOT/.deps/vega
HOURLY=$VEGA/seattle-weather-hourly-normals.csv
EXPECT=$ROOT/tests/cli/expect.py

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    export POND=$PWD/p TZ=UTC LC_ALL=C.UTF-8 XDG_CACHE_HOME=$PWD/xdg
    unset NO_COLOR POND_CACHE POND_TOGGLES POND_FAULT
    if declare -F prepare >/dev/null; then prepare; fi
}

pond() { "$POND_BIN" "$@"; }

fail() { # MESSAGE...: what ends a test, with what the last `run` gave
    printf '%s\n' "$@" >&2
    printf 'status %s\nstdout: %s\nstderr: %s\n' "${status-}" "${output-}" "${stderr-}" >&2
    return 1
}

# ok ARGS...: the command succeeds, says nothing on stderr, and (help and scripts aside) prints no line with the word "error".
ok() {
    run --separate-stderr pond "$@"
    [ "$status" -eq 0 ] || fail "pond $* failed" || return 1
    [ -z "$stderr" ] || fail "pond $* speaks on stderr" || return 1
    [[ ${output,,} != *error* || -z $* || $* == *help* || $1 == completion ]] || fail "pond $*: a successful command says 'error'"
}

# fails STATUS ARGS...: the command fails so, with one message that begins with "pond: " and nothing on stdout.
fails() {
    local want=$1
    shift
    run --separate-stderr pond "$@"
    [ "$status" -eq "$want" ] || fail "pond $*: exit $want was expected" || return 1
    [ -z "$output" ] || fail "pond $*: a failed command prints results" || return 1
    [[ $stderr == "pond: "* ]] || fail "pond $*: no message"
}

has() { # TEXT...: each stands in the last output
    local text
    for text in "$@"; do [[ $output == *"$text"* ]] || fail "not on stdout: $text" || return 1; done
}
tells() { # TEXT...: each stands in the last messages
    local text
    for text in "$@"; do [[ $stderr == *"$text"* ]] || fail "not on stderr: $text" || return 1; done
}
is() { # TEXT: the whole last output
    [ "$output" = "$1" ] || fail "not equal: $1"
}

# without_engine ARGS...: succeeds and never loads the engine.
without_engine() {
    run --separate-stderr pond "$@" --stats
    [ "$status" -eq 0 ] || fail "pond $* failed" || return 1
    [[ $stderr != *engine_load* ]] || fail "pond $* loads the engine"
}
count_of() { # OPERATION ARGS...: its count in --stats, 0 when it did not happen
    local op=$1
    shift
    pond "$@" --stats 2>&1 >/dev/null | awk -v op="$op" '$1 == op { n = $3 } END { print n + 0 }'
}

txn() { pond show --json | jq -r .transactions; }
root() { pond fsck --quick --json | jq -r .root; }
paths() { pond list "${1-/**}" --paths; } # what is there, one path a line
rows() { pond cat "$1" --format csv "${@:2}"; }
csv_series() { # PATH < CSV: a series made of it
    cat >"$BATS_TEST_TMPDIR/in.csv" && pond copy "host+csv+series://$BATS_TEST_TMPDIR/in.csv" "$1"
}
parquet() { # FILE QUERY: a Parquet file made by the engine
    [ -e seed.csv ] || printf 'timestamp,a\n2024-01-01,1\n' >seed.csv
    pond cat "host+csv://$PWD/seed.csv" --sql "$2" --format parquet >"$1"
}
