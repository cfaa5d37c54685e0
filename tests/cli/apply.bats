#!/usr/bin/env bats
# pond apply: documents, all or nothing, twice the same.
load helpers

prepare() { pond init --quiet; }

doc() { # KIND PATH [SPEC LINES...]: one more document of d.yaml
    { [ ! -s d.yaml ] || echo ---; printf 'version: v1\nkind: %s\nmetadata:\n  path: %s\n' "$1" "$2"; } >>d.yaml
    [ $# -lt 3 ] || { echo spec:; printf '  %s\n' "${@:3}"; } >>d.yaml
}
bad() { # STATUS TEXT... : d.yaml fails so, and nothing has happened
    local want=$1
    shift
    fails "$want" apply -f d.yaml
    tells "$@"
    [ "$(txn)" = 1 ]
    rm d.yaml
}

@test "created, unchanged, updated; one transaction; nothing to do" {
    printf 'timestamp,a\n2024-01-01,1\n2024-01-02,2\n' >w.csv
    printf 'hello\n' >note.txt
    doc mkdir /s
    doc copy /s/w.series "source: host+csv+series://$PWD/w.csv"
    doc copy /note "source: $PWD/note.txt"
    doc mknod /view 'factory: sql-derived-series' 'config:' '  # the newest' '  patterns: {w: /s/w.series}  # one' \
        "  query: SELECT max(a) AS a FROM w"
    doc mkdir /deep/er/est 'parents: true'
    ok apply -f d.yaml
    is $'created /s\ncreated /s/w.series\ncreated /note\ncreated /view\ncreated /deep/er/est'
    [ "$(txn)" = 2 ]
    [ "$(rows /view)" = $'a\n2' ]
    ok cat /note
    is hello
    all=$'unchanged /s\nunchanged /s/w.series\nunchanged /note\nunchanged /view\nunchanged /deep/er/est\nno transaction committed'
    ok apply -f d.yaml
    is "$all"
    ok apply -f - <d.yaml
    is "$all"
    [ "$(txn)" = 2 ]
    # a changed comment is a changed configuration; changed files are copied again
    sed -i 's/# one/# only/' d.yaml
    printf 'bye\n' >note.txt
    printf 'timestamp,a\n2024-01-03,3\n' >w.csv
    ok apply d.yaml
    is $'unchanged /s\nupdated /s/w.series\nupdated /note\nupdated /view\nunchanged /deep/er/est'
    [ "$(txn)" = 3 ]
    [ "$(rows /view)" = $'a\n3' ]
    [ "$(rows /s/w.series | wc -l)" = 4 ] # the series was appended to
    ok cat /note
    is bye
    ok log --txn 3
    has 'pond apply d.yaml'
    [ "$(pond apply -f d.yaml --json | jq -c '[.txn, .rows, .dry_run, [.documents[].result]]')" = \
        '[0,0,false,["unchanged","unchanged","unchanged","unchanged","unchanged"]]' ]
    ok fsck
}

@test "the configuration is stored as written" {
    cat >d.yaml <<'YAML'
# about it all
version: v1
kind: mknod
metadata: {path: /v}
spec:
  config:   # not part of it
    # first
    patterns: {x: "csv:///µ.csv"}   # 'x' µ

    query: |
      SELECT *

        FROM x  -- not a # comment
    # last
  factory: sql-derived-series
YAML
    cat >want <<'YAML'
# first
patterns: {x: "csv:///µ.csv"}   # 'x' µ

query: |
  SELECT *

    FROM x  -- not a # comment
# last
YAML
    ok apply -f d.yaml
    # mknod with the same text finds nothing to change
    [ "$(pond mknod sql-derived-series /v --config-path want --overwrite --json | jq .rows)" = 0 ]
}

@test "--dry-run tells and changes nothing" {
    echo x >x
    doc mkdir /a
    doc copy /a/x "source: $PWD/x"
    ok apply -f d.yaml --dry-run
    is $'created /a (dry run)\ncreated /a/x (dry run)'
    [ "$(txn)" = 1 ]
    [ "$(paths)" = '' ]
    [ -z "$(find p/blobs p/tmp -type f)" ]
    [ "$(pond apply -f d.yaml --dry-run --json | jq -c '[.dry_run, .txn, [.documents[].result]]')" = '[true,0,["created","created"]]' ]
    pond apply -f d.yaml
    ok apply -f d.yaml --dry-run
    is $'unchanged /a (dry run)\nunchanged /a/x (dry run)'
    doc mkdir /none/b
    fails 4 apply -f d.yaml --dry-run
    tells 'document 3' '/none'
}

@test "several files; what one makes the next uses, in one transaction" {
    doc mkdir /a && mv d.yaml 1.yaml
    doc mkdir /a/b && mv d.yaml 2.yaml
    ok apply -f 1.yaml 2.yaml
    is $'created /a\ncreated /a/b'
    doc mkdir /a/b/c && mv d.yaml 3.yaml
    ok apply -f 1.yaml -f 3.yaml
    is $'unchanged /a\ncreated /a/b/c'
    [ "$(txn)" = 3 ]
    fails 1 apply -f 1.yaml 1.yaml
    tells 'stands twice' '1.yaml'
    fails 2 apply
    tells '-f FILE'
    fails 4 apply -f none.yaml
    printf '# nothing\n---\n' >e.yaml
    fails 1 apply -f e.yaml
    tells 'no document'
    printf '\xff' >b.yaml
    fails 1 apply -f b.yaml
    fails 1 apply -f - </dev/null
}

@test "derived nodes may be defined in any order; circles are found" {
    doc mknod /b 'factory: sql-derived-series' 'config: {patterns: {a: /a}}'
    doc mknod /a 'factory: synthetic-timeseries' 'config: {start: 2024-01-01, end: 2024-01-02, interval: 1h, points: [{name: x, components: [{type: line, slope: 1}]}]}'
    ok apply -f d.yaml
    [ "$(rows /b | wc -l)" = 26 ]
    rm d.yaml
    doc mknod /c 'factory: sql-derived-series' 'config: {patterns: {x: /d}}'
    doc mknod /d 'factory: sql-derived-series' 'config: {patterns: {x: /c}}'
    fails 1 apply -f d.yaml
    tells 'd.yaml' 'document 1' 'reads itself' '/d'
    fails 4 describe /c
}

@test "copy: tables, replaced and appended, several sources of one series" {
    for n in 1 2; do printf 'timestamp,a\n2024-01-0%s,%s\n' $n $n >$n.csv; done
    doc copy /s "source: host+csv+series://$PWD/1.csv"
    doc copy /s "source: host+csv+series://$PWD/2.csv"
    doc copy /t "source: host+csv+table://$PWD/1.csv"
    ok apply -f d.yaml
    is $'created /s\nupdated /s\ncreated /t'
    ok apply -f d.yaml
    has 'no transaction committed'
    [ "$(rows /s)" = $'timestamp,a\n2024-01-01T00:00:00Z,1\n2024-01-02T00:00:00Z,2' ]
    # somebody replaces the table: apply brings it back
    pond copy "host+csv+table://$PWD/2.csv" /t
    ok apply -f d.yaml
    is $'unchanged /s\nunchanged /s\nupdated /t'
    [ "$(rows /t)" = $'timestamp,a\n2024-01-01T00:00:00Z,1' ]
    # options are part of the source
    sed -i 's/1.csv/1.csv?header=true/' d.yaml
    ok apply -f d.yaml
    has 'updated /s' 'updated /t'
    rm d.yaml
    doc copy /s "source: host+csv+series://$PWD/2.csv" 'overwrite: true'
    ok apply -f d.yaml
    is 'updated /s'
    [ "$(rows /s)" = $'timestamp,a\n2024-01-02T00:00:00Z,2' ]
    ok apply -f d.yaml
    is $'unchanged /s\nno transaction committed'
    # what plain copy brought is known by its bytes
    pond cat /s --format parquet >f.parquet
    pond copy "host+series://$PWD/f.parquet" /u
    rm d.yaml
    doc copy /u "source: host+series://$PWD/f.parquet"
    ok apply -f d.yaml
    is $'unchanged /u\nno transaction committed'
}

@test "bad documents: file, number, line and column; nothing happens" {
    printf 'a: [\n' >d.yaml
    bad 1 'd.yaml' 'line 2'
    printf 'a: &x 1\nb: *x\n' >d.yaml
    bad 1 'line 1, column 4'
    doc mkdir /a && doc mkdr /b
    bad 1 'd.yaml: document 2: line 7, column 7' "unknown kind 'mkdr'" "did you mean 'mkdir'"
    doc mkdir /a && sed -i s/v1/v2/ d.yaml
    bad 1 'line 1' "unknown version 'v2'"
    doc mkdir /a && echo 'specs: {}' >>d.yaml
    bad 1 'unknown key specs' 'did you mean spec'
    doc mkdir /a && sed -i /kind/d d.yaml
    bad 1 'kind is missing'
    doc mkdir /a && sed -i /version/d d.yaml
    bad 1 'version is missing'
    doc mkdir /a && sed -i /path/d d.yaml
    bad 1 'metadata'
    doc mkdir a
    bad 1 'line 4, column 9' 'absolute'
    doc mkdir /a/../..
    bad 1 'line 4'
    doc mkdir /a 'parent: true'
    bad 1 'line 6, column 3' 'did you mean parents'
    doc mkdir /a 'parents: 1'
    bad 1 'line 6, column 12' 'true or false'
    doc mkdir '[]'
    bad 1 'path: expected text'
    printf -- '- a\n' >d.yaml
    bad 1 'document: expected a map'
    doc copy /a
    bad 1 'spec is missing'
    doc copy /a 'source: /none'
    bad 1 'line 6, column 11' 'no such file'
    doc copy /a 'source: none.csv'
    bad 1 'not absolute'
    doc copy /a 'source: csv:///x'
    bad 1 'in the pond'
    doc copy /a 'source: host+cvs:///x'
    bad 1 'line 6, column 11' "did you mean 'csv'"
    doc copy /a 'sorce: /x'
    bad 1 'did you mean source'
    doc mknod /a 'factory: sql-derived-serie' 'config: {}'
    bad 1 'line 6, column 12' "did you mean 'sql-derived-series'"
    doc mknod /a 'factory: sql-derived-series'
    bad 1 'config is missing'
    doc mknod /a 'factory: sql-derived-series' 'config: text'
    bad 1 'line 7, column 11' 'expected a map'
    doc mknod /a 'factory: sql-derived-series' 'config:' '  patterns: {a: /x}' '  querry: x'
    bad 1 'line 9, column 5' 'did you mean query'
    doc mknod /a 'factory: sql-derived-series' 'config:' '  patterns: {a: /x}' '  query: SELEC 1'
    bad 1 'document 1' 'SELEC'
    doc mkdir /a && doc mkdir /none/b
    bad 4 'document 2' '/none'
    for n in $(seq 40); do printf '%*sa:\n' $n ''; done >d.yaml
    bad 8 'nested'
}

@test "type clashes are errors" {
    echo x >x
    pond mkdir /dir && pond copy x /data
    printf 'patterns: {x: "csv:///data"}\n' >q && pond mknod sql-derived-series /view --config-path q
    before=$(txn)
    for clash in 'mkdir /data' 'mkdir /view'; do
        # shellcheck disable=SC2086
        doc mkdir /new && doc $clash
        fails 1 apply -f d.yaml
        tells 'document 2' 'exists'
        rm d.yaml
    done
    for path in /dir /view; do
        doc copy $path "source: $PWD/x"
        fails 1 apply -f d.yaml
        tells "$path"
        rm d.yaml
    done
    for path in /dir /data; do
        doc mknod $path 'factory: sql-derived-series' 'config: {patterns: {x: /y}}'
        fails 1 apply -f d.yaml
        tells "$path" 'exists'
        rm d.yaml
    done
    doc mknod /view 'factory: dynamic-dir' 'config: {entries: [{name: a, factory: sql-derived-series, config: {patterns: {x: /y}}}]}'
    fails 1 apply -f d.yaml
    tells /view 'table:dynamic' 'dynamic-directory'
    [ "$(txn)" = "$before" ]
    # the same kind of node by another factory is an update
    rm d.yaml
    doc mknod /view 'factory: sql-derived-table' 'config: {patterns: {x: /y}}'
    ok apply -f d.yaml
    is 'updated /view'
}

@test "apply sets off what is in /system/run, once" {
    mkdir log && echo one >log/a.log
    doc mkdir /system/run 'parents: true'
    doc mknod /system/run/logs 'factory: logfile-ingest' "config: {active_pattern: $PWD/log/*.log, pond_path: /logs}"
    run --separate-stderr pond apply -f d.yaml
    [ "$status" -eq 0 ]
    is $'created /system/run\ncreated /system/run/logs'
    [ "$stderr" = 'logs: appended 4 bytes to /logs/a.log' ]
    echo two >>log/a.log
    ok apply -f d.yaml
    has 'no transaction committed'
    [ "$(pond cat /logs/a.log)" = one ]
}
