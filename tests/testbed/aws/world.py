# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the extended AWS is in: its add-ons and associations, what they are told to do, and what troubles it."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ACCOUNT = "123456789012"  # moto's
FOR_EVER = float("inf")


class AwsError(Exception):
    """An answer that says no. `code` is one of the service's, such as ResourceNotFoundException."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Stage:
    """A status of an add-on for some seconds, with its health issues. The last one of a script stays."""

    status: str
    seconds: float = FOR_EVER
    issues: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    """What the update says when it failed; its add-on's issues, where it says nothing else."""


SCRIPTS: dict[str, tuple[Stage, ...]] = {
    "create": (Stage("CREATING", 4), Stage("ACTIVE")),
    "update": (Stage("UPDATING", 4), Stage("ACTIVE")),
    "delete": (Stage("DELETING", 4), Stage("ABSENT")),
}


@dataclass
class Fault:
    """A trouble with the next calls: an error, a pause, or a connection that breaks `before` or `after` the work."""

    operation: str = "*"
    """Such as UpdateAddon; every one without it."""
    code: str = ""
    """Of the error; no error if empty."""
    status: int = 0
    """The HTTP status of the error; that of its model if 0."""
    message: str = "made by the testbed"
    seconds: float = 0
    """The pause before the answer."""
    drop: str = ""
    """`before` or `after`; empty for a connection that does not break."""
    times: int = 1
    """How many calls have the trouble."""
    skip: int = 0
    """How many calls go well before."""


NO_FAULT = Fault(times=0)
"""Of a call without trouble."""


@dataclass
class Addon:
    """An add-on of a cluster, on its way through the stages of a script."""

    facts: dict[str, Any]
    """What DescribeAddon says of it, but for its status."""
    stages: tuple[Stage, ...]
    began_at: float
    """When the first stage began, by the clock of the world."""
    pending: dict[str, Any] = field(default_factory=dict)
    """Facts that it has once the operation has ended well."""
    updates: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id, as DescribeUpdate says them."""
    update_id: str = ""
    """Of the newest update."""
    is_preserved: bool = False


class Key(NamedTuple):
    """Of an add-on, or of a pod identity association."""

    region: str
    cluster: str
    name: str
    """The name of the add-on, or the id of the association."""


class World:
    """All of it, under one lock."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.clock, self.sleep, self.lock = clock, sleep, threading.RLock()
        self.externally_driven: set[str] = set()
        """Add-ons that somebody else takes further: without a script they stay in the first stage of an operation."""
        self.reset()

    def reset(self) -> None:
        """Forget everything but the clock."""
        self.addons: dict[Key, Addon] = {}
        self.associations: dict[Key, dict[str, Any]] = {}
        self.scripts: dict[tuple[str, str], list[tuple[Stage, ...]]] = {}
        self.faults: list[Fault] = []
        self.tokens: dict[str, Any] = {}
        self.expired_keys: set[str] = set()
        self.calls: list[str] = []
        self.drift: list[str] = []
        self.counter = itertools.count(1)

    def add_script(self, addon: str, operation: str, *stages: Stage) -> None:
        """Say what the next such operation of the add-on goes through; several are taken in turn."""
        self.scripts.setdefault((addon, operation), []).append(stages)

    def take_stages(self, addon: str, operation: str) -> tuple[Stage, ...]:
        """Return what an operation goes through now."""
        operation_scripts = self.scripts.get((addon, operation))
        if operation_scripts:
            return operation_scripts.pop(0)
        return (Stage(SCRIPTS[operation][0].status),) if addon in self.externally_driven else SCRIPTS[operation]

    def trouble(self, **fault: Any) -> None:
        """Add a fault."""
        self.faults.append(Fault(**fault))

    def take_fault(self, operation: str) -> Fault | None:
        """Return the trouble with this call, if any, and use it up."""
        for fault in self.faults:
            if fault.operation in ("*", operation) and fault.times > 0:
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def count_calls(self) -> Counter[str]:
        """Return how often each operation was called."""
        return Counter(self.calls)


def find_partition(region: str) -> str:
    """Return the partition of a region."""
    for prefix, partition in {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}.items():
        if region.startswith(prefix):
            return partition
    return "aws"
