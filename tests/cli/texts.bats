# Texts by URL: CSV and JSON lines, packed, growing, bad.
load helpers
TEXTS=$ROOT/tests/cli/texts.py

prepare() { pond init --quiet; }

count_of() { # COUNTER ARGS...: what a command counts; 0 when it does not speak of it
    local counter=$1
    shift
    { pond "$@" --stats 2>&1 >/dev/null | awk -v c="$counter" '$1 == c { n = $3 } END { print n + 0 }'; }
}

# bad FORMAT TEXT WORDS...: neither read nor converted, with these words; the pond stays as it was
bad() {
    local form=$1
    printf "$2" >bad.txt
    shift 2
    fails "${STATUS:-1}" copy "host+$form+series://$PWD/bad.txt" /bad.series
    tells "$@"
    fails "${STATUS:-1}" cat "host+$form://$PWD/bad.txt"
    tells "$@"
    [ -z "$(pond list -a)" ]
}

@test "rows are those of Python's csv and json modules, whole and in pieces, read in between" {
    for form in csv jsonl; do
        python3 "$TEXTS" make $form 7 in.$form
        pond cat "host+$form://$PWD/in.$form" --format jsonl | python3 "$TEXTS" check $form in.$form
        pond copy "host+$form+series://$PWD/in.$form" /$form.series
        pond cat /$form.series --format jsonl | python3 "$TEXTS" check $form in.$form
        size=$(stat -c %s in.$form)
        for at in 0 1 2 3 4 5 6; do # at bytes, not lines
            tail -c +$((size * at / 7 + 1)) in.$form | head -c $((size * (at + 1) / 7 - size * at / 7)) >part
            if [ $at = 0 ]; then pond copy "host+data:series://$PWD/part" /grown.$form; else pond copy part /grown.$form; fi
            if [ $((at % 3)) = 1 ]; then pond cat "$form:///grown.$form" --format csv >/dev/null; fi
        done
        pond cat "$form:///grown.$form" --format jsonl | python3 "$TEXTS" check $form in.$form
        [ "$(count_of format_byte cat "$form:///grown.$form")" = 0 ]
        [ "$(pond cat /grown.$form | sha256sum)" = "$(sha256sum <in.$form)" ]
    done
}

@test "packed texts: gzip, zstd, bzip2, also several behind each other" {
    python3 "$TEXTS" make csv 8 in.csv
    head -n 900 in.csv >one && tail -n +901 in.csv >two
    for tool in gzip zstd bzip2; do
        { $tool -c one && $tool -c two; } >in.$tool
        pond cat "host+csv+$tool://$PWD/in.$tool" --format jsonl | python3 "$TEXTS" check csv in.csv
        pond copy "host+csv+$tool+series://$PWD/in.$tool" /$tool.series
        pond cat /$tool.series --format jsonl | python3 "$TEXTS" check csv in.csv
        pond copy in.$tool /$tool
        pond cat "csv+$tool:///$tool" --format jsonl | python3 "$TEXTS" check csv in.csv
        fails 1 cat "csv:///$tool"
        tells "is $tool data" "csv+$tool:///"
        fails 1 cat "host+csv+$tool://$PWD/in.csv"
        tells "is not $tool data"
        head -c 2000 in.$tool >cut
        fails 1 copy "host+csv+$tool+series://$PWD/cut" /cut.series
        tells "the $tool data are cut off at byte 2000"
        fails 4 cat /cut.series
        fails 1 cat "host+csv+$tool://$PWD/cut"
    done
    { gzip -c one && echo rubbish; } >tail.gz
    fails 1 cat "host+csv+gzip://$PWD/tail.gz"
    tells "gzip data are damaged at byte $(gzip -c one | wc -c)"
}

@test "host texts become host Parquet without a pond" {
    python3 "$TEXTS" make jsonl 9 in.jsonl
    unset POND
    ok copy "host+jsonl://$PWD/in.jsonl" "host://$PWD/out/"
    pond cat "host+series://$PWD/out/in.parquet" --format jsonl | python3 "$TEXTS" check jsonl in.jsonl
    fails 1 copy "host+jsonl://$PWD/in.jsonl" "host://$PWD/out/"
    tells "exists on the host" "--overwrite"
    fails 2 copy "host://$PWD/in.jsonl" "host://$PWD/out/"
    tells "both sides are on the host" "host+csv://"
}

@test "parsed once: again, and as another node with the same content; equal rows without caches" {
    python3 "$TEXTS" make csv 10 in.csv
    pond copy in.csv /a.csv
    [ "$(count_of format_byte cat csv:///a.csv)" -ge 1 ]
    [ "$(count_of format_byte cat csv:///a.csv)" = 0 ]
    pond copy in.csv /b.csv
    [ "$(count_of format_byte cat csv:///b.csv)" = 0 ]
    pond cat csv:///a.csv --format csv >with
    POND_CACHE=off pond cat csv:///a.csv --format csv | cmp - with
    printf X | dd of="$(ls p/cache/formats/*)" bs=1 seek=500 conv=notrunc status=none
    [ "$(count_of format_damaged cat csv:///a.csv)" = 1 ]
    pond cat csv:///a.csv --format csv | cmp - with
}

@test "bad CSV: each with its line, and nothing changed" {
    bad csv '' "the file is empty"
    bad csv 'timestamp,a\n2024-01-01,1\ntimestamp,a\n2024-01-02,2\n' "line 3: the header stands here a second time"
    bad csv 'timestamp,a\n2024-01-01,1\ntimestamp,b\n2024-01-02,2\n' "line 3: 'timestamp' in time column" "second header"
    bad csv 'timestamp,a\n2024-01-01,1\ntimestamp,a,b\n2024-01-02,2,3\n' "line 3: "
    bad csv 'timestamp,a\n2024-01-01,"x\ny"\n2024-01-02,\xe2\x82\n' "line 4: byte 12: not valid UTF-8"
    bad csv 'timestamp,a\n2024-01-01,\x00\n' "line 2: byte 12 is NUL"
    bad csv 'timestamp,a\n2024-01-01,"a"b\n' "line 2: text follows a closing quote"
    bad csv 'timestamp,a\n2024-01-01,a\rb\n' "line 2: a carriage return"
    bad csv 'timestamp,a\n2024-01-01\n' "line 2: 1 field where the header has 2"
    bad csv 'timestamp,a\n2024-01-01,1\n1e999,2\n' "line 3: '1e999' in time column"
    ok cat "host+csv://$PWD/bad.txt?time=a&unit=s&header=true" --sql 'SELECT timestamp FROM source' --format csv
    is $'timestamp\n2024-01-01\n1e999'
}

@test "odd CSV that is fine: BOM, CRLF, only a header, no final newline, absurd numbers" {
    rows() { printf "$1" >in.csv && run --separate-stderr pond cat "host+csv://$PWD/in.csv" --format csv; }
    rows '\xef\xbb\xbftimestamp,a\r\n2024-01-01,1\r\n'
    is $'timestamp,a\n2024-01-01T00:00:00Z,1'
    rows 'timestamp,a\n'
    is 'timestamp,a'
    rows 'timestamp,a\n2024-01-01,1'
    is $'timestamp,a\n2024-01-01T00:00:00Z,1'
    digits=$(printf '9%.0s' {1..400})
    rows "timestamp,a,b\n2024-01-01,1e999,$digits\n2024-01-02,1,2\n"
    is $'timestamp,a,b\n2024-01-01T00:00:00Z,1e999,'"$digits"$'\n2024-01-02T00:00:00Z,1,2'
}

@test "bad JSON lines: line and byte, and nothing changed" {
    good='{"ts":"2024-01-01T00:00:00Z","a":1}\n'
    bad jsonl '' "the file is empty"
    bad jsonl "$good\n[1]\n" "line 3: not a JSON object"
    bad jsonl "$good"'{"ts":"2024-01-01T00:00:00Z","a":tru}\n' "line 2: not a JSON value"
    bad jsonl "$good"'{"ts":"2024-01-01T00:00:00Z","a":"x\n' "line 2: the string is not closed"
    bad jsonl "$good"'{"ts":"2024-01-01T00:00:00Z","a":1} {}\n' "line 2: something follows the object"
    bad jsonl "$good"'{"ts":"2024-01-01T00:00:00Z","a":1,"a":2}\n' "line 2: a key stands twice"
    bad jsonl "$good"'{"ts":"2024-01-01T00:00:00Z","a":01}\n' "line 2: "
    bad jsonl "$good"'{"ts":"2024-01-01T00:00:00Z","a":NaN}\n' "line 2: not a JSON value"
    bad jsonl "$good"'{"ts":"2024-01-01T00:00:00Z","a":"\\q"}\n' "line 2: not an escape"
    bad jsonl "$good"'{"ts":"2024-01-01T00:00:00Z","a":"\xff"}\n' "line 2: byte 35: not valid UTF-8"
    bad jsonl "$good"'{"ts":"yesterday","a":1}\n' "line 2: 'yesterday' in time column 'ts' is not a time"
    bad jsonl "$good"'{"a":1}\n' "time column 'ts' is null in 1 row, first in row 2"
    bad jsonl "$good"'{"ts":"2024-01-01T00:00:00Z","A":1}\n' "columns 'a' and 'A' differ only in case"
    bad jsonl "$good"'{"ts":"2024-01-01T00:00:00Z","b.c":1,"b":{"c":2}}\n' "column 'b.c' appears twice"
    python3 -c 'print("{\"ts\":1700000000,\"a\":" + "[" * 100000 + "]" * 100000 + "}")' >bomb
    fails 1 copy "host+jsonl+series://$PWD/bomb" /bad.series
    tells "line 1: nested deeper than 64"
    python3 -c 'print("{\"ts\":1700000000,\"a\":" + "{\"a\":" * 100000 + "1" + "}" * 100000 + "}")' >bomb
    fails 1 copy "host+jsonl+series://$PWD/bomb" /bad.series
    tells "line 1: nested deeper than 64"
    [ -z "$(pond list -a)" ]
}

# The engine holds 2,048 rows of every column, and its dictionaries beside them.
@test "10,000 columns work within 512 MB; a line without an end is told" {
    python3 -c '
import json
for i in range(3): print(json.dumps({"ts": 1700000000 + i} | {f"c{k}": k + i for k in range(9999)}))' >wide.jsonl
    ok --memory-limit 512MB cat "host+jsonl://$PWD/wide.jsonl" --sql 'SELECT sum(c0) AS a, sum(c9998) AS b FROM source' --format csv
    is $'a,b\n3,29997'
    python3 -c '
import json, sys
for line in open("wide.jsonl"):
    row = json.loads(line)
    if row["ts"] == 1700000000: print(",".join(row))
    print(",".join(map(str, row.values())))' >wide.csv
    ok --memory-limit 512MB cat "host+csv://$PWD/wide.csv" --sql 'SELECT sum(c0) AS a, sum(c9998) AS b FROM source' --format csv
    is $'a,b\n3,29997'
    { printf 'timestamp,a\n2024-01-01,1\n2024-01-02,"' && head -c 100000000 /dev/zero | tr '\0' x; } >long.csv
    fails 8 copy "host+csv+series://$PWD/long.csv" /long.series
    tells "line 3: longer than 16 MiB" "a quote that is not closed?"
    { printf '{"ts":1700000000,"a":"' && head -c 100000000 /dev/zero | tr '\0' x; } >long.jsonl
    fails 8 cat "host+jsonl://$PWD/long.jsonl"
    tells "line 1: longer than 16 MiB"
}
