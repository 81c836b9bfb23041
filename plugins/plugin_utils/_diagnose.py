# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module collector_diagnose: from facts about collectors to problems, verdicts and a report. Controller only. Private.

The module reads the facts of each collector from the cluster, and `module_utils/_diagnose/` has the checks. This file
adds what the rules find in the config, runs the checks, and takes out all secrets. For example, of facts that say that
the pod of `agent` was killed for its memory, the result has

    {"healthy": false, "verdict": ["Deployment telemetry/agent: …"], "report": "…", "collectors": […], …}

The facts of a collector are one mapping, whose keys docs/diagnose.md lists. Its key `unseen` has a row for each thing
that could not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from ..module_utils._diagnose.collector_checks import COLLECTOR_CHECKS
from ..module_utils._diagnose.collector_result import build_result_row
from ..module_utils._diagnose.diagnose_checks import Check, run_checks
from ..module_utils._diagnose.diagnosis_report import NOTHING_DIAGNOSED, build_diagnosis_report, list_verdict_lines
from ..module_utils._diagnose.result_rows import CollectorResult
from ..module_utils._otelcol.config.config_secrets import find_secrets
from ..module_utils._otelcol.config.masking import make_masker, mask_tree
from ..module_utils._otelcol.config.paths import value_at
from ..module_utils._otelcol.errors import Problem, clean_text, make_printable
from ..module_utils._otelcol.rules.flow_collectors import FlowCollector
from ._otelcol import _builds, _findings, _jmespath, _judged_configs, _validate
from ._own_checks import parse_own_check

# By option `fail_on`, the states of collectors with which a diagnosis fails.
FAILING_STATES = {"error": ("error",), "warning": ("error", "warning"), "never": ()}
# The arguments of pipeline_validate that no diagnosis varies: it reads nothing but the objects, and writes nothing.
_FIXED_VALIDATE_ARGUMENTS: dict[str, Any] = {
    "collectors": [],
    "defaults": {},
    "recipe_paths": [],
    "platform_paths": [],
    "paths": [],
    "merge": False,
    "distribution": None,
    "version": None,
    "distribution_manifest": None,
    "distribution_schema": None,
    "format": "text",
    "output_path": "-",
    "binary": "none",
    "fail_on": "never",
}
# The arguments of pipeline_validate that users set for a diagnosis too, each with its default there.
_DEFAULT_RULE_SETTINGS: dict[str, Any] = {"profile": "default", "severities": {}, "suppressions": [], "rule_paths": []}


def list_checks(arguments: Mapping[str, Any]) -> list[Check]:
    """Return all checks, the user's last. Raises Problem for an invalid check or rule before reading the cluster."""
    _findings.load_own_rules(arguments.get("rule_paths") or ())
    return [*COLLECTOR_CHECKS, *map(parse_own_check, arguments.get("checks") or ())]


def list_listener_rows() -> list[Mapping[str, Any]]:
    """Return which ports each type of component opens, for the module, which has no catalogue where it runs."""
    return list(_builds.load_catalogue().listener_rows)


class UnlistedCollector(TypedDict):
    """A collector of this collection in the cluster that the inventory does not list."""

    kind: str
    namespace: str
    name: str
    command: str
    """What removes it."""


def diagnose_collectors(
    facts_of_collectors: Sequence[Mapping[str, Any]],
    checks: Sequence[Check],
    arguments: Mapping[str, Any],
    unlisted_collectors: Sequence[UnlistedCollector] = (),
) -> dict[str, Any]:
    """Return the result of a diagnosis, which has failed when a problem is as severe as `fail_on` says.

    It has failed too if there is no collector, or if one could not be seen at all, unless `fail_on` is `never`.

    `unlisted_collectors` are in the namespaces of the others.
    """
    possible_receivers = _judged_configs.find_flow_collectors(_collect_objects(facts_of_collectors))
    results: list[CollectorResult] = []
    for collector_facts in facts_of_collectors:
        results.append(_diagnose_collector(collector_facts, checks, arguments, possible_receivers))
    verdict_lines = list_verdict_lines(results)
    fail_on = arguments.get("fail_on") or "never"
    broken_collectors = [collector for collector in results if collector["status"] == "error"]
    unlisted_lines = [_describe_unlisted(collector) for collector in unlisted_collectors]
    report = "\n".join([build_diagnosis_report(results), *unlisted_lines])
    return {
        "changed": False,
        "failed": _has_failed(results, fail_on),
        "healthy": are_healthy(results),
        "msg": "\n".join(verdict_lines) or NOTHING_DIAGNOSED,
        "verdict": verdict_lines,
        "failing": list_verdict_lines(broken_collectors),
        "report": make_printable(report),
        "collectors": results,
    }


def are_healthy(results: Sequence[CollectorResult]) -> bool:
    """Whether all collectors are healthy. Without a collector, nothing is known to be healthy."""
    return bool(results) and all(collector["status"] == "healthy" for collector in results)


