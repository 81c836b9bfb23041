# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on who of several copies leads.

Source: extension/k8sleaderelector in opentelemetry-collector-contrib. Private.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.paths import section
from .finding import Fault, rule
from .subject import Subject
from .view import kind_of

_DOCUMENTATION = (
    "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/k8sleaderelector"
)
_KIND = "k8sleaderelector"


def lease_missing(subject: Subject) -> Iterator[Fault]:
    """Yield leader electors without the name or the namespace of their lease; the Collector refuses them."""
    for name, settings in section(subject.config, "extensions").items():
        if isinstance(name, str) and kind_of(name) == _KIND and isinstance(settings, dict | None):
            missing = [key for key in ("lease_name", "lease_namespace") if not (settings or {}).get(key)]
            if missing:
                yield Fault(
                    ("extensions", name),
                    f"'{name}' has no {' and no '.join(missing)}",
                    "Add `lease_name: NAME` and `lease_namespace: NAMESPACE`, the same for all copies.",
                )


RULES = (rule("error", lease_missing, shared=True, documentation=_DOCUMENTATION),)
