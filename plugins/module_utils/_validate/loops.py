# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule on log loops: a collector reads the log in which it, or a collector behind it, prints records.

Sources: the READMEs of file_log and of the debug exporter, and the latter's normal.go and detailed.go. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._collector.pod_logs import PodLogs, matches
from .._config.paths import at, items, leaves, mappings, section
from .subject import Fault, Printer, Subject, rules
from .view import Part, View, kind_of

_PRINTERS = ("debug", "logging")
_BASIC = "basic"
# The log of a pod of which nothing is known.
_ANY = PodLogs("daemonset", "namespace", "workload", "container")
# Levels of the Collector's own log at which it shows none of what a debug exporter prints.
_SILENT = ("warn", "warning", "error", "dpanic", "panic", "fatal")
_LONGEST = 2_000
_WORKLOADS = ("k8s.daemonset.name", "k8s.deployment.name", "k8s.statefulset.name")
# What the operator `container` reads from the path of a log.
_FROM_PATH = ("k8s.namespace.name", "k8s.container.name", "k8s.pod.name")
_FACTS = (*_FROM_PATH, "log.file.path", *_WORKLOADS)
# Conditions of OTTL and of expr: `resource.attributes["KEY"] == "VALUE"`, `… matches "PATTERN"`, `IsMatch(…, "…")`.
_TEXT = re.compile(r'"[^"]*"')
_COMPARED = re.compile(r'\["([^"]+)"\] *(==|matches) *"([^"]*)"')
_MATCHED = re.compile(r'(?:IsMatch)\([^"(]*\["([^"]+)"\](,) *"([^"]*)"\)')
_UNCERTAIN = re.compile(r"\b(?:and|not|in)\b|!|&&|\?")
# What makes records of records: each line of the log is one.
_TIMES = {
    "detailed": "prints each record as several lines, each of which comes back as a record",
    "normal": "prints each record as a line, which comes back as a record",
    _BASIC: "prints a line for each batch, which comes back as a record",
}


def log_loop(subject: Subject) -> Iterator[Fault]:
    """Yield file_log receivers that read a log to which their own records are printed, so that those come back."""
    own = subject.deployment.logs if subject.deployment else None
    printed = printing(subject.view)
    for part in subject.view.of("receivers", "filelog"):
        for exporter in _reached(subject.view, part, None):
            printers = subject.printers.get(exporter, ())
            if exporter in printed:
                printers = (Printer("", own, exporter, printed[exporter]), *printers)
            for printer in printers:
                reads = _reads(part, printer.logs)
                through = _reached(subject.view, part, printer).get(exporter) if reads else None
                if through is not None:
                    yield _fault(part, printer, through)


def _fault(part: Part, printer: Printer, through: str) -> Fault:
    whose = f"collector '{printer.collector}'" if printer.collector else "this collector"
    glob = printer.logs.glob if printer.logs else ""
    lines = _TIMES.get(printer.verbosity, _TIMES["detailed"])
    message = f"'{part.id}' reads the log of {whose}, in which '{printer.exporter}' {lines}"
    add = f"Add '{glob}' to `exclude`" if glob else "Exclude the log of this collector"
    grows = printer.verbosity in ("normal", "detailed") and bool(glob) and not through
    doubt = f" (unless '{through}' drops all of them)" if through else ""
    fix = f"{add}, or remove '{printer.exporter}'."
    return Fault(part.path, f"{message}{doubt}", fix, severity="" if grows else "warning")


def printing(view: View) -> dict[str, str]:
    """Return the verbosity of each exporter that prints log records to the log of its collector."""
    level = str(at(view.config, ("service", "telemetry", "logs", "level")) or "").lower()
    used = {name for pipeline in view.pipelines if kind_of(pipeline.key) == "logs" for name in pipeline.exporters}
    return {
        part.id: _verbosity(part)
        for part in view.of("exporters", *_PRINTERS)
        if part.id in used and not (level in _SILENT and part.settings.get("use_internal_logger") is not False)
    }


def _verbosity(part: Part) -> str:
    """Return what a debug exporter prints; the former logging exporter prints each record unless its level is high."""
    usual = _BASIC
    if part.kind == "logging":
        loglevel = str(part.settings.get("loglevel") or "info").lower()
        usual = "detailed" if loglevel == "debug" else "normal" if loglevel == "info" else _BASIC
    return str(part.settings.get("verbosity") or usual).lower()


def _reached(view: View, part: Part, printer: Printer | None) -> dict[str, str]:
    """Return the exporters that the records of a receiver reach, through connectors too, with a filter on the way.

    A way without a filter counts first. What surely drops the log of a printer is the end of a way.
    """
    found: dict[str, str] = {}
    first = _filtered(_operators(part), printer, part)
    todo, seen = [(part.id, first)] if first is not None else [], set()
    processors = section(view.config, "processors")
    while todo:
        todo.sort(key=lambda way: bool(way[1]), reverse=True)
        start, before = todo.pop()
        for pipeline in view.pipelines:
            if start not in pipeline.receivers or pipeline.key in seen or kind_of(pipeline.key) != "logs":
                continue
            filters = {
                name: _of_facts(_conditions(processors.get(name)), part, pipeline.processors[:number])
                for number, name in enumerate(pipeline.processors)
                if _is_filter(name)
            }
            through = _filtered(filters, printer, part)
            if through is not None:
                seen.add(pipeline.key)
                way = before or through
                found |= {name: way for name in pipeline.exporters if not way or name not in found}
                todo += [(name, way) for name in pipeline.exporters if name in section(view.config, "connectors")]
    return found


