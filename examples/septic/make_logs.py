#!/usr/bin/env python3
"""Appends what two collectors of a septic system log, as OTLP JSON lines: make_logs.py DIR FROM TO (minutes since 2025-01-01)

DIR/pump.jsonl and DIR/tank.jsonl grow by a request a minute. At midnight each is renamed to <name>.<yyyymmdd> and begun
anew. The last line of the pump's log is only half written when TO is no full hour; the next call goes on behind it.
As in real logs: now and then a request is split in two lines of the same time, a minute is missing or comes late, a pump
that stands still reports no current, the counter starts again with the firmware of the second day, which also brings a
new metric, and a histogram stands among the gauges. Minutes in any steps give the same bytes in the end."""
import json
import os
import pathlib
import random
import sys
from datetime import datetime, timedelta, timezone

START = datetime(2025, 1, 1, tzinfo=timezone.utc)
UPGRADE = 34 * 60  # minutes
RESOURCE = {'attributes': [{'key': 'service.name', 'value': {'stringValue': 'septic'}}]}


def nanos(minute):
    return str((int(START.timestamp()) + minute * 60) * 10**9 + 123456789)


def point(minute, **value):
    return {'attributes': [{'key': 'unit', 'value': {'intValue': '7'}}], 'timeUnixNano': nanos(minute), **value}


def gauge(name, unit, *points):
    return {'name': name, 'unit': unit, 'gauge': {'dataPoints': list(points)}}


def request(*metrics):
    scopes = [{'scope': {'name': 'septic.reader'}, 'metrics': list(metrics)}]
    return json.dumps({'resourceMetrics': [{'resource': RESOURCE, 'scopeMetrics': scopes}]}, separators=(',', ':')) + '\n'


def pump(minute):
    chance = random.Random(f'pump {minute}')
    runs = minute % 47 < 6
    current = point(minute, asDouble=round(6.2 + chance.random(), 3)) if runs else point(minute, flags=1)
    since = minute if minute < UPGRADE else minute - UPGRADE
    starts = {'name': 'pump.starts', 'sum': {'aggregationTemporality': 2, 'isMonotonic': True,
                                             'dataPoints': [point(minute, asInt=str(since // 47))]}}
    metrics = [gauge('pump.current', 'A', current), starts]
    if minute >= UPGRADE:
        metrics.append(gauge('motor.temperature', 'Cel', point(minute, asDouble=round(18 + 5 * chance.random(), 2))))
    if minute % 60 == 0:
        metrics.append({'name': 'loop.duration', 'histogram': {'dataPoints': [point(minute, count='60', sum=4.5)]}})
    if minute % 10 == 3:
        return request(metrics[0]) + request(*metrics[1:])
    return '' if chance.random() < 0.02 else request(*metrics)


def tank(minute):
    """Two minutes in five are told together, the later one first."""
    if minute % 5 == 3:
        return ''
    minutes = [minute, minute - 1] if minute % 5 == 4 else [minute]
    levels = [point(m, asDouble=round(110 + 20 * random.Random(f'tank {m}').random(), 1)) for m in minutes]
    return request(gauge('tank.level', 'cm', *levels), gauge('battery', 'V', point(minute, asInt=12 + minute % 2)))


def append(folder, name, text, minute, half):
    """All of the text, or with `half` less than all; what a call before left out comes first."""
    path, rest = folder / f'{name}.jsonl', folder / f'.{name}.rest'
    pending = rest.read_text() if rest.exists() else ''
    if minute % 1440 == 0 and minute > 0:
        with open(path, 'a') as log:
            log.write(pending)
        pending = ''
        os.rename(path, f'{path}.{(START + timedelta(minutes=minute - 1)):%Y%m%d}')
    text = pending + text
    keep = len(text) // 2 if half else 0
    with open(path, 'a') as log:
        log.write(text[:len(text) - keep])
    rest.write_text(text[len(text) - keep:])


def main():
    folder, begin, end = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    for minute in range(begin, end):
        append(folder, 'pump', pump(minute), minute, minute + 1 == end and end % 60 != 0)
        append(folder, 'tank', tank(minute), minute, False)


if __name__ == '__main__':
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main()
