#!/usr/bin/env bats
# logfile-ingest: the pond holds every byte ever written to a log, once, in order.
load helpers

prepare() {
    pond init --quiet
    mkdir log
    config
}
config() { # [ACTIVE] [ARCHIVED] [POND_PATH]: the executable "logs"
    printf 'active_pattern: %s\narchived_pattern: %s\npond_path: %s\n' "${1-$PWD/log/*.log}" "${2-$PWD/log/*.log.*}" "${3-/logs}" >y.yaml
    pond mkdir -p /system/etc && pond mknod logfile-ingest /system/etc/logs --config-path y.yaml --overwrite
}
mirrored() { # NAME: what of log/NAME the pond has
    ok run logs
    pond cat "/logs/$1" >got
}
noise() { head -c "$1" /dev/urandom | base64 -w 99; }
state() { pond log --json --limit 1 | jq .txn; }

@test "growth: only new bytes are appended, as versions; nothing new, nothing committed" {
    noise 3000 >log/a.log
    mirrored a.log
    cmp got log/a.log
    [ "$(pond list /logs/a.log --json | jq -r '.[0].type')" = data:series ]
    before=$(txn)
    mirrored a.log
    [ "$(txn)" = "$before" ]
    noise 300000 >>log/a.log
    printf 'half a li' >>log/a.log
    mirrored a.log
    printf 'ne\n' >>log/a.log
    mirrored a.log
    cmp got log/a.log
    [ "$(pond describe /logs/a.log --json | jq -c '[.[0].version_list[].size] | [length, add]')" = "[3,$(stat -c %s log/a.log)]" ]
    ok fsck
}

@test "an empty log has no node; a missing one is told" {
    touch log/a.log
    ok run logs
    is ''
    fails 4 list /logs
    rm log/a.log
    run --separate-stderr pond run logs
    [ "$status" -eq 0 ]
    tells 'no file matches'
    rmdir log
    fails 4 run logs
    tells "$PWD/log" 'no directory'
}

@test "rotation by renaming: the archive's rest, then the new file" {
    echo 1 >log/a.log
    mirrored a.log
    echo 2 >>log/a.log
    mv log/a.log log/a.log.1
    mirrored a.log # in between: there is no active log
    [ "$(<got)" = $'1\n2' ]
    echo 3 >>log/a.log.1 # who wrote to it still has it open
    echo 4 >log/a.log
    mirrored a.log
    [ "$(<got)" = $'1\n2\n3\n4' ]
    # an empty new file: its archive is still watched
    mv log/a.log.1 log/a.log.2 && mv log/a.log log/a.log.1 && touch log/a.log
    mirrored a.log
    echo 5 >>log/a.log.1
    mirrored a.log
    echo 6 >>log/a.log
    mirrored a.log
    [ "$(<got)" = $'1\n2\n3\n4\n5\n6' ]
}

@test "several rotations between two runs, and growth past what was mirrored" {
    echo first >log/a.log
    mirrored a.log
    echo more >>log/a.log
    for n in 1 2 3; do
        for k in 3 2 1; do [ ! -e log/a.log.$k ] || mv log/a.log.$k log/a.log.$((k + 1)); done
        mv log/a.log log/a.log.1
        noise $((n * 50)) >log/a.log
        sleep 0.01
    done
    mirrored a.log
    cat log/a.log.3 log/a.log.2 log/a.log.1 log/a.log >want
    cmp got want
    [ "$(head -2 got)" = $'first\nmore' ]
}

@test "the first run: archives from the oldest on; between equal times the name decides" {
    for n in 10 9 2 1; do echo $n >log/a.log.$n; done
    for d in 12-31 02-01; do echo $d >log/b.log-$d; done
    touch -d 2024-01-01 log/a.log.* log/b.log-*
    echo new >log/a.log
    mirrored a.log
    [ "$(<got)" = $'10\n9\n2\n1\nnew' ]
    touch -d 2024-06-01 log/b.log-12-31 # time comes before name
    config "$PWD/log/b.log" "$PWD/log/b.log-*"
    mirrored b.log # there is no active log yet
    [ "$(<got)" = $'02-01\n12-31' ]
    echo more >>log/b.log
    mirrored b.log
    [ "$(<got)" = $'02-01\n12-31\nmore' ]
}

