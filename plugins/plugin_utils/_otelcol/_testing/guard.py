# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a part of the work so that its failure stops that part alone: one file, one test, or one replay. Private.

A mistake of this collection becomes a `Problem` with its place, so that the run goes on with the other files and tests.
For example, a KeyError while a file is read is shown as `reading the tests failed with KeyError`. A run of a Collector
that failed by chance is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ....module_utils._otelcol.errors import Problem
from .collector_run import RetryableError

_Made = TypeVar("_Made")
_REPORT = "Report this with the file to the maintainers of o11y.opentelemetry."
_ATTEMPTS = 3


@contextmanager
def guard_run(activity: str, where: str) -> Iterator[None]:
    """Let whatever nobody foresaw be a Problem of this file or test, so that the others still run.

    `activity` and `where` name the work and its place, such as `reading the tests` and a file. The text of an
    unforeseen error may quote a secret or another file, so only its type is shown.
    """
    try:
        yield
    except (Problem, RetryableError):
        raise
    except Exception as error:
        wrong = f"{activity} failed with {type(error).__name__}"
        raise Problem(wrong, where=where, fix=_REPORT) from error


def run_with_retries(activity: str, where: str, attempt: Callable[[int], _Made]) -> _Made:
    """Return what a run of a Collector makes. A run that failed by chance (RetryableError) is tried again.

    `attempt` gets the number of the try, from 0. Raises Problem if it cannot be run.
    """
    wrong = ""
    for attempt_number in range(_ATTEMPTS):
        try:
            with guard_run(activity, where):
                return attempt(attempt_number)
        except RetryableError as error:
            wrong = str(error)
    raise Problem(wrong, fix="Run fewer things at once.")
