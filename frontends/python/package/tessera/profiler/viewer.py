# viewer.py - a recording of the profiler as a tree of text
# SPDX-License-Identifier: Apache-2.0
"""    python -m tessera.profiler.viewer [-m METRIC[,METRIC…]] [-d DEPTH] FILE.hatchet

Metrics: time/s, time/ms, time/us, time/ns, avg_time/…, cpu_time/… (of a cpu_timed_scope), count, flop/s, tflop/s, byte/s, gbyte/s, and any that a program added."""
from __future__ import annotations

import argparse
import json
import sys

_SECONDS = {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_RATES = {"flop/s": ("flops", 1), "gflop/s": ("flops", 1e9), "tflop/s": ("flops", 1e12), "byte/s": ("bytes", 1),
          "gbyte/s": ("bytes", 1e9), "tbyte/s": ("bytes", 1e12)}


def read(filename):
    """The tree in a file: dicts with frame, metrics, children."""
    with open(filename) as f:
        return json.load(f)[0]


def total(node, name):
    """The sum of a metric over a node and all below it."""
    own = sum(value for key, value in node["metrics"].items() if key == name or (name == "flops" and key.startswith("flops")))
    return own + sum(total(child, name) for child in node["children"])


def value(node, metric):
    """A derived metric of a node. Errors: ValueError for a unit of time that does not exist."""
    kind, _, unit = metric.partition("/")
    seconds = total(node, "time (ns)") * 1e-9
    if metric in _RATES:
        name, scale = _RATES[metric]
        return total(node, name) / scale / seconds if seconds else 0.0
    if kind in ("time", "avg_time"):
        if unit not in _SECONDS:
            raise ValueError(f"unknown unit '{unit}' in '{metric}': s, ms, us or ns")
        return seconds / _SECONDS[unit] / (max(total(node, "count"), 1) if kind == "avg_time" else 1)
    if kind == "cpu_time" and unit in _SECONDS:
        return node["metrics"].get("cpu_time (ns)(exc)", 0) * 1e-9 / _SECONDS[unit]
    return total(node, metric)


def render(node, metrics, depth=None, level=0, lead=""):
    """Lines of the tree."""
    cells = " ".join(f"{value(node, metric):.3f}" for metric in metrics)
    lines = [f"{lead}{cells} {node['frame']['name']}"]
    if depth is None or level < depth:
        below = lead.replace("├─ ", "│  ").replace("└─ ", "   ")
        for i, child in enumerate(node["children"]):
            last = i == len(node["children"]) - 1
            lines += render(child, metrics, depth, level + 1, below + ("└─ " if last else "├─ "))
    return lines


def parse(metrics, filename, include=None, exclude=None, threshold=None):
    return read(filename), list(metrics)


def print_tree(tree, metrics, depth=None, *unused, **options):
    print("\n".join(render(tree, metrics, depth)))


def main():
    parser = argparse.ArgumentParser(description="Shows a recording of the profiler.")
    parser.add_argument("filename")
    parser.add_argument("-m", "--metrics", default="time/ms", help="comma-separated")
    parser.add_argument("-d", "--depth", type=int, default=None)
    options = parser.parse_args()
    try:
        print("\n".join(render(read(options.filename), options.metrics.split(","), options.depth)))
    except (OSError, ValueError, KeyError) as error:
        print(f"viewer: {options.filename}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
