#!/usr/bin/env bats
# The tree: mkdir, rm, mv, ln, list, and names that a shell would hate.
load helpers

prepare() { pond init --quiet; }

@test "mkdir: parents, existing, bad paths; nothing happens when one of several fails" {
    ok mkdir /a /b
    fails 4 mkdir /x/y
    tells "/x"
    ok mkdir -p /x/y/z
    fails 1 mkdir /a
    tells "/a" "exists"
    ok mkdir -p /a /x/y
    before=$(txn)
    fails 1 mkdir /new /a
    fails 1 mkdir /a/../..
    fails 2 mkdir host:///a
    [ "$(txn)" = "$before" ]
    [ "$(paths)" = $'/a\n/b\n/x\n/x/y\n/x/y/z' ]
    [ "$(pond mkdir -p /a --json | jq -c .)" = '{"txn":0,"log_version":-1,"rows":0}' ]
    [ "$(pond mkdir /c /d --json | jq -c '[.txn, .rows]')" = "[$((before + 1)),2]" ]
}

@test "names: spaces, quotes, line breaks, =, %, UTF-8, and those that are refused" {
    names=('a b' "it's" 'say "hi"' $'two\nlines' 'k=v' '100%' 'µS/cm' '-rf' '*?[x]{y}\' '😀' '..x' '.dot')
    names[6]='µS⁄cm'
    for name in "${names[@]}"; do ok mkdir -- "/$name"; done
    ok list -a
    has '/two\nlines' # one line each
    [ "${#lines[@]}" -eq "${#names[@]}" ]
    [ "$(pond list --json -a | jq 'map(.path) | sort | length')" -eq 12 ]
    run jq -r '.[] | select(.path | contains("lines")) | .path' <(pond list --json)
    is $'/two\nlines'
    run pond list '/\*\?\[x\]\{y\}\\' --paths
    is '/*?[x]{y}\'
    for name in "${names[@]}"; do
        plain=${name//\\/\\\\} plain=${plain//\*/\\*} plain=${plain//\?/\\?} plain=${plain//\[/\\[} plain=${plain//\{/\\{}
        ok rm -- "/$plain"
    done
    [ -z "$(paths)" ]
    fails 1 mkdir $'/bad\xff'
    fails 1 mkdir "/$(printf 'x%.0s' {1..256})"
    ok mkdir "/$(printf 'x%.0s' {1..255})"
    fails 1 mkdir ''
}

@test "files with such names go in and out unchanged" {
    mkdir in
    for name in 'a b' "it's" 'say "hi"' $'two\nlines' 'k=v' '100%' '😀'; do
        printf '%s' "$name" >"in/$name"
        ok copy "in/$name" /
        run --separate-stderr pond cat "/$name"
        is "$name"
    done
    ok copy '/*' "host://$PWD/out"
    [ "$(diff -r in out)" = "" ]
    # percent-decoding in URLs, never in plain paths
    printf 'q' >'in/what?'
    fails 4 copy "host://$PWD/in/what?" /q
    tells "%3F"
    ok copy "host://$PWD/in/what%3F" /
    ok cat 'file:///what%3F'
    is q
    ok cat '/100%'
}

@test "mv: rename, into a directory, onto something, below itself" {
    ok mkdir -p /a/b /c
    ok mv /a/b /a/b2
    ok mv /a /c
    [ "$(paths)" = $'/c\n/c/a\n/c/a/b2' ]
    fails 1 mv /c /c/a
    tells "/c"
    fails 4 mv /none /x
    fails 4 mv /c/a /x/y
    printf 1 >f
    ok copy f /f
    ok copy f /g
    fails 1 mv /f /g
    tells "/g" "exists"
    [ "$(pond mv /f /h --json | jq .rows)" = 1 ]
    [ "$(pond cat /h)" = 1 ]
}

@test "rm: files, patterns, directories, links" {
    printf 1 >f
    ok mkdir -p /d/e
    for name in x1 x2 y; do pond copy f "/$name"; done
    fails 1 rm /d
    tells "/d" "hint"
    fails 4 rm /none
    fails 4 rm '/none*'
    ok rm '/x*'
    ok ln -s /y /link
    ok rm /link
    ok rm -r /d/ # itself, as in a shell
    [ "$(paths)" = /y ]
    [ "$(pond rm /y --json | jq .rows)" = 1 ]
}

@test "ln: targets, what list and cat show, loops, dangling" {
    printf hello >f
    pond mkdir /d && pond copy f /d/f
    ok ln -s d/f /rel
    ok ln -s /d /dir
    ok ln -s /nowhere /dangling
    ok ln -s /loop2 /loop1
    ok ln -s /loop1 /loop2
    fails 2 ln /a /b
    tells "pond ln -s /a /b"
    fails 1 ln -s /x /rel
    run --separate-stderr pond list # all of it, and what is wrong
    has "/rel -> d/f" "/dangling -> /nowhere" "[LINK]" "/loop1 -> /loop2"
    [ "$status" -eq 1 ]
    tells "/loop1: more than 40 symbolic links"
    ok cat /rel
    is hello
    ok cat /dir/f
    is hello
    fails 1 cat /loop1
    tells "leads back to itself"
    fails 4 cat /dangling
    tells /nowhere
    [ "$(pond list /rel --json | jq -r '.[0] | [.type, .target] | @csv')" = '"symlink","d/f"' ]
}

@test "list: what a line says, order, hidden names, contents, patterns" {
    printf 'x%.0s' {1..5000} >f
    pond mkdir -p /s/a /s/a-b /s/.h
    pond copy f /s/a/big
    csv_series /s/t.series <"$HOURLY"
    ok list
    [[ ${lines[0]} =~ ^"[DIR] "\ +-\ [0-9a-f]{8}\ v1\ +[0-9]{4}-[0-9]{2}-[0-9]{2}\ [0-9:]{8}\ /s$ ]]
    [[ $output == *"[FILE]      4.9KB "*" /s/a/big"* ]]
    [ "$(paths)" = $'/s\n/s/a\n/s/a/big\n/s/a-b\n/s/t.series' ] # by component, not by text
    [ "$(pond list '/**' -a --paths | grep -c .)" = 6 ]
    [ "$(paths /s/)" = $'/s/a\n/s/a-b\n/s/t.series' ]
    [ "$(paths /s)" = /s ]
    [ "$(paths '/s/{a,t.series}')" = $'/s/a\n/s/t.series' ]
    [ "$(paths '/s/[!a]*')" = $'/s/t.series' ]
    [ "$(paths '**/*.series')" = /s/t.series ]
    [ "$(paths '/zzz*')" = "" ]
    fails 4 list /s/t.serie
    tells "did you mean /s/t.series?"
    fails 1 list '/a[b'
    tells "column 3"
    ok list -l /s/t.series
    has table:series 8,759 "2010-01-01 01:00:00 .. 2010-12-31 23:00:00"
    [ "$(pond list /s/t.series --json | jq -c '.[0] | [.rows, .versions, .first, .last]')" = '[8759,1,"2010-01-01T01:00:00Z","2010-12-31T23:00:00Z"]' ]
}

@test "list '/' and the root's own operations" {
    ok list /
    is ""
    fails 1 rm -r /
    fails 1 mv / /x
    fails 1 mkdir /
    ok mkdir -p /
}

@test "a pond and an export in folders whose names are patterns, quotes and escapes" {
    mkdir "odd it's [x] *{a}?" && cd "odd it's [x] *{a}?"
    export POND="$PWD/my [d] %20 = ü"
    pond init --quiet
    mkdir year=2024
    printf 'timestamp,a\n2024-01-01,7\n' >"year=2024/a'b [1].csv"
    url() { python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "$PWD/$1"; }
    ok copy "host+csv+series://$(url "year=2024/a'b [1].csv")" /s.series
    [ "$(rows /s.series)" = $'timestamp,a\n2024-01-01T00:00:00Z,7' ] # no column of a folder's name
    ok cat /s.series --sql 'SELECT sum(a) AS s FROM source' --format csv
    is $'s\n7'
    ok export -p /s.series -d "out [1] it's" --temporal year
    cmp "out [1] it's/s/year=2024/data.parquet" <(pond cat "host+table://$(url "out [1] it's/s/year=2024/data.parquet")")
    rm -rf "$POND/cache"
    ok fsck
    ok maintain --compact --vacuum --retain 0
    [ "$(rows /s.series | tail -n 1)" = 2024-01-01T00:00:00Z,7 ]
}
