# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file with tests of one collector's config. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import Problem, near
from . import case_values
from .expectations import NOTHING
from .policies import KINDS, Policy
from .records import FIELDS, SIGNALS

CONFIGS = ("collector", "config", "config_map")
FILE = (*CONFIGS, "environment", "cluster", "resource", "tests", "policies")
TEST = ("name", "given", "expect", "timeout", "settle")
GIVEN_MAPPINGS = ("headers", "files", "pages", "targets")
GIVEN = (*SIGNALS, "to", *GIVEN_MAPPINGS)
CONFIG_MAP = ("name", "namespace", "key")
POLICY = ("name", "exporters", "without", "every", "never")
EXPECT = (*SIGNALS, "others", "exact", "jmespath", "golden")
_BESIDE_GOLDEN = {"golden", "jmespath"}
_ONE_OF = "Give `name`, and one of `without`, `every` and `never`."
SECONDS = 20.0


@dataclass(frozen=True)
class Case:
    """One test: what it gives, in order, and what it expects of each exporter."""

    name: str
    where: str
    given: tuple[Mapping[str, Any], ...]
    expect: Mapping[str, Any]
    timeout: float = SECONDS
    settle: float = 0.0


@dataclass(frozen=True)
class Suite:
    """The tests of one file, and what they are about: a collector of the inventory, a path, or a ConfigMap."""

    file: str
    collector: str = ""
    config: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    cluster: Mapping[str, Any] = field(default_factory=dict)
    tests: tuple[Case, ...] = ()
    policies: tuple[Policy, ...] = ()
    config_map: Mapping[str, Any] = field(default_factory=dict)


def suite(data: Any, file: str) -> Suite:
    """Return the tests in a file. Raises Problem for whatever is not one, with its place."""
    _known(data, FILE, file)
    policies = tuple(_policies(data.get("policies") or [], file))
    if policies and set(data) == {"policies"}:
        return Suite(file, policies=policies)
    if len({*CONFIGS} & set(data)) != 1:
        fix = "Give one of `collector`, `config` and `config_map`."
        raise Problem("a file of tests names one collector", where=file, fix=fix)
    known = _config_map(data.get("config_map"), f"{file}: config_map")
    tests = data.get("tests")
    if not isinstance(tests, list) or not tests:
        raise Problem("there are no tests", where=f"{file}: tests", fix="Give a list of tests.")
    _mappings(data, ("environment", "cluster", "resource"), file)
    case_values.check_environment(data.get("environment") or {}, file)
    if "config" in data:
        case_values.check_path(data["config"], "config", f"{file}: config")
    cases = tuple(_cases(tests, data.get("resource") or {}, file))
    environment = {str(name): str(value) for name, value in (data.get("environment") or {}).items()}
    named = (str(data.get("collector", "")), str(data.get("config", "")))
    return Suite(file, *named, environment, data.get("cluster") or {}, cases, policies, known)


def _config_map(given: Any, where: str) -> Mapping[str, Any]:
    if given is None:
        return {}
    _known(given, CONFIG_MAP, where)
    if not given.get("name") or not given.get("namespace"):
        raise Problem("a ConfigMap has a name and a namespace", where=where, fix="Give `name` and `namespace`.")
    return dict(given)


def _known(data: Any, known: Iterable[str], where: str) -> None:
    names = list(known)
    if not isinstance(data, Mapping):
        raise Problem("this must be a mapping", where=where, fix=f"Its keys: {', '.join(names)}.")
    for key in data:
        if key not in names:
            fix = f"Keys: {', '.join(names)}."
            raise Problem(f"there is no key '{key}'{near(str(key), names)}", where=where, fix=fix)