@test "copied and truncated: by its archive" {
    noise 500 >log/a.log
    mirrored a.log
    echo rest >>log/a.log
    cp log/a.log log/a.log.1 && cat log/a.log >want
    : >log/a.log
    noise 5000 >>log/a.log # longer than what was mirrored
    cat log/a.log >>want
    mirrored a.log
    cmp got want
    # copied, but seen again before it is truncated
    cp log/a.log log/a.log.2
    echo late >>log/a.log && echo late >>want
    mirrored a.log
    : >log/a.log
    mirrored a.log
    echo new >>log/a.log && echo new >>want
    mirrored a.log
    cmp got want
}

@test "copied and truncated with the same beginning, or from nothing" {
    printf 'time,level\n' >log/a.log
    mirrored a.log
    echo 1 >>log/a.log
    cp log/a.log log/a.log.1
    mirrored a.log # a copy, and the log still goes on
    [ "$(<got)" = $'time,level\n1' ]
    rm log/a.log.1
    : >log/a.log
    printf 'time,level\n' >log/a.log
    run --separate-stderr pond run logs # less of the old one
    tells 'became shorter'
    echo 2 >>log/a.log
    cp log/a.log log/a.log.1
    printf 'time,level\n3\n4\n' >log/a.log
    mirrored a.log
    [ "$(<got)" = $'time,level\n1\n2\ntime,level\n3\n4' ]
    rm log/a.log.1
    : >log/a.log
    mirrored a.log
    echo 5 >>log/a.log
    sleep 0.02
    cp log/a.log log/a.log.1
    echo 6 >log/a.log
    mirrored a.log
    [ "$(tail -2 got)" = $'5\n6' ]
}

@test "truncated: a new beginning, or less of the old one" {
    printf 'one\ntwo\nthree\n' >log/a.log
    mirrored a.log
    : >log/a.log
    mirrored a.log
    [ "$(<got)" = $'one\ntwo\nthree' ]
    printf 'four\n' >>log/a.log
    mirrored a.log
    [ "$(<got)" = $'one\ntwo\nthree\nfour' ]
    printf 'x\n' >log/a.log # shorter, and other bytes
    run --separate-stderr pond run logs
    [ "$status" -eq 0 ]
    tells "$PWD/log/a.log" 'truncated' '5 bytes'
    [ "$(pond cat /logs/a.log)" = $'one\ntwo\nthree\nfour\nx' ]
    printf 'y\nz\n' >>log/a.log
    mirrored a.log
    truncate -s 4 log/a.log # x and y stay
    run --separate-stderr pond run logs
    tells 'became shorter' '4 bytes of 6'
    printf 'w\n' >>log/a.log
    mirrored a.log
    [ "$(<got)" = $'one\ntwo\nthree\nfour\nx\ny\nz\nw' ]
    cp log/a.log new && mv new log/a.log # all of it is compared, in its two parts
    mirrored a.log
    [ "$(txn)" -gt 1 ]
    printf 'v\n' >>log/a.log
    mirrored a.log
    [ "$(tail -1 got)" = v ]
}

@test "a rewritten prefix without its archive fails, names file and offset, and changes nothing" {
    noise 1000 >log/b.log
    noise 1000 >log/a.log
    mirrored a.log
    before=$(txn)
    cp got want
    echo new >>log/b.log
    printf 'X' | dd of=log/a.log bs=1 seek=123 conv=notrunc status=none
    noise 1000 >>log/a.log
    for _ in 1 2; do
        fails 1 run logs
        tells "$PWD/log/a.log" 'offset 123 ' '/logs/a.log' 'pond run /system/etc/logs restart a.log'
    done
    [ "$(txn)" = "$before" ]
    [ -z "$(find p/tmp -type f)" ]
    pond cat /logs/a.log | cmp - want
    [ "$(pond cat /logs/b.log | tail -1)" != new ]
    # the same length, and touched: compared as a whole
    noise 200000 >log/c.log
    mirrored b.log 2>/dev/null || true
    config "$PWD/log/c.log"
    mirrored c.log
    printf 'X' | dd of=log/c.log bs=1 seek=150000 conv=notrunc status=none
    fails 1 run logs
    tells 'offset 150000 '
    # gone without an archive
    rm log/c.log
    echo other >log/c.log.1
    fails 1 run logs
    tells 'is gone'
}

@test "restart: goes on without the archive, only where something is lost" {
    printf 'one\ntwo\n' >log/a.log
    echo b >log/b.log
    mirrored a.log
    printf 'ONE\ntwo\nthree\n' >log/a.log
    fails 1 run logs
    fails 4 run logs restart a.lg
    tells "did you mean 'a.log'"
    fails 2 run logs restart
    run --separate-stderr pond run logs restart a.log b.log
    [ "$status" -eq 0 ]
    tells 'b.log: nothing is lost'
    [ "$(pond cat /logs/a.log)" = $'one\ntwo\nONE\ntwo\nthree' ]
    [ "$(pond cat /logs/b.log)" = b ]
    mirrored a.log
    [ "$(wc -l <got)" = 5 ]
}

