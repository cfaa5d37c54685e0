#!/usr/bin/env bats
# The program as such: help, options, exit codes, errors, colours, what does not load the engine.
load helpers

@test "without a command the overview, with a wrong one exit 2 and the nearest name" {
    ok
    has "usage: pond" "export" "list-factories"
    fails 2 lst
    tells "unknown command 'lst'" "hint: did you mean 'list'?"
    fails 2 frobnicate
    tells "hint: pond help shows the commands"
}

@test "each command has help with examples first, that names its options" {
    for command in $(pond help --json | jq -r '.commands[].name'); do
        ok "$command" --help
        [ "${lines[1]}" = Examples ] || fail "$command: examples do not come first"
        has "pond $command" Usage
        for option in $(pond help "$command" --json | jq -r '.options[].name'); do has "--$option"; done
        first=$output
        ok help "$command"
        is "$first"
    done
}

@test "each command describes its JSON" {
    run jq -r '.. | objects | select(has("usage") and .json == null) | .name' <(pond help --json)
    is ""
}

@test "a sub-command has help, options and limits of its own" {
    [ "$(pond help --json | jq -r '.commands[] | select(.commands) | .name' | xargs)" = "perf bench" ]
    while read -r family sub; do
        ok "$family" "$sub" --help
        [ "${lines[1]}" = Examples ] || fail "$family $sub: examples do not come first"
        has "pond $family $sub" Usage
        for option in $(pond help "$family" "$sub" --json | jq -r '.options[].name'); do has "--$option "; done
        first=$output
        ok help "$family" "$sub"
        is "$first"
        ok "$family" --help
        has "  $family $sub "
    done < <(pond help --json | jq -r '.commands[].commands // [] | .[].name')
    ok bench ab --help
    ! grep -e --readme -e --update -e selftest <<<"$output" || fail "of others"
    fails 2 bench
    tells "pond bench: a sub-command is missing" "hint: there are: list, make, run, baseline, history, first, ab"
    fails 2 perf frobnicate
    tells "pond perf: unknown sub-command 'frobnicate'" "report, runs, ops"
    fails 2 help perf reprot
    tells "did you mean 'report'?"
    fails 2 help list long
    tells "too many arguments: 'long'"
    fails 2 bench ab --quik
    tells "unknown option '--quik' of pond bench ab"
    fails 2 bench selftest --quick
    tells "unknown option '--quick' of pond bench selftest" "pond bench selftest --help"
    fails 2 bench make small
    tells "an argument is missing" "usage: pond bench make SCENARIO DIR"
    fails 2 bench first x
    tells "pond bench first: too many arguments: 'x'"
}

@test "an error of usage is JSON wherever --json stands" {
    for words in "lst --json" "perf nope --json" "list --json --threads 0" "list --threads 0 --json" "list --zzz --json"; do
        run -2 --separate-stderr pond $words
        jq -e '.error.code == "POND-0010"' <<<"$stderr" >/dev/null || fail "$words: $stderr"
    done
    fails 2 lst -- --json
    tells "pond: unknown command 'lst'"
}

@test "unknown options, missing and too many arguments" {
    pond init
    fails 2 list --lon
    tells "unknown option '--lon' of pond list" "did you mean '--long'?"
    fails 2 list --zzz
    tells "pond list --help shows the options"
    fails 2 list /a /b
    tells "too many arguments: '/b'" "usage: pond list"
    fails 2 cat
    tells "an argument is missing"
    fails 2 cat /a --format
    tells "--format: FORM is missing"
    fails 2 list --long=3
    tells "takes no value"
    fails 2 list -x
    tells "unknown option '-x'"
    fails 2 --threads 0 list
    tells "a number from 1 to 1024"
    fails 2 --memory-limit lots list
    tells "--memory-limit"
    fails 2 --color sometimes list
    tells "--color: unknown value 'sometimes'"
    fails 2 -v x list
    tells "KEY=VALUE"
    fails 2 log --limit 0
    tells "a number above 0"
    fails 2 --wait soon list
    tells "--wait"
}

@test "-- ends options; letters may be joined" {
    pond init
    ok mkdir -- --odd
    ok list -la
    has /--odd
}

@test "no pond named, not a pond, a pond already" {
    unset POND
    fails 2 list
    tells "no pond is named" "hint: use --pond DIR, or set POND=DIR"
    fails 5 --pond "$PWD/none" list
    tells "none: not a pond"
    mkdir other && touch other/file
    fails 5 --pond other list
    fails 5 --pond other init
    [ "$(ls other)" = file ]
    ok --pond x init --birthplace lab
    has "Initialized an empty pond in"
    before=$(find x -type f -exec sha256sum {} + | sort)
    fails 5 --pond x init
    tells "there is a pond already" "hint:"
    [ "$(find x -type f -exec sha256sum {} + | sort)" = "$before" ]
    [ "$(pond --pond x show --json | jq -r .birthplace)" = lab ]
    ok init z
    [ "$(pond --pond z show --json | jq -r .birthplace)" = "$(hostname)" ] && [ ! -e p ]
    fails 2 init z y
}

