# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Collectors of a task run in namespaces of their own, by what the user asks and what the system allows.

To isolate is to run a program in namespaces of its own, see sandbox.py. Tests, comparisons and forecasts ask here once
for all their Collectors:

| the option `isolation` | the system allows namespaces | it allows none |
|---|---|---|
| `auto` | isolated | beside the play, with a warning; tests that may reach out (outreach.py) are refused |
| `required` | isolated | Problem |
| `none` | beside the play | beside the play |

Private.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ....module_utils._otelcol.errors import Problem
from . import sandbox

# The values of the option `isolation`.
AUTO = "auto"
REQUIRED = "required"
NONE = "none"


@dataclass(frozen=True)
class Isolation:
    """How Collectors run."""

    is_isolated: bool = True
    """Whether they run in namespaces of their own; else beside the play, as any other process."""
    refuses_outreach: bool = False
    """Whether tests are refused that may reach out: the user wants namespaces, and the system allows none."""


def choose_isolation(requested: str, warn: Callable[[str], None]) -> Isolation:
    """Return how Collectors run. Raises Problem if isolation is required, and the system allows none."""
    if requested == NONE:
        return Isolation(is_isolated=False)
    reason = sandbox.why_unavailable()
    if not reason:
        return Isolation()
    wrong = f"the system allows no namespaces for the Collectors of tests ({reason})"
    if requested == REQUIRED:
        raise Problem(wrong, where="isolation", fix="Allow user namespaces, or run the tests on another machine.")
    warn(f"{wrong}. They run beside the play, and tests that may reach out of it are refused. See docs/testing.md.")
    return Isolation(is_isolated=False, refuses_outreach=True)