@test "compressed archives" {
    noise 100000 >log/a.log
    mirrored a.log
    noise 100000 >>log/a.log
    cp log/a.log want
    mv log/a.log log/a.log.1 && gzip log/a.log.1
    noise 300000 >log/b
    cat log/b >>want && mv log/b log/a.log.0 && gzip log/a.log.0
    echo new >log/a.log && echo new >>want
    mirrored a.log
    cmp got want
    mirrored a.log
    cmp got want
    # compressed after it was mirrored, with the time of compression: known by its bytes
    mv log/a.log log/a.log.2
    mirrored a.log
    gzip log/a.log.2 && touch log/a.log.2.gz
    echo next >log/a.log && echo next >>want
    mirrored a.log
    cmp got want
    # archives that begin alike
    echo hello >log/h.log
    mirrored h.log
    mv log/h.log log/h.log.1 && gzip log/h.log.1
    echo help >log/h.log.0 && gzip log/h.log.0
    echo more >log/h.log
    mirrored h.log
    [ "$(<got)" = $'hello\nhelp\nmore' ]
    for pack in 'zstd -q --rm' bzip2; do
        noise 300000 >log/p.log
        mirrored p.log
        echo rest >>log/p.log
        cat log/p.log >want
        mv log/p.log "log/p.log.${pack%% *}"
        $pack "log/p.log.${pack%% *}"
        echo new >log/p.log && echo new >>want
        mirrored p.log
        cmp got want
        pond rm /logs/p.log && rm log/p.log*
    done
    # several members, as logs that are compressed piece by piece
    { printf one | gzip && printf two | gzip; } >log/c.log.1.gz
    mirrored c.log
    [ "$(<got)" = onetwo ]
    # damaged
    before=$(txn)
    noise 100000 | gzip | head -c 50000 >log/d.log.1.gz
    fails 1 run logs
    tells d.log.1.gz 'its end is missing'
    printf 'no gzip' >log/d.log.1.gz
    fails 1 run logs
    tells d.log.1.gz
    [ "$(txn)" = "$before" ]
}

@test "archives vanish, move and are touched" {
    echo 1 >log/a.log
    mirrored a.log
    mv log/a.log log/a.log.1
    mirrored a.log
    rm log/a.log.1 # it was mirrored whole, as an archive
    echo 2 >log/a.log
    mirrored a.log
    [ "$(<got)" = $'1\n2' ]
    mv log/a.log log/a.log.1 && echo 3 >log/a.log
    mirrored a.log
    mv log/a.log.1 log/a.log.9 && touch log/a.log.9
    echo 4 >>log/a.log
    mirrored a.log
    mv log/a.log log/a.log.1 && echo 5 >log/a.log
    touch log/a.log.9
    mirrored a.log
    cp log/a.log.9 log/a.log.8
    mv log/a.log log/a.log.0 && echo 6 >log/a.log
    mirrored a.log
    [ "$(<got)" = $'1\n2\n3\n4\n5\n6' ]
}

@test "the file is known by its inode, else by all of its bytes; unchanged ones are not read" {
    noise 1000000 >log/a.log
    touch -d '1 hour ago' log/a.log
    mirrored a.log
    read_bytes() { pond run logs --stats 2>&1 >/dev/null | awk '$1 == "read" && $2 == "host" { print $6 }'; }
    [ -z "$(read_bytes)" ]
    # moved to another disk: read once
    cp -p log/a.log new && mv new log/a.log
    [ -n "$(read_bytes)" ]
    [ -z "$(read_bytes)" ]
    # short logs begin alike: the inode tells them apart
    printf 'begin\n' >log/b.log
    mirrored b.log
    echo old >>log/b.log && mv log/b.log log/b.log.1
    printf 'begin\nnew\n' >log/b.log
    mirrored b.log
    [ "$(<got)" = $'begin\nold\nbegin\nnew' ]
}

