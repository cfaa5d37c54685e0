/* noyo and noyo-sql: water quality of a harbour, as examples/noyo shows it, from readings made
 * here.
 *
 * Three sites, each with a sonde (15 columns) and a telemetry box (4 columns), hourly for 554 days,
 * in the batches in which a collector fetched them. One box begins with two rows dated 1970, which
 * temporal bounds would hide; they stand for bad data that planning must not fall for. */
#include "bench/bench_int.h"

static const char *const SONDE[] = {"O2.% sat",
                                    "Conductivity.uS/cm",
                                    "Chl-a.ug/L",
                                    "DO.mg/L",
                                    "Depth.m",
                                    "External Voltage.V",
                                    "ORP.mV",
                                    "Partial Pressure O2.Torr",
                                    "Resistivity.Ohm-cm",
                                    "Salinity.psu",
                                    "Specific Conductivity.uS/cm",
                                    "Temperature.C",
                                    "Total Dissolved Solids.ppt",
                                    "Turbidity.NTU",
                                    "pH.pH"};
static const char *const BOX[] = {"Baro.psi", "Battery Level.%", "Internal Humidity.%",
                                  "Temperature.C"};
enum { SONDE_COUNT = 15, BOX_COUNT = 4, DAYS = 554 };

typedef struct Device {
    const char *path;
    bool sonde;
    int64_t batch_days;
} Device;

static const Device DEVICES[] = {
    {"/hydrovu/devices/1001/BDockAT500.series", true, 24},
    {"/hydrovu/devices/1002/BDockVulink.series", false, 72},
    {"/hydrovu/devices/1003/PrincessAT500.series", true, 24},
    {"/hydrovu/devices/1004/PrincessVulink.series", false, 72},
    {"/hydrovu/devices/1005/SilverAT500.series", true, 24},
    {"/hydrovu/devices/1006/SilverVulink.series", false, 72},
};
enum { DEVICE_COUNT = sizeof DEVICES / sizeof *DEVICES };

typedef struct Batch {
    const Device *device;
    int64_t day, days;
} Batch;

static Err *fill_batch(Maker *maker, void *context)
{
    const Batch *batch = context;
    const Device *device = batch->device;
    size_t number = (size_t)(device - DEVICES);
    bool first_of_last = number == DEVICE_COUNT - 1 && batch->day == 0;
    Readings readings = {.path = device->path,
                         .columns = device->sonde ? SONDE : BOX,
                         .column_count = device->sonde ? SONDE_COUNT : BOX_COUNT,
                         .begin = BENCH_BEGIN + batch->day * US_PER_DAY,
                         .step_us = US_PER_HOUR,
                         .rows = batch->days * 24,
                         .stream = number * 1000 + (uint64_t)batch->day,
                         .gaps = true,
                         .unset = first_of_last ? 2 : 0};
    return maker_readings(maker, &readings);
}

static Err *fill_device(Maker *maker, const Device *device, int64_t days)
{
    Batch batch = {.device = device};
    for (; batch.day < days; batch.day += device->batch_days) {
        int64_t left = days - batch.day;
        batch.days = left < device->batch_days ? left : device->batch_days;
        TRY(maker_transact(maker, "pond copy batch.csv /hydrovu/", fill_batch, &batch));
    }
    return NULL;
}

static Err *fill_devices(Maker *maker)
{
    int64_t days = maker_count(maker, DAYS);
    for (size_t i = 0; i < DEVICE_COUNT; i++)
        maker->all += (days + DEVICES[i].batch_days - 1) / DEVICES[i].batch_days;
    for (size_t i = 0; i < DEVICE_COUNT; i++) TRY(fill_device(maker, &DEVICES[i], days));
    return NULL;
}

/* ---- the steps: combined by site, singled by parameter, reduced ---- */

#define REDUCED                                                                                    \
    "entries:\n"                                                                                   \
    "  - name: single_site\n"                                                                      \
    "    factory: temporal-reduce\n"                                                               \
    "    config:\n"                                                                                \
    "      in_pattern: /combined/*\n"                                                              \
    "      out_pattern: $0\n"                                                                      \
    "      resolutions: [1h, 2h, 4h, 12h, 24h]\n"                                                  \
    "      aggregations:\n"                                                                        \
    "        - {type: avg, columns: [\"*Temperature.C\", AT500_Surface.DO.mg/L]}\n"                \
    "        - {type: min, columns: [\"*Temperature.C\", AT500_Surface.DO.mg/L]}\n"                \
    "        - {type: max, columns: [\"*Temperature.C\", AT500_Surface.DO.mg/L]}\n"                \
    "  - name: single_param\n"                                                                     \
    "    factory: temporal-reduce\n"                                                               \
    "    config:\n"                                                                                \
    "      in_pattern: /singled/*\n"                                                               \
    "      out_pattern: $0\n"                                                                      \
    "      resolutions: [1h, 2h, 4h, 12h, 24h]\n"                                                  \
    "      aggregations: [{type: avg}, {type: min}, {type: max}]\n"

