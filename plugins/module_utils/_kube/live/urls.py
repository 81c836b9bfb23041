# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the URLs of requests to the Kubernetes API, so that no name in them leads to another object. Private.

Callers put names into a path with `quote_segment`; `cluster` adds the query with `build_target`:

    f"/api/v1/namespaces/{quote_segment('obs')}/pods"                  → /api/v1/namespaces/obs/pods
    build_target("/api/v1/pods", {"labelSelector": "app=web"})         → /api/v1/pods?labelSelector=app%3Dweb
    quote_segment("../kube-system")                                    raises Problem
    build_target("/api/v1/namespaces/%2e%2e/secrets", None)            raises Problem
    build_target("/api/v1/pods?watch=1", None)                         raises Problem

A task sends the same few paths, names and queries again and again, so the functions with `lru_cache` remember their
results.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, urlencode

from ..._otelcol.errors import Problem

# The characters that a path may have. `?` and `#` are not among them: they would begin a query or a fragment. `%` is
# one of them: `quote_segment` encodes names with it, and the target allocator names its jobs by paths such as
# `/jobs/serviceMonitor%2Fobs%2Fapp%2F0/targets`.
_FIT_PATH = re.compile(r"[-\w/.~:@!$&'()*+,;=%]*", re.ASCII)
# How many results each of these functions remembers.
_CACHE_SIZE = 1024


def quote_segment(name: str) -> str:
    """Return a name as a part of a URL path, such as `a%20b` for `a b`. Raises Problem for one that leads elsewhere.

    Kubernetes has the same rule for every name of an object, `IsValidPathSegmentName`. An empty name is refused too: a
    path that ends in it is that of all objects of the kind.
    """
    if name in ("", ".", "..") or not name.isprintable() or any(character in name for character in "/%"):
        fix = "Use a name without slashes, percent signs and control characters."
        raise Problem(f"{name!r} is not a valid object name", asked="Find an object in the Kubernetes API", fix=fix)
    return _quote_name(name)


def build_target(path: str, query: Mapping[str, Any] | None) -> str:
    """Return a path with its query, as a request line has it. Raises Problem for a path that is not that of an object.

    For example, "/api/v1/pods" and {"limit": 500} make "/api/v1/pods?limit=500".
    """
    fit_path = _check_path(path)
    if not query:
        return fit_path
    return fit_path + _encode_query(tuple((key, str(value)) for key, value in query.items()))


@lru_cache(_CACHE_SIZE)
def _quote_name(name: str) -> str:
    """Return a name with percent signs for what a URL path cannot have; a colon, as in `system:node`, stays."""
    return quote(name, safe=":")


@lru_cache(_CACHE_SIZE)
def _check_path(path: str) -> str:
    """Return a path as it is. Raises Problem if it has other characters than _FIT_PATH, or a step up such as `/../`.

    Whoever forwards the request may decode it, so `/%2e%2e/` is a step up too.
    """
    steps = {unquote(segment) for segment in path.split("/")}
    if not _FIT_PATH.fullmatch(path) or {".", ".."} & steps:
        wrong = f"{path!r} is not the path of an object"
        raise Problem(wrong, asked="Ask the Kubernetes API", fix="Correct the names in it.")
    return path


@lru_cache(_CACHE_SIZE)
def _encode_query(query: tuple[tuple[str, str], ...]) -> str:
    """Return a query with its question mark. It is given as pairs, which a cache can compare."""
    return f"?{urlencode(query)}"
