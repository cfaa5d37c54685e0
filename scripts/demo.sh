#!/usr/bin/env bash
# demo.sh POND: a pond of real weather observations, from CSV files to partitioned Parquet. Everything lands in demo-out/.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$1 data=$PWD/.deps/vega out=demo-out
rm -rf "$out" && mkdir -p "$out"
export POND=$out/pond
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
pond() { # shows the command, then runs it
    printf '$ pond'
    printf ' %s' "${@@Q}" | sed "s#$PWD/##g; s/'\([A-Za-z0-9_./:=,+-]*\)'/\1/g"
    echo
    "$bin" "$@"
}
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

say "1. A pond, and three files of weather observations copied in as series"
pond init
pond mkdir /weather
pond copy "host+csv+series://$data/seattle-weather-hourly-normals.csv" /weather/seattle-hourly.series
pond copy "host+csv+series://$data/seattle-weather.csv" /weather/seattle-daily.series
pond copy "host+csv+series://$data/weather.csv" /weather/cities.series

say "2. Derived nodes: hourly data at 6 hours, a day and a week; two cities compared"
pond mknod temporal-reduce /reduced --config-path examples/weather/reduce.yaml
pond mkdir /derived
pond mknod sql-derived-series /derived/compare.series --config-path examples/weather/compare.yaml
pond list -l

say "3. Look at them"
pond cat /reduced/seattle/res=7d.series --format table --time-end 2010-02-01
pond cat /derived/compare.series --format table --sql 'SELECT year(timestamp) AS year, round(avg("Seattle.temp_max"), 2) AS seattle, round(avg("NewYork.temp_max"), 2) AS new_york FROM source GROUP BY 1 ORDER BY 1'

say "4. Export by year and month; the second time every file is kept"
pond export -p '/reduced/*/*.series' -p '/derived/*.series' -d "$out/export" --temporal year,month
pond export -p '/reduced/*/*.series' -p '/derived/*.series' -d "$out/export" --temporal year,month

say "5. Nothing is lost"
pond fsck

files=$(find "$out/export" -name '*.parquet' | wc -l)
say "Made: a pond in $out/pond, $files Parquet files and catalog.json in $out/export"
cat <<EOF
Try next:
  $bin --pond $out/pond list -l
  $bin --pond $out/pond cat /derived/compare.series --format csv | head
  $bin --pond $out/pond describe /reduced/seattle/res=1d.series --plan
EOF
