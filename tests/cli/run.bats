#!/usr/bin/env bats
# Executables: run by hand, by themselves after commits, without a pond; and as nodes among others.
load helpers

prepare() {
    pond init --quiet
    mkdir log
    echo one >log/app.log
    printf '# ours\nactive_pattern: %s/log/*.log  # grows\npond_path: /logs\n' "$PWD" >logs.yaml
}
executable() { # PATH
    pond mkdir -p "$(dirname "$1")" && pond mknod logfile-ingest "$1" --config-path logs.yaml
}
commands() { pond log --json | jq -r '.[].command'; }

@test "run: by path and by bare name, first in /system/run, then in /system/etc" {
    executable /system/etc/logs
    ok run logs
    is 'appended 4 bytes to /logs/app.log'
    echo two >>log/app.log
    ok run /system/etc/logs
    is 'appended 4 bytes to /logs/app.log'
    [ "$(pond cat /logs/app.log)" = $'one\ntwo' ]
    before=$(txn)
    ok run logs
    is ''
    [ "$(txn)" = "$before" ]
    # a namesake in /system/run comes first
    printf 'active_pattern: %s/log/app.log\npond_path: /first\n' "$PWD" >logs.yaml
    pond mkdir /system/run && pond mknod logfile-ingest /other --config-path logs.yaml
    pond mv /other /system/run/logs
    ok list /first/app.log --paths # it ran by itself
    echo three >>log/app.log
    ok run logs
    is 'appended 6 bytes to /first/app.log'
}

@test "run: JSON, the log, arguments" {
    executable /system/etc/logs
    run --separate-stderr pond run logs --json
    [ "$(jq -c '[.node, .txn, .rows, .result.streams]' <<<"$output")" = \
        '["/system/etc/logs",4,4,[{"path":"/logs/app.log","bytes":4,"note":null}]]' ]
    [ "$(pond run logs --json | jq -c '[.txn, .log_version, .rows]')" = '[0,-1,0]' ]
    [ "$(commands | head -1)" = 'pond run logs' ]
    fails 2 run logs again
    tells "unknown argument 'again'"
    fails 2 run logs -- --now
    fails 2 run logs --now
    tells "unknown option '--now'"
    fails 2 run
    ok run --help
    has 'Examples' '/system/run' 'pond run logs'
}

@test "run: what cannot be run" {
    executable /system/etc/logs
    echo x >x && pond copy x /data
    printf 'patterns: {x: "csv:///data"}\n' >q && pond mknod sql-derived-series /view --config-path q
    fails 4 run lgs
    tells "/system/run or /system/etc" "did you mean 'logs'"
    fails 4 run /system/etc/lgs
    tells "did you mean"
    fails 1 run /data
    tells "/data" "cannot be run"
    fails 1 run /view
    tells "sql-derived-series"
    fails 1 run /system/etc
    fails 2 run file:///system/etc/logs
    tells "pond run /system/etc/logs"
    POND= fails 2 run logs
    fails 4 run host:///none.yaml
}

@test "an executable is a node: cat, describe, list, copy, mv, rm, mknod, fsck" {
    executable /x
    ok cat /x
    is "$(cat logs.yaml)"
    ok describe /x
    has 'executable' 'logfile-ingest' '# ours'
    [ "$(pond list /x --json | jq -r '.[0] | [.type, .factory] | @csv')" = '"data:dynamic","logfile-ingest"' ]
    ok copy /x "host://$PWD/out.yaml"
    cmp out.yaml logs.yaml
    fails 1 cat /x --sql 'SELECT 1'
    fails 1 copy logs.yaml /x
    fails 1 export -p /x -d out
    fails 1 mknod logfile-ingest /x --config-path logs.yaml
    tells '--overwrite'
    root=$(root)
    echo 'pond_path: /other' >>logs.yaml && sed -i /pond_path:./d logs.yaml && echo 'pond_path: /other' >>logs.yaml
    ok mknod logfile-ingest /x --config-path logs.yaml --overwrite
    [ "$(root)" != "$root" ]
    ok mv /x /y
    ok run /y
    has /other/app.log
    ok fsck
    ok rm /y
    ok list /other/app.log
    ok list-factories --verbose
    has 'makes an executable' 'active_pattern' 'restart STREAM'
}

