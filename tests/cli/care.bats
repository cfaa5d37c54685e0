#!/usr/bin/env bats
# History, health, settings, integrity, upkeep; locks, interrupts, crashes, full disks and read-only ponds.
load helpers

prepare() { pond init --quiet --birthplace lab; }
teardown() {
    [ ! -d small ] || umount small 2>/dev/null || true
    chmod -R u+w . 2>/dev/null || true
}
root_only() { [ "$(id -u)" = 0 ] || skip "needs root"; }

@test "log: newest first, limits, one transaction, JSON" {
    pond mkdir -p /a/b
    pond copy "$HOURLY" /raw.csv
    ok log
    [[ ${lines[0]} =~ ^transaction\ 3\ \(write\)\ \ COMMITTED\ [0-9]{4}-[0-9]{2}-[0-9]{2}\ [0-9:]{8}$ ]]
    has "Command  : pond copy $HOURLY /raw.csv" "Command  : pond mkdir --parents /a/b" "Command  : pond init" "/raw.csv"
    ok log --limit 1
    [[ $output == *"transaction 3"* && $output != *"transaction 2"* ]]
    ok log --txn 2
    has mkdir
    [[ $output != *"transaction 3"* ]]
    [ "$(pond log --json | jq -c '[.[].txn]')" = "[3,2,1]" ]
    [ "$(pond log --json | jq -c '.[0] | [has("time"), has("user"), has("host"), .metrics.bytes]')" = "[true,true,true,$(stat -c %s "$HOURLY")]" ]
    fails 4 log --txn 99
    tells "the newest is 3"
    for i in {1..12}; do pond mkdir "/n$i"; done # over checkpoints and merges
    [ "$(pond log --json --limit 100 | jq -c '[.[].txn] == [range(15; 0; -1)]')" = true ]
}

@test "log: the command as a shell would have to be given it" {
    pond mkdir "/it's one" '/$x*' plain
    [ "$(pond log --json --limit 1 | jq -r '.[0].command')" = "pond mkdir '/it'\\''s one' '/\$x*' plain" ]
}

@test "secrets of URLs and variables do not reach the log" {
    run pond copy 'host+csv://user:geheim@/x.csv' /x -v token=geheim2
    [ "$status" -ne 0 ]
    pond mkdir /a -v token=geheim2
    [[ $(pond log) != *geheim* ]]
}

@test "show and status: counts, JSON" {
    csv_series /h.series <"$HOURLY"
    pond mkdir /d
    pond ln -s /h.series /l
    [ "$(pond show --json | jq -c '[.birthplace, .transactions, .directory, .symlink, ."table:series", .versions, .rows]')" = '["lab",4,1,1,1,1,8759]' ]
    ok show
    has "birthplace" lab "8,759"
    [ "$(pond status --json | jq -c '[.log_version, .checkpoint_version, .index_state]')" = '[3,-1,"current"]' ]
    ok status
    has "none yet" "free on the disk"
    rm -rf p/cache
    [ "$(pond status --json | jq -r .index_state)" != current ]
    [ "$(pond status --json | jq -r .index_state)" = current ]
}

@test "config: show, set, unset, unknown keys" {
    ok config
    has retain 24h "(default)"
    ok config set retain 7d
    [ "$(pond config --json | jq -r .retain)" = 7d ]
    ok config unset retain
    [ "$(pond config --json | jq -r .retain)" = 24h ]
    fails 4 config set retian 7d
    tells "did you mean 'retain'?"
    fails 1 config set retain lots
    fails 2 config set retain
    tells "usage:"
    [ "$(txn)" = 3 ]
}

@test "fsck: one root for equal content, whatever the way there; damage is found and named" {
    csv_series /h.series <"$HOURLY"
    pond mkdir /d
    ok fsck
    has clean "root "
    POND=$PWD/q pond init --quiet --birthplace elsewhere
    POND=$PWD/q pond mkdir /d /x
    POND=$PWD/q csv_series /g.series <"$HOURLY"
    POND=$PWD/q pond mv /g.series /h.series
    POND=$PWD/q pond rm /x
    [ "$(root)" = "$(POND=$PWD/q root)" ]
    before=$(root)
    pond maintain --compact
    [ "$(root)" = "$before" ]
    pond mkdir /e
    [ "$(root)" != "$before" ]
    blob=$(find p/blobs -name '*.parquet')
    chmod u+w "$blob"
    printf X | dd of="$blob" bs=1 seek=5000 conv=notrunc status=none
    run --separate-stderr pond fsck
    [ "$status" -eq 7 ]
    tells damaged "$blob" hint:
    [ "$(pond fsck --json 2>/dev/null | jq -c '[.clean, (.problems | length > 0)]')" = "[false,true]" ]
    fails 7 cat /h.series --format csv
    tells "/h.series v1: blob" "$(basename "$blob" .parquet)"
    rm "$blob"
    fails 7 cat /h.series --format csv
    run --separate-stderr pond fsck --quick
    [ "$status" -eq 7 ]
}