@test "many logs, in folders; names of archives elsewhere; links" {
    mkdir -p log/x log/y old
    echo x >log/x/app.log && echo y >log/y/app.log
    printf 'x0\n' >old/x-app.0 && touch -d 2024-01-01 old/x-app.0
    config "$PWD/log/*/*.log" "$PWD/old/*-*.?"
    ok run logs
    [ "$(paths /logs/**)" = $'/logs/x\n/logs/x/app.log\n/logs/y\n/logs/y/app.log' ]
    [ "$(pond cat /logs/x/app.log)" = $'x0\nx' ]
    # the active log is a link to the newest of the archives
    mkdir day && echo 1 >day/app-1 && ln -s app-1 day/app
    config "$PWD/day/app" "$PWD/day/app-*" /day
    ok run logs
    echo 11 >>day/app-1 && echo 2 >day/app-2 && ln -sf app-2 day/app
    ok run logs
    [ "$(pond cat /day/app)" = $'1\n11\n2' ]
    # any depth
    mkdir -p deep/a/b && echo d >deep/a/b/z.log && echo e >deep/z.log
    config "$PWD/deep/**/*.log" "$PWD/deep/**/*.log.*" /deep
    ok run logs
    [ "$(pond list '/deep/**' --json | jq -r '.[] | select(.size) | .path')" = $'/deep/a/b/z.log\n/deep/z.log' ]
    mv deep/z.log deep/z.log.1 && echo f >deep/z.log
    ok run logs
    [ "$(pond cat /deep/z.log)" = $'e\nf' ]
}

@test "what stands in the way in the pond" {
    echo 1 >log/a.log
    pond mkdir /logs && pond copy y.yaml /logs/a.log
    fails 1 run logs
    tells /logs/a.log 'not made by logfile-ingest'
    pond mv /logs/a.log /mine
    ok run logs
    # somebody else appends
    echo 2 >two && pond copy two /logs/a.log
    fails 1 run logs
    tells /logs/a.log 'changed by something else' 'pond mv'
    pond mv /logs/a.log /moved
    ok run logs
    [ "$(pond cat /logs/a.log)" = 1 ]
    # a node moves with what is remembered of it
    pond mkdir /elsewhere && pond mv /logs/a.log /elsewhere/a.log
    config "$PWD/log/*.log" "$PWD/log/*.log.*" /elsewhere
    ok run logs
    is ''
    config "$PWD/log/*.log" "$PWD/log/*.log.*" /moved
    fails 1 run logs
    tells /moved
}

@test "the configuration is checked: keys, globs, captures, variables" {
    try() { # TEXT... of the message; y.yaml from stdin
        cat >y.yaml
        fails 1 mknod logfile-ingest /n --config-path y.yaml
        tells 'y.yaml' "$@"
    }
    try 'line 1' 'active_pattern' <<<'pond_path: /x'
    try 'pond_path' <<<'active_pattern: /a'
    try 'line 2' 'did you mean active_pattern' <<<$'pond_path: /x\nactive_patern: /a'
    try 'line 1, column 17' 'not absolute' <<<$'active_pattern: a.log\npond_path: /x'
    try 'line 1, column 17' "'['" <<<$'active_pattern: "/a[.log"\npond_path: /x'
    try 'names a directory' <<<$'active_pattern: /a/\npond_path: /x'
    try 'expected text' <<<$'active_pattern: [/a]\npond_path: /x'
    try 'line 2, column 19' 'has 0 wildcards' <<<$'active_pattern: /a/*.log\narchived_pattern: /a/old\npond_path: /x'
    try 'archived_pattern' 'not absolute' <<<$'active_pattern: /a\narchived_pattern: b.*\npond_path: /x'
    try 'line 2, column 12' 'pond_path' <<<$'active_pattern: /a\npond_path: /x/*'
    try 'pond_path' <<<$'active_pattern: /a\npond_path: host:///x'
    try 'pond_path' <<<$'active_pattern: /a\npond_path: /../x'
    try 'empty' <<<''
    # expanded at use
    printf 'active_pattern: ${env:LOGDIR}/*.log\npond_path: /${var:where}\n' >y.yaml
    ok mknod logfile-ingest /n --config-path y.yaml
    echo 1 >log/a.log
    fails 1 run /n
    tells LOGDIR
    LOGDIR=log fails 1 run /n -v where=w
    tells 'not absolute'
    LOGDIR=$PWD/log ok run /n -v where=w
    ok cat /w/a.log
}

@test "a file that became shorter while it was read, and one that cannot be read" {
    [ "$(id -u)" -ne 0 ] || skip 'root reads everything'
    echo 1 >log/a.log
    chmod 000 log/a.log
    fails 74 run logs
    tells a.log
}

@test "a log host at random, with kills and faults" {
    mkdir model
    cd model
    POND=$PWD/p run python3 "$BATS_TEST_DIRNAME/ingest_model.py" "$POND_BIN" "${POND_SEED:-27328}" 120
    echo "$output"
    [ "$status" -eq 0 ]
}
