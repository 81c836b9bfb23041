# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of metrics: which are of UCUM, and how names of metrics spell them. Private.

UCUM is the Unified Code for Units of Measure, by which OpenTelemetry writes units. Examples:

    of UCUM:      s, ms, By, KiBy, 1, %, {request}, By/s, m/s2
    not of UCUM:  seconds, bytes, B, requests, and no unit

A part of the name of metric `queue.size.bytes` is a spelling of its unit `By`.
"""

from __future__ import annotations

import re

# The units that metrics have, of UCUM 2.1. The list is a choice, without units of medicine and of old trades.
_PREFIX = "(?:da|[YZEPTGMkhdcmunpfazy])"
_UNITS_WITH_PREFIX = "|".join(
    (
        # Data.
        "bit|By|Bd",
        # Time, mass, length, volume and angle.
        "s|Hz|g|m|L|l|rad|sr",
        # Electricity, energy, force and pressure.
        "A|V|Ohm|Wb|J|eV|W|N|Pa|bar",
        # Temperature, amount of a substance, light and radiation.
        "K|Cel|mol|eq|cd|lm|lx|Bq|Gy|Sv",
    )
)
# Coulomb, farad, henry, siemens and tesla count only with a prefix: `kC`, and not `C`. Who writes such a letter alone
# means degrees or a word. Of bel, which `B` is, only decibel counts: `kB` and `MB` mean bytes.
_UNITS_ONLY_WITH_PREFIX = "[CFHST]"
_UNITS_WITHOUT_PREFIX = "|".join(
    (
        # Powers of two.
        "[KMGT]i(?:By|bit)",
        "dB",
        # Minutes, hours, days, weeks, months and years.
        "min|h|d|wk|mo|a",
        "%|deg",
        # Powers of ten, with an exponent such as in `10*3`.
        "10[*^]",
        # Units that UCUM writes in brackets: degrees of Fahrenheit, parts per thousand, inches and others.
        r"\[(?:degF|ppth|ppm|ppb|pptr|pH|in_i|ft_i|mi_i|psi)\]",
    )
)
# A unit with its exponent, as in `m2` and `s-1`; or a number alone, such as `1`.
_UNIT = (
    rf"(?:{_PREFIX}?(?:{_UNITS_WITH_PREFIX})|{_PREFIX}{_UNITS_ONLY_WITH_PREFIX}|{_UNITS_WITHOUT_PREFIX})"
    r"(?:[+-]?\d+)?|\d+"
)
_ANNOTATION = r"\{[^{}]+\}"
_COMPONENT = rf"(?:(?:{_UNIT})(?:{_ANNOTATION})?|{_ANNOTATION})"
# Units with a point or a slash between, such as `By/s`, `{request}` or `m/s2`.
_UCUM_UNIT = re.compile(rf"/?{_COMPONENT}(?:[./]{_COMPONENT})*")
# How names of metrics spell units. A unit that is a number or an annotation has no spelling.
_SPELLINGS_OF_UNITS = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "ms": ("ms", "millis", "millisecond", "milliseconds"),
    "us": ("us", "micros", "microsecond", "microseconds"),
    "ns": ("ns", "nanos", "nanosecond", "nanoseconds"),
    "min": ("minute", "minutes"),
    "h": ("hour", "hours"),
    "By": ("byte", "bytes"),
    "kBy": ("kilobyte", "kilobytes"),
    "KiBy": ("kibibyte", "kibibytes"),
    "MBy": ("megabyte", "megabytes"),
    "MiBy": ("mebibyte", "mebibytes"),
    "%": ("percent",),
    "Cel": ("celsius",),
    "W": ("watt", "watts"),
    "J": ("joule", "joules"),
    "V": ("volt", "volts"),
    "Hz": ("hertz",),
}


def is_ucum_unit(unit: str) -> bool:
    """Return whether a text is a unit of UCUM that metrics have."""
    return _UCUM_UNIT.fullmatch(unit) is not None


def has_unit_in_name(name: str, unit: str) -> bool:
    """Return whether a part of the name of a metric is a spelling of a unit: `queue.size.bytes` has that of `By`."""
    name_parts = re.split(r"[._\-/]", name.lower())
    return any(name_part in _SPELLINGS_OF_UNITS.get(unit, ()) for name_part in name_parts)
