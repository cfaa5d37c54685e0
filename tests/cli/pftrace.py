"""Reads a Perfetto trace with a protobuf reader of its own and prints, for each track and name, how many slices there are.

    pftrace.py FILE           one line TRACK, NAME, COUNT, TOTAL_NS (with tabs between) for each, sorted; then "slices N"

Fails when the wire format is wrong, a name or track is not defined before it is used, an end has no begin, a slice ends
before it begins or begins before the one before it on its track.
"""
import collections
import sys


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, value) pairs: integers, or bytes of what is length-delimited."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = int.from_bytes(data[at:at + 8], 'little'), at + 8
        elif kind == 2:
            size, at = varint(data, at)
            assert at + size <= len(data), 'cut'
            value, at = data[at:at + size], at + size
        else:
            raise AssertionError(f'wire type {kind}')
        yield key >> 3, value


def one(data, number, otherwise=None):
    found = [value for n, value in fields(data) if n == number]
    assert len(found) <= 1, f'field {number} twice'
    return found[0] if found else otherwise


def main():
    names, tracks, counts, totals = {}, {}, collections.Counter(), collections.Counter()
    stacks, last, slices = collections.defaultdict(list), collections.Counter(), 0
    for number, packet in fields(open(sys.argv[1], 'rb').read()):
        assert number == 1, 'a trace is packets'
        assert one(packet, 10) == 1, 'one sequence'
        interned, track, event = one(packet, 12), one(packet, 60), one(packet, 11)
        if interned is not None:
            assert one(packet, 13) & 1, 'interned data is begun anew'
            names |= {one(entry, 1): one(entry, 2).decode() for n, entry in fields(interned) if n == 2}
        if track is not None:
            process = one(track, 3)
            tracks[one(track, 1)] = one(process, 6).decode() if process is not None else one(track, 2).decode()
            if process is None:
                assert one(track, 5) in tracks, 'a track of no process'
        if event is None:
            continue
        time, uuid, kind = one(packet, 8), one(event, 11), one(event, 9)
        assert uuid in tracks and time >= last[uuid], (uuid, time, last[uuid])
        last[uuid] = time
        if kind == 1:
            stacks[uuid].append((names[one(event, 10)], time))
        else:
            assert kind == 2 and stacks[uuid], 'an end without a begin'
            name, begin = stacks[uuid].pop()
            counts[tracks[uuid], name] += 1
            totals[tracks[uuid], name] += time - begin
            slices += 1
    assert not any(stacks.values()), 'a slice without an end'
    for (track, name), count in sorted(counts.items()):
        print(track, name, count, totals[track, name], sep='\t')
    print('slices', slices)


main()
