# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on what a collector is given."""

from __future__ import annotations

from .cases import Case, config
from .shapes import running, where

GIVEN = {"environment": frozenset({"API_KEY"})}


def reading(text: str) -> dict[str, object]:
    return config(exporters={"otlp": {"headers": {"key": text}}})


READS = running(processors={"k8s_attributes": {"extract": {"metadata": ["k8s.pod.name"]}}})


def granted(*rules: tuple[str, str, str]) -> dict[str, object]:
    keys = ("apiGroups", "resources", "verbs")
    return where(granted=tuple({key: text.split(",") for key, text in zip(keys, rule, strict=True)} for rule in rules))


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
    Case(
        "missing-permission",
        "no right at all",
        READS,
        "processors.k8s_attributes",
        "needs to get namespaces, and 5 more, which the ServiceAccount may not Add to its ClusterRole: "
        "`{apiGroups: [''], resources: [namespaces], verbs: [get]}`.",
        granted(),
    ),
    Case(
        "missing-permission",
        "one verb short",
        READS,
        "processors.k8s_attributes",
        "needs to watch pods,",
        granted(("", "namespaces", "*"), ("", "pods", "get,list")),
    ),
    Case("missing-permission", "all that is needed", READS, more=granted(("", "pods,namespaces", "get,list,watch"))),
    Case("missing-permission", "everything", READS, more=granted(("*", "*", "*"))),
    Case("missing-permission", "nothing to read", running(), more=granted()),
    Case("missing-permission", "rights that nobody knows", READS, more=where()),
]