@test "automatic: after each commit of a command, once, on stderr, in the log" {
    executable /system/run/logs 2>/dev/null
    [ "$(pond cat /logs/app.log)" = one ] # making it was a commit
    echo two >>log/app.log
    run --separate-stderr pond mkdir /a --json
    [ "$status" -eq 0 ]
    [ "$(jq -c 'keys' <<<"$output")" = '["log_version","rows","txn"]' ]
    [ "$stderr" = 'logs: appended 4 bytes to /logs/app.log' ]
    mine=$(jq .txn <<<"$output")
    [ "$(txn)" -eq $((mine + 1)) ]
    [ "$(commands | head -2)" = "pond run /system/run/logs # after transaction $mine
pond mkdir /a" ]
    echo three >>log/app.log
    ok mkdir -p /a # commits nothing
    ok list
    ok config
    ok maintain
    ok fsck
    ok export -p /logs/app.log -d out
    [ "$(txn)" -eq $((mine + 1)) ]
    run --separate-stderr pond rm /a --quiet
    [ "$stderr" = '' ]
    [ "$(pond cat /logs/app.log)" = $'one\ntwo\nthree' ]
    # nothing new: no second transaction
    before=$(txn)
    ok config set title x
    [ "$(txn)" -eq $((before + 1)) ]
}

@test "automatic: sorted by name, none sets off another, links count, other nodes do not" {
    for n in b a; do
        printf 'active_pattern: %s/log/app.log\npond_path: /%s\n' "$PWD" $n >logs.yaml
        executable /system/etc/$n
    done
    pond mkdir /system/run /system/run/dir
    echo x >x && pond copy x /system/run/data
    pond ln -s /system/etc/b /system/run/1-b 2>/dev/null
    run --separate-stderr pond mv /system/etc/a /system/run/a
    [ "$status" -eq 0 ]
    [ "$stderr" = 'a: appended 4 bytes to /a/app.log' ]
    echo two >>log/app.log
    run --separate-stderr pond mkdir /m
    [ "$stderr" = '1-b: appended 4 bytes to /b/app.log
a: appended 4 bytes to /a/app.log' ]
    # by hand: its own commit sets off nothing
    echo three >>log/app.log
    ok run a
    is 'appended 6 bytes to /a/app.log'
    # one that lives elsewhere does
    printf 'active_pattern: %s/log/app.log\npond_path: /c\n' "$PWD" >logs.yaml
    pond mknod logfile-ingest /system/etc/c --config-path logs.yaml 2>/dev/null
    echo four >>log/app.log
    run --separate-stderr pond run c
    is 'appended 19 bytes to /c/app.log'
    [ "$stderr" = '1-b: appended 5 bytes to /b/app.log
a: appended 5 bytes to /a/app.log' ]
}

@test "automatic: a failure leaves the commit and the others alone, exit 3" {
    executable /system/run/b 2>/dev/null
    printf 'active_pattern: %s/gone/*.log\npond_path: /gone\n' "$PWD" >logs.yaml
    mkdir gone
    executable /system/run/a 2>/dev/null
    rmdir gone
    echo two >>log/app.log
    run --separate-stderr pond mkdir /made
    [ "$status" -eq 3 ]
    [ "$output" = '' ]
    tells 'pond: /system/run/a: ' 'there is no directory' 'is committed' '1 executable' 'pond run /system/run/a'
    ok list /made
    [ "$(pond cat /logs/app.log)" = $'one\ntwo' ]
    run --separate-stderr pond mkdir /more --json
    [ "$status" -eq 3 ]
    [ "$(jq -c '[.rows]' <<<"$output")" = '[1]' ]
    [ "$(jq -rs '.[].error.name' <<<"$stderr")" = $'NOT_FOUND\nPARTIAL' ]
    # the way out
    run --separate-stderr pond rm /system/run/a
    [ "$status" -eq 0 ]
    ok mkdir /fine
    # a link there that leads nowhere
    run --separate-stderr pond ln -s /none /system/run/z
    [ "$status" -eq 3 ]
    tells /system/run/z
}

@test "host+: what a document would do, without a pond" {
    cat >doc.yaml <<YAML
version: v1
kind: mkdir
metadata: {path: /system/etc}
---
version: v1
kind: mknod
metadata: {path: /system/etc/logs}
spec:
  factory: logfile-ingest
  config: {active_pattern: $PWD/log/*.log, archived_pattern: "$PWD/log/*.log.*", pond_path: /logs}
YAML
    printf old >log/app.log.1
    touch -d 2024-01-01 log/app.log.1
    export POND=
    ok run "host://$PWD/doc.yaml"
    is "/logs/app.log
                3 bytes  $PWD/log/app.log.1
                4 bytes  $PWD/log/app.log"
    [ "$(pond run "host+file://$PWD/doc.yaml" --json | jq -c '[.txn, [.result.streams[].files[].size]]')" = '[0,[3,4]]' ]
    sed -i 's/active_pattern/aktive_pattern/' doc.yaml
    fails 1 run "host://$PWD/doc.yaml"
    tells 'doc.yaml' 'document 2' 'line 10' 'active_pattern'
    sed -i 5,10d doc.yaml
    fails 1 run "host://$PWD/doc.yaml"
    tells 'no executable'
}