def _of_facts(conditions: list[str], part: Part, before: list[str]) -> list[str]:
    """Return the conditions about attributes that records have by then; any other is never true."""
    has: set[str] = set()
    if any(one.get("type") == "container" for one in mappings(part.settings, "operators")):
        has |= set(_FROM_PATH)
    if part.settings.get("include_file_path") is True:
        has.add("log.file.path")
    if any(kind_of(name) == "k8sattributes" for name in before):
        has |= {*_FACTS} - {"log.file.path"}
    return [text for text in conditions if not any(key in text for key in _FACTS if key not in has)]


def _is_filter(name: str) -> bool:
    return kind_of(name) == "filter"


def _filtered(filters: Mapping[str, list[str]], printer: Printer | None, part: Part) -> str | None:
    """Return the first of some filters, or nothing if there is none; None if one surely drops what is printed."""
    if printer and any(_drops(text, printer.logs, part) for texts in filters.values() for text in texts):
        return None
    return next(iter(filters), "")


def _operators(part: Part) -> dict[str, list[str]]:
    """Return the conditions of the operators that drop records: those of a filter that drops all that it finds."""
    return {
        f"operator {item['type']}": _of_facts([str(item.get("expr"))], part, []) if "drop_ratio" not in item else []
        for item in mappings(part.settings, "operators")
        if item.get("type") in ("filter", "router")
    }


def _conditions(settings: Any) -> list[str]:
    """Return the conditions of a filter, each of which drops the log records for which it is true."""
    places = [section(settings, "logs").get(key) for key in ("log_record", "resource")]
    places.append(settings.get("log_conditions") if isinstance(settings, dict) else None)
    texts = [value for place in places for _path, value in leaves(place or [])]
    exclude = section(settings, "logs", "exclude")
    attributes = mappings(exclude, "resource_attributes")
    if len(attributes) == 1 and set(exclude) == {"match_type", "resource_attributes"}:
        sign = "==" if exclude["match_type"] == "strict" else "matches"
        texts.append(f'["{attributes[0].get("key")}"] {sign} "{attributes[0].get("value")}"')
    return [text for text in texts if isinstance(text, str)]


def _drops(condition: str, logs: PodLogs | None, part: Part) -> bool:
    """Whether a condition is certainly true for the log of a collector, by one fact about its pod that it names.

    What is true only together with something else is not certain. Of an unknown collector, no fact can be wrong.
    """
    facts = _facts(logs, part)
    if len(condition) > _LONGEST or _UNCERTAIN.search(_TEXT.sub('""', condition)):
        return False
    for key, sign, value in (*_COMPARED.findall(condition), *_MATCHED.findall(condition)):
        known = facts.get(key, ())
        if key in facts and (not logs or all(value == one if sign == "==" else _fits(value, one) for one in known)):
            return True
    return False


def _facts(logs: PodLogs | None, part: Part) -> dict[str, tuple[str, ...]]:
    """Return what attributes say of the records of a receiver that reads the log of a collector."""
    if not logs or not logs.examples:
        return dict.fromkeys(_FACTS, ())
    pod = logs.examples[0].split("_")[1]
    globs = _globs(part.settings, "include")
    paths = tuple(path for path in logs.examples if any(matches(glob, path) for glob in globs))
    values = ((logs.namespace,), (logs.container,), (pod,), paths, *[(logs.workload,)] * 3)
    facts = dict(zip(_FACTS, values, strict=True))
    return {key: found for key, found in facts.items() if key not in _WORKLOADS or key == f"k8s.{logs.mode}.name"}


def _fits(pattern: str, text: str) -> bool:
    """Whether a text has what a regular expression describes, if that is only words with `.*` between them."""
    core = pattern.removeprefix("^").removesuffix("$")
    parts = core.replace("\\", "").split(".*")
    if set("".join(parts)) & set("()[]{}|+*?^$"):
        return False
    if pattern.startswith("^") and not text.startswith(parts[0]):
        return False
    if pattern.endswith("$") and not text.endswith(parts[-1]):
        return False
    place = 0
    for part in parts:
        place = text.find(part, place) + len(part)
        if place < len(part):
            return False
    return True


def _reads(part: Part, logs: PodLogs | None) -> bool:
    """Whether a receiver reads a log; of an unknown one that is certain only if it reads all and excludes nothing."""
    include, exclude = _globs(part.settings, "include"), _globs(part.settings, "exclude")
    if logs is None and exclude:
        return False
    return any(
        any(matches(glob, path) for glob in include) and not any(matches(glob, path) for glob in exclude)
        for path in (logs or _ANY).examples
    )


def _globs(settings: Mapping[str, Any], key: str) -> list[str]:
    return [glob for glob in items(settings, key) if isinstance(glob, str)]


RULES = rules(
    "error", log_loop, documentation="https://opentelemetry.io/docs/platforms/kubernetes/collector/components/"
)
