# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody foresaw in one file or test stops that one alone. Private.

A mistake of this collection becomes a `Problem` with the place, so that the run goes on with the other files and tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ....module_utils._otelcol.errors import Problem
from .collector_run import RetryableError

_REPORT = "Report this with the file to the maintainers of o11y.opentelemetry."


@contextmanager
def guard_run(activity: str, place_label: str) -> Iterator[None]:
    """Let whatever nobody foresaw be a Problem of this file or test, so that the others still run.

    The text of such an error may quote a secret or another file, so only its type is shown.
    """
    try:
        yield
    except (Problem, RetryableError):
        raise
    except Exception as error:
        wrong = f"{activity} failed with {type(error).__name__}"
        raise Problem(wrong, where=place_label, fix=_REPORT) from error
