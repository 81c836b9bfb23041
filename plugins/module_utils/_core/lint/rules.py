# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of rules, put together from the files that hold them: a new rule is one function and one row there.

Private.
"""

from __future__ import annotations

from . import (
    allocation,
    aws,
    cardinality,
    components,
    connectors,
    election,
    expansion,
    fields,
    metric_format,
    mounts,
    moved,
    order,
    placeholders,
    placement,
    ports,
    reachability,
    references,
    reliability,
    resource,
    scraping,
    secrets,
    sizing,
    state,
    structure,
    surroundings,
    transport,
    vendor_endpoints,
)
from .finding import Finding, Rule, run
from .subject import Subject

RULES: tuple[Rule, ...] = (
    *structure.RULES,
    *references.RULES,
    *surroundings.RULES,
    *components.RULES,
    *connectors.RULES,
    *expansion.RULES,
    *moved.RULES,
    *fields.RULES,
    *order.RULES,
    *sizing.RULES,
    *ports.RULES,
    *reachability.RULES,
    *placement.RULES,
    *election.RULES,
    *state.RULES,
    *scraping.RULES,
    *allocation.RULES,
    *resource.RULES,
    *mounts.RULES,
    *secrets.RULES,
    *placeholders.RULES,
    *transport.RULES,
    *reliability.RULES,
    *aws.RULES,
    *metric_format.RULES,
    *vendor_endpoints.RULES,
    *cardinality.RULES,
)


def lint(subject: Subject) -> list[Finding]:
    """Return what every rule finds in the subject, sorted by place."""
    return run(RULES, subject)