@test "fsck names every version that refers to damaged content" {
    head -c 9000 /dev/urandom >f
    for i in 1 2 3 4 5 6 7; do pond copy f "/f $i"; done
    pond mkdir /d
    pond copy f '/d/é.bin'
    printf changed >>f
    pond copy f '/f 2' # its first version is no longer live
    pond copy f /other
    chmod -R u+w p/blobs
    blob=$(find p/blobs -type f -size 9000c)
    rm "$blob"
    run --separate-stderr pond fsck --quick
    [ "$status" -eq 7 ]
    tells "$blob" '/f 1 v1, /f 3 v1, /f 4 v1, /f 5 v1, /f 6 v1 and 2 more' 'copy the same content'
    [ "$(pond fsck --json 2>/dev/null | jq -c '[.problems[].versions | sort_by(.path)[] | [.path, .version]]')" = \
        '[["/d/é.bin",1],["/f 1",1],["/f 3",1],["/f 4",1],["/f 5",1],["/f 6",1],["/f 7",1]]' ]
    head -c 9000 f >g
    ok copy g /again # the same content mends them all
    ok fsck
    has clean
}

@test "planning looks at no blob; each is verified before it is first read, and once" {
    for i in 1 2 3; do printf 'timestamp,v\n2024-01-0%s,%s\n' $i $i | csv_series /s.series; done
    printf 'in_pattern: /s.series\nout_pattern: s\nresolutions: [1d]\naggregations: [{type: sum}]\n' >reduce.yaml
    pond mknod temporal-reduce /r --config-path reduce.yaml
    looks() { pond "$@" --stats 2>&1 >/dev/null | awk '/ blob \(pond\)/ { n += $5 } END { print n + 0 }'; }
    [ "$(looks describe /s.series --plan)" = 0 ]
    [ "$(looks cat /s.series --explain)" = 0 ]
    [ "$(looks export -p /s.series -p '/r/*/*' -d out --dry-run)" = 0 ]
    [ "$(looks cat /s.series --format csv)" = 3 ] # a stat each
    [ "$(looks cat /s.series --format csv --time-end 2024-01-02)" = 2 ]
    [ "$(count_of blob_verify cat /s.series --format csv)" = 0 ] # what came in counts as read
    touch p/blobs/*/*
    [ "$(count_of blob_verify describe /s.series --plan)" = 0 ]
    [ "$(count_of blob_verify cat /r/s/res=1d.series --format csv)" = 3 ]
    [ "$(count_of blob_verify export -p /s.series -p '/r/*/*' -d out --temporal day)" = 0 ]
    for blob in p/blobs/*/*; do
        chmod u+w "$blob"
        printf X | dd of="$blob" bs=1 seek=60 conv=notrunc status=none
    done
    ok describe /s.series --plan
    for command in 'cat /s.series --format csv' 'cat /r/s/res=1d.series --format csv' 'export -p /s.series -d new' \
        'export -p /r/*/* -d new' "cat /s.series --format csv --sql FROM\ source"; do
        run --separate-stderr xargs -n 20 "$POND_BIN" <<<"$command"
        tells "/s.series v" "its content has another hash"
    done
    [ -z "$(find new -name '*.parquet')" ]
}

