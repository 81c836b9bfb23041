# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The value of a quantity of Kubernetes, which the server writes in a form of its own. Private.

Source: quantity.go and suffix.go in k8s.io/apimachinery/pkg/api/resource.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

_FACTOR_BY_SUFFIX = {
    **{suffix: Fraction(1024) ** power for power, suffix in enumerate(("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))},
    **{suffix: Fraction(1000) ** power for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    **{suffix: Fraction(1, 1000**power) for power, suffix in enumerate(("m", "u", "n"), 1)},
}
# Longer numbers are no quantities: a server has none above 2^63, and none below a thousand-millionth.
_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))"
    r"(?:(?P<suffix>[KMGTPE]i|[kMGTPEmun])|[eE](?P<exponent>[+-]?\d{1,2}))?",
    re.ASCII,
)


def parse_quantity(quantity: Any) -> Fraction | None:
    """Return the value of a quantity such as `1Gi`, `500m`, `1e3` or `0.5`, in bytes, cores or items.

    None for what is no quantity.
    """
    match = _QUANTITY.fullmatch(str(quantity))
    if not match:
        return None
    exponent = int(match["exponent"] or 0)
    return Fraction(match["number"]) * _FACTOR_BY_SUFFIX[match["suffix"] or ""] * Fraction(10) ** exponent


def are_same_quantities(quantity: Any, other_quantity: Any) -> bool:
    """Return whether two quantities have the same value; what is none is compared as it is written."""
    value = parse_quantity(quantity)
    if value is None:
        return bool(quantity == other_quantity)
    return value == parse_quantity(other_quantity)
