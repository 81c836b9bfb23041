# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A log with records of itself is an echo."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.log_echoes import count_echoes

NOW = "2026-01-01T00:10:00Z"


DETAILED = "2026-01-01T00:09:59Z      -> log.file.path: Str(/var/log/pods/{}_0b1c/otc-container/0.log)"
NORMAL = "2026-01-01T00:09:30Z a line log.file.path=/var/log/pods/{}_0b1c/otc-container/0.log log.iostream=stderr"
OLD = "2026-01-01T00:05:00Z      -> log.file.path: Str(/var/log/pods/{}_0b1c/otc-container/0.log)"
READS = (
    "2026-01-01T00:09:59Z info fileconsumer Started watching file {{path: /var/log/pods/{}_0b1c/otc-container/0.log}}"
)


@pytest.mark.parametrize(
    ("lines", "records"),
    [((DETAILED,), 1), ((DETAILED, NORMAL, NORMAL), 3), ((OLD,), None), ((READS,), None), ((), None)],
)
def test_a_log_with_records_of_itself_is_an_echo(lines: tuple[str, ...], records: int | None) -> None:
    text = "\n".join(line.format("shop_gateway-0") for line in lines)
    expected = [] if records is None else [{"pod": "shop/gateway-0", "records": records, "seconds": 60}]
    assert count_echoes(text, ["shop/gateway-0", "shop/gateway-1"], NOW) == expected
    assert count_echoes(text.replace("gateway", "app"), ["shop/gateway-0"], NOW) == []
