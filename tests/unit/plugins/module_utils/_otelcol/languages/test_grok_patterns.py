# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.grok_patterns import find_grok_fault

CHAIN = {"HOST": "%{WORD}", "WORD": "[a-z]+"}
CIRCLE = {"A": "%{B}", "B": "%{A}"}


@pytest.mark.parametrize(
    ("text", "patterns", "only_named", "why"),
    [
        ("%{HOST:client}", CHAIN, True, ""),
        ("%{HOST:client.name}", CHAIN, True, ""),
        ("%{HOST}", CHAIN, False, ""),
        ("%{HOST}", CHAIN, True, "this grok pattern names no group"),
        ("%{HOTS}", CHAIN, False, "there is no grok pattern 'HOTS'; did you mean 'HOST'?"),
        ("%{A}", CIRCLE, False, "grok patterns refer to each other in a circle"),
        ("%{HOST}(", CHAIN, False, "Go refuses the regular expression of this grok pattern: "),
    ],
)
def test_a_pattern_is_judged_when_it_is_expanded(
    text: str, patterns: dict[str, str], only_named: bool, why: str
) -> None:
    fault = find_grok_fault(text, patterns, only_named)
    found_why = fault.why if fault else ""
    assert found_why.startswith(why) and bool(found_why) == bool(why)
