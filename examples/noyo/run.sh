#!/usr/bin/env bash
# Water quality of a harbour, from what the instruments sent to files for a web page:
#
#   examples/noyo/run.sh POND_BINARY [OUT] [DAYS]
#
# OUT (default: a new folder in /tmp) gets the readings (data), the pond (pond), and two exports: one by timeseries-join and
# timeseries-pivot (out), one by SQL that says the same (out-sql). DAYS (default 554) of invented readings.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
pond=$(realpath "${1:?the pond program}")
out=$(realpath -m "${2:-$(mktemp -d /tmp/noyo-XXXXXX)}")
days=${3:-554}
export POND=$out/pond TZ=UTC
unset POND_FAULT

"$here/make_data.py" "$out/data" "$days"
"$pond" init --birthplace noyo
id=1000
for device in "$out"/data/*; do # each batch is what one visit of the collector brought: a version
    name=$(basename "$device")
    id=$((id + 1))
    "$pond" mkdir -p "/hydrovu/devices/$id" --quiet
    for batch in "$device"/*.csv; do
        "$pond" copy "host+csv+series://$batch" "/hydrovu/devices/$id/$name.series" --quiet
    done
done
# The first box of Silver began before its clock was set.
"$pond" set-temporal-bounds "/hydrovu/devices/1006/SilverVulink1.series" \
    --min-time "2024-01-01 00:00:00" --max-time "2024-05-30 23:59:59"

"$pond" mkdir -p /etc --quiet
"$pond" mkdir -p /sql --quiet
node() { "$pond" mknod "$1" "$2" --config-path "$here/etc/$3.yaml"; }
node column-rename /etc/vulink_scope vulink_scope
node column-rename /etc/at500_scope at500_scope
for step in combined singled reduced; do
    node dynamic-dir "/$step" "$step"
    node dynamic-dir "/sql/$step" "sql_$step"
done
"$pond" list '/reduced/**/*.series'

for variant in "" /sql; do
    "$pond" export -p "$variant/reduced/single_param/*/*.series" -p "$variant/reduced/single_site/*/*.series" \
        -d "$out/out${variant/\//-}" --temporal year,month
done
echo "The files are in $out/out; the same by SQL in $out/out-sql."