def _has_failed(results: Sequence[CollectorResult], fail_on: str) -> bool:
    """Whether a diagnosis fails: by one of its collectors, or since it has none."""
    if not results:
        return fail_on != "never"
    return any(_is_failure(collector, fail_on) for collector in results)


def _is_failure(collector: CollectorResult, fail_on: str) -> bool:
    """Whether a diagnosis fails by a collector: its problems are as severe as `fail_on` says, or nobody has seen it."""
    is_unseen = fail_on != "never" and not collector["seen"]
    return is_unseen or collector["status"] in FAILING_STATES[fail_on]


class ObjectName(NamedTuple):
    """What tells objects of one cluster apart. A part is None if the object does not have it."""

    kind: Any
    namespace: Any
    name: Any


def _collect_objects(facts_of_collectors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the objects of all collectors, each once: collectors of one namespace have the same Services."""
    objects_by_name: dict[ObjectName, Mapping[str, Any]] = {}
    for collector_facts in facts_of_collectors:
        for manifest in collector_facts.get("objects") or ():
            namespace, name = value_at(manifest, ("metadata", "namespace")), value_at(manifest, ("metadata", "name"))
            objects_by_name[ObjectName(manifest.get("kind"), namespace, name)] = manifest
    return list(objects_by_name.values())


def _describe_unlisted(collector: UnlistedCollector) -> str:
    """Return the line of the report about a collector that the inventory does not list."""
    full_name = f"{collector['kind']} {collector['namespace']}/{collector['name']}"
    advice = f"If no other does, remove it: `{collector['command']}`"
    return f"{full_name} runs too, and this inventory does not name it. {advice}"


def _diagnose_collector(
    collector_facts: Mapping[str, Any],
    checks: Sequence[Check],
    arguments: Mapping[str, Any],
    possible_receivers: Sequence[FlowCollector],
) -> CollectorResult:
    """Return the result of one collector without its secrets.

    `possible_receivers` are collectors that it may send to.
    """
    config_findings = _find_config_findings(collector_facts.get("objects") or [], arguments, possible_receivers)
    unseen_facts = list(collector_facts["unseen"])  # a check that cannot be evaluated adds a row
    facts = {**collector_facts, "findings": config_findings, "unseen": unseen_facts}
    check_findings = run_checks(create_search(unseen_facts), checks, facts)
    collector_result: CollectorResult = mask_and_clean(build_result_row(facts, check_findings), collector_facts)
    return collector_result


def _find_config_findings(
    objects: Sequence[Mapping[str, Any]], arguments: Mapping[str, Any], possible_receivers: Sequence[FlowCollector]
) -> list[dict[str, Any]]:
    """Return the findings of the rules in the config, for its build and platform.

    A row has the keys of a finding of pipeline_validate, `where` for people, and `about`, the exporter concerned.
    """
    if not objects:
        return []
    rule_settings = {name: arguments.get(name) or default for name, default in _DEFAULT_RULE_SETTINGS.items()}
    validate_arguments = {**_FIXED_VALIDATE_ARGUMENTS, **rule_settings, "config": list(objects)}
    try:
        validation = _validate.validate_configs(
            validate_arguments, lambda _warning: None, check=True, other_collectors=possible_receivers
        )
    except Problem:  # no config in the objects; other checks report that
        return []
    rows: list[dict[str, Any]] = []
    for finding in validation["findings"]:
        rows.append({**finding, "where": _describe_place(finding), "about": _find_exporter(finding["path"])})
    return rows


def _describe_place(finding: Mapping[str, Any]) -> str:
    """Return the place of a finding: its path or its file, and its line if that is known."""
    location = finding["path"] or finding["file"]
    return f"{location} (line {finding['line']})" if finding["line"] else str(location)


def _find_exporter(path: str) -> str:
    """Return the exporter of a path, such as `exporters/otlp_http`; empty for a path outside of exporters."""
    section_name, *nested_path = str(path).split(".")
    return f"{section_name}/{nested_path[0]}" if section_name == "exporters" and nested_path else ""


def create_search(unseen_facts: list[dict[str, Any]]) -> Callable[[str, Any], Any]:
    """Return the function that evaluates the expression of a check in facts.

    An expression that does not fit the type of a fact finds nothing, and is added to `unseen_facts`.
    """
    jmespath = _jmespath.load_library()

    def search(expression: str, data: Any) -> Any:
        try:
            return _jmespath.parse_expression(expression).search(data)
        except jmespath.exceptions.JMESPathError as error:  # the expression does not fit this type
            unseen_facts.append({"what": f"check `{expression}`", "why": str(error)})
            return None

    return search


def mask_and_clean(value: Any, collector_facts: Mapping[str, Any]) -> Any:
    """Return a value without the secrets of a collector's config, and without control characters."""
    return clean_text(mask_tree(value, make_masker(find_secrets(collector_facts.get("config") or {}))))
