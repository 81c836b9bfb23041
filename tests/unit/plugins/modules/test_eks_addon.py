# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""eks_addon from nothing to nothing, each step twice and first in check mode."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.aws_specs import EKS_ADDON
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.addon_reads import parse_configuration
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.hidden import hide_option_secrets
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.testbed.aws.world import Stage

from .conftest import CLUSTER, Aws

DEFAULT, NEWEST, OLD = "v0.151.0-eksbuild.2", "v0.151.0-eksbuild.10", "v0.141.0-eksbuild.1"
ROLE = "arn:aws:iam::123456789012:role/adot"
OTHER = "arn:aws:iam::123456789012:role/other"
BASE = {"cluster_name": CLUSTER, "name": "adot"}
IDENTITY = {"service_account": "adot", "role_arn": ROLE}


def step(aws: Aws, calls: dict[str, int], **options: Any) -> dict[str, Any]:
    return aws.step("eks_addon", calls, **BASE, **options)


def test_a_life(aws: Aws) -> None:
    made = step(aws, {"CreateAddon": 1}, tags={"team": "a"}, service_account_role_arn=ROLE)
    assert (made["action"], made["status"], made["addon"]["addon_version"]) == ("created", "ACTIVE", DEFAULT)
    assert made["diff"]["before"] == {}
    assert made["diff"]["after"]["service_account_role_arn"] == ROLE
    assert made["addon"]["tags"] == {"team": "a"}

    step(aws, {})
    values = {"replicaCount": 2, "manager": {"resources": {"limits": {"cpu": "1"}}}}
    changed = step(aws, {"UpdateAddon": 1}, configuration_values=values)
    assert changed["addon"]["configuration_values"] == values
    assert changed["addon"]["service_account_role_arn"] == ROLE  # said again, or EKS would take it away
    assert changed["diff"]["before"]["configuration_values"] == {}
    assert changed["diff"]["after"]["configuration_values"] == values

    newest = step(aws, {"UpdateAddon": 1}, version="latest")
    assert newest["addon"]["addon_version"] == NEWEST
    assert newest["addon"]["configuration_values"] == values
    step(aws, {}, version="default")  # never back
    assert step(aws, {"UpdateAddon": 1}, version=OLD)["addon"]["addon_version"] == OLD

    step(aws, {"TagResource": 1, "UntagResource": 1}, tags={"stage": "dev"})
    step(aws, {"TagResource": 1}, tags={"more": "1"}, purge_tags=False)
    step(aws, {"UpdateAddon": 1}, service_account_role_arn="")
    step(aws, {"UpdateAddon": 1}, configuration_values={})

    gone = step(aws, {"DeleteAddon": 1}, state="absent")
    assert (gone["action"], gone["status"], gone["addon"]) == ("deleted", "ABSENT", {})
    assert (gone["diff"]["before"]["version"], gone["diff"]["after"]) == (OLD, {})


def test_pod_identities(aws: Aws) -> None:
    one, two = ({"service_account": name, "role_arn": ROLE} for name in ("a", "b"))
    made = step(aws, {"CreateAddon": 1}, pod_identity_associations=[one, two])
    assert made["diff"]["after"]["pod_identity_associations"] == {"a": ROLE, "b": ROLE}
    step(aws, {}, pod_identity_associations=[two, one])
    step(aws, {"UpdateAddon": 1}, pod_identity_associations=[one | {"role_arn": OTHER}, two])
    step(aws, {"UpdateAddon": 1}, version="latest")
    step(aws, {}, pod_identity_associations=[one | {"role_arn": OTHER}, two])
    step(aws, {"UpdateAddon": 1}, pod_identity_associations=[])
    assert aws.world.associations == {}


def test_everything_at_once_is_one_update(aws: Aws) -> None:
    step(aws, {"CreateAddon": 1})
    options = {"version": NEWEST, "configuration_values": {"replicaCount": 3}, "service_account_role_arn": ROLE}
    step(aws, {"UpdateAddon": 1, "TagResource": 1}, tags={"a": "1"}, **options)


