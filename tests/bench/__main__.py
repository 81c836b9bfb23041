"""Measure, as ratios in one run: `python -m tests.bench`, or with the names of some benchmarks.

Machines differ and drift, so what counts are the ratios: the ways take turns, and each figure is a median.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from . import cluster, clusters, hosts, render, validate, waves

BENCHMARKS = {
    "validate": validate.main,
    "render": render.main,
    "cluster": cluster.main,
    "clusters": clusters.main,
    "waves": waves.main,
    "hosts": hosts.main,
}


def prefer_own_programs() -> None:
    """Find `ansible-playbook` beside this Python, so that its environment need not be activated."""
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))


def main() -> None:
    """Run the benchmarks that are named."""
    prefer_own_programs()
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="|".join(BENCHMARKS), help="which to run; all when none is named")
    names = parser.parse_args().names or list(BENCHMARKS)
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark '{unknown[0]}'; benchmarks: {', '.join(BENCHMARKS)}")
    for name in names:
        BENCHMARKS[name]()


if __name__ == "__main__":
    main()
