#!/usr/bin/env bats
# pond perf, --stats, traces and the run history.
load helpers

prepare() {
    pond init
    printf 'timestamp,v\n2024-01-01T00:00:00Z,1\n2024-01-01T00:10:00Z,2\n2024-02-01T00:00:00Z,3\n' >a.csv
    pond copy host+csv+series:///$PWD/a.csv /a.series
}

field() { # JSON_EXPRESSION: of the last output; python's view of it is d
    python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" <<<"$output"
}
op() { field "next((o['$2'] for o in d['ops'] if o['name'] == '$1'), 0)"; } # NAME MEMBER

@test "each command leaves a run; perf's own do not" {
    ok list --quiet
    run -2 pond list --nonsense
    run -4 pond cat /missing
    ok perf runs --json
    [ "$(field '[r["command"].split()[1] for r in d]')" = "['init', 'copy', 'list', 'cat']" ]
    [ "$(field '[r["status"] for r in d]')" = '[0, 0, 0, 4]' ]
    ok perf report
    has 'pond cat /missing' 'exit 4' operation
    ok perf runs
    has 'pond copy' 'exit'
}

@test "report: counts and times of the last run, of one by id, of several together" {
    ok export -p '/*.series' -d out --temporal year,month
    ok perf report --json
    [ "$(op export_file_written count)" = 2 ]
    [ "$(op export_row count)" = 3 ]
    [ "$(op engine_copy count)" = "$(op engine_copy timed)" ]
    python3 - "$output" <<'PY'
import json, sys
run = json.loads(sys.argv[1])
for op in run['ops']:
    assert op['count'] > 0 and op.get('timed', 0) <= op['count'], op
    if 'hist' in op:
        assert op['min_us'] <= op['p50_us'] <= op['p90_us'] <= op['p99_us'] <= op['max_us'], op
        assert sum(op['hist']['buckets'][1::2]) == op['timed'], op
        assert op['total_ms'] * 1000 >= op['max_us'] * 0.999, op
PY
    ok perf runs --json
    id=$(field 'd[-1]["id"]')
    ok list --quiet
    ok perf report --run "$id" --json
    [ "$(op export_row count)" = 3 ]
    ok export -p '/*.series' -d out2 --temporal year,month
    ok perf report --last 3 --json
    [ "$(op export_row count)" = 6 ]
    fails 4 perf report --run 00
    tells 'pond perf runs'
    fails 2 perf report --last none
    fails 2 perf reprot
    tells "did you mean 'report'"
}

@test "--stats is a table, with --json one line of JSON" {
    run --separate-stderr pond export -p '/*.series' -d out --stats
    [[ $stderr == *"export_row "*" 3 "* && $stderr == *p99* ]]
    run --separate-stderr pond list --json --stats
    [ "$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["stats"]["pond"])' "$stderr")" = 1 ]
}

@test "--stats on a terminal fits it, the most time first" {
    for width in 62 100; do
        script -qec "stty cols $width; $POND_BIN export -p '/*.series' -d out --rebuild --stats --color never --quiet" /dev/null | tr -d '\r' >screen
        [ "$(wc -L <screen)" -le "$width" ] || fail "wider than $width: $(cat screen)"
        [ "$(wc -l <screen)" -le 60 ] || fail "longer than a screen: $(cat screen)"
    done
    grep -q 'CPU .*peak' screen
    # totals do not grow from line to line
    awk '/^operation/ { on = 1; next } on && $3 ~ /^[0-9.]+$/ && $4 ~ /^[mu]?s$/ { t = $3 * ($4 == "s" ? 1e6 : $4 == "ms" ? 1e3 : 1); if (seen && t > last) exit 1; last = t; seen++ } END { exit seen < 5 }' screen || fail "$(cat screen)"
    grep -qE '^blob +[0-9]+ ' screen
    grep -q 'pond perf io' screen
}

@test "ops: the table, one in full, a near name" {
    ok perf ops
    has dir_read export_row
    ok perf ops dir_read
    has 'directories read from the store' 'more than one call by key'
    ok perf ops --json
    [ "$(field 'all(o["text"] and o["details"] for o in d)')" = True ]
    fails 4 perf ops dir_raed
    tells "did you mean 'dir_read'"
}

