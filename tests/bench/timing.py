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
from functools import partial
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
    """One way to do the work that is measured."""

    name: str
    work: Callable[[], None]
    before: Callable[[], None] = _nothing
    """Brings everything back to where the work starts; its time does not count."""


def command(name: str, argv: list[str], before: Callable[[], None] = _nothing) -> Way:
    """Return the way that runs a command."""
    return Way(name, partial(run, argv), before)


def empty(scratch: Path) -> Way:
    """Return the way that runs a playbook without tasks: the base that other playbooks are compared with."""
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
    """The time that a round took, in seconds."""

    wall: float
    """By the clock."""
    cpu: float
    """Of CPU, in this process and in all processes that it started."""


def measure(ways: Iterable[Way], rounds: int = ROUNDS) -> dict[str, list[Taken]]:
    """Return what every round of every way took. The ways take turns, so that a drift of the machine meets all."""
    all_ways = list(ways)
    taken: dict[str, list[Taken]] = {way.name: [] for way in all_ways}
    for _round in range(rounds):
        for way in all_ways:
            taken[way.name].append(_timed(way))
    return taken


def table(taken: Mapping[str, list[Taken]], base: str, ratios: Mapping[str, tuple[str, str]]) -> None:
    """Print the median and the span of each way, each also as a multiple of the base, and the ratios by their names.

    A ratio is of the medians of two ways, the first one divided by the second one.
    """
    medians = {name: median(rounds) for name, rounds in taken.items()}
    base_wall, base_cpu = medians[base]
    print(f"{'':52} {'seconds':>8} {'min-max':>13} {'x empty':>8} {'CPU s':>8} {'x empty':>8}")
    for name, rounds in taken.items():
        walls = [taken_once.wall for taken_once in rounds]
        wall, cpu = medians[name]
        span = f"{min(walls):6.2f}-{max(walls):5.2f}"
        print(f"{name:52} {wall:8.2f} {span:>13} {wall / base_wall:8.2f} {cpu:8.2f} {cpu / base_cpu:8.2f}")
    for name, (dividend, divisor) in ratios.items():
        wall_ratio = medians[dividend].wall / medians[divisor].wall
        cpu_ratio = medians[dividend].cpu / medians[divisor].cpu
        print(f"{name}: {wall_ratio:.2f} x, CPU {cpu_ratio:.2f} x")


def median(rounds: Iterable[Taken]) -> Taken:
    """Return the median of each figure."""
    walls, cpus = zip(*rounds, strict=True)
    return Taken(statistics.median(walls), statistics.median(cpus))


def cpu_seconds(*whose: int) -> float:
    """Return the seconds of CPU that this process and the children that it waited for have used.

    `whose` is RUSAGE_SELF or RUSAGE_CHILDREN of `resource` for one of the two.
    """
    seconds = 0.0
    for who in whose or (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        seconds += usage.ru_utime + usage.ru_stime
    return seconds


def run(argv: list[str]) -> None:
    """Run a command in the checkout. Raises SystemExit with its output if it fails.

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