@test "--pond goes before POND, --json of init" {
    run --separate-stderr pond --pond y --json init
    [ "$(jq -r '[has("pond"), (.id | length), has("birthplace")] | @csv' <<<"$output")" = "true,36,true" ]
    [ ! -e p ]
}

@test "errors are one JSON document with --json" {
    pond init
    run --separate-stderr pond cat /none --json
    [ "$status" -eq 4 ]
    [ "$(jq -r '.error | [.code, .name, .message, .path] | @csv' <<<"$stderr")" = '"POND-0012","NOT_FOUND","/none: it does not exist","/none"' ]
    run --separate-stderr pond --json cat
    [ "$status" -eq 2 ]
    [ "$(jq -r .error.name <<<"$stderr")" = USAGE ]
}

@test "the codes of errors and exits are documented" {
    ok help errors
    has POND-0010 "exit 2" NOT_FOUND
    ok help exit-codes
    has "  5   not a pond" "130   interrupted"
    [ "$(pond help errors --json | jq -r '.[] | select(.name == "LOCKED") | .exit')" = 6 ]
    [ "$(pond help exit-codes --json | jq -r .topic)" = exit-codes ]
    fails 2 help patern
    tells "did you mean 'patterns'?"
}

@test "colours only where asked for" {
    pond init && pond mkdir /d
    ok list
    [[ $output != *$'\033'* ]]
    ok list --color always
    [[ $output == *$'\033[34m/d'* ]]
    run --separate-stderr pond --color=always cat /x
    [[ $stderr == *$'\033[31m'* ]]
    run script -qec "NO_COLOR=1 $POND_BIN --pond $POND list" /dev/null
    [[ $output != *$'\033['* ]]
    run script -qec "TERM=xterm $POND_BIN --pond $POND list" /dev/null
    [[ $output == *$'\033[34m'* ]]
}

@test "a closed pipe is no error, a full disk is" {
    pond init && csv_series /s.series <"$HOURLY"
    run bash -c "'$POND_BIN' cat /s.series --format csv | head -n 1"
    is "date,pressure,temperature,wind"
    run bash -c "'$POND_BIN' cat /s.series --format csv >/dev/full"
    [ "$status" -eq 74 ]
    has "No space left"
}

@test "what must not load the engine does not" {
    pond init
    csv_series /s.series <"$HOURLY"
    pond copy "$HOURLY" /raw.csv
    printf 'in_pattern: /*.series\nout_pattern: $0\nresolutions: [1h, 1d]\naggregations: [{type: avg}]\n' >r.yaml
    pond mknod temporal-reduce /red --config-path r.yaml
    printf 'patterns: {s: /s.series}\nquery: SELECT date, temperature FROM s\n' >q.yaml
    pond mknod sql-derived-series /q.series --config-path q.yaml
    without_engine --help
    without_engine list --help
    without_engine help
    without_engine version
    without_engine list-factories
    without_engine completion bash
    ok describe /q.series # its schema is asked for once
    for i in 1 2; do # a current index stays current
        without_engine list
        without_engine list '/**' -l
        without_engine describe '/*.series' --plan
        without_engine log
        without_engine show
        without_engine status
        without_engine config
        without_engine cat /raw.csv
        without_engine cat /s.series --format raw
        without_engine export -p '/s.series' -d out --dry-run
        without_engine export -p '/red/**/*.series' -d out --dry-run --temporal year,month
    done
}

@test "--quiet keeps to errors, --verbose tells statements and where an error was made" {
    run --separate-stderr pond init --quiet
    is ""
    csv_series /s.series <"$HOURLY"
    run --separate-stderr pond cat /s.series --format csv --verbose --sql 'SELECT 1 AS a'
    tells SELECT
    run --separate-stderr pond cat /none --verbose
    tells "code: POND-0012 NOT_FOUND" "  at "
}

@test "--trace writes spans that are JSON" {
    pond init
    ok copy "$HOURLY" /raw.csv --trace t.json
    [ "$(jq 'length > 0' t.json)" = true ]
    fails 74 --trace /none/t.json list
}

