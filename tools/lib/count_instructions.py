#!/usr/bin/env python3
"""Instructions per message of bab's hot paths, counted by callgrind and compared with those kept.

count_instructions.py PROGRAM KEPT.json [--keep]

A count doesn't depend on what else the machine does: a change of the code shows at once. A count that grew by more than
3 % gives a warning; with --keep the counts become the kept ones.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

LIMIT = 1.03


def count(program):
    """{path: instructions per message}."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(['valgrind', '--tool=callgrind', f'--callgrind-out-file={folder}/out', program],
                             capture_output=True, text=True, check=False)
        if run.returncode != 0:
            sys.exit(f'{program} failed under callgrind:\n{run.stdout}{run.stderr}')
        lot = int(run.stdout.split()[-1])
        totals = {}
        for dump in pathlib.Path(folder).glob('out*'):
            text = dump.read_text(encoding='utf-8', errors='replace')
            trigger = re.search(r'^desc: Trigger: Client Request: (\S+) ([12])$', text, re.M)
            total = re.search(r'^(?:totals|summary): (\d+)', text, re.M)
            if trigger and total:
                totals[trigger[1], trigger[2]] = int(total[1])
    names = sorted({name for name, _ in totals})
    return {name: round((totals[name, '2'] - totals[name, '1']) / lot, 2) for name in names}


def main():
    program, kept_file, *options = sys.argv[1:]
    file = pathlib.Path(kept_file)
    kept = json.loads(file.read_text(encoding='utf-8')) if file.exists() else {'instructions': {}}
    counts = count(program)
    if not counts:
        sys.exit('callgrind wrote no counts')
    grown = 0
    print(f'{"instructions per message":28} {"now":>8} {"kept":>8} {"change":>8}')
    for name, now in counts.items():
        before = kept['instructions'].get(name)
        change = '' if not before else f'{(now / before - 1) * 100:+.1f} %'
        warns = before is not None and now > before * LIMIT
        grown += warns
        print(f'{name:28} {now:8.2f} {before if before is not None else "":>8} {change:>8}'
              f'{"  WARNING: more than 3 % up" if warns else ""}')
    for name in kept['instructions'].keys() - counts.keys():
        print(f'{name}: kept, and not counted any more')
    if '--keep' in options:
        kept = {'unit': 'instructions per message, g++ -O3 -march=x86-64-v3, callgrind', 'instructions': counts}
        file.write_text(json.dumps(kept, indent=2) + '\n', encoding='utf-8')
        print(f'kept in {kept_file}')
    elif grown:
        print('WARNING: if the growth is worth it, keep the new counts with tools/bench --instructions --keep')


if __name__ == '__main__':
    main()
