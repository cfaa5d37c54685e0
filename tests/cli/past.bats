#!/usr/bin/env bats
# The run history as SQL: pond_runs, pond_ops, pond_caches, pond_io, pond_files, pond_spans.
load helpers

prepare() {
    pond init
    printf 'timestamp,v\n2024-01-01T00:00:00Z,1\n2024-01-01T00:10:00Z,2\n2024-02-01T00:00:00Z,3\n' >a.csv
    pond copy host+csv+series:///$PWD/a.csv /a.series
}

csv() { # QUERY: its rows as CSV, without the header
    ok sql "$1" --format csv
    output=$(tail -n +2 <<<"$output")
}

@test "a row for each run, typed, newest included; SQL sums up" {
    before=$(date +%s)
    ok list --quiet
    run -4 pond cat /missing
    csv "SELECT split_part(command, ' ', 2), status FROM pond_runs ORDER BY begun"
    is $'init,0\ncopy,0\nlist,0\ncat,4'
    csv "SELECT count(*), count(DISTINCT run), bool_and(abs(epoch(begun) - $before) < 3600), bool_and(duration_us > 0), bool_and(peak_bytes > 1000000) FROM pond_runs WHERE status >= 0"
    is '5,5,true,true,true' # the query before, too
    csv "SELECT typeof(begun), typeof(duration_us), typeof(command) FROM pond_runs LIMIT 1"
    is 'TIMESTAMP WITH TIME ZONE,BIGINT,VARCHAR'
}

@test "operations, files, file calls and caches are those of perf report" {
    ok export -p '/*.series' -d out --temporal year,month
    ok perf report --json
    python3 - "$output" >want <<'PY'
import json, sys
run = json.loads(sys.argv[1])
for op in sorted(run['ops'], key=lambda o: o['name']):
    print(run['id'], op['name'], op['layer'], op['unit'], op['count'], op.get('timed', 0), op.get('keys', 0), sep=',')
print(len(run['files']), sum(f.get('opens', 0) for f in run['files']), sum(f.get('written_bytes', 0) for f in run['files']), sep=',')
print(len(run['io']), sum(i.get('calls', 0) for i in run['io']), sum(i.get('bytes', 0) for i in run['io']), sep=',')
for cache in sorted(run['caches'], key=lambda c: c['name']):
    print(cache['name'], cache['asked'], cache['hits'], cache['misses'], sep=',')
PY
    last="run = (SELECT run FROM pond_runs WHERE command LIKE 'pond export%')"
    { csv "SELECT run, name, layer, unit, count, timed, keys FROM pond_ops WHERE $last ORDER BY name" && echo "$output"
      csv "SELECT count(*), sum(opens), sum(written_bytes) FROM pond_files WHERE $last" && echo "$output"
      csv "SELECT count(*), sum(calls), sum(bytes) FROM pond_io WHERE $last" && echo "$output"
      csv "SELECT name, asked, hits, misses FROM pond_caches WHERE $last ORDER BY name" && echo "$output"; } >got
    diff want got
    csv "SELECT sum(count) FROM pond_ops WHERE name = 'export_row'"
    is 3
    csv "SELECT count(*) FROM pond_ops WHERE unit = 'rows' AND (mean_us IS NOT NULL OR p50_us IS NOT NULL OR per_key IS NOT NULL)"
    is 0
    csv "SELECT bool_and(min_us <= p50_us AND p50_us <= p99_us AND p99_us <= max_us AND total_ms > 0) FROM pond_ops WHERE timed > 0"
    is true
}

@test "spans of recorded and of killed runs" {
    fails 4 sql 'SELECT * FROM pond_spans'
    tells 'pond_spans: no spans of a run are kept yet' 'hint: record some'
    ok perf record -o t.pftrace -- export -p '/*.series' -d out
    csv "SELECT count(*), count(DISTINCT s.run), min(r.command LIKE 'pond%export%'), bool_and(s.duration_us >= 0 AND s.begin >= s.begun) FROM pond_spans s JOIN pond_runs r USING (run)"
    spans=$(python3 "$BATS_TEST_DIRNAME/pftrace.py" t.pftrace | sed -n 's/^slices //p')
    is "$spans,1,true,true"
    csv "SELECT (SELECT count(*) FROM pond_spans) = (SELECT spans FROM pond_runs WHERE spans > 0)"
    is true
    csv "SELECT DISTINCT o.layer FROM pond_spans s JOIN pond_ops o ON o.name = s.name AND o.run = s.run WHERE s.name = 'export_plan' AND s.layer = o.layer"
    is export
    POND_TRACE=spans POND_FAULT='origin=ours,class=log,op=link,nth=1,do=crash' run -137 pond mkdir /d
    ok perf recover
    csv "SELECT count(*) > 0, count(DISTINCT run) FROM pond_spans JOIN pond_runs USING (run) WHERE status = -1"
    is 'true,1'
}

@test "spans are bounded: the last eight runs" {
    for i in 1 2 3 4 5 6 7 8 9 10; do POND_TRACE=spans ok list --quiet; done
    csv "SELECT count(DISTINCT run) FROM pond_spans"
    is 8
    [ "$(ls p/history | grep -c '^spans-')" = 8 ]
    printf x >>"$(ls p/history/spans-* | head -1)"
    run --separate-stderr pond sql 'SELECT count(DISTINCT run) FROM pond_spans' --format csv
    [ "$(tail -1 <<<"$output")" = 7 ]
    tells 'is damaged and was set aside'
    csv "SELECT count(DISTINCT run) FROM pond_spans"
    is 7
}

@test "without a history an error; a series of the user's with such a name is reached by its path" {
    export POND_HISTORY=off
    rm -r p/history
    fails 4 sql 'SELECT * FROM pond_ops'
    tells 'pond_ops: no run in the history yet' 'hint: '
    ok copy host+csv+series:///$PWD/a.csv /pond_ops
    csv 'SELECT count(*), sum(v) FROM "/pond_ops"'
    is '3,6'
    fails 4 sql 'SELECT * FROM pond_ops'
    fails 1 sql 'SELECT * FROM pond_cashes'
    tells 'did you mean pond_caches?'
    ok help tables
    has pond_runs pond_ops pond_caches pond_io pond_files pond_spans 'calls by distinct key'
}

@test "the history joins with series of the pond" {
    csv "SELECT count(*) FROM pond_runs r, \"/a.series\" a WHERE r.begun > a.timestamp"
    is 6
}
