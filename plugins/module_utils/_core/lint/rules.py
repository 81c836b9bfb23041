# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of rules, put together from the files that hold them: a new rule is one function and one row there.

Private.
"""

from __future__ import annotations

from . import (
    aws,
    components,
    connectors,
    expansion,
    fields,
    order,
    placement,
    ports,
    references,
    resource,
    scraping,
    secrets,
    sizing,
    structure,
    surroundings,
    transport,
    vendor_endpoints,
)
from .subject import Finding, Rule, Subject, run

RULES: tuple[Rule, ...] = (
    *structure.RULES,
    *references.RULES,
    *surroundings.RULES,
    *components.RULES,
    *connectors.RULES,
    *expansion.RULES,
    *fields.RULES,
    *order.RULES,
    *sizing.RULES,
    *ports.RULES,
    *placement.RULES,
    *scraping.RULES,
    *resource.RULES,
    *secrets.RULES,
    *transport.RULES,
    *aws.RULES,
    *vendor_endpoints.RULES,
)


def lint(subject: Subject) -> list[Finding]:
    """Return what every rule finds in the subject, sorted by position."""
    return run(RULES, subject)