def _policies(items: Any, file: str) -> Iterator[Policy]:
    if not isinstance(items, list):
        raise Problem("'policies' must be a list", where=file, fix=_ONE_OF)
    for number, item in enumerate(items):
        where = f"{file}: policies[{number}]"
        _known(item, POLICY, where)
        if not item.get("name") or not {"without", "every", "never"} & set(item):
            raise Problem("a policy has a name and says what may not leave", where=where, fix=_ONE_OF)
        kinds, exporters = (_words(item, name, where) for name in ("without", "exporters"))
        for kind in kinds:
            _known({kind: ""}, KINDS, f"{where}.without")
        for name in ("every", "never"):
            _known(item.get(name) or {}, SIGNALS, f"{where}.{name}")
            for signal, record in (item.get(name) or {}).items():
                _known(record, FIELDS[signal], f"{where}.{name}.{signal}")
        yield Policy(str(item["name"]), exporters or ("*",), kinds, item.get("every") or {}, item.get("never") or {})


def _words(item: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    value = item.get(name) or []
    if not isinstance(value, list):
        raise Problem(f"'{name}' must be a list", where=where, fix=f"Write `{name}: [...]`.")
    return tuple(map(str, value))


def _mappings(data: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    for name in names:
        if not isinstance(data.get(name) or {}, Mapping):
            raise Problem(f"'{name}' must be a mapping", where=where, fix="Write `key: value` pairs.")


def _cases(tests: Sequence[Any], resource: Mapping[str, Any], file: str) -> Iterator[Case]:
    names = set()
    for number, test in enumerate(tests):
        where = f"{file}: tests[{number}]"
        _known(test, TEST, where)
        name = str(test.get("name") or "")
        if not name or name in names:
            raise Problem("a test needs a name of its own", where=where, fix="Give `name`, once per file.")
        names.add(name)
        given = test.get("given")
        parts = given if isinstance(given, list) else [given]
        for index, part in enumerate(parts):
            _known(part, GIVEN, f"{where}.given[{index}]")
            _check_given(part, f"{where}.given[{index}]")
        expect = test.get("expect")
        _check_expectations(expect, where)
        times = (
            case_values.case_seconds(test, "timeout", SECONDS, where),
            case_values.case_seconds(test, "settle", 0.0, where),
        )
        yield Case(name, where, tuple(_with_resource(part, resource) for part in parts), expect, *times)


def _check_given(part: Mapping[str, Any], where: str) -> None:
    _mappings(part, GIVEN_MAPPINGS, where)
    case_values.check_records(part, where)
    case_values.check_headers(part.get("headers") or {}, where)
    case_values.check_files(part.get("files") or {}, where)


def _check_expectations(expect: Any, where: str) -> None:
    if not isinstance(expect, Mapping) or not expect:
        fix = "Give `expect` with what each exporter gets, or `nothing`."
        raise Problem("a test expects something", where=where, fix=fix)
    for exporter, wanted in expect.items():
        place = f"{where}.expect.{exporter}"
        if wanted == NOTHING:
            continue
        _known(wanted, EXPECT, place)
        for signal in SIGNALS:
            value = wanted.get(signal, [])
            if isinstance(value, bool) or not isinstance(value, (int, list)):
                fix = "Give a list of records, or their number."
                raise Problem(f"'{signal}' is neither a list nor a number", where=place, fix=fix)
            _check_wanted(signal, value, place)
        if not {*SIGNALS, "jmespath", "golden"} & set(wanted):
            fix = f"Give one of: {', '.join(SIGNALS)}, golden; or write `nothing`."
            raise Problem("nothing is expected of this exporter", where=place, fix=fix)
        case_values.check_queries(wanted.get("jmespath", []), place)
        if "golden" in wanted:
            case_values.check_path(wanted["golden"], "golden", f"{place}.golden")
        if "golden" in wanted and not set(wanted) <= _BESIDE_GOLDEN:
            raise Problem("a golden file has all records", where=place, fix="Remove `golden`, or what is beside it.")


def _check_wanted(signal: str, records: Any, where: str) -> None:
    for number, record in enumerate(records if isinstance(records, list) else ()):
        _known(record, FIELDS[signal], f"{where}.{signal}[{number}]")


def _with_resource(part: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of `given` whose records have the resource of the file under their own."""
    given = dict(part)
    for signal in SIGNALS:
        if isinstance(given.get(signal), list):
            given[signal] = [
                {**record, "resource": {**resource, **(record.get("resource") or {})}} for record in given[signal]
            ]
    return given
