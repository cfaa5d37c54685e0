#!/usr/bin/env bash
# A septic system's logs (OTLP JSON lines), mirrored as they grow, reduced and exported:
#
#   examples/septic/run.sh POND_BINARY [OUT] [HOURS]
#
# OUT (default: a new folder in /tmp) gets the logs (logs), the pond (pond) and the export (out). HOURS (default 72) of logs, in
# four visits; between them the logs grow and are rotated.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
pond=$(realpath "${1:?the pond program}")
out=$(realpath -m "${2:-$(mktemp -d /tmp/septic-XXXXXX)}")
minutes=$((${3:-72} * 60))
export POND=$out/pond SEPTIC_LOGS=$out/logs TZ=UTC
unset POND_FAULT

"$pond" init --birthplace septic
"$pond" mkdir -p /system/etc --quiet
"$pond" mkdir -p /logs --quiet
"$pond" mkdir -p /joined --quiet
"$pond" mknod logfile-ingest /system/etc/logs --config-path "$here/etc/ingest.yaml"
begin=0
for end in $((minutes / 5 + 7)) $((minutes / 2 + 1)) $((minutes / 2 + 2)) "$minutes"; do
    "$here/make_logs.py" "$SEPTIC_LOGS" "$begin" "$end"
    "$pond" run logs
    begin=$end
done

"$pond" mknod timeseries-join /joined/septic --config-path "$here/etc/joined.yaml"
"$pond" mknod temporal-reduce /reduced --config-path "$here/etc/reduced.yaml"
"$pond" describe /joined/septic
"$pond" cat /reduced/septic/res=6h.series --format table
"$pond" export -p '/reduced/*/*.series' -d "$out/out" --temporal year,month,day
echo "The files are in $out/out."
