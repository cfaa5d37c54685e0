#!/usr/bin/env bash
# Installs what is missing to build and test pond on Debian 12: the packages of deps/packages.txt with apt,
# and the files of deps/npm.txt from npm tarballs whose sha512 is checked. Silent and quick when nothing is
# missing: a stamp below .deps/ holds the hash of both lists, and the files themselves are looked at.
set -euo pipefail
cd "$(dirname "$0")/.."
want=$(cat deps/packages.txt deps/npm.txt scripts/setup.sh | sha256sum | cut -d' ' -f1)
files_present() {
    local spec integrity member dest
    while read -r spec integrity member dest; do
        case "$spec" in '' | '#'*) continue ;; esac
        [ -s ".deps/$dest" ] || return 1
    done <deps/npm.txt
}
if [ "$(cat .deps/stamp 2>/dev/null || true)" = "$want" ] && files_present &&
    command -v meson >/dev/null && command -v ninja >/dev/null && command -v gcc >/dev/null; then
    exit 0
fi

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        echo "setup: root or sudo is needed to install packages: $*" >&2
        exit 1
    fi
}
missing=()
while read -r package; do
    case "$package" in '' | '#'*) continue ;; esac
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done <deps/packages.txt
command -v npm >/dev/null || missing+=(npm)
if [ "${#missing[@]}" -gt 0 ]; then
    echo "setup: installing ${missing[*]}" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

mkdir -p .deps/tarballs
# fetch SPEC INTEGRITY: prints the path of the verified tarball.
fetch() {
    local spec=$1 integrity=$2 tarball
    tarball=.deps/tarballs/$(echo "$spec" | tr '/@' '--').tgz
    if [ ! -s "$tarball" ]; then
        echo "setup: fetching $spec" >&2
        local work
        work=$(mktemp -d .deps/fetch.XXXXXX)
        if ! (cd "$work" && npm pack --silent "$spec" >npm.log 2>&1); then
            (cd "$work" && npm pack "$spec" 2>&1 | tail -n 5 >&2) || true # once more, for its reason
            rm -rf "$work"
            echo "setup: npm cannot fetch $spec" >&2
            exit 1
        fi
        mv "$work"/*.tgz "$tarball"
        rm -rf "$work"
    fi
    local got
    got="sha512-$(openssl dgst -sha512 -binary "$tarball" | base64 -w0)"
    if [ "$got" != "$integrity" ]; then
        rm -f "$tarball"
        echo "setup: $spec: the tarball's hash is $got, expected $integrity" >&2
        exit 1
    fi
    echo "$tarball"
}
while read -r spec integrity member dest; do
    case "$spec" in '' | '#'*) continue ;; esac
    [ -s ".deps/$dest" ] && continue
    tarball=$(fetch "$spec" "$integrity") || exit 1
    mkdir -p ".deps/$(dirname "$dest")"
    tar -xzf "$tarball" -O "$member" >".deps/$dest.part"
    mv ".deps/$dest.part" ".deps/$dest"
done <deps/npm.txt
rm -rf .deps/tarballs
echo "$want" >.deps/stamp
