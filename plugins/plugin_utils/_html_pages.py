# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render HTML pages in one file, which fetch nothing. Controller only. Private.

Module fleet_report and the forecasts call `render_page`. The templates of a kind of page are in a folder of
playbooks/templates, such as `forecast`. For example, `render_page("forecast", page, ["page.css", "bars.css"])` takes
forecast/page.html.j2 and forecast/bars.css, and report/page.css, which forecast does not have.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..module_utils._otelcol.bounded.live.bounded_reads import read_file_text

TEMPLATES = Path(__file__).parents[2] / "playbooks" / "templates"
# What a folder of templates does not have is taken from this one.
SHARED_FOLDER = "report"
PAGE_TEMPLATE = "page.html.j2"


def render_page(kind: str, page: Mapping[str, Any], styles: Sequence[str], script: str = "") -> str:
    """Return the page of a folder of templates, with its styles and its script in it.

    All content is escaped except style and script, which come from this collection. Templates and styles that the
    folder does not have are those of the report.
    """
    folders = [TEMPLATES / kind, TEMPLATES / SHARED_FOLDER]
    style_text = "".join(read_file_text(_find_file(folders, name)) for name in styles)
    script_text = read_file_text(_find_file(folders, script)) if script else ""
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(PAGE_TEMPLATE).render(
        page=page,
        style=style_text,
        script=script_text,
        style_hash=_hash_for_policy(style_text),
        script_hash=_hash_for_policy(script_text),
    )


def _find_file(folders: Sequence[Path], name: str) -> Path:
    """Return the file of the first folder that has it."""
    return next(folder / name for folder in folders if (folder / name).exists())


def _hash_for_policy(text: str) -> str:
    """Return the content security policy's hash of a style or script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