@test "version" {
    ok version
    [[ $output =~ ^pond\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    ok version --verbose
    has DuckDB
    [ "$(pond version --verbose --json | jq -r '[.pond, .format, .engine] | map(. != null) | all')" = true ]
}

@test "progress: something after 100 ms, in the form asked for, and nothing where none is wanted" {
    pond init --quiet
    csv_series /h.series <"$HOURLY"
    slow=(cat /h.series --format csv --sql 'SELECT count(*) AS n FROM source a, source b WHERE a.wind + b.wind < 0')
    run --separate-stderr pond "${slow[@]}"
    [ -z "$stderr" ]
    run --separate-stderr pond "${slow[@]}" --progress plain
    is $'n\n0'
    [[ $stderr =~ ^query\ \ [0-9.]+\ (ms|s) ]]
    run --separate-stderr pond "${slow[@]}" --progress json
    is $'n\n0'
    [ "$(head -n 1 <<<"$stderr" | jq -r '.progress | [.what, .done, .passed_ms >= 100] | @csv')" = '"query",0,true' ]
    on_screen() { TERM=$1 script -qec "stty cols $2; $POND_BIN --pond $POND cat /h.series --sql \"${slow[5]}\"" /dev/null; }
    run on_screen xterm 80
    [[ $output == *$'\r\033[Kquery'* && $output == *"Summary: 1 total rows"* ]]
    run on_screen xterm 9
    [[ $output == *$'\r\033[Kquery  …\r'* ]] || fail "a line that wraps cannot be rewritten" # 8 columns
    run on_screen dumb 80
    [[ $output != *$'\033'* && $output == *"query  0."* ]]
    run script -qec "$POND_BIN --pond $POND list --quiet" /dev/null
    [[ $output != *$'\r\033[K'* ]]
}

@test "with --json each command prints one document of its shape" {
    keys() { # FILTER WANT ARGS...: what jq makes of the command's only output
        ok "${@:3}" --json
        [ "$(jq -s 'length' <<<"$output")" = 1 ] || fail "${*:3}: not one document" || return 1
        got=$(jq -c "$1" <<<"$output") || fail "${*:3}" || return 1
        [ "$got" = "$2" ] || fail "${*:3}: $got"
    }
    change='["log_version","rows","txn"]'
    printf 'timestamp,a\n2024-01-01,1\n' >in.csv
    printf 'patterns: {s: /s.series}\n' >q
    keys 'keys' '["birthplace","id","pond"]' init
    keys 'keys' "$change" copy "host+csv+series://$PWD/in.csv" /s.series
    keys 'keys' "$change" mkdir /d /e
    keys 'keys' "$change" mv /d /f
    keys 'keys' "$change" rm /f
    keys 'keys' "$change" ln -s /s.series /l
    keys 'keys' "$change" mknod sql-derived-series /q --config-path q
    keys 'keys' '["copied"]' copy /s.series "host://$PWD/out.parquet"
    keys 'map(.path)' '["/e","/l","/q","/s.series"]' list
    keys '.[] | [.path, .schema[1].type, .time_column, (.version_list | length)]' '["/s.series","BIGINT","timestamp",1]' describe /s.series
    keys '.' '[{"timestamp":"2024-01-01T00:00:00Z","a":1}]' cat /s.series
    keys 'keys' '["node","statements"]' cat /s.series --explain
    keys 'keys' '["bytes","dry_run","duration_us","files","kept","removed","rows","targets","written"]' export -p /s.series -d out
    keys '.[0] | keys' '["command","host","log_version","metrics","time","txn","user"]' log
    keys '[.transactions, ."table:series", .rows]' '[7,1,1]' show
    keys 'keys' '["checkpoint_version","free_bytes","index","index_state","log_files","log_version","pond","tail","tombstones"]' status
    keys '.retain' '"24h"' config
    keys 'keys' "$change" config set retain 2d
    keys '[.clean, (.root | length), .problems]' '[true,64,[]]' fsck
    keys "keys | length" 11 maintain --vacuum
    keys 'keys' '["index_rebuilt","staging_removed"]' recover
    keys 'keys' '["completed"]' recover -d out
    keys 'map(.name) | length >= 5' 'true' list-factories
    keys 'keys' '["format","pond"]' version
    keys 'keys' '["commands","options"]' help
    keys '[.name, (.options | map(.name))]' '["perf recover",["output"]]' help perf recover
    keys '.name' '"export"' help export
    keys '.topic' '"urls"' help urls
    keys '.[0] | keys' '["code","exit","name","state","when"]' help errors
    keys '.shell' '"fish"' completion fish
}

@test "the overview names every command" {
    ok help
    for command in $(pond help --json | jq -r '.commands[].name'); do has "  $command "; done
}
