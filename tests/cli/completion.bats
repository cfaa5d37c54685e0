#!/usr/bin/env bats
# Completion in a real bash; the scripts of the other shells where these are installed; the man page.
load helpers

prepare() {
    pond init --quiet
    pond mkdir -p /sensors/north '/sensors/with space'
    pond mkdir /site
    mkdir bin hostdir && touch hostfile.yaml
    ln -s "$POND_BIN" bin/pond
}

complete_line() { # LINE: what bash offers at its end, one a line, sorted
    PATH=$PWD/bin:$PATH bash --norc --noprofile <<BASH
source <(pond completion bash)
compopt() { :; }
COMP_LINE=$(printf %q "$1")
eval "COMP_WORDS=(\$COMP_LINE)"
[[ \$COMP_LINE == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=\$((\${#COMP_WORDS[@]} - 1))
_pond
printf '%s\n' "\${COMPREPLY[@]}" | sort
BASH
}

@test "bash: commands, options, values" {
    [ "$(complete_line 'pond exp')" = export ]
    [ "$(complete_line 'pond list --l')" = --long ]
    [[ "$(complete_line 'pond export --')" == *--dry-run*--json*--temporal* ]]
    [ "$(complete_line 'pond cat /x --format js')" = $'json\njsonl' ]
    [ "$(complete_line 'pond mknod synth')" = synthetic-timeseries ]
    [ "$(complete_line 'pond mknod synthetic-timeseries /x --config-path hostf')" = hostfile.yaml ]
    [ "$(complete_line 'pond help exit')" = exit-codes ]
    [ "$(complete_line 'pond completion ')" = $'bash\nfish\nzsh' ]
    [ "$(complete_line 'pond --color always --threads 3 sho')" = show ]
    [ "$(complete_line 'pond copy hostd')" = hostdir ]
    [ "$(complete_line 'pond bench run noyo-')" = noyo-sql ]
    [ "$(complete_line 'pond bench sel')" = selftest ]
    [ "$(complete_line 'pond --json perf p')" = plans ]
    [ "$(complete_line 'pond perf record --o')" = --output ]
    [ "$(complete_line 'pond bench ab --d')" = --differ ]
    [ "$(complete_line 'pond bench baseline --u')" = --update ]
    [ "$(complete_line 'pond apply -f hostf')" = hostfile.yaml ]
    printf 'active_pattern: /nowhere/x\npond_path: /x\n' >y.yaml
    pond mkdir -p /system/etc && pond mknod logfile-ingest /system/etc/weblogs --config-path y.yaml
    [ "$(complete_line 'pond run we')" = weblogs ]
    [ "$(complete_line 'pond run weblogs hostf')" = hostfile.yaml ]
}

@test "bash: paths of the pond named by POND or --pond" {
    [ "$(complete_line 'pond list /s')" = $'/sensors\n/site' ]
    [ "$(complete_line 'pond cat /sen')" = /sensors/ ] # a directory that holds something
    [ "$(complete_line 'pond cat /sensors/')" = $'/sensors/north\n/sensors/with space' ]
    POND='' run complete_line "pond --pond $PWD/p list /si"
    is /site
    [ "$(POND='' complete_line 'pond list /usr/bi')" = /usr/bin ]
}

@test "the scripts are sound in their shells" {
    pond completion bash | bash -n
    pond completion bash >script
    # quotes in texts are closed: each line of the fish script is whole for a shell with the same quoting of '...'
    pond completion fish | sed "s/\\\\'//g" | while read -r line; do [ $(($(tr -cd "'" <<<"$line" | wc -c) % 2)) = 0 ] || fail "$line"; done
    if command -v zsh >/dev/null; then pond completion zsh | zsh -n /dev/stdin; fi
    if command -v fish >/dev/null; then pond completion fish | fish -n; fi
    for command in $(pond help --json | jq -r '.commands[].name'); do
        for shell in bash zsh fish; do pond completion $shell | grep -q -- "$command" || fail "$shell: $command"; done
    done
    fails 2 completion tcsh
    tells "bash, zsh and fish"
    [ "$(pond completion bash --json | jq -r .shell)" = bash ]
}

@test "the man page has every command and option and renders without a warning" {
    pond help man >pond.1
    MANWIDTH=100 man --warnings -l pond.1 >page 2>warnings || fail "man"
    [ ! -s warnings ] || fail "$(cat warnings)"
    while read -r command; do grep -q "pond $command" page || fail "$command"; done < <(pond help --json | jq -r '.. | objects | select(has("usage")) | .name')
    for option in $(pond help --json | jq -r '.. | objects | select(has("options")) | .options[].name'); do grep -q -e "--$option" page || fail "--$option"; done
    grep -q 'hint' page || grep -q 'EXIT STATUS' page
}
