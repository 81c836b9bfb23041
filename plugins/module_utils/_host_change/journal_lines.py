# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the lines of the journal that tell why a Collector did not run. Private.

Three programs write to the journal of a service: systemd, the Collector's logger (zap), and the Collector's command
line or Go itself as the last words before the process ends. `live/host_watch.py` and `live/candidate_check.py` ask for
the lines that tell why; all others would hide the reason. For example, of

    2026-01-31T12:00:00Z<tab>info<tab>Starting otelcol…
    Error: cannot start pipelines: listen tcp :4317: bind: address already in use

only the second line is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

# What the Collector prints last: cobra's line of an error, and what the runtime of Go says.
_LAST_WORDS = re.compile(r"\s*(?:Error:|panic:|fatal error:)")
# A line of zap's console encoder has its level between tabs: `2026-01-31T12:00:00Z<tab>error<tab>internal/…`.
_LEVEL = re.compile(r"\t(?P<level>[a-z]+)\t")
_GRAVE_LEVELS = ("error", "fatal", "panic", "dpanic")
# Words of systemd about a service that does not run, such as `Failed at step USER spawning …` and
# `Main process exited, code=exited, status=1/FAILURE`.
_SYSTEMD_WORDS = ("status=", "Failed", "failed", "cannot", "refused")
# Each line names the whole resource of the Collector, which tells nothing.
_RESOURCE = re.compile(r'"resource": \{[^{}]*\}(?:, )?')
# What stays of the fields of such a line that has no others.
_EMPTY = "{}"
# How many lines are chosen at most.
_MOST_LINES = 6

# What a service lacks when systemd gives up before its program begins, by the exit code, such as `status=217/USER`.
# Source: systemd.exec(5), "Process Exit Codes".
_EXIT_STATUS = re.compile(r"status=(?P<code>\d+)/\w+")
_FIX_BY_EXIT_CODE = {
    "203": "Correct `program`: the host cannot run it.",
    "216": "Correct `groups`: the host has no such group.",
    "217": "Correct `user`: the host has no such user.",
    "226": "The sandbox needs a folder that the host lacks, or a right that its container lacks.",
    "238": "Look at the state folder: systemd cannot make it, or give it to the service.",
    "243": "Look at the credentials: systemd cannot give them to the service.",
}


class UnstartedReason(NamedTuple):
    """Why systemd has not started the program of a service."""

    fix: str
    """What to do; empty if the program ran and ended by itself."""
    lines: list[str]
    """The lines that tell how it ended."""


def explain_unstarted(journal: str) -> UnstartedReason:
    """Return why systemd has not started the program of a service, by the exit code, such as `status=217/USER`."""
    lines = choose_telling_lines(journal)
    end_lines = _filter_lines(_EXIT_STATUS.search, lines) or lines
    exit_match = _EXIT_STATUS.search(end_lines[-1]) if end_lines else None
    fix = _FIX_BY_EXIT_CODE.get(exit_match["code"], "") if exit_match else ""
    return UnstartedReason(fix, end_lines)


def choose_telling_lines(journal: str) -> list[str]:
    """Return the lines that tell an error, the gravest alone; the last lines if none does.

    The Collector's last words have the whole cause, so lines before them add nothing.
    """
    lines = [line for line in journal.splitlines() if line.strip()]
    chosen_lines = (
        _filter_lines(_LAST_WORDS.match, lines)
        or _filter_lines(_is_grave, lines)
        or _filter_lines(_is_of_systemd, lines)
        or lines
    )
    return list(dict.fromkeys(map(_remove_resource, chosen_lines[-_MOST_LINES:])))


def journal_sentence(lines: Sequence[str]) -> str:
    """Return the sentence of a message that has these lines, after a space: ` The journal says: a | b.`.

    Without lines, it is empty.
    """
    return f" The journal says: {' | '.join(lines)}." if lines else ""


def _filter_lines(is_wanted: Callable[[str], object], lines: Iterable[str]) -> list[str]:
    return [line for line in lines if is_wanted(line)]


def _is_grave(line: str) -> bool:
    level_match = _LEVEL.search(line)
    return level_match is not None and level_match["level"] in _GRAVE_LEVELS


def _is_of_systemd(line: str) -> bool:
    """Return whether a line is about a failure, and not of the Collector's logger: systemd wrote it."""
    return not _LEVEL.search(line) and any(word in line for word in _SYSTEMD_WORDS)


def _remove_resource(line: str) -> str:
    """Return a line without the resource of the Collector."""
    text = _RESOURCE.sub("", line).strip()
    return text[: -len(_EMPTY)].rstrip() if text.endswith(_EMPTY) else text