@test "caches may be deleted or damaged at any moment" {
    csv_series /h.series <"$HOURLY"
    printf 'patterns: {h: /h.series}\nquery: SELECT date, wind FROM h\n' >q
    pond mknod sql-derived-series /q --config-path q
    want=$(rows /q | sha256sum)
    rm -rf p/cache
    [ "$(rows /q | sha256sum)" = "$want" ]
    for file in p/cache/*.db; do printf 'damage' | dd of="$file" bs=1 seek=40 conv=notrunc status=none; done
    [ "$(pond cat /q --format csv 2>/dev/null | sha256sum)" = "$want" ]
    [ "$(POND_CACHE=off pond cat /q --format csv | sha256sum)" = "$want" ]
    ok fsck
}

@test "maintain: checkpoint, compaction, vacuum with retention" {
    for i in 1 2 3; do
        head -c 10000 /dev/urandom >f
        pond copy f /f
    done
    [ "$(find p/blobs -type f | wc -l)" = 3 ]
    ok maintain --vacuum
    has "Removed 0 blobs"
    ok maintain --compact --vacuum --retain 0 --json
    [ "$(jq -c '[.removed_blobs, .removed_log_files > 0]' <<<"$output")" = "[2,true]" ]
    pond cat /f | cmp - f
    ok fsck
    fails 2 maintain --retain 0
    tells "add --vacuum"
    fails 2 maintain --vacuum --retain soon
    tells "--retain: soon"
}

@test "recover: nothing to do, a killed writer, a killed export" {
    ok recover
    has "index was sound"
    [ "$(pond recover --json | jq -c .)" = '{"staging_removed":0,"index_rebuilt":false}' ]
    csv_series /h.series <"$HOURLY"
    before=$(root)
    POND_FAULT="class=log,op=link,do=crash" run pond mkdir /lost
    [ "$status" -eq 137 ]
    [ "$(root)" = "$before" ]
    ok recover
    ok mkdir /lost
    POND_FAULT="class=out,op=rename,nth=2,do=crash" run pond export -p /h.series -d out --temporal year,month
    [ "$status" -eq 137 ]
    ok recover -d out
    has "was completed"
    ok export -p /h.series -d out --temporal year,month --json
    [ "$(jq -c '[.written, .kept]' <<<"$output")" = "[0,12]" ]
    ok recover -d out
    has "nothing to complete"
}

@test "a second writer says who holds the lock, or waits" {
    mkfifo pipe
    "$POND_BIN" copy "$PWD/pipe" /slow & # reads until the pipe ends: holds the lock
    writer=$!
    exec 9>pipe
    for i in {1..50}; do [ -s p/lock ] && break || sleep 0.05; done
    fails 6 mkdir /x
    tells "$(id -un)" "hint:" "--wait"
    ok list # readers wait for nobody
    (sleep 0.3 && exec 9>&-) &
    exec 9>&-
    ok mkdir /x --wait 20s
    wait "$writer"
    [ "$(paths)" = $'/slow\n/x' ]
}

@test "Ctrl-C: exit 130, nothing changed, no staging left" {
    csv_series /h.series <"$HOURLY"
    before=$(root)
    query='SELECT count(*) AS n FROM source a, source b, source c WHERE a.wind + b.wind + c.wind < 0'
    set +e
    # bash starts background jobs with SIGINT ignored; python does not
    python3 - "$POND_BIN" cat /h.series --format csv --sql "$query" <<'PY'
import signal, subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
time.sleep(0.8)
child.send_signal(signal.SIGINT)
out, err = child.communicate(timeout=20)
open('err.txt', 'wb').write(err)
sys.exit(child.returncode)
PY
    status=$?
    set -e
    [ "$status" -eq 130 ]
    grep -q '^pond: .*interrupted' err.txt
    mkfifo pipe
    set +e
    python3 - "$POND_BIN" copy "$PWD/pipe" /slow <<'PY'
import signal, subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
pipe = open('pipe', 'wb')
pipe.write(b'x' * 50000)
pipe.flush()
time.sleep(0.5)
child.send_signal(signal.SIGINT)
time.sleep(0.2)
pipe.close()
out, err = child.communicate(timeout=20)
sys.exit(child.returncode)
PY
    status=$?
    set -e
    [ "$status" -eq 130 ]
    [ "$(root)" = "$before" ]
    [ -z "$(find p/tmp -type f 2>/dev/null)" ]
}

@test "kill -9 while copying leaves the old state" {
    head -c 50000000 /dev/zero >big
    before=$(root)
    for delay in 0.02 0.05 0.1; do
        timeout -s KILL "$delay" "$POND_BIN" copy big /big || true
    done
    ok recover --wait 20s # the last one may still be dying
    ok fsck
    now=$(root)
    [ "$now" = "$before" ] || pond cat /big | cmp - big
}

@test "a full disk: exit 74, the pond as it was" {
    root_only
    mkdir small
    mount -t tmpfs -o size=3m tmpfs small || skip "cannot mount"
    export POND=$PWD/small/p
    pond init --quiet
    head -c 100000 /dev/urandom >f
    ok copy f /f
    before=$(root)
    head -c 5000000 /dev/urandom >big
    fails 74 copy big /big
    tells "No space left"
    [ "$(root)" = "$before" ]
    pond cat /f | cmp - f
    ok mkdir /d # there is room again
    csv_series /h.series <"$HOURLY"
    cat /dev/zero >small/filler 2>/dev/null || true
    before=$(root)
    run --separate-stderr pond export -p /h.series -d small/out --temporal year,month
    [ "$status" -eq 74 ] || fail export
    tells "No space left"
    [ -z "$(find small/out -name '*.parquet' 2>/dev/null)" ]
    rm small/filler
    ok export -p /h.series -d small/out --temporal year,month
}

@test "a read-only pond can be read, and says so when written" {
    csv_series /h.series <"$HOURLY"
    printf 'patterns: {h: /h.series}\nquery: SELECT max(wind) AS w FROM h\n' >q
    pond mknod sql-derived-series /q --config-path q
    if [ "$(id -u)" = 0 ]; then
        mkdir -p small
        mount --bind p small && mount -o remount,ro,bind small || skip "cannot mount"
        export POND=$PWD/small
    else
        chmod -R a-w p
    fi
    ok list
    ok cat /q --format csv
    ok cat /h.series --format csv
    ok describe
    ok log
    ok export -p /h.series -d out --temporal year
    run --separate-stderr pond mkdir /x
    [ "$status" -eq 74 ] || fail mkdir
    tells "ead-only"
}

@test "--wait takes durations; --stats counts" {
    ok mkdir /a --wait 1s
    run --separate-stderr pond list --stats
    tells index_open "catalog index opened"
    [ "$(count_of log_entry_open list)" -le 1 ]
    [ "$(count_of dir_read list)" = 2 ] # the root and /a, each once
}
