# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of tests of one collector's config: its keys, and the `Suite` that `read_suite` makes of it.

A suite is the whole file, and a case one test of it. `docs/testing.md` describes such files for users. An example is
this suite with one case::

    config: gateway.yaml
    tests:
      - name: Health checks are dropped
        given: {to: otlp, spans: [{name: GET /health}]}
        expect: {otlp_grpc/backend: nothing}

suites.py in plugin_utils reads the files, and judged_case.py runs the cases. The keys are checked here, and not with
jsonschema: a message names the place as users count it and what to write there, and the library needs PyYAML alone.
docs/config_tests.schema.json, for editors, is made of the same keys. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import Problem, suggest_word
from ..kube.text_values import variable_text
from . import case_values
from .expectations import EXPECTS_NOTHING
from .policies import SECRET_KINDS, Policy
from .record_values import read_mapping
from .records import FIELDS_BY_RECORD_KIND, RECORD_KINDS

CONFIG_KEYS = ("collector", "config", "config_map")
FILE_KEYS = (*CONFIG_KEYS, "environment", "cluster", "resource", "tests", "policies")
TEST_KEYS = ("name", "given", "expect", "timeout", "settle")
GIVEN_MAPPINGS = ("headers", "files", "pages", "targets")
GIVEN_KEYS = (*RECORD_KINDS, "to", *GIVEN_MAPPINGS)
# Keys of `given` whose content can reach an exporter. A page without samples does: a scrape gives metrics of its own.
_KEYS_THAT_REACH = (*RECORD_KINDS, "files", "pages")
CONFIG_MAP_KEYS = ("name", "namespace", "key")
POLICY_KEYS = ("name", "exporters", "without", "every", "never")
EXPECT_KEYS = (*RECORD_KINDS, "others", "exact", "jmespath", "golden")
_KEYS_BESIDE_GOLDEN = {"golden", "jmespath"}
_FIX_OF_POLICIES = "Give `name`, and one of `without`, `every` and `never`."
DEFAULT_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class ConfigCase:
    """One test: what it gives the Collector, and what it expects of each exporter."""

    name: str
    where: str
    """The place of the test in its file, as a message names it: `gateway_test.yml: tests[0]`."""
    given: tuple[Mapping[str, Any], ...]
    """The parts of `given` in their order, each with `GIVEN_KEYS`."""
    expected_by_exporter: Mapping[str, Any]
    """What each exporter gets: a mapping with `EXPECT_KEYS`, or the word `nothing`."""
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    """How many seconds each wait of the test may take, such as for the start of the Collector."""
    settle_seconds: float = 0.0
    """How many seconds the test waits before it stops the Collector."""


@dataclass(frozen=True)
class Suite:
    """The tests of one file, and the config that they are about.

    One of `collector`, `config` and `config_map` names the config, and the others are empty. All are empty in a file
    that has only policies.
    """

    file: str
    collector: str = ""
    """The name of a collector of the inventory."""
    config: str = ""
    """The path of a file with a config, from the folder of the file of tests."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the Collector."""
    cluster_objects: Mapping[str, Any] = field(default_factory=dict)
    """The facts under `cluster`, see cluster_facts.py."""
    cases: tuple[ConfigCase, ...] = ()
    policies: tuple[Policy, ...] = ()
    """What holds for every record that leaves, see policies.py."""
    config_map: Mapping[str, Any] = field(default_factory=dict)
    """The ConfigMap of a running collector, with `CONFIG_MAP_KEYS`."""


def read_suite(suite_data: Any, file: str) -> Suite:
    """Return the tests in the data of a file. Raises Problem for data of another form, with its place."""
    _check_keys(suite_data, FILE_KEYS, file)
    policies = tuple(_read_policies(suite_data.get("policies") or [], file))
    has_only_policies = set(suite_data) == {"policies"}
    if policies and has_only_policies:
        return Suite(file, policies=policies)
    _check_names_one_config(suite_data, file)
    config_map = _read_config_map(suite_data.get("config_map"), f"{file}: config_map")
    tests = suite_data.get("tests")
    _check_has_tests(tests, f"{file}: tests")
    _check_mappings(suite_data, ("environment", "cluster", "resource"), file)
    environment = _read_environment(suite_data.get("environment") or {}, file)
    if "config" in suite_data:
        case_values.check_path(suite_data["config"], "config", f"{file}: config")
    return Suite(
        file,
        collector=str(suite_data.get("collector", "")),
        config=str(suite_data.get("config", "")),
        environment=environment,
        cluster_objects=suite_data.get("cluster") or {},
        cases=tuple(_read_cases(tests, suite_data.get("resource") or {}, file)),
        policies=policies,
        config_map=config_map,
    )


