# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file with tests of one collector's config. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import Problem, near
from ..kube.names import variable_text
from . import case_values
from .expectations import NOTHING
from .policies import KINDS, Policy
from .records import FIELDS, SIGNALS

CONFIGS = ("collector", "config", "config_map")
FILE = (*CONFIGS, "environment", "cluster", "resource", "tests", "policies")
TEST = ("name", "given", "expect", "timeout", "settle")
GIVEN_MAPPINGS = ("headers", "files", "pages", "targets")
GIVEN = (*SIGNALS, "to", *GIVEN_MAPPINGS)
# What of a test can reach an exporter. A page without samples does: a scrape gives metrics of its own.
_GIVING = (*SIGNALS, "files", "pages")
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


def read_suite(data: Any, file: str) -> Suite:
    """Return the tests in a file. Raises Problem for whatever is not one, with its place."""
    _check_keys(data, FILE, file)
    policies = tuple(_policies(data.get("policies") or [], file))
    has_only_policies = set(data) == {"policies"}
    if policies and has_only_policies:
        return Suite(file, policies=policies)
    named = [name for name in CONFIGS if name in data]
    if len(named) != 1 or not data[named[0]]:
        fix = "Give one of `collector`, `config` and `config_map`."
        raise Problem("a file of tests names one collector", where=file, fix=fix)
    config_map = _config_map(data.get("config_map"), f"{file}: config_map")
    tests = data.get("tests")
    if not isinstance(tests, list) or not tests:
        raise Problem("there are no tests", where=f"{file}: tests", fix="Give a list of tests.")
    _check_mappings(data, ("environment", "cluster", "resource"), file)
    environment = data.get("environment") or {}
    case_values.check_environment(environment, file)
    if "config" in data:
        case_values.check_path(data["config"], "config", f"{file}: config")
    return Suite(
        file,
        collector=str(data.get("collector", "")),
        config=str(data.get("config", "")),
        environment={str(name): variable_text(value) for name, value in environment.items()},
        cluster=data.get("cluster") or {},
        tests=tuple(_cases(tests, data.get("resource") or {}, file)),
        policies=policies,
        config_map=config_map,
    )


def _config_map(given: Any, where: str) -> Mapping[str, Any]:
    """Return which ConfigMap has the config; an empty mapping if none is named. Raises Problem."""
    if given is None:
        return {}
    _check_keys(given, CONFIG_MAP, where)
    if not given.get("name") or not given.get("namespace"):
        raise Problem("a ConfigMap has a name and a namespace", where=where, fix="Give `name` and `namespace`.")
    return dict(given)


def _check_keys(data: Any, known: Iterable[str], where: str) -> None:
    """Raise Problem for what is no mapping, and for a key that is not known."""
    names = list(known)
    if not isinstance(data, Mapping):
        raise Problem("this must be a mapping", where=where, fix=f"Its keys: {', '.join(names)}.")
    for key in data:
        if key not in names:
            fix = f"Keys: {', '.join(names)}."
            raise Problem(f"there is no key '{key}'{near(str(key), names)}", where=where, fix=fix)


def _policies(listed: Any, file: str) -> Iterator[Policy]:
    """Yield the policies of a file. Raises Problem."""
    if not isinstance(listed, list):
        raise Problem("'policies' must be a list", where=file, fix=_ONE_OF)
    for number, policy in enumerate(listed):
        yield _policy(policy, f"{file}: policies[{number}]")


def _policy(policy: Any, where: str) -> Policy:
    """Return a policy that a user wrote. Raises Problem."""
    _check_keys(policy, POLICY, where)
    says_what_may_not_leave = any(policy.get(key) for key in ("without", "every", "never"))
    if not policy.get("name") or not says_what_may_not_leave:
        raise Problem("a policy has a name and says what may not leave", where=where, fix=_ONE_OF)
    kinds = _texts_at(policy, "without", where)
    exporters = _texts_at(policy, "exporters", where)
    for kind in kinds:
        _check_keys({kind: ""}, KINDS, f"{where}.without")
    for name in ("every", "never"):
        records = policy.get(name) or {}
        _check_keys(records, SIGNALS, f"{where}.{name}")
        for signal, record in records.items():
            _check_keys(record, FIELDS[signal], f"{where}.{name}.{signal}")
    every, never = policy.get("every") or {}, policy.get("never") or {}
    return Policy(str(policy["name"]), exporters or ("*",), kinds, every, never)


