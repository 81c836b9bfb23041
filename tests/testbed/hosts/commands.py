# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.testbed hosts up|down|status|archive`."""

from __future__ import annotations

import argparse
import os
import sys

from tests.testbed import install, mirror
from tests.testbed.build import COLLECTOR_VERSION
from tests.testbed.catalog import ARCHIVE, named
from tests.testbed.collector_release import CollectorRelease
from tests.testbed.home import Home
from tests.testbed.hosts import lifecycle
from tests.testbed.hosts.model import MOST
from tests.testbed.progress import say


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"there can be 1 to {MOST} hosts")
    return number


def _archive(home: Home, name: str, chosen: argparse.Namespace) -> int:
    """The archive needs no hosts and no cluster."""
    wanted = CollectorRelease(chosen.collector_version.removeprefix("v"))
    folder = mirror.root(home, os.environ)
    install.prepare(home, folder, [named(f"{ARCHIVE}@{wanted.version}")])
    sys.stdout.write(f"{wanted.archive(folder)}\n")
    return 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What comes after the word `hosts`."""
    parser.add_argument("action", choices=ACTIONS)
    count_help = f"hosts of a new group (default: {lifecycle.DEFAULT_COUNT})"
    parser.add_argument("--count", type=_count, help=count_help)
    version_help = f"of the archive (default: {COLLECTOR_VERSION})"
    parser.add_argument("--collector-version", default=COLLECTOR_VERSION, metavar="VERSION", help=version_help)


def _up(home: Home, name: str, chosen: argparse.Namespace) -> int:
    group = lifecycle.up(home, name, chosen.count)
    say(f"{group.node_count} host(s) of {name} are up; their inventory is {group.inventory}")
    sys.stdout.write(f"{group.inventory}\n")
    return 0


def _down(home: Home, name: str, _: argparse.Namespace) -> int:
    if not lifecycle.down(home, name):
        say(f"there are no hosts of {name}")
    return 0


def _status(home: Home, name: str, _: argparse.Namespace) -> int:
    group = lifecycle.running(home, name)
    if group is None:
        sys.stdout.write(f"hosts of {name}: not up\n")
        return 1
    rows = [f"hosts of {name}: up", *(f"{host.name}: {host.ip}, namespace {host.namespace}" for host in group.hosts)]
    rows += [f"inventory: {group.inventory}", f"logs: {group.dir / 'log'}"]
    sys.stdout.write("".join(f"{row}\n" for row in rows))
    return 0


ACTIONS = {"up": _up, "down": _down, "status": _status, "archive": _archive}


def run(home: Home, name: str, chosen: argparse.Namespace) -> int:
    """Linux hosts, with a cluster or without: `up` prints the path of their inventory, `archive` of a collector."""
    return ACTIONS[chosen.action](home, name, chosen)