@test "io: bytes of each file are those of the file" {
    ok export -p '/*.series' -d out
    ok perf io --json
    python3 - "$output" "$PWD" <<'PY'
import json, os, sys
run, here = json.loads(sys.argv[1]), sys.argv[2]
blobs = [f for f in run['files'] if f['class'] == 'blob']
assert len(blobs) == 1 and blobs[0]['size_bytes'] == os.path.getsize(blobs[0]['path']), blobs
assert blobs[0]['footer_reads'] >= 1 and blobs[0]['read_bytes'] > 0 and blobs[0]['opens'] >= 1
staged = [f for f in run['files'] if f['path'].endswith('/staging/0')]
out = [p for d, _, files in os.walk(here + '/out') for p in (os.path.join(d, f) for f in files) if p.endswith('.parquet')]
assert staged[0]['written_bytes'] == os.path.getsize(out[0]), (staged, out)
by_class = sum(i.get('bytes', 0) for i in run['io'] if i['class'] == 'blob' and i['op'] == 'read')
assert by_class == blobs[0]['read_bytes']
PY
    ok perf io
    has re-read footers blob
}

@test "caches: a schema is asked of the engine once, then found" {
    cat >d.yaml <<'Y'
patterns: {a: /a.series}
query: SELECT timestamp, v * 2 AS w FROM a
Y
    pond mknod sql-derived-series /d.series --config-path d.yaml
    pond cat /d.series --format csv >/dev/null
    pond cat /d.series --format csv >/dev/null
    ok perf caches --last 2 --json
    [ "$(field '[(c["asked"], c["hits"], c["misses"]) for c in d["caches"] if c["name"] == "schema"]')" = '[(2, 1, 1)]' ]
    ok perf caches
    has schema ratio
}

@test "caches: each look-up is a hit or a miss, each load a fetch; what hits saved has a price" {
    cat >d.yaml <<'Y'
patterns: {a: /a.series}
query: SELECT timestamp, v * 2 AS w FROM a
Y
    pond mknod sql-derived-series /d.series --config-path d.yaml
    pond cat /d.series --format csv >/dev/null
    pond cat /d.series --format csv >/dev/null
    ok perf caches --json
    python3 - "$output" <<'PY'
import json, sys
caches = {c['name']: c for c in json.loads(sys.argv[1])['caches']}
for c in caches.values():
    assert c['asked'] == c['hits'] + c['misses'] and c.get('fetches', 0) <= c['misses'] or c['name'] == 'footer', c
    assert c['asked'] == 0 or c['access_p99_us'] >= c['access_us'] * 0.98 > 0 or c['asked'] > 64, c
schema = caches['schema']
assert (schema['hits'], schema['misses']) == (1, 0), schema
assert schema['load_us'] > schema['access_us'] and abs(schema['saved_ms'] * 1000 / (schema['load_us'] - schema['access_us']) - 1) < 1e-4, schema
assert caches['relation']['held_bytes'] > 0 and caches['index']['held_bytes'] > 0
PY
    ok perf caches
    has fetched evicted 'missed again' held access load p99
}

@test "an export tells where the time of each target went, and how busy its workers were" {
    ok copy host+csv+series:///$PWD/a.csv /b.series
    run --separate-stderr pond export -p '/*.series' -d out --temporal year,month --stats
    [[ $stderr == *"target "*context*metadata* && $stderr == *"/a.series "* && $stderr == *"busy on average"* ]]
    ok perf report
    has register traversal '/b.series' 'busy on average'
    ok perf report --json
    python3 - "$output" "$PWD/out" <<'PY'
import json, os, sys
run = json.loads(sys.argv[1])
names = ('context_ms', 'registration_ms', 'planning_ms', 'execution_ms', 'traversal_ms', 'metadata_ms')
assert sorted(t['target'] for t in run['targets']) == ['/a.series', '/b.series'], run['targets']
for t in run['targets']:
    assert (t['files'], t['rows']) == (2, 3), t
    assert abs(sum(t.get(n, 0) for n in names) / t['total_ms'] - 1) < 1e-3 and t['execution_ms'] > 0, t
work, = run['work']
sizes = [os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(sys.argv[2]) for f in files if f.endswith('.parquet')]
assert work['written_bytes'] == sum(sizes) == sum(t['bytes'] for t in run['targets']), work
assert work['jobs'] == 2 and 1 <= work['busy_most'] <= work['threads'], work
assert work['busy_mean'] <= work['threads'] + 0.01 and abs(work['bytes_per_s'] * work['wall_ms'] / 1000 / work['written_bytes'] - 1) < 1e-4, work
PY
}

