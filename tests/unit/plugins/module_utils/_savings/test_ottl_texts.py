# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts stand in conditions of OTTL as patterns and literals."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.ottl_texts import (
    build_template_pattern,
    quote_literal,
)


def test_a_pattern_needs_two_words() -> None:
    assert build_template_pattern("user <*> in.") == r"^user \S+ in\.$"
    assert build_template_pattern("user <*>") == ""


def test_a_literal_keeps_its_quotes() -> None:
    assert quote_literal('a "b" é') == r'"a \"b\" é"'
