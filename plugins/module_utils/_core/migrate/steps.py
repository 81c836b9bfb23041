# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of steps, in the order in which they are taken: a new one is a function and a row. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..lint.view import Target
from . import removed, renamed, settings
from .edits import Change, Unsolved

Step = Callable[[Any, Target], Iterator[Change | Unsolved]]

# Settings first, while components still have the names that the user knows; then successors, by the names that the
# target has for them; then all other names.
STEPS: tuple[Step, ...] = (
    settings.bare_variables,
    settings.telemetry_address,
    settings.batcher,
    settings.overflow,
    settings.actions,
    settings.ballast,
    removed.removed,
    renamed.renamed,
    renamed.templates,
)