@test "an export's targets beyond 64 stand together" {
    mkdir raw
    for i in $(seq 70); do echo "$i" >"raw/$i"; done
    ok mkdir /raw
    ok copy raw/* /raw/
    ok export -p '/raw/*' -d out
    ok perf report --json
    [ "$(field 'len(d["targets"]), d["targets"][-1]["target"], d["targets"][-1]["targets"], sum(t["files"] for t in d["targets"])')" = "(65, '(the rest)', 6, 70)" ]
}

@test "bytes are those that the kernel counted, within 2 %" {
    run python3 "$BATS_TEST_DIRNAME/io_truth.py" "$POND_BIN"
    [ "$status" = 0 ] || fail "see above"
}

@test "a Perfetto trace holds a slice for each call; record writes one" {
    run --separate-stderr pond export -p '/*.series' -d out --temporal year,month --trace t.pftrace --stats --json
    output=$stderr
    python3 "$BATS_TEST_DIRNAME/pftrace.py" t.pftrace >slices
    output=$(python3 -c 'import json, sys; print(json.dumps(json.loads(sys.argv[1])["stats"]))' "$output")
    for name in staging commit engine_copy export_partition os_sync dir_read; do
        [ "$(awk -F'\t' -v n="$name" '$2 == n { c += $3 } END { print c }' slices)" = "$(op "$name" count)" ] || fail "$name"
    done
    ok perf record -o r.pftrace -- list --quiet
    python3 "$BATS_TEST_DIRNAME/pftrace.py" r.pftrace | grep -qP 'main\tdir_read\t1\t'
    ok perf record --json --toggle dir_memo=off -o r.pftrace -- list '/*'
    [ "$(field '[n["path"] for n in d]')" = "['/a.series']" ]
    ok perf record -o r.pftrace -- list --json
    [ "$(field 'len(d)')" = 1 ]
    fails 2 perf record
    tells '--'
}

@test "a trace goes where its name leads: into a pipe, a device, behind a link; never in their place" {
    mkfifo pipe.pftrace
    cat pipe.pftrace >piped.pftrace &
    ok list --quiet --trace pipe.pftrace
    [ -p pipe.pftrace ] || fail "the pipe is gone"
    wait $!
    python3 "$BATS_TEST_DIRNAME/pftrace.py" piped.pftrace | grep -qP 'main\tdir_read\t1\t'
    mkdir far && echo old >far/t.json && ln -s far/t.json link.json
    ok list --quiet --trace link.json
    [ -L link.json ] && ! grep -q old far/t.json && grep -q dir_read far/t.json
    ln -s /dev/full full.pftrace
    run --separate-stderr pond list --trace full.pftrace
    [ "$status" = 0 ]
    tells "warning: --trace: write" "No space left"
    [ -L full.pftrace ] && [ -c /dev/full ]
    run --separate-stderr pond list --trace /dev/full
    [ "$status" = 0 ]
    tells "warning: --trace: the trace ends early: No space left"
    fails 74 list --trace far
    tells "--trace: open far: Is a directory"
    fails 74 list --trace nowhere/t.json
    fails 2 list --trace ''
    tells "--trace: the name of a file"
}

@test "levels: off keeps nothing, spans and detail more, wrong ones are named" {
    ok --trace-level off list --quiet
    ok perf runs --json
    [ "$(field 'len(d)')" = 2 ]
    ok --trace-level detail,os_read=1 list --quiet
    ok perf report --json
    [ "$(field 'd["level"], d["rings_anonymous"] if "rings_anonymous" in d else 0')" = "('detail', 0)" ]
    [ "$(op os_read count)" = "$(op os_read timed)" ]
    ok --trace-level counts,os_read=1024 list --quiet
    ok perf report --json
    [ "$(op os_read timed)" = 1 ]
    POND_TRACE=spans ok list --quiet
    ok perf report --json
    [ "$(field 'd["level"]')" = spans ]
    fails 2 --trace-level spams list
    tells "did you mean 'spans'"
    fails 2 --trace-level spans,os_raed=2 list
    tells "did you mean 'os_read'"
    fails 2 --trace-level os_read=3 list
    fails 2 --trace-level export_row=2 list
    POND_TRACE=nonsense fails 2 list
    tells POND_TRACE
}

@test "killed with spans on: recover tells where it was, once, and keeps the run" {
    POND_TRACE=spans POND_FAULT='origin=ours,class=log,op=link,nth=1,do=crash' run -137 pond mkdir /d
    [ "$(ls p/history | grep -c flight)" = 1 ]
    ok perf recover -o k.pftrace --json
    [ "$(field 'len(d), [o["op"] for o in d[0]["open"]], d[0]["run"]["status"]')" = "(1, ['commit'], -1)" ]
    python3 "$BATS_TEST_DIRNAME/pftrace.py" k.pftrace | grep -q log_file_write
    ok perf recover
    is 'No process that recorded spans was killed'
    ok perf runs
    has killed
    [ "$(ls p/history | grep -c flight)" = 0 ]
}

@test "several that were killed have a trace each" {
    for name in d e; do
        POND_TRACE=spans POND_FAULT='origin=ours,class=log,op=link,nth=1,do=crash' run -137 pond mkdir /$name
    done
    mkdir at.dir
    ok perf recover -o at.dir/k.pftrace --json
    [ "$(field 'len(d)')" = 2 ]
    [ "$(ls at.dir | xargs)" = "k-2.pftrace k.pftrace" ]
    for trace in at.dir/*; do python3 "$BATS_TEST_DIRNAME/pftrace.py" $trace | grep -q log_file_write; done
}

@test "a damaged history is told once, set aside, and read as far as it is whole" {
    file=$(cd p/history && ls -d runs-*)
    printf 'rubbish\n' >>"p/history/$file"
    run --separate-stderr pond perf runs --json
    [ "$status" = 0 ]
    tells "$file is damaged and was set aside"
    [ "$(field 'len(d)')" = 2 ]
    ok perf runs --json
    ok list --quiet
    ok perf runs --json
    [ "$(field 'len(d)')" = 3 ]
    [ -e "p/history/$file.damaged" ]
}

@test "no history where it is not wanted; failures to keep it fail nothing" {
    POND_HISTORY=off ok list --quiet
    ok perf runs --json
    [ "$(field 'len(d)')" = 2 ]
    rm -r p/history
    echo x >p/history
    ok list --quiet
    fails 74 perf runs
    rm p/history
    fails 4 perf report
    tells 'no run in the history yet'
}

@test "whatever stands in the place of a file of the history, commands do their work" {
    ok export -p '/*.series' -d out
    for name in $(cd p/history && ls); do
        for kind in folder pipe loop null zero; do
            rm -rf p/history/* && case $kind in
            folder) mkdir -p "p/history/$name/x" ;;
            pipe) mkfifo "p/history/$name" ;;
            loop) ln -s "$name" "p/history/$name" ;;
            null) ln -s /dev/full "p/history/$name" ;;
            zero) ln -s /dev/zero "p/history/$name" ;;
            esac
            timeout 60 "$POND_BIN" cat /a.series --format csv >rows || fail "cat: $name is a $kind"
            [ -s rows ] || fail "$name is a $kind: no rows"
            timeout 60 "$POND_BIN" export -p '/*.series' -d out --quiet || fail "export: $name is a $kind"
            timeout 60 "$POND_BIN" perf runs >/dev/null || [ $? = 4 ] || fail "perf: $name is a $kind"
        done
    done
}

@test "a limit on the size of files fails what it must, and nothing for the sake of the history" {
    ok export -p '/*.series' -d out
    [ "$(cat p/history/runs-* | wc -c)" -gt 2048 ]
    (ulimit -f 1 && pond list --quiet >listed) || fail "list: $?"
    grep -q a.series listed
    (ulimit -f 1 && pond cat /a.series --format csv >rows) || fail "cat: $?"
    [ "$(wc -l <rows)" = 4 ]
    status=0
    (ulimit -f 1 && pond list --trace t.pftrace) 2>err >listed || status=$?
    [ "$status" = 0 ] && grep -q 'warning: --trace: ' err
    seq 1 1000 >large.txt
    status=0
    (ulimit -f 1 && pond copy large.txt /large.txt) 2>err || status=$?
    [ "$status" = 74 ] && grep -q 'ulimit -f' err || fail "$status: $(cat err)"
    ok fsck
}

@test "every operation happens as often as it must; the page of operations is up to date" {
    run python3 "$BATS_TEST_DIRNAME/ops.py" "$POND_BIN"
    [ "$status" = 0 ] || fail "see ops.tsv"
    python3 "$ROOT/scripts/ops_doc.py" --check
}

@test "a pond that cannot be written gets no record, and shows those it has" {
    if [ "$(id -u)" = 0 ]; then
        mkdir small
        mount --bind p small && mount -o remount,ro,bind small || skip "cannot mount"
        export POND=$PWD/small
    else
        chmod -R a-w p
    fi
    ok list --quiet
    ok perf runs --json
    [ "$(field 'len(d)')" = 2 ]
    run --separate-stderr pond --trace-level spans list --json --stats
    output=$(python3 -c 'import json, sys; print(json.dumps(json.loads(sys.argv[1])["stats"]))' "$stderr")
    [ "$(field 'd["rings"] == d["rings_anonymous"] > 0')" = True ]
    ok perf recover
    [ "$(id -u)" != 0 ] || umount small
    chmod -R u+w p
}

@test "optimisations that were off stand in the run, and in its line" {
    ok list /
    ok --toggle dir_memo=off list /
    POND_TOGGLES=name_memo=off,dir_memo=off ok list /
    POND_TOGGLES=all=off ok list /
    ok perf runs --last 4 --json
    [ "$(jq -c '[.[] | .toggles_off // ""]' <<<"$output")" = '["","dir_memo","dir_memo,name_memo","all"]' ]
    ok perf runs --last 2
    has '[off: dir_memo,name_memo] pond list /' '[off: all] pond list /'
    ok perf report
    has 'switched off: all'
    ok sql 'SELECT count(*) AS n FROM pond_runs WHERE toggles_off = '"'all'" --format csv
    [ "${lines[1]}" = 1 ]
}
