# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of a package is chosen, and what the message shows if the catalog does not have it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm.csv_choice import choose_csv
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm.olm_request import OlmRequest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases
from .samples import NAMESPACE, ONE, THREE, TWO, olm, package

ASKED = OlmRequest("opentelemetry-product", "redhat-operators", "openshift-marketplace", NAMESPACE)
KUBERNETES = "v1.34.0"
OLD = "opentelemetry-operator.v0.93.0-3"
CATALOG = {"name": "redhat-operators", "namespace": "openshift-marketplace", "state": "READY", "message": ""}
AWAY = {**CATALOG, "state": "TRANSIENT_FAILURE", "message": "no"}
NARROW = package(stable=[ONE])
NARROW["channels"][0]["all_namespaces"] = False
MANY = package(stable=[f"opentelemetry-operator.v0.{minor}.0-1" for minor in range(40, 10, -1)])


@cases(
    "channel, csv, installed, expected",
    ("", "", "", ("stable", THREE)),
    ("", "", "old", ("old", ONE)),  # who named none stays
    ("", "", "gone", ("stable", THREE)),
    ("stable", "", "old", ("stable", THREE)),
    ("", TWO, "", ("stable", TWO)),
)
def test_what_is_wanted_now(channel: str, csv: str, installed: str, expected: tuple[str, str]) -> None:
    request = ASKED._replace(channel=channel, csv=csv)
    assert choose_csv(request, olm(), KUBERNETES, installed) == expected


@cases(
    "asked, found, words",
    ({"source": "redhat-operator"}, {}, r"no CatalogSource openshift-marketplace/redhat-operator; did you mean"),
    ({}, {"catalogs": []}, r"to one of: none"),
    ({}, {"catalogs": [AWAY]}, r"TRANSIENT_FAILURE\): no .*pods"),
    ({}, {"catalogs": [{**CATALOG, "state": ""}]}, r"its state is not known"),
    ({}, {"package": None, "packages": ["opentelemetry-products"]}, r"did you mean 'opentelemetry-products'"),
    ({}, {"package": None}, r"It offers no package at all"),
    ({"channel": "stabel"}, {}, r"no channel stabel; did you mean 'stable'.*to one of: stable, old"),
    ({"csv": "opentelemetry-operator.v0.155.0-1"}, {}, r"has no opentelemetry-operator.v0.155.0-1; did you mean"),
    ({"channel": "old", "csv": TWO}, {}, r"it is in channel stable"),
    ({"csv": "latest"}, {}, rf"channel stable of .* has no latest .*to one of: {THREE}, {TWO}, {ONE}"),
    ({}, {"kubernetes": "v1.24.9"}, r"needs Kubernetes 1.25.0 or later, and this cluster has 1.24.9"),
    ({}, {"package": NARROW}, "not for all namespaces"),
    ({"csv": THREE}, {"package": MANY}, r"v0.31.0-1 and 20 more"),
    ({"csv": OLD}, {"package": package(stable=[ONE, OLD])}, rf"{OLD} has .*v1beta1.*from 0.99.0 on.*has: {ONE}\."),
    ({}, {"package": package(stable=[OLD])}, r"v1beta1.*has: none\."),
)
def test_what_is_not_there_is_refused_with_the_near_word(asked: Any, found: Any, words: str) -> None:
    facts = dict(found)
    kubernetes = facts.pop("kubernetes", KUBERNETES)
    with pytest.raises(Problem, match=words):
        choose_csv(ASKED._replace(**asked), olm(**facts), kubernetes)


@pytest.mark.parametrize(
    ("name", "csv"),
    [("opentelemetry-product", "opentelemetry-operator.v0.99.0-1"), ("mirrored", OLD)],
)
def test_the_first_version_with_the_api_is_taken_and_packages_of_other_names_are_not_judged(
    name: str, csv: str
) -> None:
    offered = {**package(stable=[csv]), "name": name}
    request = ASKED._replace(package=name, csv=csv)
    assert choose_csv(request, olm(package=offered), KUBERNETES) == ("stable", csv)


def test_a_pin_may_be_for_an_older_kubernetes_than_the_newest() -> None:
    assert choose_csv(ASKED._replace(csv=ONE), olm(), "v1.24.9") == ("stable", ONE)
