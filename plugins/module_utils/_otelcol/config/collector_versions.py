# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of the Collector, which `parse_version` makes comparable.

    parse_version("v0.158.0") > parse_version("0.94.1")    (0, 158, 0) > (0, 94, 1)

Every room uses it: whether a build has a component or a setting depends on the version. Private.
"""

from __future__ import annotations

import re
from functools import lru_cache

Version = tuple[int, ...]
"""The numbers of a version, such as `(0, 158, 0)`; empty if it is unknown."""


@lru_cache(maxsize=1024)
def parse_version(text: str) -> Version:
    """Return the numbers of a version such as `v0.158.0` or `0.158.0-rc1`; an empty one for text without any.

    Each number has at most nine digits: the text may be anybody's, and Python refuses numbers of thousands of digits.
    """
    match = re.match(r"v?(\d{1,9}(?:\.\d{1,9})*)(?!\d)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def complete_version(text: str) -> str:
    """Return a version with its third number: `0.158` is the release `0.158.0`, and `0.158-rc1` is `0.158.0-rc1`."""
    return re.sub(r"\A(v?\d+\.\d+)(?=[-+]|\Z)", r"\1.0", text)
