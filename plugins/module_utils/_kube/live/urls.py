# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths and queries of requests to the Kubernetes API. A run asks with few of them, again and again. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from ..._otelcol.errors import Problem

# What a path may hold; a query, a fragment or a step up in it would come from a name.
FIT_PATH = re.compile(r"[-\w/.~:@!$&'()*+,;=%]*", re.ASCII)
CACHE_SIZE = 1024


def build_target(path: str, query: Mapping[str, Any] | None) -> str:
    """Return the path and the query of a request. Raises Problem for a path that is not that of an object."""
    return _check_path(path) + (
        _encode_query(tuple((key, str(value)) for key, value in query.items())) if query else ""
    )


@lru_cache(CACHE_SIZE)
def _check_path(path: str) -> str:
    if not FIT_PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        wrong = f"{path!r} is not the path of an object"
        raise Problem(wrong, asked="Ask the Kubernetes API", fix="Correct the names in it.")
    return path


@lru_cache(CACHE_SIZE)
def _encode_query(query: tuple[tuple[str, str], ...]) -> str:
    """Return a query. All kinds of objects are asked for with the same selector."""
    return f"?{urlencode(query)}"


def quote_segment(name: str) -> str:
    """Return a name as a part of a URL path. Raises Problem for one that would lead elsewhere.

    Kubernetes has the same rule for every name of an object, `IsValidPathSegmentName`. An empty name would lead to all.
    """
    if name in ("", ".", "..") or not name.isprintable() or any(sign in name for sign in "/%"):
        fix = "Use a name without slashes, percent signs and control characters."
        raise Problem(f"{name!r} is not a valid object name", asked="Find an object in the Kubernetes API", fix=fix)
    return _quote_name(name)


@lru_cache(CACHE_SIZE)
def _quote_name(name: str) -> str:
    return quote(name, safe=":")
