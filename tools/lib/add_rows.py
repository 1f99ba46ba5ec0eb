#!/usr/bin/env python3
"""Adds the rows of one file of tests/perf/bench to those of another: add_rows.py RESULTS.json MORE.json"""

import json
import pathlib
import sys

results, more = map(pathlib.Path, sys.argv[1:])
both = json.loads(results.read_text(encoding='utf-8'))
both['rows'] += json.loads(more.read_text(encoding='utf-8'))['rows']
results.write_text(json.dumps(both, indent=2) + '\n', encoding='utf-8')
