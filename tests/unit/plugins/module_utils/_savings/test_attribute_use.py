# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes are proposed by their bytes, never those that tell whose telemetry it is, nor those of data points."""

from __future__ import annotations

import json

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.observation import SavingsWishes
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.proposals import (
    ATTRIBUTES,
    CONSTANT_ATTRIBUTES,
)

from .planted import found, logs, not_told, points, proposals, spans

SERVICES, TENANTS, ROUNDS = ("cart", "checkout", "payment"), "abcde", 20
OTHERS = {f"attribute.{number}": f"value of {number}" for number in range(26)} | {"attribute.7": "a long value of it"}


def planted() -> list[tuple[str, dict[str, object]]]:
    """Return spans of three services and five tenants with thirty attributes."""
    requests = []
    for turn in range(ROUNDS):
        for service in SERVICES:
            resource = {"service.name": service, "tenant": TENANTS[turn % 5], "region": "here"}
            attributes = {**OTHERS, "request.id": f"a request of {service}-{turn:04}"}
            requests.append(spans({"attributes": attributes, "resource": resource}))
    return requests


def bytes_of(name: str, request: object) -> int:
    """Return the bytes that a request loses without an attribute."""

    def without(part: object) -> object:
        if isinstance(part, list):
            return [without(one) for one in part if not (isinstance(one, dict) and one.get("key") == name)]
        return {key: without(value) for key, value in part.items()} if isinstance(part, dict) else part

    def size(part: object) -> int:
        return len(json.dumps(part, separators=(",", ":")))

    return size(request) - size(without(request))


@pytest.mark.parametrize("name", ["attribute.7", "request.id"])
def test_the_share_is_what_a_capture_loses_without_the_attribute(name: str) -> None:
    requests = planted()
    (proposal,) = [one for one in found(*requests).proposals if one.subject.split()[0] == name]
    lost = sum(bytes_of(name, request) for _signal, request in requests)
    assert proposal.size_bytes == pytest.approx(lost, rel=0.01)


def test_the_table_counts_values_exactly() -> None:
    rows = {row.name: row for row in found(*planted()).attribute_rows}
    assert rows["request.id"].values == ROUNDS * len(SERVICES)
    assert rows["tenant"].values == len(TENANTS)


def test_attributes_with_one_value_are_told_together_and_identity_never_is() -> None:
    proposal = proposals(CONSTANT_ATTRIBUTES, *planted())
    assert list(proposal) == ["region"]
    told = found(*planted(), wishes=SavingsWishes(frozenset({"tenant"}), 0)).proposals
    assert not {"tenant of resources", "service.name of resources"} & {one.subject for one in told}
    assert not proposals(CONSTANT_ATTRIBUTES, spans({"resource": {"region": "here"}}))
    assert "one resource" in not_told(CONSTANT_ATTRIBUTES, spans({"resource": {"region": "here"}}))


def test_an_attribute_of_data_points_goes_from_the_other_signals_alone() -> None:
    requests = (points({"attributes": {"user.id": "1"}}), logs({"attributes": {"user.id": "1"}}))
    (proposal,) = proposals(ATTRIBUTES, *requests).values()
    assert list(proposal.removed_amounts) == ["logs"]
    assert proposal.option is not None
    assert proposal.option.build_pasted_options(["logs/pods", "metrics"])["config"]["service"] == {
        "pipelines": {"logs/pods": {"processors+": ["attributes/user_id"]}}
    }


def test_a_name_that_a_config_would_expand_has_no_option() -> None:
    for name in ("${file:/etc/passwd}", "{{ lookup('pipe', 'id') }}"):
        (proposal,) = proposals(ATTRIBUTES, spans({"attributes": {name: "1"}})).values()
        assert proposal.option is None
        assert "would expand" in proposal.detail
