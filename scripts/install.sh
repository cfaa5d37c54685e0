#!/usr/bin/env bash
# install.sh BUILD ROOT: pond, its library, man page and completion below ROOT. The program finds its library relative to itself.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1 root=$2
install -d "$root/bin" "$root/lib/pond" "$root/share/man/man1" "$root/share/bash-completion/completions" "$root/share/zsh/site-functions" "$root/share/fish/vendor_completions.d"
install -m 755 .deps/duckdb/lib/libduckdb.so "$root/lib/pond/libduckdb.so"
DESTDIR='' meson install -C "$build" --no-rebuild --quiet --destdir "$PWD/$build/staged" --tags runtime >/dev/null
install -m 755 "$(find "$build/staged" -type f -name pond -path '*/bin/*')" "$root/bin/pond"
pond="$root/bin/pond"
"$pond" help man | gzip -9n >"$root/share/man/man1/pond.1.gz"
"$pond" completion bash >"$root/share/bash-completion/completions/pond"
"$pond" completion zsh >"$root/share/zsh/site-functions/_pond"
"$pond" completion fish >"$root/share/fish/vendor_completions.d/pond.fish"
rm -rf "$build/staged"
echo "installed $pond"
