# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that are sent to a config without a written test, with secrets in every place where applications have some.

Each receiver gets one record of each signal that it feeds. Every record has a name and every secret a value that no
other one has, so both are recognised wherever they arrive. An example for a receiver `otlp` of logs::

    {"to": "otlp", "logs": [{"body": "planted-logs-0-record: mail planted4@example.com card …", "severity": "info",
     "attributes": {"user.email": "planted0@example.com", …}, "resource": {"service.name": "planted", …}}]}

judged_case.py in plugin_utils sends them, and invariants.py judges what arrives. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..traits import kind_of
from .checked_pipelines import map_signals_of_receivers
from .policies import SECRET_KINDS
from .records import RECORD_KINDS_BY_SIGNAL, Record

FILE_LOG_KIND = "filelog"
# The folder of a pod's logs, as a kubelet names it: NAMESPACE_POD_UID.
_PLANTED_POD = "planted_planted-0_0f0f0f0f-0000-4000-8000-000000000000"
# What containerd and CRI-O write before each line of a container.
_LINE_PREFIX = "2026-01-01T00:00:00.000000000Z stdout F "
# What stands for other text in a pattern of files: `*`, `**`, `?` and `[a-z]`.
_PATTERN_SIGN = re.compile(r"\*+|\?|\[[^][]*\]")


@dataclass(frozen=True)
class PlantedSecret:
    """A planted value."""

    value: str
    kind: str
    """What it looks like: a key of `policies.SECRET_KINDS`, such as `email`."""
    record_name: str
    """The name of the record that has it, such as `planted-spans-0-record`."""


@dataclass(frozen=True)
class PlantingPlan:
    """What is sent, as `given_parts` of a test has it, and the secrets in it."""

    given_parts: tuple[dict[str, Any], ...]
    secrets: tuple[PlantedSecret, ...]


def plant_records(config: Mapping[str, Any]) -> PlantingPlan:
    """Return one record for each receiver and each signal that it feeds; for file_log, a line of a file."""
    secrets: list[PlantedSecret] = []
    given_parts: list[dict[str, Any]] = []
    for receiver, signals in map_signals_of_receivers(config).items():
        for signal in signals:
            if signal not in RECORD_KINDS_BY_SIGNAL:
                continue
            record_kind = RECORD_KINDS_BY_SIGNAL[signal]
            planter = _Planter(f"planted-{record_kind}-{len(given_parts)}-record", secrets)
            if kind_of(receiver) == FILE_LOG_KIND:
                settings = (config.get("receivers") or {}).get(receiver) or {}
                given_parts.append({"files": plant_file(settings, planter.make_line())})
            else:
                given_parts.append({"to": receiver, record_kind: [planter.make_record(record_kind)]})
    return PlantingPlan(tuple(given_parts), tuple(secrets))


def _make_card_number(card_index: int) -> str:
    """Return the number of a card that no other record has, with its check digit."""
    digits = f"4000{card_index:011d}"
    is_card = SECRET_KINDS["card"].is_recognized
    candidates = [f"{digits}{check_digit}" for check_digit in range(10)]
    return next(card for card in candidates if is_card((), card))


_SECRET_MAKERS: dict[str, Callable[[int], str]] = {
    "email": "planted{}@example.com".format,
    "card": _make_card_number,
    "token": "planted{:04d}0f1e2d3c4b5a6978".format,
}


@dataclass(frozen=True)
class _Planter:
    """Makes the record of a name, and adds each secret in it to those of all records."""

    name: str
    secrets: list[PlantedSecret]

    def make_secret(self, kind: str) -> str:
        """Return a value that no other record has."""
        value = _SECRET_MAKERS[kind](len(self.secrets))
        self.secrets.append(PlantedSecret(value, kind, self.name))
        return value

    def make_text(self) -> str:
        """Return a text with a secret of each kind."""
        email, card, token = (self.make_secret(kind) for kind in ("email", "card", "token"))
        return f"mail {email} card {card} Authorization: Bearer {token}"

    def make_line(self) -> str:
        """Return the line of a log, by which the record is known again."""
        return f"{self.name}: {self.make_text()}"

    def make_record(self, signal: str) -> Record:
        """Return a record of spans, metrics or logs, with secrets in every place where applications write some."""
        attributes = {
            "user.email": self.make_secret("email"),
            "payment.card.number": self.make_secret("card"),
            "http.request.header.authorization": f"Bearer {self.make_secret('token')}",
        }
        resource = {"service.name": "planted", "process.command_line": self.make_text()}
        return {**self._make_own_fields(signal), "attributes": attributes, "resource": resource}

    def _make_own_fields(self, signal: str) -> Record:
        """Return what only records of this signal have."""
        if signal == "spans":
            span_event = {"name": "e", "attributes": {"text": self.make_text()}}
            return {"name": self.name, "kind": "server", "events": [span_event]}
        if signal == "metrics":
            return {"name": self.name, "value": 1}
        return {"body": self.make_line(), "severity": "info"}


def plant_file(settings: Mapping[str, Any], text: str) -> dict[str, str]:
    """Return a file that file_log reads, by its path: the first of its patterns, with `0` for each sign.

    With `include: ["/var/log/*.log"]`, it is `{"/var/log/0.log": text}`.
    """
    patterns = settings.get("include")
    pattern = str(patterns[0]) if isinstance(patterns, list) and patterns else "/planted.log"
    path = _PATTERN_SIGN.sub("0", _insert_planted_pod(pattern))
    if _has_container_operator(settings):
        return {path: f"{_LINE_PREFIX}{text}"}
    return {path: text}


def _has_container_operator(settings: Mapping[str, Any]) -> bool:
    """Whether file_log takes each line for one that a container runtime wrote."""
    for operator in settings.get("operators") or ():
        if isinstance(operator, Mapping) and operator.get("type") == "container":
            return True
    return False


def _insert_planted_pod(pattern: str) -> str:
    """Return a pattern of logs of pods with the folder of the planted pod, if the pattern matches it."""
    path_above, pods_folder, path_below = pattern.partition("/pods/")
    folder, separator, path_rest = path_below.partition("/")
    if not fnmatchcase(_PLANTED_POD, folder):
        return pattern
    return f"{path_above}{pods_folder}{_PLANTED_POD}{separator}{path_rest}"