def _texts_at(mapping: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    """Return the items of a list in a mapping as texts. Raises Problem for what is no list."""
    value = mapping.get(name) or []
    if not isinstance(value, list):
        raise Problem(f"'{name}' must be a list", where=where, fix=f"Write `{name}: [...]`.")
    return tuple(str(item) for item in value)


def _check_mappings(data: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    """Raise Problem if one of the named values is given, and is no mapping."""
    for name in names:
        if not isinstance(data.get(name) or {}, Mapping):
            raise Problem(f"'{name}' must be a mapping", where=where, fix="Write `key: value` pairs.")


def _cases(tests: Sequence[Any], resource: Mapping[str, Any], file: str) -> Iterator[Case]:
    """Yield the tests of a file, whose records have the resource of the file. Raises Problem."""
    names = set()
    for number, test in enumerate(tests):
        where = f"{file}: tests[{number}]"
        _check_keys(test, TEST, where)
        name = str(test.get("name") or "")
        if not name or name in names:
            raise Problem("a test needs a name of its own", where=where, fix="Give `name`, once per file.")
        names.add(name)
        yield _case(name, test, resource, where)


def _case(name: str, test: Mapping[str, Any], resource: Mapping[str, Any], where: str) -> Case:
    """Return a test of a name. Raises Problem."""
    given: Any = test.get("given")
    parts = given if isinstance(given, list) else [given]
    for index, part in enumerate(parts):
        _check_given(part, f"{where}.given[{index}]")
    _check_gives(parts, f"{where}.given")
    expect: Any = test.get("expect")
    _check_expectations(expect, where)
    timeout = case_values.case_seconds(test, "timeout", SECONDS, where)
    settle = case_values.case_seconds(test, "settle", 0.0, where)
    return Case(name, where, tuple(_with_resource(part, resource) for part in parts), expect, timeout, settle)


def _check_given(part: Any, where: str) -> None:
    """Raise Problem for a part of `given` that no test can give."""
    _check_keys(part, GIVEN, where)
    _check_mappings(part, GIVEN_MAPPINGS, where)
    case_values.check_records(part, where)
    case_values.check_headers(part.get("headers") or {}, where)
    case_values.check_files(part.get("files") or {}, where)


def _check_gives(parts: Sequence[Mapping[str, Any]], where: str) -> None:
    """Raise Problem for a test in which nothing can arrive, so that it passes whatever the config does."""
    if not any(_gives_something(part) for part in parts):
        fix = f"Give one of: {', '.join(_GIVING)}."
        raise Problem("the test gives nothing, so nothing can arrive", where=where, fix=fix)


def _gives_something(part: Mapping[str, Any]) -> bool:
    """Whether a part of `given` has records, pages, or a file with content: an empty file has no records."""
    given = {key: part[key] for key in _GIVING if part.get(key)}
    files = given.pop("files", {})
    return bool(given) or any(files.values())


def _check_expectations(expect: Any, where: str) -> None:
    """Raise Problem for what is no expectation of at least one exporter."""
    if not isinstance(expect, Mapping) or not expect:
        fix = "Give `expect` with what each exporter gets, or `nothing`."
        raise Problem("a test expects something", where=where, fix=fix)
    for exporter, expected in expect.items():
        if expected != NOTHING:
            _check_expected(expected, f"{where}.expect.{exporter}")


def _check_expected(expected: Any, where: str) -> None:
    """Raise Problem for what no exporter can be expected to get."""
    _check_keys(expected, EXPECT, where)
    for signal in SIGNALS:
        _check_expected_records(signal, expected.get(signal, []), where)
    if not {*SIGNALS, "jmespath", "golden"} & set(expected):
        fix = f"Give one of: {', '.join(SIGNALS)}, golden; or write `nothing`."
        raise Problem("nothing is expected of this exporter", where=where, fix=fix)
    case_values.check_queries(expected.get("jmespath", []), where)
    if "golden" in expected:
        case_values.check_path(expected["golden"], "golden", f"{where}.golden")
        if not set(expected) <= _BESIDE_GOLDEN:
            raise Problem("a golden file has all records", where=where, fix="Remove `golden`, or what is beside it.")


def _check_expected_records(signal: str, records: Any, where: str) -> None:
    """Raise Problem for what is neither the number of records of a signal nor a list of them."""
    if isinstance(records, bool) or not isinstance(records, (int, list)):
        fix = "Give a list of records, or their number."
        raise Problem(f"'{signal}' is neither a list nor a number", where=where, fix=fix)
    if isinstance(records, list):
        for number, record in enumerate(records):
            _check_keys(record, FIELDS[signal], f"{where}.{signal}[{number}]")


def _with_resource(part: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of `given` whose records have the resource of the file under their own."""
    given = dict(part)
    for signal in SIGNALS:
        records = given.get(signal)
        if isinstance(records, list):
            given[signal] = [_on_resource(record, resource) for record in records]
    return given


def _on_resource(record: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the attributes of a resource, of which its own take precedence."""
    return {**record, "resource": {**resource, **(record.get("resource") or {})}}
