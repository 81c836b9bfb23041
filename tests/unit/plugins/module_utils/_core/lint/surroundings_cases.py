# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on what a collector is given."""

from __future__ import annotations

from .cases import Case, config

GIVEN = {"environment": frozenset({"API_KEY"})}


def reading(text: str) -> dict[str, object]:
    return config(exporters={"otlp": {"headers": {"key": text}}})


CASES = [
    Case(
        "missing-variable",
        "a misspelt one",
        reading("${env:API_KEYS}"),
        "exporters.otlp.headers.key",
        "variable API_KEYS is read here, but not given; did you mean 'API_KEY'? Add it to `env`",
        GIVEN,
    ),
    Case("missing-variable", "the short form", reading("${TOKEN}"), "exporters.otlp.headers.key", "TOKEN", GIVEN),
    Case("missing-variable", "one that is given", reading("${env:API_KEY}"), more=GIVEN),
    Case("missing-variable", "one with a default", reading("${env:OTHER:-none}"), more=GIVEN),
    Case("missing-variable", "an escaped one", reading("$${env:OTHER}"), more=GIVEN),
    Case("missing-variable", "another provider", reading("${file:/etc/OTHER}"), more=GIVEN),
    Case("missing-variable", "where the environment is not known", reading("${env:OTHER}")),
]
