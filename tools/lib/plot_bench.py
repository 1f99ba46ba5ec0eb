#!/usr/bin/env python3
"""Draws what tests/perf/bench wrote: plot_bench.py rows RESULTS.json PICTURE.png"""

import json
import subprocess
import sys


def gnuplot(script, data):
    """Runs `script` with $data defined from lines of fields."""
    block = '$data << END\n' + ''.join('\t'.join(map(str, line)) + '\n' for line in data) + 'END\n'
    subprocess.run(['gnuplot'], input=block + script, text=True, check=True)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def subtitle(machine):
    return ', '.join(machine[key] for key in ('cpu', 'compiler', 'flags', 'dpdk', 'commit', 'date') if key in machine)


def draw_rows(results, picture):
    """A bar per row: its ratio to its floor, with the span of the runs and a mark at the goal."""
    rows = [r for r in results['rows'] if r['ratio']]
    data = [(i, r['name'], r['ratio'], r['min_ns'] / r['floor_ns'], r['max_ns'] / r['floor_ns'], r['goal'] or 'NaN',
             f"{r['ns']:.2f} / {r['floor_ns']:.2f}") for i, r in enumerate(rows)]
    gnuplot(f'''
set terminal pngcairo size 1200,700 noenhanced
set output {quoted(picture)}
set title 'bab beside its floors (lower is better)' . "\\n" . {quoted(subtitle(results["machine"]))} font ',10'
set datafile separator "\\t"
set ylabel 'times the floor'
set logscale y 2
set yrange [0.03:*]
set grid y
set style fill solid 0.6
set boxwidth 0.7
set xtics rotate by -45
set key top right
set bmargin 10
plot $data using 1:3:xtic(2) with boxes lc rgb '#4477aa' title 'ns / floor ns', \\
  '' using 1:3:4:5 with yerrorbars lc rgb 'black' pt 0 title 'min to max of the runs', \\
  '' using 1:6 with points pt 9 ps 1.5 lc rgb '#cc3311' title 'goal', \\
  '' using 1:3:7 with labels rotate by 90 left offset 0,0.5 font ',8' notitle
''', data)


def main():
    kind, source, picture = sys.argv[1:]
    with open(source, encoding='utf-8') as file:
        results = json.load(file)
    {'rows': draw_rows}[kind](results, picture)


if __name__ == '__main__':
    main()
