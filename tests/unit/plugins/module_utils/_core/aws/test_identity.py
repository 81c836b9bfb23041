# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.identity import (
    STAMP,
    accounts,
    environment,
    stamped,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.policy import Grant
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

from ..helpers import collector

ROLE = {"eks.amazonaws.com/role-arn": "arn:a"}
GRANT = Grant(("a:A",), "https://example.com")


def test_an_account_has_what_its_collectors_need_together() -> None:
    one, two = collector(name="one", service_account_name="x"), collector(name="two", service_account_name="x")
    (found,) = accounts([(one, [GRANT]), (two, [replace(GRANT, actions=("b:B",)), GRANT])])
    assert (found["service_account"], found["collectors"]) == ("x", ["one", "two"])
    assert [statement["Action"] for statement in found["statements"]] == [["a:A", "b:B"]]


def test_sidecars_run_as_somebody_else() -> None:
    sidecar = collector(name="one", mode="sidecar", backend="operator")
    assert accounts([(sidecar, [GRANT])]) == []
    key = f"{sidecar.namespace}/{sidecar.service_account_name}"
    assert stamped(sidecar, {key: ROLE}) is sidecar


def test_a_change_of_identity_replaces_pods_and_nothing_else_does() -> None:
    plain = collector(name="one")
    key = f"{plain.namespace}/{plain.service_account_name}"
    one, same, other = (stamped(plain, {key: {**ROLE, "b": text}}) for text in ("1", "1", "2"))
    assert one.service_account_annotations == {**ROLE, "b": "1"}
    assert one == same
    assert one.pod_annotations[STAMP] != other.pod_annotations[STAMP]
    assert stamped(plain, {"elsewhere/one": ROLE}) is plain


def test_an_annotation_of_the_users_own_that_says_otherwise_is_refused() -> None:
    own = collector(name="one", service_account_annotations={"eks.amazonaws.com/role-arn": "arn:b"})
    key = f"{own.namespace}/{own.service_account_name}"
    with pytest.raises(Problem, match=r"have another eks\.amazonaws\.com/role-arn than its identity"):
        stamped(own, {key: ROLE})
    assert stamped(own, {key: {"eks.amazonaws.com/role-arn": "arn:b"}}).pod_annotations[STAMP]


def test_variables_with_a_value_are_known() -> None:
    assert environment(collector(env={"A": "x", "B": 1, "C": {"secret": "s", "key": "k"}})) == {"A": "x", "B": "1"}