def _check_names_one_config(suite_data: Mapping[str, Any], file: str) -> None:
    """Raise Problem unless a file of tests names one config, by one of `CONFIG_KEYS`."""
    named_configs = [suite_data[name] for name in CONFIG_KEYS if name in suite_data]
    if len(named_configs) != 1 or not named_configs[0]:
        fix = "Give one of `collector`, `config` and `config_map`."
        raise Problem("a file of tests names one collector", where=file, fix=fix)


def _check_has_tests(tests: Any, where: str) -> None:
    """Raise Problem unless this is a list of tests."""
    if not isinstance(tests, list) or not tests:
        raise Problem("there are no tests", where=where, fix="Give a list of tests.")


def _read_environment(environment: Mapping[Any, Any], file: str) -> dict[str, str]:
    """Return the variables of the Collector as texts. Raises Problem for what is no variable."""
    case_values.check_environment(environment, file)
    return {str(name): variable_text(value) for name, value in environment.items()}


def _read_config_map(config_map: Any, where: str) -> Mapping[str, Any]:
    """Return the name, namespace and key of the ConfigMap with the config; an empty mapping if the file names none.

    Raises Problem if the name or the namespace is missing.
    """
    if config_map is None:
        return {}
    _check_keys(config_map, CONFIG_MAP_KEYS, where)
    if not config_map.get("name") or not config_map.get("namespace"):
        raise Problem("a ConfigMap has a name and a namespace", where=where, fix="Give `name` and `namespace`.")
    return dict(config_map)


def _check_keys(mapping: Any, allowed_keys: Iterable[str], where: str) -> None:
    """Raise Problem unless this is a mapping with allowed keys alone."""
    allowed_names = list(allowed_keys)
    if not isinstance(mapping, Mapping):
        raise Problem("this must be a mapping", where=where, fix=f"Its keys: {', '.join(allowed_names)}.")
    for key in mapping:
        if key not in allowed_names:
            fix = f"Keys: {', '.join(allowed_names)}."
            raise Problem(f"there is no key '{key}'{suggest_word(str(key), allowed_names)}", where=where, fix=fix)


def _read_policies(policy_list: Any, file: str) -> Iterator[Policy]:
    """Yield the policies of a file. Raises Problem for the first wrong one."""
    if not isinstance(policy_list, list):
        raise Problem("'policies' must be a list", where=file, fix=_FIX_OF_POLICIES)
    for policy_index, policy in enumerate(policy_list):
        yield _read_policy(policy, f"{file}: policies[{policy_index}]")


def _read_policy(policy: Any, where: str) -> Policy:
    """Return a policy that a user wrote. Raises Problem if it is wrong."""
    _check_keys(policy, POLICY_KEYS, where)
    says_what_may_not_leave = any(policy.get(key) for key in ("without", "every", "never"))
    if not policy.get("name") or not says_what_may_not_leave:
        raise Problem("a policy has a name and says what may not leave", where=where, fix=_FIX_OF_POLICIES)
    secret_kinds = _read_texts(policy, "without", where)
    exporters = _read_texts(policy, "exporters", where)
    for kind in secret_kinds:
        _check_keys({kind: ""}, SECRET_KINDS, f"{where}.without")
    every = _read_policy_records(policy.get("every") or {}, f"{where}.every")
    never = _read_policy_records(policy.get("never") or {}, f"{where}.never")
    return Policy(str(policy["name"]), exporters or ("*",), secret_kinds, every, never)


def _read_policy_records(record_by_kind: Any, where: str) -> Mapping[str, Any]:
    """Return what a policy says of the records of each kind. Raises Problem for an unknown kind or field."""
    _check_keys(record_by_kind, RECORD_KINDS, where)
    for record_kind, record in record_by_kind.items():
        _check_keys(record, FIELDS_BY_RECORD_KIND[record_kind], f"{where}.{record_kind}")
    return dict(record_by_kind)


