# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the blueprint of AI inference has the tables of the code."""

from __future__ import annotations

import re

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.gen_ai import CONTENT, CONTENT_FAMILIES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.gpu_exporters import EXPORTERS

from .source import text

PAGE = text("docs/ai_inference.md")


def test_the_page_has_each_counter_that_is_kept() -> None:
    rows = re.findall(r"^\| (\w+) \| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)
    kept = [
        (vendor, name, meaning) for vendor, exporter in EXPORTERS.items() for name, meaning in exporter.counters.items()
    ]
    assert rows == kept


def test_the_page_has_each_attribute_with_content() -> None:
    part = PAGE.partition("## Content of calls of models")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(.+)` \| (.+) \|$", part, re.MULTILINE)
    assert [(name.replace(r"\|", "|"), what) for name, what in rows] == [*CONTENT.items(), *CONTENT_FAMILIES.items()]
