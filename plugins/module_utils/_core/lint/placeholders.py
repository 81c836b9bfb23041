# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what somebody copied and did not fill in. Private."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .finding import Fault, rule
from .secrets import is_secret_key
from .subject import Subject
from .view import view

_DOCUMENTATION = "https://opentelemetry.io/docs/collector/configuration/"
# An address has no angle brackets; elsewhere they can mean something, unless they are all there is.
_WITHIN = re.compile(r"<[^<>\s=]+>")
_ALONE = re.compile(r"<[^<>]+>\Z")
_ADDRESSES = ("endpoint", "url", "host", "hostname", "listen_address")
_NAMES = ("region", "site", "project", "tenant", "tenant_id", "service_account", "role_arn", "arn", "cluster_name")


def placeholder(subject: Subject) -> Iterator[Fault]:
    """Yield settings that still have a placeholder such as `<HOST>` in place of what belongs there."""
    started = {part.path for part in view(subject).parts}
    for path, value in view(subject).leaves:
        if not isinstance(value, str) or "<" not in value or "$" in value or path[:2] not in started:
            continue
        key = str(path[-1]).lower()
        is_address = key in _ADDRESSES or key.endswith(("_endpoint", "_url"))
        is_name = key in _NAMES or path[-2:-1] == ("headers",) or is_secret_key(path)
        if (is_address and _WITHIN.search(value)) or (is_name and _ALONE.match(value)):
            yield Fault(
                path,
                f"`{path[-1]}` has a placeholder in angle brackets",
                "Write what belongs there, or `${env:NAME}` and give NAME in `env`.",
            )


RULES = (rule("error", placeholder, documentation=_DOCUMENTATION),)
