"""What benchmarks share: ways that take turns, medians, and one table of ratios."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

PROJECT = Path(__file__).parents[2]
ROUNDS = 5
EMPTY = "empty playbook"


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Way:
    """One way to do the work: its name, the work, and what brings all to where it starts."""

    name: str
    work: Callable[[], None]
    before: Callable[[], None] = _nothing


def command(name: str, argv: list[str], before: Callable[[], None] = _nothing) -> Way:
    """Return the way of a command."""
    return Way(name, lambda: run(argv), before)


def empty(scratch: Path) -> Way:
    """Return the way of a playbook without tasks, which everything that is a playbook is measured against."""
    return command(EMPTY, play(playbook(scratch / "empty.yml", [])))


def play(path: Path) -> list[str]:
    """Return the command that runs a playbook here."""
    return ["ansible-playbook", str(path), "-i", "localhost,"]


def playbook(path: Path, tasks: list[dict[str, Any]]) -> Path:
    """Write a playbook with these tasks."""
    settings = {"hosts": "all", "connection": "local", "gather_facts": False}
    variables = {"ansible_python_interpreter": sys.executable}
    path.write_text(yaml.safe_dump([{**settings, "vars": variables, "tasks": tasks}]))
    return path


class Taken(NamedTuple):
    """What a round took: seconds by the clock, and seconds of CPU here and in all processes that it started."""

    wall: float
    cpu: float


def measure(ways: Iterable[Way], rounds: int = ROUNDS) -> dict[str, list[Taken]]:
    """Return what every round of every way took; the ways take turns, so that a drift meets all of them."""
    listed = list(ways)
    taken: dict[str, list[Taken]] = {way.name: [] for way in listed}
    for _round in range(rounds):
        for way in listed:
            taken[way.name].append(_timed(way))
    return taken


def table(taken: Mapping[str, list[Taken]], base: str, ratios: Mapping[str, tuple[str, str]]) -> None:
    """Print medians and spans, each against the base, and the ratios that are asked for, by the clock and in CPU."""
    middle = {name: median(values) for name, values in taken.items()}
    print(f"{'':52} {'seconds':>8} {'min-max':>13} {'x empty':>8} {'CPU s':>8} {'x empty':>8}")
    for name, values in taken.items():
        walls, (wall, cpu), of = [one.wall for one in values], middle[name], middle[base]
        span = f"{min(walls):6.2f}-{max(walls):5.2f}"
        print(f"{name:52} {wall:8.2f} {span:>13} {wall / of.wall:8.2f} {cpu:8.2f} {cpu / of.cpu:8.2f}")
    for name, (one, other) in ratios.items():
        wall, cpu = middle[one].wall / middle[other].wall, middle[one].cpu / middle[other].cpu
        print(f"{name}: {wall:.2f} x, CPU {cpu:.2f} x")


def median(values: Iterable[Taken]) -> Taken:
    """Return the median of each figure."""
    return Taken(*(statistics.median(figures) for figures in zip(*values, strict=True)))


def cpu_seconds(*whose: int) -> float:
    """Return the CPU that this process and all that it waited for have used, or one of the two."""
    used = [resource.getrusage(who) for who in whose or (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def run(argv: list[str]) -> None:
    """Run a command here. Raises SystemExit with what it says when it fails.

    Python keeps compiled code, as it does for users, also where the shell of this benchmark forbids it.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    result = subprocess.run(argv, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{' '.join(argv)} failed:\n{result.stdout}{result.stderr}")


def _timed(way: Way) -> Taken:
    way.before()
    cpu, start = cpu_seconds(), time.monotonic()
    way.work()
    return Taken(time.monotonic() - start, cpu_seconds() - cpu)
