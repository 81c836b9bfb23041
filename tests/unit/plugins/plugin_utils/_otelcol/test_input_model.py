# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of links that were not followed."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._input_model import Collected

from tests.support.cases import cases


@cases(
    "links, unnamed",
    (10, []),
    (11, ["1 more link to folders not followed."]),
    (13, ["3 more links to folders not followed."]),
)
def test_links_beyond_the_tenth_are_counted(links: int, unnamed: list[str]) -> None:
    sentences = [f"link{number} is a link to a folder." for number in range(links)]
    collected = Collected(unfollowed_links=sentences)
    assert list(collected.list_warnings()) == [*sentences[:10], *unnamed]
