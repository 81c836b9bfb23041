# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what components check of their own settings, beyond keys and types.

Source: Validate of each component, in _data/catalogue/constraints.json. Outside the versions of a row, a violation is a
warning. Private.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from .._config.catalogue import Places, Row, is_within
from .._config.paths import Path, at, section
from . import constraints, stanza_flow, stanza_operators, text_checks
from .components import configured, listed
from .constraints import CONFLICT, EXPANDED, GATE, RANGE, REFERENCE, REGEX, Found, steps
from .subject import Fault, Subject, rules, shared_rules
from .view import Build, build_of

EXACT = "0.155.0..0.160.0"
_KEPT = "_constraints"
_POLICY = "sampling-policy"
_TELEMETRY = ("service", "telemetry")
_CHECKS = {**constraints.CHECKS, **stanza_operators.CHECKS, **stanza_flow.CHECKS, **text_checks.CHECKS}


def found(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the faults of a rule."""
    kept: dict[str, list[Fault]] | None = subject.__dict__.get(_KEPT)
    if kept is None:
        kept = subject.__dict__[_KEPT] = {}
        for rule, fault in _judge(subject):
            kept.setdefault(rule, []).append(fault)
    yield from kept.get(rule_id, ())


def sampling_policy(subject: Subject) -> Iterator[Fault]:
    """Yield policies of tail_sampling with which the Collector does not start; `otelcol validate` accepts them."""
    yield from found(subject, _POLICY)


def feature_gate(subject: Subject) -> Iterator[Fault]:
    """Yield settings and pipelines without whose feature gate the Collector does not start."""
    yield from found(subject, GATE)
    for key in section(subject.config, "service", "pipelines"):
        signal = str(key).partition("/")[0]
        if signal in _GATED and subject.target and exact({}, build_of(subject.target).version):
            why = f"pipelines of {signal} need the feature gate {_GATED[signal]}"
            fix = f"Start the Collector with `--feature-gates={_GATED[signal]}`."
            yield Fault(("service", "pipelines", key), why, fix)


_GATED = {"profiles": "service.profilesSupport"}


def _judge(subject: Subject) -> Found:
    if subject.target is None:
        return
    build = build_of(subject.target)
    yield from _roots(subject, build)
    started: dict[str, set[str]] = {}
    for _path, signal, _role, item in listed(subject):
        started.setdefault(item, set()).add(signal)
    completed = bool(subject.deployment and subject.deployment.target_allocator)
    for (name, component_id), rows, given in _places(subject, build):
        for row, path, value in rows.find(given, (name, component_id)):
            around = at(subject.config, path[:-1]) if "around" in row else None
            if not _holds(row, value, around, started.get(component_id, ()), completed):
                continue
            for rule, fault in _violations(row, value, path):
                if not (
                    row.get("extensible") and at(subject.config, fault.path) in section(subject.config, "extensions")
                ):
                    yield (
                        row.get("rule", rule),
                        hedged(fault, doubt(row, build, name, component_id, component_id in started)),
                    )


def _places(subject: Subject, build: Build) -> Iterator[tuple[tuple[str, str], Places, Any]]:
    """Yield path, rows and settings of every known component, and of the Collector's own telemetry."""
    for name, component_id, kind, settings in configured(subject):
        component = build.find(name, kind)
        if component:  # a component without settings has its defaults
            yield (name, component_id), build.constraints(name, component.type), {} if settings is None else settings
    yield _TELEMETRY, build.constraints(*_TELEMETRY), at(subject.config, _TELEMETRY)


def _roots(subject: Subject, build: Build) -> Found:
    """Yield each root_path that differs from the first one: all host_metrics receivers of a process share it."""
    first = ""
    for name, component_id, kind, settings in configured(subject):
        component = build.find(name, kind)
        root = section(settings).get("root_path") if component and component.type == "host_metrics" else ""
        if not isinstance(root, str) or root in ("", "/") or EXPANDED in root:
            continue
        first = first or root
        if root != first:
            why = f"all receivers of a Collector share one root_path, and it is '{first}' in another one"
            fault = Fault((name, component_id, "root_path"), why, f"Write `{first}`.")
            yield CONFLICT, hedged(fault, doubt({}, build, name, component_id))


def _holds(row: Row, settings: Any, around: Any, signals: Collection[str], completed: bool) -> bool:
    """Whether a row is about settings here: of these values, in these pipelines, and completed by an operator."""
    if (completed and "allocated" in row) or ("signals" in row and row["signals"] not in signals):
        return False
    if "when" in row and not applies(row["when"], settings):
        return False
    return "around" not in row or applies(row["around"], around)


def doubt(row: Row, build: Build, section_name: str, component_id: str, is_started: bool = True) -> str:
    """Return why a row may not hold for a component of a build; empty text if it does.

    A row without versions holds where the settings of the component are known.
    """
    known = build.is_known(section_name, component_id.partition("/")[0])
    uncertain = "" if known else build.doubt
    differs = "" if exact(row, build.version) or (known and "exact" not in row) else "another version may differ"
    return uncertain or differs or ("no pipeline uses it yet" if row.get("built") and not is_started else "")


def hedged(fault: Fault, doubt: str) -> Fault:
    """Return a fault as a warning that names the doubt, if there is one."""
    if not doubt:
        return fault
    return Fault(fault.path, f"{fault.message} ({doubt})", fault.fix, severity="warning", offset=fault.offset)


def _violations(row: Row, value: Any, path: Path) -> Found:
    for key in row:
        if key in _CHECKS:
            yield from _CHECKS[key](row[key], value, path, row)


def applies(when: dict[str, str], settings: Any) -> bool:
    """Whether settings have the values that a row is about; `*` is any, `!a` any but a, `~a` is a in any case."""
    for key, words in when.items():
        value, wanted = at(settings, steps(key), ""), words.removeprefix("~")
        text = str("" if value in (None, [], {}) else value)
        text = text.lower() if isinstance(value, bool) or wanted != words else text
        if EXPANDED in text or (wanted == "*" and not text):
            return False
        if wanted.startswith("!"):
            if text == wanted[1:]:
                return False
        elif wanted != "*" and text not in wanted.split("|"):
            return False
    return True


def exact(row: Row, version: str) -> bool:
    """Whether a row holds for a version."""
    return is_within(str(row.get("exact", EXACT)), version)


_REASONS = {
    RANGE: "Yield numbers and durations that a component does not accept, and limits that contradict each other.",
    CONFLICT: "Yield settings that exclude each other, or that are given twice or only in part.",
    REGEX: "Yield regular expressions that Go does not accept, or that lack the named groups that they need.",
    REFERENCE: "Yield outputs of log operators that are the id of no operator.",
}
RULES = (
    *shared_rules(found, _REASONS),
    *rules("error", sampling_policy),
    *rules("warning", feature_gate),
)
