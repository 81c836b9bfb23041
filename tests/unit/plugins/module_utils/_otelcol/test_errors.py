# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that many messages share."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import (
    Failure,
    join_at_most,
    prefix_problems,
    strip_credentials,
)


def test_a_long_list_says_how_many_more_there_are() -> None:
    assert [join_at_most(2, "abc"[:count]) for count in range(4)] == ["", "a", "a, b", "a, b and 1 more"]
    assert join_at_most(1, iter((1, 2, 3)), "; ", "; ") == "1; and 2 more"


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("https://me:secret@host/x", "https://host/x"),
        ("https://me@host/x", "https://host/x"),
        ("https://me:se/cret@host/x", "https://host/x"),
        ("https://me:se#cret@host/x", "https://host/x"),
        ("https://me:se?cret@host:1/x?token=a", "https://host:1/x"),
        ("https://me:se@cret@host", "https://host"),
        ("https://host:8080/image@v1", "https://host:8080/image@v1"),
        ("https://host/image@v1", "https://host/image@v1"),
        ("https://host:8080", "https://host:8080"),
        ("/a/file@b", "/a/file@b"),
    ],
)
def test_an_address_is_shown_without_a_password_whatever_signs_it_has(address: str, left: str) -> None:
    assert strip_credentials(address) == left


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("the port 1 is taken", "ns/a: the port 1 is taken."),
        ("ns/a has no port", "ns/a has no port."),
        ("ns/a-b has no port", "ns/a: ns/a-b has no port."),
        ("xns/a has no port", "ns/a: xns/a has no port."),
    ],
)
def test_an_error_names_whom_it_is_about_once_and_stays_what_it_is(wrong: str, message: str) -> None:
    with pytest.raises(Failure) as raised, prefix_problems("ns/a"):
        raise Failure(wrong, facts={"pod": "p"})
    assert str(raised.value) == message
    assert raised.value.facts == {"pod": "p"}
