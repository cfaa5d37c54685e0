#!/usr/bin/env python3
"""Invented readings in the shape of a real harbour's: make_data.py OUT [DAYS]

Three sites, each with a sonde in the water (AT500, 15 columns) and a telemetry box (Vulink, 4 columns), hourly from
2024-03-05 for DAYS days (554: to 2025-09-10). OUT/<device>/<nn>.csv are the batches in which a collector would have
fetched them: large ones for the history, then small ones.

What real data have and tidy examples lack is here: each device misses about 2 % of its rows on its own, about 1 % of the
cells are empty, each site is silent for a while, one box was replaced after seven weeks without readings, and its first
one begins with two rows dated 1970, before its clock was set. The same arguments give the same bytes."""
import csv
import math
import pathlib
import random
import sys
from datetime import datetime, timedelta, timezone

START = datetime(2024, 3, 5, tzinfo=timezone.utc)
DAYS = 554
SONDE = {  # column: typical value, yearly swing, daily swing, noise
    '% Saturation O₂.% sat': (96, 8, 6, 1.5), 'Actual Conductivity.µS/cm': (41000, 2500, 300, 120),
    'Chl-a.µg/L': (3.2, 1.8, 0.7, 0.4), 'DO.mg/L': (8.1, 1.1, 0.5, 0.12), 'Depth.m': (2.4, 0.2, 0.9, 0.03),
    'External Voltage.V': (12.6, 0.3, 0.4, 0.02), 'ORP.mV': (210, 25, 8, 3), 'Partial Pressure O₂.Torr': (152, 9, 7, 2),
    'Resistivity.Ω⋅cm': (24, 2, 0.5, 0.1), 'Salinity.psu': (32.5, 1.8, 0.3, 0.08),
    'Specific Conductivity.µS/cm': (49500, 2600, 350, 130), 'Temperature.C': (12.5, 2.6, 0.9, 0.08),
    'Total Dissolved Solids.ppt': (32, 1.7, 0.2, 0.07), 'Turbidity.NTU': (2.8, 1.5, 0.6, 0.5), 'pH.pH': (7.95, 0.1, 0.06, 0.01),
}
BOX = {'Baro.psi': (14.7, 0.05, 0.03, 0.01), 'Battery Level.%': (82, 6, 4, 1), 'Internal Humidity.%': (31, 7, 3, 1),
       'Temperature.C': (13.4, 4.5, 4.0, 0.5)}
SITES = {'BDock': (250, 47), 'Princess': (300, 49), 'Silver': (271, 45)}  # silent from this day on, for so many days
REPLACED = (30, 86, 140)  # days: the first box begins, ends; the second one begins


def value(chance, shape, hour):
    typical, yearly, daily, noise = shape
    return round(typical + yearly * math.sin(2 * math.pi * hour / 8766) + daily * math.sin(2 * math.pi * hour / 24)
                 + noise * (2 * chance.random() - 1), 4)


def readings(device, columns, hours, silent):
    """[time, cell, ...] of each hour that was read; each device has a sequence of its own."""
    chance = random.Random(device)
    begin, days = silent
    for hour in hours:
        missed = chance.random() < 0.02
        cells = [value(chance, shape, hour) if chance.random() >= 0.01 else '' for shape in columns.values()]
        if not missed and not begin * 24 <= hour < (begin + days) * 24:
            yield [(START + timedelta(hours=hour)).strftime('%Y-%m-%dT%H:%M:%SZ')] + cells


def batches(rows, size, count):
    """At most count: full ones for the history, then the rest in small ones."""
    full = min(count - 1, len(rows) // size)
    cuts = [number * size for number in range(full)]
    rest, parts = len(rows) - full * size, count - full
    cuts += [full * size + rest * part // parts for part in range(parts)]
    return [rows[begin:end] for begin, end in zip(cuts, cuts[1:] + [len(rows)]) if begin < end]


def write(out, device, columns, rows, size, count):
    folder = pathlib.Path(out, device)
    folder.mkdir(parents=True, exist_ok=True)
    for number, batch in enumerate(batches(rows, size, count), 1):
        with open(folder / f'{number:02}.csv', 'w', newline='', encoding='utf-8') as file:
            writer = csv.writer(file, lineterminator='\n')
            writer.writerow(['timestamp', *columns])
            writer.writerows(batch)


def make(out, days):
    hours, (first, last, second) = days * 24, REPLACED
    for site, silent in SITES.items():
        sonde, box = f'{site}AT500', f'{site}Vulink'
        write(out, sonde, SONDE, list(readings(sonde, SONDE, range(hours), silent)), 667, 24)
        if site != 'Silver':
            write(out, box, BOX, list(readings(box, BOX, range(hours), silent)), 2500, 8)
    begin, end = first * 24, min(last * 24, hours)
    old = list(readings('SilverVulink1', BOX, range(begin, end), (0, 0)))
    unset = [[f'1970-01-01T00:0{minute}:00Z', 14.7, 99, 30, 0] for minute in (7, 8)]
    write(out, 'SilverVulink1', BOX, unset + old, 400, 5)
    write(out, 'SilverVulink2', BOX, list(readings('SilverVulink2', BOX, range(second * 24, hours), SITES['Silver'])), 2500, 8)


if __name__ == '__main__':
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    make(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else DAYS)
