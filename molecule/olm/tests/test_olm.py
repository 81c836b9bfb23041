"""Provider olm of role otel_operator: pin, upgrade, removal, failures. The tests are steps of one story, in order."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests.support.cluster import PROJECT

NAMESPACE = "openshift-opentelemetry-operator"
SCENARIO = PROJECT / "molecule/olm"
FIRST, SECOND, THIRD = (f"opentelemetry-operator.v0.{minor}" for minor in ("156.0-1", "157.0-2", "158.0-1"))
COLLECTOR = """
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {name: theirs, namespace: default}
"""


def command(*options: str, arguments: str = "") -> str:
    """Return how the role is run with inputs as KEY=VALUE, without their prefix."""
    extra = " ".join(f"-e otel_operator_{option}" for option in options)
    return f"ansible-playbook -i localhost, {SCENARIO}/role.yml {extra} {arguments}"


def role(host: Host, *options: str, arguments: str = "") -> CommandResult:
    """Run the role."""
    return host.run(command(*options, arguments=arguments))


def pinned(csv: str, *more: str) -> tuple[str, ...]:
    """Return the inputs of a pin."""
    return (f"olm_csv={csv}", "olm_approval=manual", *more)


def unchanged(result: CommandResult) -> bool:
    """Return whether a run did nothing, and all went well."""
    return bool(re.search(r"changed=0 .*failed=0", result.stdout))


def listed(host: Host, kind: str) -> list[dict[str, Any]]:
    """Return the objects of a kind of OLM in the operator's namespace."""
    found = json.loads(host.check_output(f"kubectl -n {NAMESPACE} get {kind}.operators.coreos.com -o json"))
    return list(found["items"])


def installed(host: Host) -> list[str]:
    """Return the versions that have succeeded."""
    items = listed(host, "clusterserviceversions")
    return [item["metadata"]["name"] for item in items if item["status"]["phase"] == "Succeeded"]


def approved(host: Host) -> list[str]:
    """Return what was approved, sorted."""
    plans = [plan["spec"] for plan in listed(host, "installplans")]
    return sorted(",".join(plan["clusterServiceVersionNames"]) for plan in plans if plan["approved"])


def test_a_check_shows_all_and_makes_nothing(host: Host) -> None:
    checked = role(host, *pinned(FIRST), arguments="--check --diff")
    assert checked.rc == 0, checked.stdout
    for kind in ("Namespace", "OperatorGroup", "Subscription"):
        assert f"+kind: {kind}" in checked.stdout
    assert host.check_output(f"kubectl get ns {NAMESPACE} --ignore-not-found") == ""


def test_two_runs_at_once_install_the_pin_and_approve_nothing_else(host: Host) -> None:
    line = command(*pinned(FIRST, "olm_channel=jump")).split()
    runs = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for _run in range(2)]
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert (installed(host), approved(host)) == ([FIRST], [FIRST])
    again = role(host, *pinned(FIRST))  # in the channel that the Subscription has
    assert unchanged(again), again.stdout


def test_a_way_past_the_pin_is_refused(host: Host) -> None:
    refused = role(host, *pinned(SECOND))
    assert refused.rc != 0
    words = " ".join(refused.stdout.split())
    assert f"it goes to opentelemetry-operator.v0.159.0-1, past the pinned {SECOND}" in words
    assert (installed(host), approved(host)) == ([FIRST], [FIRST])


def test_an_upgrade_goes_through_the_chain_up_to_the_pin(host: Host) -> None:
    upgraded = role(host, *pinned(SECOND, "olm_channel=stable"))
    assert upgraded.rc == 0, upgraded.stdout
    assert (installed(host), approved(host)) == ([SECOND], [FIRST, SECOND])


def test_automatic_approval_goes_to_the_newest_and_stays_there(host: Host) -> None:
    upgraded = role(host)
    assert upgraded.rc == 0, upgraded.stdout
    assert installed(host) == [THIRD]
    again = role(host)
    assert unchanged(again), again.stdout


def test_it_is_not_removed_under_the_collectors_of_others(host: Host) -> None:
    host.check_output(f"kubectl apply -f - <<'END'\n{COLLECTOR}\nEND")
    refused = role(host, "state=absent")
    host.check_output("kubectl -n default delete opentelemetrycollector theirs")
    assert refused.rc != 0
    assert "default/theirs" in refused.stdout
    assert installed(host) == [THIRD]


def test_removal_leaves_nothing(host: Host) -> None:
    removed = role(host, "state=absent", "remove_definitions=true")
    assert removed.rc == 0, removed.stdout
    assert "opentelemetry" not in host.check_output("kubectl get ns,crds,clusterroles,clusterrolebindings -o name")
    kinds = "subscriptions.operators.coreos.com,clusterserviceversions,installplans"
    assert host.check_output(f"kubectl get {kinds} -A -o name") == ""


def test_everything_that_fails_says_so_in_time(host: Host) -> None:
    tried = host.run(f"ansible-playbook -i localhost, {SCENARIO}/failures.yml")
    assert tried.rc == 0, tried.stdout
