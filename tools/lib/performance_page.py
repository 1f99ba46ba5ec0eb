#!/usr/bin/env python3
"""Writes the performance page from kept results: performance_page.py FOLDER PAGE.md

FOLDER holds rows.json, peers.json and growth.json as tools/bench --keep left them.
"""

import json
import math
import pathlib
import sys

WIRE_OVERHEAD = 8 + 4 + 12  # preamble, CRC and the gap between frames, in bytes
HEADERS = 62                # Ethernet, IPv4, UDP, MoldUDP64
CAPACITY = 9000 - 48        # of a frame of MTU 9000, for messages and their 2-byte lengths
SIZES = (32, 64, 256, 1024)

# The page's text, as wide as the page.
INTRODUCTION = '''# Performance

<!-- Generated from the results beside it: tools/bench --keep measures and writes all of it anew. -->

Each row stands beside its floor: what the same job costs in DPDK's own primitives or by hand, compiled with
the same flags and measured in the same process in turn, A B A B …. Figures are medians of the runs, with
their least and greatest; a ratio is that of the medians. One-lcore rows are CPU time under Google Benchmark;
two-lcore rows are wall time, each pair of slices behind a ping-pong of one cache line between the two CPUs
(one way, ns). A slice in which the kernel took a CPU away was measured again, up to five times;
{disturbed} slices were kept all the same. What was tried to get here is in [LOG.md](LOG.md).
'''
PEERS = '''`ns` is per message, packet, buffer or frame, as the row is called; `operator_new_per_message` counts calls.

![ratios](results/rows.png)

## Beside what one would use instead

Millions of messages a second from one lcore or thread to another on this machine, the same payloads made and
every byte checked on both sides. bab runs testbab's loop engine over a ring port: IPv4 checksum in software
both ways, UDP checksum none (0), as on any memory port. The kernel leaves UDP checksums out on its loopback
interface; ZeroMQ and the byte ring have none. The byte ring has no frames, headers or sequence numbers, and
cannot leave the machine: it is there to show what those cost.
'''
LINKS = '''## What a link asks for

Arithmetic, not measurement: frames of MTU 9000 full of messages of one size, with 62 bytes of headers and 24 of
preamble, CRC and gap. A core may spend so many ns on a frame or a message if it alone is to fill the link; the
last columns are how many pairs of lcores (one sends, one receives) would have to share it at the e2e row's
cost, which is that of the slower of the two.
'''
NOT_MEASURED = '''## What was not measured

- Real NICs: no PCIe, no DMA into the last-level cache, no descriptor rings, no wire. A NIC's own limits (some
  reach line rate only from a certain frame size on, or with several queues) come on top of all the above.
- More than two CPUs, and two sockets.
- A machine at rest: hypervisor and neighbours take what they take. Where min and max are far apart, the median is
  what it is.
- {pages}
'''
SMALL_PAGES = 'Memory of hugepages, but for the row of their page size: with them the TLB costs less.'
HUGEPAGES = 'Memory without hugepages, but for the rows that say so.'


def number(value):
    return '–' if value is None else f'{value:.2f}' if value < 100 else f'{value:.0f}'


def table(header, lines):
    return ['| ' + ' | '.join(header) + ' |', '|' + '---|' * len(header),
            *('| ' + ' | '.join(map(str, line)) + ' |' for line in lines), '']


def row_lines(rows):
    for r in rows:
        goal = '' if not r['goal'] else f"{r['goal']:g} {'reached' if r['ratio'] <= r['goal'] else '**missed**'}"
        yield (f"`{r['name']}`", number(r['ns']), f"{number(r['min_ns'])} – {number(r['max_ns'])}",
               r['floor_name'] or '–', number(r['floor_ns']), number(r['ratio']), goal, number(r['pingpong_ns']))


def peer_lines(rows):
    for r in rows:
        peer, _, size = r['name'].removeprefix('beside_').rpartition('_')
        yield (size, peer.replace('_', ' '), r['floor_name'], f"{1000 / r['floor_ns']:.1f}", f"{1000 / r['ns']:.1f}",
               f"{r['floor_ns'] / r['ns']:.1f}")


def link_lines(rows):
    e2e = {r['name']: r['ns'] for r in rows}
    for gbit in (10, 25, 100, 400):
        for size in SIZES:
            messages = CAPACITY // (size + 2)
            frame = HEADERS + messages * (size + 2)
            frames = gbit * 1e9 / 8 / (frame + WIRE_OVERHEAD)
            per_message = 1e9 / (frames * messages)
            pairs = e2e[f'e2e_{size}'] / per_message
            yield (f'{gbit} GbE', size, messages, f'{frames / 1e6:.3f}', f'{frames * messages / 1e6:.1f}',
                   f'{1e9 / frames:.0f}', f'{per_message:.2f}', f'{pairs:.2f}', math.ceil(pairs))


def main():
    folder, page = map(pathlib.Path, sys.argv[1:])
    rows, peers, growth = (json.loads((folder / f'{name}.json').read_text(encoding='utf-8'))
                           for name in ('rows', 'peers', 'growth'))
    disturbed = sum(r['disturbed_slices'] for r in rows['rows'] + peers['rows'] + growth['rows'])
    text = [INTRODUCTION.format(disturbed=disturbed)]
    text += table(('machine', ''), rows['machine'].items())
    text += ['## Beside the floors', '']
    text += table(('row', 'ns', 'min – max', 'floor', 'ns', 'ratio', 'goal', 'ping-pong'), row_lines(rows['rows']))
    text += [PEERS]
    text += table(('bytes', 'peer', 'what it is', 'peer M/s', 'bab M/s', 'times'), peer_lines(peers['rows']))
    text += ['## As things grow', '', '![growth](results/growth.png)', '']
    text += table(('what', 'ns per message', 'min – max'),
                  ((r['name'].removeprefix('growth_').replace('_', ' '), number(r['ns']),
                    f"{number(r['min_ns'])} – {number(r['max_ns'])}") for r in growth['rows']))
    text += [LINKS]
    text += table(('link', 'bytes', 'per frame', 'M frames/s', 'M messages/s', 'ns/frame', 'ns/message', 'pairs',
                   'whole'), link_lines(rows['rows']))
    has_small_pages = rows['machine']['pages'].startswith('4')
    text += [NOT_MEASURED.format(pages=SMALL_PAGES if has_small_pages else HUGEPAGES)]
    page.write_text('\n'.join(text), encoding='utf-8')


if __name__ == '__main__':
    main()
