# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what a collector is given where it runs. Private."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import near
from ..needs import variables
from .finding import Fault, rule
from .subject import Subject


def missing_variable(subject: Subject) -> Iterator[Fault]:
    """Yield variables that the config reads and nobody gives; the Collector would take them for empty text."""
    if subject.environment is None:
        return
    for variable in variables(subject.config):
        if not variable.optional and variable.name not in subject.environment:
            yield Fault(
                variable.path,
                f"variable {variable.name} is read here, but not given{near(variable.name, subject.environment)}",
                f"Add it to `env`, or give it a default: ${{env:{variable.name}:-VALUE}}.",
            )


RULES = (rule("error", missing_variable),)
