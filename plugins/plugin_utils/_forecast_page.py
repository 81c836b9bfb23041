# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a forecast. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..module_utils._otelcol.errors import cleaned
from ..module_utils._otelcol.forecast.forecast_model import forecast_model
from ._html_pages import page_text
from ._otelcol import _files

STYLES = ("page.css", "bars.css")


def write(result: Mapping[str, Any], path: str, check: bool) -> bool:
    """Write the page of a forecast, and return whether it changes. Raises Problem if it cannot be written."""
    page = cleaned(forecast_model(result))
    return not check and _files.place(Path(path), page_text("forecast", page, STYLES), check=False)
