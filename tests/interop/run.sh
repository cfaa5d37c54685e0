#!/usr/bin/env bash
# run.sh POND: other makers' readers over what pond writes. Needs PyPI for the Python packages of requirements.txt; says so when they cannot be had.
set -uo pipefail
cd "$(dirname "$0")/../.."
pond=$(realpath "$1") venv=build/interop-venv
if [ ! -x "$venv/bin/python" ] || ! cmp -s tests/interop/requirements.txt "$venv/requirements.txt"; then
    rm -rf "$venv"
    if ! python3 -m venv "$venv" || ! "$venv/bin/pip" install --quiet -r tests/interop/requirements.txt; then
        echo "interop: cannot run: the packages of tests/interop/requirements.txt cannot be installed"
        rm -rf "$venv"
        exit 1
    fi
    cp tests/interop/requirements.txt "$venv/requirements.txt"
fi
status=0
for script in tests/interop/*.py; do
    echo "== $(basename "$script")"
    POND_BIN=$pond "$venv/bin/python" "$script" || status=1
done
exit $status
