# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials are hidden in texts."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.credential_mask import build_mask


def test_a_line_of_a_secret_is_masked_too() -> None:
    mask = build_mask({"key": b"-----BEGIN KEY-----\nabcdefghijkl\nxy\n"})
    assert mask('cannot parse "abcdefghijkl\\nxy"') == 'cannot parse "********\\nxy"'