def _read_texts(mapping: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    """Return the items of a list in a mapping as texts. Raises Problem for what is no list."""
    value = mapping.get(name) or []
    if not isinstance(value, list):
        raise Problem(f"'{name}' must be a list", where=where, fix=f"Write `{name}: [...]`.")
    return tuple(str(list_item) for list_item in value)


def _check_mappings(mapping: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    """Raise Problem if one of the named values is given, and is no mapping."""
    for name in names:
        read_mapping(mapping, name, where)


def _read_cases(tests: Sequence[Any], resource: Mapping[str, Any], file: str) -> Iterator[ConfigCase]:
    """Yield the tests of a file. Their records get the attributes of the file's `resource`. Raises Problem."""
    earlier_names = set()
    for test_index, test in enumerate(tests):
        where = f"{file}: tests[{test_index}]"
        _check_keys(test, TEST_KEYS, where)
        name = str(test.get("name") or "")
        if not name or name in earlier_names:
            raise Problem("a test needs a name of its own", where=where, fix="Give `name`, once per file.")
        earlier_names.add(name)
        yield _read_case(name, test, resource, where)


def _read_case(name: str, test: Mapping[str, Any], resource: Mapping[str, Any], where: str) -> ConfigCase:
    """Return a test from its data. Raises Problem if it is wrong."""
    given_value: Any = test.get("given")
    given_parts = given_value if isinstance(given_value, list) else [given_value]
    for index, given_part in enumerate(given_parts):
        _check_given_part(given_part, f"{where}.given[{index}]")
    _check_gives_something(given_parts, f"{where}.given")
    expectations: Any = test.get("expect")
    _check_expectations(expectations, where)
    timeout = case_values.read_case_seconds(test, "timeout", DEFAULT_TIMEOUT_SECONDS, where)
    settle = case_values.read_case_seconds(test, "settle", 0.0, where)
    return ConfigCase(
        name,
        where,
        tuple(_add_resource_to_records(given_part, resource) for given_part in given_parts),
        expectations,
        timeout,
        settle,
    )


def _check_given_part(given_part: Any, where: str) -> None:
    """Raise Problem for a part of `given` that no test can give."""
    _check_keys(given_part, GIVEN_KEYS, where)
    _check_mappings(given_part, GIVEN_MAPPINGS, where)
    case_values.check_records(given_part, where)
    case_values.check_headers(given_part.get("headers") or {}, where)
    case_values.check_files(given_part.get("files") or {}, where)


def _check_gives_something(given_parts: Sequence[Mapping[str, Any]], where: str) -> None:
    """Raise Problem for a test in which nothing can arrive, so that it passes whatever the config does."""
    if not any(_has_something_to_give(given_part) for given_part in given_parts):
        fix = f"Give one of: {', '.join(_KEYS_THAT_REACH)}."
        raise Problem("the test gives nothing, so nothing can arrive", where=where, fix=fix)


def _has_something_to_give(given_part: Mapping[str, Any]) -> bool:
    """Whether a part of `given` has records, pages, or a file with content: an empty file has no records."""
    for key in _KEYS_THAT_REACH:
        if key != "files" and given_part.get(key):
            return True
    files = given_part.get("files") or {}
    return any(files.values())


def _check_expectations(expectations: Any, where: str) -> None:
    """Raise Problem unless `expect` of a test says what at least one exporter gets."""
    if not isinstance(expectations, Mapping) or not expectations:
        fix = "Give `expect` with what each exporter gets, or `nothing`."
        raise Problem("a test expects something", where=where, fix=fix)
    for exporter, expectation in expectations.items():
        if expectation != EXPECTS_NOTHING:
            _check_expectation(expectation, f"{where}.expect.{exporter}")


def _check_expectation(expectation: Any, where: str) -> None:
    """Raise Problem for a wrong expectation of one exporter."""
    _check_keys(expectation, EXPECT_KEYS, where)
    for record_kind in RECORD_KINDS:
        _check_expected_records(record_kind, expectation.get(record_kind, []), where)
    case_values.check_queries(expectation.get("jmespath", []), where)
    if not _compares_something(expectation):
        fix = f"Give one of: {', '.join(RECORD_KINDS)}, golden; or write `nothing`."
        raise Problem("nothing is expected of this exporter", where=where, fix=fix)
    if "golden" in expectation:
        case_values.check_path(expectation["golden"], "golden", f"{where}.golden")
        if not set(expectation) <= _KEYS_BESIDE_GOLDEN:
            raise Problem("a golden file has all records", where=where, fix="Remove `golden`, or what is beside it.")


def _compares_something(expectation: Mapping[str, Any]) -> bool:
    """Whether some records would not meet an expectation. An empty list says nothing where others may arrive."""
    if "golden" in expectation or expectation.get("jmespath"):
        return True
    may_have_others = bool(expectation.get("others"))
    expected_records = [expectation[record_kind] for record_kind in RECORD_KINDS if record_kind in expectation]
    return any(records != [] or not may_have_others for records in expected_records)


def _check_expected_records(record_kind: str, records: Any, where: str) -> None:
    """Raise Problem unless a test expects a number of records of a kind, or a list of records."""
    if isinstance(records, bool) or not isinstance(records, (int, list)):
        fix = "Give a list of records, or their number."
        raise Problem(f"'{record_kind}' is neither a list nor a number", where=where, fix=fix)
    if isinstance(records, list):
        for record_index, record in enumerate(records):
            _check_keys(record, FIELDS_BY_RECORD_KIND[record_kind], f"{where}.{record_kind}[{record_index}]")


def _add_resource_to_records(given_part: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of `given` in which each record has the attributes of the file's resource too."""
    completed_part = dict(given_part)
    for record_kind in RECORD_KINDS:
        records = completed_part.get(record_kind)
        if isinstance(records, list):
            completed_part[record_kind] = [_add_resource(record, resource) for record in records]
    return completed_part


def _add_resource(record: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the attributes of a resource; those that the record has already stay."""
    return {**record, "resource": {**resource, **(record.get("resource") or {})}}
