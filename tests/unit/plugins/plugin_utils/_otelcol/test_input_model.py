# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of folders that were not read."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._input_model import Collected

from tests.support.cases import cases


@cases(
    "folders, unnamed",
    (10, []),
    (11, ["1 more folder was not read."]),
    (13, ["3 more folders were not read."]),
)
def test_folders_beyond_the_tenth_are_counted(folders: int, unnamed: list[str]) -> None:
    sentences = [f"link{number} is a link to a folder." for number in range(folders)]
    collected = Collected(left_out_folders=sentences)
    assert list(collected.list_warnings()) == [*sentences[:10], *unnamed]
