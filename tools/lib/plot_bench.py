#!/usr/bin/env python3
"""Draws the results of tests/perf/bench: plot_bench.py rows|growth RESULTS.json PICTURE.png"""

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


def draw_growth(results, picture):
    """A plot for each thing that grew."""
    families = {}
    for row in results['rows']:
        what, _, value = row['name'].removeprefix('growth_').rpartition('_')
        families.setdefault(what, []).append((int(value), row['ns'], row['min_ns'], row['max_ns']))
    height = (len(families) + 1) // 2
    script = [f'set terminal pngcairo size 1200,{320 * height + 60}', f'set output {quoted(picture)}',
              f'set multiplot layout {height},2 title {quoted(subtitle(results["machine"]))} font ",10" noenhanced',
              'set logscale x 2', 'set grid', 'set ylabel "ns per message"', 'set yrange [0:*]', 'unset key']
    for what, points in families.items():
        script.append('\n'.join([f'${what} << END', *('\t'.join(map(str, p)) for p in points), 'END']))
        script.append('unset logscale y; set yrange [0:*]')
        if max(p[1] for p in points) > 20 * min(p[1] for p in points):
            script.append('set logscale y; set yrange [*:*]')
        script.append(f'set xlabel {quoted(what.replace("_", " "))}')
        script.append(f"plot ${what} using 1:2:3:4 with yerrorbars pt 7 lc rgb '#4477aa', "
                      f"'' using 1:2 with lines lc rgb '#4477aa'")
    gnuplot('\n'.join(script) + '\nunset multiplot\n', [])


def main():
    kind, source, picture = sys.argv[1:]
    with open(source, encoding='utf-8') as file:
        results = json.load(file)
    {'rows': draw_rows, 'growth': draw_growth}[kind](results, picture)


if __name__ == '__main__':
    main()
