# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that may hold secrets are in no log, and texts are masked before they are cut."""

from __future__ import annotations

import re

import pytest

from .source import files, text

# Manifests hold Secrets, headers hold tokens. A text of such an argument spec, up to its end.
HOLDS_SECRETS = re.compile(r'"(?:manifests|headers)": (\{[^{}]*"type": "(?:list|dict)"[^{}]*\})')
# A secret of which a cut has left a part is not recognised.
MASKED_TOO_LATE = re.compile(r"(?:hidden|mask|secret|concealed)\(cleaned\(")
PLUGINS = [path for path in files() if path.startswith("plugins/") and path.endswith(".py")]


@pytest.mark.parametrize("path", [path for path in PLUGINS if HOLDS_SECRETS.search(text(path))])
def test_options_that_may_hold_secrets_are_in_no_log(path: str) -> None:
    specs = HOLDS_SECRETS.findall(text(path))
    assert [spec for spec in specs if "PARTLY_SECRET" not in spec and '"no_log": True' not in spec] == []


def test_texts_are_masked_before_they_are_cut() -> None:
    assert [path for path in PLUGINS if MASKED_TOO_LATE.search(text(path))] == []
