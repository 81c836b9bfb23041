# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.collector_versions import parse_version

from ...helpers import cases


@cases(
    "text, version",
    ("0.158.0", (0, 158, 0)),
    ("v0.49.0", (0, 49, 0)),
    ("0.158.0-rc1", (0, 158, 0)),
    ("2", (2,)),
    ("latest", ()),
    ("", ()),
)
def test_a_version_is_its_numbers(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version
