#!/usr/bin/env bats
# Scenarios of pond bench: their ponds. Counts are arithmetic over what docs/benchmarks.md says of each.
load helpers

make() { pond bench make "$1" "$PWD/$2" --quiet "${@:3}"; }
content() { pond --pond "$1" fsck --quick --json | jq -r .root; }
series() { pond --pond "$1" list "$2" --paths | grep -c '\.series$\|\.jsonl$'; }

@test "bench list: each scenario with its commands" {
    ok bench list
    has "small" "noyo-sql" "10,000 commits"
    ok bench list --json
    [ "$(jq length <<<"$output")" = 9 ] || fail "nine scenarios"
    jq -e 'all(.[]; (.commands | length) >= 5 and .commands[0].cold)' <<<"$output" || fail "no cold command first"
}

@test "bench make: the same seed gives the same pond, another seed another" {
    make medium a --scale 1/50
    make medium b --scale 1/50
    make medium c --scale 1/50 --seed 2
    [ "$(content a)" = "$(content b)" ] || fail "two ponds from one seed"
    [ "$(content a)" != "$(content c)" ] || fail "one pond from two seeds"
    sizes() { (cd "$1/log" && find . -type f -printf '%p %s\n' | sort); }
    [ "$(sizes a)" = "$(sizes b)" ] || fail "names or sizes of log files differ"
    [ "$(pond --pond a log --limit 1 --json)" = "$(pond --pond b log --limit 1 --json)" ] || fail "times or names differ"
}

@test "bench make: what the scenarios hold" {
    make medium days --scale 1/50 # 20 files over 7 days: 3 series, the last one of 2 on the seventh
    [ "$(series days '/data/**')" = 3 ] || fail "series"
    [ "$(pond --pond days sql 'SELECT count(*), sum(rows) FROM pond_versions' --format csv | tail -1)" = 20,2880 ] || fail "versions"
    make wildcards w --scale 1/60 # one site, 4 instruments, 4 parameters
    [ "$(series w '/w/**')" = 16 ] || fail "wildcards"
    make deep d --scale 1/32
    [ "$(series d '/deep/**')" = 8 ] || fail "deep"
    [ "$(series d '/deep/*/*/*/*/*/*/*/*/*/*/*/*/*')" = 8 ] || fail "not below twelve levels"
    make history h --scale 1/500
    [ "$(series h '/logs/*')" = 10 ] || fail "logs"
    [ "$(pond --pond h show --json | jq .transactions)" -ge 20 ] || fail "commits"
}

@test "bench make: refuses what it should, leaves nothing of what fails" {
    fails 2 bench make small
    tells "a scenario and a folder"
    fails 4 bench make smal "$PWD/x"
    tells "did you mean 'small'"
    [ ! -e x ]
    fails 2 bench make small "$PWD/x" --scale 0
    fails 2 bench make small "$PWD/x" --scale 1/0
    fails 2 bench make small "$PWD/x" --scale 1/2/3
    tells "1/100"
    pond --pond "$PWD/y" init --quiet
    fails 5 bench make small "$PWD/y"
    [ "$(pond --pond "$PWD/y" show --json | jq .transactions)" = 1 ] || fail "an existing pond was changed"
}
