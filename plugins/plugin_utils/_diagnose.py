# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnosis: from facts about collectors to findings, checks and a report. Controller only. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..module_utils._diagnose.diagnose_checks import Check, run_checks
from ..module_utils._diagnose.verdict import CHECKS, result
from ..module_utils._otelcol.config.config_secrets import secrets_in
from ..module_utils._otelcol.config.masking import masked_tree, masker
from ..module_utils._otelcol.config.paths import at
from ..module_utils._otelcol.errors import Problem, cleaned, printable
from ..module_utils._otelcol.rules.data_flow import Hop
from ..module_utils._telemetry.times import report, verdicts
from ._otelcol import _builds, _findings, _jmespath, _validate
from ._own_checks import own_check

# By `fail_on`, the states of collectors with which a diagnosis fails.
_FAILING = {"error": ("error",), "warning": ("error", "warning"), "never": ()}
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


def checks_of(arguments: Mapping[str, Any]) -> list[Check]:
    """Return all checks, the user's last. Raises Problem for an invalid check or rule before reading the cluster."""
    _findings.own_rules(arguments.get("rule_paths") or ())
    return [*CHECKS, *map(own_check, arguments.get("checks") or ())]


def listeners() -> list[Mapping[str, Any]]:
    """Return which ports each type of component opens, for the module, which has no catalogue where it runs."""
    return list(_builds.tables().listener_rows)


def diagnosed(
    collected: Sequence[Mapping[str, Any]],
    checks: Sequence[Check],
    arguments: Mapping[str, Any],
    unlisted: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """Return the result of a diagnosis, which has failed when a problem is as severe as `fail_on` says.

    `unlisted` are the collectors of this collection in the same namespaces that were not asked for.
    """
    others = _validate.hops(_all_objects(collected))
    results = [_of_collector(facts, checks, arguments, others) for facts in collected]
    lines = verdicts(results)
    failing = _FAILING[arguments.get("fail_on") or "never"]
    return {
        "changed": False,
        "failed": any(item["status"] in failing for item in results),
        "healthy": all(item["status"] == "healthy" for item in results),
        "msg": "\n".join(lines),
        "verdict": lines,
        "failing": verdicts([item for item in results if item["status"] == "error"]),
        "report": printable("\n".join([report(results), *map(_unlisted, unlisted)])),
        "collectors": results,
    }


class ObjectName(NamedTuple):
    """What tells objects of one cluster apart. A part is None if what was read does not have it."""

    kind: Any
    namespace: Any
    name: Any


def _all_objects(collected: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the objects of all collectors, each once: those of one namespace have the same Services around them."""
    objects: dict[ObjectName, Mapping[str, Any]] = {}
    for facts in collected:
        for item in facts.get("objects") or ():
            namespace, name = at(item, ("metadata", "namespace")), at(item, ("metadata", "name"))
            objects[ObjectName(item.get("kind"), namespace, name)] = item
    return list(objects.values())


def _unlisted(item: Mapping[str, str]) -> str:
    named = f"{item['kind']} {item['namespace']}/{item['name']}"
    return f"{named} runs too, and this inventory does not name it. If no other does, remove it: `{item['command']}`"


def _of_collector(
    facts: Mapping[str, Any], checks: Sequence[Check], arguments: Mapping[str, Any], others: Sequence[Hop]
) -> dict[str, Any]:
    """Return the result of one collector without its secrets. `others` are collectors that it may send to."""
    unseen = list(facts["unseen"])
    known = {**facts, "findings": _config_findings(facts.get("objects") or [], arguments, others), "unseen": unseen}
    row: dict[str, Any] = shown(result(known, run_checks(searching(unseen), checks, known)), facts)
    return row


def _config_findings(
    objects: Sequence[Mapping[str, Any]], arguments: Mapping[str, Any], others: Sequence[Hop]
) -> list[dict[str, Any]]:
    """Return the findings of the rules in the config, for its build and platform."""
    if not objects:
        return []
    rule_settings = {name: arguments.get(name) or default for name, default in _DEFAULT_RULE_SETTINGS.items()}
    try:
        asked = {**_FIXED_VALIDATE_ARGUMENTS, **rule_settings, "config": list(objects)}
        answer = _validate.report(asked, lambda _warning: None, check=True, others=others)
    except Problem:  # no config in the objects; other checks report that
        return []
    findings: list[dict[str, Any]] = answer["findings"]
    return [{**finding, "where": _where(finding), "about": _about(finding["path"])} for finding in findings]


def _where(finding: Mapping[str, Any]) -> str:
    """Return the place of a finding: its path or its file, and its line if that is known."""
    location = finding["path"] or finding["file"]
    return f"{location} (line {finding['line']})" if finding["line"] else str(location)


def _about(path: str) -> str:
    """Return the exporter that a finding concerns; empty for findings outside of exporters."""
    section, *inside = str(path).split(".")
    return f"{section}/{inside[0]}" if section == "exporters" and inside else ""


def searching(unseen: list[dict[str, Any]]) -> Callable[[str, Any], Any]:
    """Return what searches facts for a check; a check that does not fit the type of a fact is added to `unseen`."""
    jmespath = _jmespath.library()

    def search(expression: str, data: Any) -> Any:
        try:
            return _jmespath.parsed_expression(expression).search(data)
        except jmespath.exceptions.JMESPathError as error:  # the expression does not fit this type
            unseen.append({"what": f"check `{expression}`", "why": str(error)})
            return None

    return search


def shown(value: Any, facts: Mapping[str, Any]) -> Any:
    """Return a value without the secrets of a collector's config, and without control characters."""
    return cleaned(masked_tree(value, masker(secrets_in(facts.get("config") or {}))))