def test_preserve_and_conflicts_are_passed_on(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.testbed.aws import app  # noqa: PLC0415

    sent: list[dict[str, Any]] = []
    for name in ("CreateAddon", "UpdateAddon", "DeleteAddon"):
        work = app.OPERATIONS[name]
        monkeypatch.setitem(
            app.OPERATIONS,
            name,
            lambda world, region, work=work, **given: sent.append(given) or work(world, region, **given),
        )
    aws.run("eks_addon", **BASE, resolve_conflicts="overwrite", namespace="telemetry")
    for number, choice in enumerate(EKS_ADDON["resolve_conflicts"]["choices"], 1):
        aws.run("eks_addon", **BASE, resolve_conflicts=choice, configuration_values={"replicaCount": number})
    aws.run("eks_addon", **BASE, state="absent", preserve=True)
    assert (sent[0]["resolveConflicts"], sent[0]["namespaceConfig"]) == ("OVERWRITE", {"namespace": "telemetry"})
    assert [update["resolveConflicts"] for update in sent[1:-1]] == ["NONE", "OVERWRITE", "PRESERVE"]
    assert sent[-1]["preserve"] is True


def test_another_namespace_is_an_error(aws: Aws) -> None:
    aws.run("eks_addon", **BASE)
    aws.changing()
    result = aws.run("eks_addon", **BASE, namespace="elsewhere")
    assert "EKS cannot move it to elsewhere" in result["msg"]
    assert aws.changing() == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"version": "v0.151.0-eksbuild.3"}, "did you mean 'v0.151.0-eksbuild.2'?"),
        ({"name": "adott"}, "EKS has no add-on of this name; did you mean 'adot'?"),
        ({"configuration_values": {"replicacount": 2}}, "'replicacount' is not known here; did you mean 'replicaCou"),
        ({"configuration_values": {"replicaCount": "hunter2-secret"}}, "replicaCount: must be integer, is string"),
        ({"configuration_values": {"manager": {"resources": {"limits": {"cpu": 1}}}}}, "manager.resources.limits.cpu:"),
        ({"cluster_name": "nowhere"}, "Check the names, the region and the account"),
        ({"pod_identity_associations": [IDENTITY, IDENTITY | {"role_arn": OTHER}]}, "'adot' has two roles"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(aws: Aws, options: dict[str, Any], words: str) -> None:
    for check in (True, False):
        result = aws.run("eks_addon", check=check, **(BASE | options))
        assert result["failed"]
        assert words in result["msg"]
        assert "hunter2-secret" not in result["msg"]
    assert aws.changing() == {}


def test_the_configuration_that_stays_has_to_fit_a_new_version(aws: Aws) -> None:
    assert aws.cluster("old", version="1.32")["version"] == "1.32"
    base = {"cluster_name": "old", "name": "adot"}
    values = {"collector": {"mode": "daemonset"}}
    aws.run("eks_addon", **base, version="v0.80.0-eksbuild.2", configuration_values=values)
    aws.changing()
    result = aws.run("eks_addon", **base, version="default")
    assert "the configuration that it has now does not fit the schema" in result["msg"]
    assert "collector: 'mode' is not known here" in result["msg"]
    assert aws.changing() == {}


def test_ansibles_own_list_of_secrets_is_added_to() -> None:
    """Ansible knows secrets that no option of this collection has, such as those of a fallback."""
    plain = {"env": [{"name": "LEVEL", "value": "debug-level"}]}
    module = SimpleNamespace(params={}, no_log_values={"of-a-fallback", "debug-level", "hush-hush"})
    hide_option_secrets(module, ["hush-hush", "short"], [plain])
    assert module.no_log_values == {"of-a-fallback", "hush-hush"}


@pytest.mark.parametrize("text", ["x: &x [*x]", "a: [" * 2000], ids=["cycle", "deep"])
def test_a_hostile_configuration_of_others_is_a_problem(text: str) -> None:
    with pytest.raises(Problem, match="configuration_values"):
        parse_configuration(text)


def test_secrets_are_shown_nowhere(aws: Aws) -> None:
    values = {"manager": {"env": {"API_KEY": "dd-key-4711", "REGION": "eu-west-1"}}}
    results = [aws.run("eks_addon", check=True, **BASE, configuration_values=values)]
    results.append(aws.run("eks_addon", **BASE, configuration_values=values))
    values["manager"]["env"]["API_KEY"] = "dd-key-4712"
    results.append(aws.run("eks_addon", **BASE, configuration_values=values))
    assert results[-1]["diff"]["before"] != results[-1]["diff"]["after"]  # it changed, and one sees that
    results.append(aws.run("eks_addon_info", cluster_name=CLUSTER))
    aws.world.trouble(operation="UpdateAddon", code="InvalidParameterException", message="bad value dd-key-4713")
    values["manager"]["env"]["API_KEY"] = "dd-key-4713"
    results.append(aws.run("eks_addon", **BASE, configuration_values=values))
    text = str(results)
    assert "dd-key" not in text
    assert "secret-of-the-testbed" not in text
    assert text.count("eu-west-1") > 3  # what is no secret can be read


def test_warnings_of_what_a_new_addon_lacks(aws: Aws) -> None:
    aws.run("eks_addon", check=True, **BASE)
    assert "needs an IAM role" in aws.warned[0]
    vendor = {"cluster_name": CLUSTER, "name": "vendor_agent", "service_account_role_arn": ROLE}
    aws.run("eks_addon", check=True, **vendor)
    assert "needs configuration_values" in aws.warned[0]
    aws.run("eks_addon", check=True, **BASE, service_account_role_arn=ROLE)
    assert aws.warned == []


def test_without_wait_it_returns_at_once(aws: Aws) -> None:
    before = aws.clock()
    made = aws.run("eks_addon", **BASE, wait=False)
    assert (made["changed"], made["status"], aws.clock()) == (True, "CREATING", before)
    assert aws.run("eks_addon", **BASE, wait=False)["changed"] is False
    busy = aws.run("eks_addon", **BASE, wait=False, version="latest")
    assert "another operation is under way (CREATING)" in busy["msg"]
    assert aws.run("eks_addon", **BASE, wait=False, state="absent")["changed"] is True


def test_yaml_of_somebody_else_is_the_same_configuration(aws: Aws) -> None:
    aws.run("eks_addon", **BASE)
    for addon in aws.world.addons.values():
        addon.facts["configurationValues"] = "replicaCount: 2\n"
    aws.changing()
    assert aws.run("eks_addon", **BASE, configuration_values={"replicaCount": 2})["changed"] is False


def test_eks_that_says_done_too_early_is_not_believed(aws: Aws) -> None:
    aws.run("eks_addon", **BASE)
    aws.world.add_script("adot", "update", Stage("ACTIVE", 30), Stage("UPDATING", 5), Stage("ACTIVE"))
    assert aws.run("eks_addon", **BASE, version="latest")["addon"]["addon_version"] == NEWEST


def test_a_trial_tells_the_version_that_it_would_take(aws: Aws) -> None:
    assert aws.run("eks_addon", check=True, **BASE)["version"] == DEFAULT
    assert aws.run("eks_addon", **BASE, version=OLD)["version"] == OLD
    assert aws.run("eks_addon", check=True, **BASE, version="latest")["version"] == NEWEST
    assert aws.run("eks_addon", check=True, **BASE)["version"] == OLD
    assert aws.run("eks_addon", **BASE, state="absent")["version"] == ""


def test_a_kubernetes_that_is_too_new_is_told_with_those_that_have_it(aws: Aws) -> None:
    aws.cluster("fresh", version="1.99")
    told = aws.run("eks_addon", check=True, cluster_name="fresh", name="adot")
    assert "offers no version of it for Kubernetes 1.99, only for 1.34, 1.33, 1.32." in told["msg"]
