"""What benchmarks share: ways that take turns, medians, and one table of ratios."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def measure(ways: Iterable[Way], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return the seconds of every round of every way; the ways take turns, so that a drift meets all of them."""
    listed = list(ways)
    seconds: dict[str, list[float]] = {way.name: [] for way in listed}
    for _round in range(rounds):
        for way in listed:
            seconds[way.name].append(_timed(way))
    return seconds


def table(seconds: Mapping[str, list[float]], base: str, ratios: Mapping[str, tuple[str, str]]) -> None:
    """Print medians and spans, each against the base, and the ratios that are asked for."""
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"{'':52} {'seconds':>8} {'min-max':>13} {'x empty':>8}")
    for name, values in seconds.items():
        print(f"{name:52} {middle[name]:8.2f} {min(values):6.2f}-{max(values):5.2f} {middle[name] / middle[base]:8.2f}")
    for name, (one, other) in ratios.items():
        print(f"{name}: {middle[one] / middle[other]:.2f} x")


def run(argv: list[str]) -> None:
    """Run a command here. Raises SystemExit with what it says when it fails."""
    result = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{' '.join(argv)} failed:\n{result.stdout}{result.stderr}")


def _timed(way: Way) -> float:
    way.before()
    start = time.monotonic()
    way.work()
    return time.monotonic() - start