#define JOINED(site)                                                                               \
    "  - name: " site "\n"                                                                         \
    "    factory: timeseries-join\n"                                                               \
    "    config:\n"                                                                                \
    "      inputs:\n"                                                                              \
    "        - {pattern: \"/hydrovu/devices/**/" site "Vulink.series\", scope: Vulink}\n"          \
    "        - {pattern: \"/hydrovu/devices/**/" site "AT500.series\", scope: AT500_Surface}\n"

#define PIVOTED(name, column)                                                                      \
    "  - name: " name "\n"                                                                         \
    "    factory: timeseries-pivot\n"                                                              \
    "    config: {pattern: \"/combined/*\", columns: [\"AT500_Surface." column "\"]}\n"

Err *fill_noyo(Maker *maker)
{
    static const MakerNode NODES[] = {
        {"dynamic-dir", "/combined",
         "entries:\n" JOINED("BDock") JOINED("Princess") JOINED("Silver")},
        {"dynamic-dir", "/singled",
         "entries:\n" PIVOTED("DO", "DO.mg/L") PIVOTED("Salinity", "Salinity.psu")
             PIVOTED("Temperature", "Temperature.C")},
        {"dynamic-dir", "/reduced", REDUCED},
    };
    TRY(fill_devices(maker));
    return maker_nodes(maker, NODES, sizeof NODES / sizeof *NODES);
}

#define SQL_JOINED(site)                                                                           \
    "  - name: " site "\n"                                                                         \
    "    factory: sql-derived-series\n"                                                            \
    "    config:\n"                                                                                \
    "      patterns:\n"                                                                            \
    "        vulink: \"/hydrovu/devices/**/" site "Vulink.series\"\n"                              \
    "        at500: \"/hydrovu/devices/**/" site "AT500.series\"\n"                                \
    "      transforms: {vulink: [/etc/vulink_scope], at500: [/etc/at500_scope]}\n"                 \
    "      query: SELECT * FROM vulink NATURAL FULL OUTER JOIN at500 ORDER BY timestamp\n"

#define SQL_PIVOTED(name, column)                                                                  \
    "  - name: " name "\n"                                                                         \
    "    factory: sql-derived-series\n"                                                            \
    "    config:\n"                                                                                \
    "      patterns: {b: /combined/BDock, p: /combined/Princess, s: /combined/Silver}\n"           \
    "      query: |\n"                                                                             \
    "        WITH times AS (SELECT timestamp FROM b UNION SELECT timestamp FROM p\n"               \
    "                       UNION SELECT timestamp FROM s)\n"                                      \
    "        SELECT times.timestamp AS timestamp,\n"                                               \
    "               b.\"AT500_Surface." column "\" AS \"BDock." column "\",\n"                     \
    "               p.\"AT500_Surface." column "\" AS \"Princess." column "\",\n"                  \
    "               s.\"AT500_Surface." column "\" AS \"Silver." column "\"\n"                     \
    "        FROM times\n"                                                                         \
    "        LEFT JOIN b ON times.timestamp = b.timestamp\n"                                       \
    "        LEFT JOIN p ON times.timestamp = p.timestamp\n"                                       \
    "        LEFT JOIN s ON times.timestamp = s.timestamp\n"                                       \
    "        ORDER BY times.timestamp\n"

#define SCOPED(scope)                                                                              \
    "rules:\n  - {type: pattern, pattern: \"^(?!timestamp$)\", replacement: \"" scope ".\"}\n"

Err *fill_noyo_sql(Maker *maker)
{
    static const MakerNode NODES[] = {
        {"column-rename", "/etc/vulink_scope", SCOPED("Vulink")},
        {"column-rename", "/etc/at500_scope", SCOPED("AT500_Surface")},
        {"dynamic-dir", "/combined",
         "entries:\n" SQL_JOINED("BDock") SQL_JOINED("Princess") SQL_JOINED("Silver")},
        {"dynamic-dir", "/singled",
         "entries:\n" SQL_PIVOTED("DO", "DO.mg/L") SQL_PIVOTED("Salinity", "Salinity.psu")
             SQL_PIVOTED("Temperature", "Temperature.C")},
        {"dynamic-dir", "/reduced", REDUCED},
    };
    TRY(fill_devices(maker));
    return maker_nodes(maker, NODES, sizeof NODES / sizeof *NODES);
}
