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
from tests.testbed.catalog import ARCHIVE, find_entry
from tests.testbed.collector_release import CollectorRelease
from tests.testbed.home import Home
from tests.testbed.hosts import lifecycle
from tests.testbed.hosts.model import MAX_HOSTS
from tests.testbed.progress import say


def _parse_host_count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MAX_HOSTS:
        raise argparse.ArgumentTypeError(f"there can be 1 to {MAX_HOSTS} hosts")
    return number


def _print_archive(home: Home, name: str, options: argparse.Namespace) -> int:
    """The archive needs no hosts and no cluster."""
    release = CollectorRelease(options.collector_version.removeprefix("v"))
    folder = mirror.find_mirror_folder(home, os.environ)
    install.prepare_entries(home, folder, [find_entry(f"{ARCHIVE}@{release.version}")])
    sys.stdout.write(f"{release.archive_path(folder)}\n")
    return 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What comes after the word `hosts`."""
    parser.add_argument("action", choices=ACTIONS)
    count_help = f"hosts of a new group (default: {lifecycle.DEFAULT_COUNT})"
    parser.add_argument("--count", type=_parse_host_count, help=count_help)
    version_help = f"of the archive (default: {COLLECTOR_VERSION})"
    parser.add_argument("--collector-version", default=COLLECTOR_VERSION, metavar="VERSION", help=version_help)


def _start_hosts(home: Home, name: str, options: argparse.Namespace) -> int:
    group = lifecycle.start_hosts(home, name, options.count)
    say(f"{group.node_count} host(s) of {name} are up; their inventory is {group.inventory}")
    sys.stdout.write(f"{group.inventory}\n")
    return 0


def _remove_hosts(home: Home, name: str, _: argparse.Namespace) -> int:
    if not lifecycle.remove_hosts(home, name):
        say(f"there are no hosts of {name}")
    return 0


def _print_status(home: Home, name: str, _: argparse.Namespace) -> int:
    group = lifecycle.find_running_group(home, name)
    if group is None:
        sys.stdout.write(f"hosts of {name}: not up\n")
        return 1
    rows = [f"hosts of {name}: up", *(f"{host.name}: {host.ip}, namespace {host.namespace}" for host in group.hosts)]
    rows += [f"inventory: {group.inventory}", f"logs: {group.dir / 'log'}"]
    sys.stdout.write("".join(f"{row}\n" for row in rows))
    return 0


ACTIONS = {"up": _start_hosts, "down": _remove_hosts, "status": _print_status, "archive": _print_archive}


def run(home: Home, name: str, options: argparse.Namespace) -> int:
    """Linux hosts, with a cluster or without: `up` prints the path of their inventory, `archive` of a collector."""
    return ACTIONS[options.action](home, name, options)
