# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on expansion."""

from __future__ import annotations

from typing import Any

from .builds import NOW, OWN, on
from .cases import Case, config

PATH = "exporters.debug.verbosity"


def said(text: Any) -> dict[str, Any]:
    return config(exporters={"debug": {"verbosity": text}})


CASES = [
    Case("invalid-expansion", "a digit first", said("${1}"), PATH, "`${1}` names no variable: '1'"),
    Case("invalid-expansion", "a dash", said("${env:A-B}"), PATH, "Write `$${` where the text itself is meant."),
    Case("invalid-expansion", "nothing", said("a${}b"), PATH, "names no variable"),
    Case("invalid-expansion", "a scheme of one letter", said("${e:X}"), PATH, "is no scheme"),
    Case("invalid-expansion", "a dollar sign inside", said("${env:$X}"), PATH, "has a dollar sign inside"),
    Case("invalid-expansion", "the outer of two", said("${file:${env:A} ${env:B C}}"), PATH, "'B C'"),
    Case("invalid-expansion", "after a stray brace", said("} ${2}"), PATH, "`${2}`"),
    Case(
        "invalid-expansion",
        "in a list",
        config(service={"extensions": ["${a b}"]}),
        "service.extensions[0]",
        "`${a b}`",
    ),
    Case("invalid-expansion", "variables", said("${env:A} ${B} ${env:C:-d e} ${env:${D}} ${env:E:-${F:-}}"[:44])),
    Case("invalid-expansion", "a name from a variable", said("${env:${A}_B} ${${A}:x}")),
    Case("invalid-expansion", "escaped", said("$${1} ${2}")),
    Case("invalid-expansion", "two dollar signs are one, then a variable", said("$$${env:A}")),
    Case("invalid-expansion", "no end", said("${1")),
    Case("invalid-expansion", "other schemes take anything", said("${yaml:a: [1]} ${file:/a b}")),
    Case("invalid-expansion", "keys stay", config(exporters={"debug": {"${1}": 1}})),
    Case("unknown-scheme", "a vault", said("${vault:a}"), PATH, "scheme 'vault' of `${vault:a}` is unknown", NOW),
    Case("unknown-scheme", "env is spelt small", said("${enV:A}"), PATH, "did you mean 'env'?", NOW),
    Case("unknown-scheme", "a default without env", said("${HOST:-a}"), PATH, "scheme 'HOST'", NOW),
    Case("unknown-scheme", "s3 elsewhere", said("${s3:a}"), PATH, "scheme 's3'", NOW),
    Case("unknown-scheme", "a build of one's own may have it", said("${vault:a}"), PATH, "Known: env", OWN),
    Case("unknown-scheme", "s3 of ADOT", said("${s3:a}"), more=on("adot", "0.156.0")),
    Case("unknown-scheme", "known ones", said("${env:A} ${file:a} ${yaml:a} ${http:a} ${https:a} ${A}")),
    Case("bare-variable", "in an endpoint", said("$MY_POD_IP:4317"), PATH, "`$MY_POD_IP` is not replaced"),
    Case("bare-variable", "groups and escapes", said("$1 $$HOME ${HOME} US$ $x")),
]
