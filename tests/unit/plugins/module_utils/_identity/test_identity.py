# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service accounts, their roles and the provider that vouches for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.options import Collector
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity import (
    carried_identity,
    identity,
    oidc_provider,
    role_names,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.assignment import (
    IdentityRequest,
    assign_roles,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.iam_policy import (
    fill_policy,
    parse_eks_cluster,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.aws_grants import AwsGrant
from hypothesis import given
from hypothesis import strategies as st

from ..helpers import cases, collector

ROLE = {"eks.amazonaws.com/role-arn": "arn:a"}
GRANT = AwsGrant(("a:A",), "https://example.com")


def members(*pairs: tuple[Collector, list[AwsGrant]]) -> list[identity.CollectorGrants]:
    return [identity.CollectorGrants(*pair) for pair in pairs]


def test_an_account_has_what_its_collectors_need_together() -> None:
    one, two = collector(name="one", service_account_name="x"), collector(name="two", service_account_name="x")
    (found,) = identity.list_account_needs(members((one, [GRANT]), (two, [replace(GRANT, actions=("b:B",)), GRANT])))
    assert (found["service_account"], found["collectors"]) == ("x", ["one", "two"])
    assert [statement["Action"] for statement in found["statements"]] == [["a:A", "b:B"]]


def test_sidecars_run_as_somebody_else() -> None:
    sidecar = collector(name="one", mode="sidecar", backend="operator")
    assert identity.list_account_needs(members((sidecar, [GRANT]))) == []
    key = f"{sidecar.namespace}/{sidecar.service_account_name}"
    assert carried_identity.add_identity(sidecar, {key: ROLE}) is sidecar
    (told,) = identity.list_account_warnings(
        members((sidecar, [GRANT]), (sidecar, []), (collector(name="two"), [GRANT]))
    )
    assert "collector 'one' is a sidecar and calls AWS (a:A)" in told


def test_a_sidecar_whose_pods_run_as_a_named_account_gets_its_role() -> None:
    sidecar = collector(name="one", mode="sidecar", backend="operator", service_account_name="app")
    (found,) = identity.list_account_needs(members((sidecar, [GRANT])))
    assert (found["service_account"], found["collectors"]) == ("app", ["one"])
    assert identity.list_account_warnings(members((sidecar, [GRANT]))) == []
    stamped = carried_identity.add_identity(sidecar, {f"{sidecar.namespace}/app": ROLE})
    assert (stamped.service_account_annotations, stamped.pod_annotations) == (ROLE, {})


def test_the_environment_has_the_texts_of_the_pod() -> None:
    given = collector(env={"AWS_USE_FIPS_ENDPOINT": True, "EMPTY": None})
    assert given.known_environment == {"AWS_USE_FIPS_ENDPOINT": "true", "EMPTY": ""}


def test_variables_with_a_value_are_known() -> None:
    found = collector(env={"A": "x", "B": 1, "C": {"secret": "s", "key": "k"}}).known_environment
    assert found == {"A": "x", "B": "1"}


XRAY = {"Effect": "Allow", "Action": ["xray:PutSpans"], "Resource": ["*"]}
OWN = {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": ["key"]}
GATEWAY = {"namespace": "obs", "service_account": "gateway", "collectors": ["gateway"], "statements": [XRAY]}
AGENT = {"namespace": "obs", "service_account": "agent", "collectors": ["agent"], "statements": []}
BOTH: dict[str, Any] = {"policies": "managed", "managed_policies": ("A",)}


def decided(*found: Any, **inputs: Any) -> dict[str, Any]:
    request = IdentityRequest(**{"provider": "irsa", "cluster_name": "prod", **inputs})
    return dict(assign_roles(found or (GATEWAY, AGENT), request))


def names(result: dict[str, Any], which: str = "accounts") -> list[str]:
    return [item["role_name"] for item in result[which]]


def test_who_calls_aws_gets_a_role_and_who_does_not_gets_none() -> None:
    found = decided()
    assert (names(found), names(found, "unneeded")) == (["prod-{region}-obs-gateway"], ["prod-{region}-obs-agent"])
    assert found["accounts"][0]["statements"] == [XRAY]
    assert [item["collectors"] for item in found["accounts"] + found["unneeded"]] == [["gateway"], ["agent"]]
    assert found["accounts"][0]["managed_policies"] == []
    assert decided(role_name="one")["unneeded"] == [], "the role of one account is no leftover of another"


def test_managed_policies_are_for_all_since_nobody_can_derive_what_they_are_for() -> None:
    found = decided(**BOTH)
    assert names(found) == ["prod-{region}-obs-gateway", "prod-{region}-obs-agent"]
    assert [(item["statements"], item["managed_policies"]) for item in found["accounts"]] == [([], ["A"])] * 2


def test_a_list_says_who() -> None:
    found = decided(service_accounts=("obs/agent",), statements=(OWN,))
    assert names(found) == ["prod-{region}-obs-agent"]
    assert found["accounts"][0]["statements"] == [OWN]


def test_a_name_has_placeholders_and_is_cut_to_what_iam_takes() -> None:
    assert names(decided(GATEWAY, role_name="EKS-ADOT-ServiceAccount-Role")) == ["EKS-ADOT-ServiceAccount-Role"]
    assert names(decided(GATEWAY, role_name="{service_account}@{cluster}")) == ["gateway@prod"]
    assert names(decided(GATEWAY, role_name="a b {region} {cluster}")) == ["a-b-{region}-prod"]
    long = [names(decided(GATEWAY, cluster_name="x" * 60 + end))[0] for end in ("a", "b")]
    one, other = (role_names.role_name_in_region(name, "eu-west-1") for name in long)
    assert role_names.role_name_in_region(long[0], "eu-west-2") != one
    assert role_names.role_name_in_region("prod-{region}-obs-gateway", "eu-west-1") == "prod-eu-west-1-obs-gateway"
    assert len(one) == len(other) == 64
    assert one != other
    assert one[:55] == other[:55] == "x" * 55


@cases(
    "inputs, words",
    ({"cluster_name": ""}, "the cluster has no name"),
    ({"policies": "managed"}, "no policy is named"),
    ({"role_name": "{account}"}, "no such placeholder as {account}; did you mean 'service_account'"),
    ({"service_accounts": ("obs/gatewya",)}, "no collector runs as 'obs/gatewya'; did you mean 'obs/gateway'"),
    ({"provider": "static", "role_arns": {"obs/a": "x"}}, "no collector runs as 'obs/a'"),
    ({"provider": "static"}, "obs/gateway has no role, and its collectors call xray:PutSpans"),
    (BOTH | {"role_name": "one"}, "2 service accounts would have the role 'one'"),
)
def test_what_cannot_be_is_told(inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem) as told:
        decided(**inputs)
    assert words in str(told.value)


def test_a_static_role_is_handed_over_as_it_is() -> None:
    found = decided(provider="static", cluster_name="", role_arns={"obs/gateway": "arn:a"})
    assert found["annotations"] == {"obs/gateway": {identity.ROLE_ANNOTATION: "arn:a"}}
    assert (names(found), found["unneeded"]) == ([""], [])


def test_the_arn_of_a_cluster_says_where_it_is() -> None:
    eks_cluster = parse_eks_cluster("arn:aws-cn:eks:cn-north-1:123456789012:cluster/prod", "https://a")
    assert eks_cluster[:3] == ("aws-cn", "cn-north-1", "123456789012")
    assert eks_cluster.issuer == "https://a"
    for wrong in ("prod", "arn:aws:iam::1:role/a", "arn:aws:eks:a"):
        with pytest.raises(Problem, match="is not the ARN of an EKS cluster"):
            parse_eks_cluster(wrong)


def test_placeholders_are_filled_in_everywhere_and_nothing_else_is() -> None:
    eks_cluster = parse_eks_cluster("arn:aws:eks:eu-west-1:1:cluster/a")
    given = {"a": ["arn:<partition>:x:<region>:<account>:y", 1, ("<region>",)], "b": "{region} <other>"}
    assert fill_policy(given, eks_cluster) == {
        "a": ["arn:aws:x:eu-west-1:1:y", 1, ["eu-west-1"]],
        "b": "{region} <other>",
    }


ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
LIVE: dict[str, Any] = {"url": ISSUER, "client_ids": ["a", "b"], "thumbprints": ["f" * 40], "tags": {"x": "1"}}
WRITTEN = [ISSUER, ISSUER + "/", ISSUER.removeprefix("https://"), ISSUER.replace("https", "HTTPS")]
WRONG = ["http://a/b", "https://", "", "https://a:8443/b", "https://a/b?c", "https://u@a", "a b"]


@pytest.mark.parametrize("given_", WRITTEN)
def test_an_issuer_is_written_in_one_way(given_: str) -> None:
    assert oidc_provider.normalize_issuer(given_) == ISSUER
    assert (
        oidc_provider.strip_scheme(oidc_provider.normalize_issuer(given_))
        == "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
    )


@pytest.mark.parametrize("wrong", WRONG)
def test_what_iam_does_not_take_is_an_error(wrong: str) -> None:
    with pytest.raises(Problem, match="is not the URL of an issuer"):
        oidc_provider.normalize_issuer(wrong)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso"])
def test_a_provider_is_found_in_every_partition(partition: str) -> None:
    arn = f"arn:{partition}:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
    assert oidc_provider.find_provider_arn([arn + "2", arn], ISSUER) == arn
    assert oidc_provider.find_provider_arn([arn + "2"], ISSUER) == ""


def test_thumbprints_are_optional_and_checked() -> None:
    assert oidc_provider.normalize_thumbprints(None) is None
    assert oidc_provider.normalize_thumbprints(["AA:" * 19 + "AA"]) == ["aa" * 20]
    for wrong in (["short"], [f"{number:040x}" for number in range(6)]):
        with pytest.raises(Problem, match="Leave thumbprints out"):
            oidc_provider.normalize_thumbprints(wrong)


def test_what_does_not_differ_is_no_step_and_thumbprints_of_aws_are_left_alone() -> None:
    assert (
        oidc_provider.plan_provider_calls(
            LIVE, oidc_provider.plan_provider(LIVE, ["a"], None, None, purges_others=False)
        )
        == []
    )
    (step,) = oidc_provider.plan_provider_calls(
        LIVE, oidc_provider.plan_provider(LIVE, ["a", "b"], ["e" * 40], None, purges_others=False)
    )
    assert step.operation == "update_open_id_connect_provider_thumbprint"


IDS = st.lists(st.sampled_from("abcdef"), unique=True)


@given(IDS, IDS, st.booleans())
def test_audiences_come_before_others_go_and_end_as_wanted(have: list[str], want: list[str], purge: bool) -> None:
    live = LIVE | {"client_ids": sorted(have)}
    wanted = oidc_provider.plan_provider(live, want, None, None, purges_others=purge)
    now = set(have)
    for step in oidc_provider.plan_provider_calls(live, wanted):
        one = step.parameters["ClientID"]
        now = now | {one} if step.operation.startswith("add") else now - {one}
        assert not set(have) & set(want) - now, "what is wanted and was there is there all the time"
        assert not step.operation.startswith("remove") or set(want) <= now
    assert now == (set(want) if purge else set(have) | set(want))


def test_tags_are_set_and_unset() -> None:
    steps = oidc_provider.plan_provider_calls(LIVE, LIVE | {"tags": {"y": "2"}})
    assert [step.parameters for step in steps] == [{"Tags": [{"Key": "y", "Value": "2"}]}, {"TagKeys": ["x"]}]


EDGE_GATEWAY = GATEWAY | {"service_account": "edge-gateway"}
GATEWAY_OF_EDGE = GATEWAY | {"namespace": "obs-edge"}


@cases("template", "", "{namespace}-{service_account}")
def test_names_that_dashes_make_equal_are_told_with_a_template_that_keeps_them_apart(template: str) -> None:
    with pytest.raises(Problem, match="2 service accounts would have the role") as told:
        decided(EDGE_GATEWAY, GATEWAY_OF_EDGE, role_name=template)
    assert "Leave it out" not in told.value.fix
    assert "{region}" not in told.value.wrong
    example = told.value.fix.partition("`otel_identity_role_name: '")[2].partition("'`")[0]
    assert len(set(names(decided(EDGE_GATEWAY, GATEWAY_OF_EDGE, role_name=example)))) == 2
