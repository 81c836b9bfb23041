# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a forecast are checked before anything is replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._forecast.forecasting import check_options


def arguments(folder: Path, **paths: str) -> dict[str, Any]:
    inputs = {name: str(folder / name) for name in ("before", "after", "capture")}
    return {**inputs, "limits": {}, "prices": {}, "rates": {}, "receivers": {}, **paths}


@pytest.mark.parametrize(
    ("first", "second"),
    [("markdown_path", "output_path"), ("markdown_path", "html_path"), ("output_path", "html_path")],
)
def test_two_reports_do_not_replace_each_other(tmp_path: Path, first: str, second: str) -> None:
    paths = {first: str(tmp_path / "report"), second: f"{tmp_path}/./report"}
    with pytest.raises(Problem, match=f"`{first}` and `{second}` are both .*/report: one would replace the other"):
        check_options(arguments(tmp_path, **paths))
    check_options(arguments(tmp_path, markdown_path=str(tmp_path / "a"), html_path=str(tmp_path / "b")))
