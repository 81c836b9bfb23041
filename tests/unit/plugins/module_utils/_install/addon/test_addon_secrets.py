# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in the configuration of an add-on are masked, and listed so that no message has them."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon.addon_secrets import (
    find_secrets,
    mask_secrets,
)
from hypothesis import given
from hypothesis import strategies as st


@given(st.text(min_size=1), st.text(min_size=1))
def test_secrets_are_hidden_and_still_told_apart(one: str, two: str) -> None:
    def show(text: str) -> Any:
        return mask_secrets({"list": [{"api_key": text}], "plain": 1}, "salt")

    assert show(one)["list"][0]["api_key"].startswith("***")
    assert (show(one) == show(two)) is (one == two)
    assert show(one)["plain"] == 1


def test_secrets_of_env_entries_are_hidden_by_their_name() -> None:
    env = [{"name": "DD_API_KEY", "value": "s3cret"}, {"name": "PLACE", "value": "here"}]
    tree = {"env": env, "n": {"password": 47}}
    assert sorted(find_secrets(tree)) == ["47", "s3cret"]
    shown = mask_secrets(tree, "salt")
    assert (shown["env"][0]["name"], shown["env"][1]) == ("DD_API_KEY", env[1])
    assert "s3cret" not in str(shown)
