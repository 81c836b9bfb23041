# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The committed tables: well formed, complete, small, and right where the facts are known from elsewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.catalogue import Catalogue
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.rows import SECTION_ORDER
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.collector_versions import parse_version

from tests.support.growth import count_pieces, measure_cpu_seconds

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "catalogue"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.json"))}
TABLES: dict[str, Any] = {name: json.loads(text) for name, text in TEXTS.items()}
CATALOGUE = Catalogue.from_tables(TABLES)
NEWEST = "0.159.0"
SIGNALS = {"traces", "metrics", "logs", "profiles"}
LEVELS = {"development", "alpha", "beta", "stable", "deprecated", "unmaintained"}
VERSION = re.compile(r"\d+\.\d+\.\d+$")

# The images' contents, typed from the releases' own lists: an independent check of the join.
CORE = {
    "receivers": "host_metrics jaeger kafka nop otlp prometheus zipkin",
    "processors": "attributes batch filter memory_limiter probabilistic_sampler resource span",
    "exporters": "debug file kafka nop otlp_grpc otlp_http prometheus prometheus_remote_write zipkin",
    "connectors": "forward",
    "extensions": "health_check pprof zpages",
}
K8S = {
    "receivers": "file_log fluent_forward host_metrics http_check jaeger journald k8s_cluster k8s_events k8s_objects "
    "kubelet_stats otelarrow otlp prometheus receiver_creator zipkin",
    "exporters": "debug file load_balancing nop otelarrow otlp_grpc otlp_http",
    "connectors": "count exceptions failover forward otlp_json round_robin routing service_graph span_metrics",
    "extensions": "ack basicauth bearertokenauth cgroup_runtime file_storage headers_setter health_check host_observer "
    "http_forwarder k8s_leader_elector k8s_observer oauth2client oidc opamp pprof zpages",
}
ADOT = {
    "receivers": "otlp awsxray awsecscontainermetrics awscontainerinsightreceiver statsd prometheus kafka jaeger "
    "zipkin file_log",
    "processors": "batch memory_limiter attributes resource span filter metrics_transform metricsgeneration "
    "cumulativetodelta deltatorate probabilistic_sampler tail_sampling groupbytrace resource_detection k8s_attributes",
    "exporters": "otlp_grpc otlp_http debug file awsxray awsemf awscloudwatchlogs prometheus_remote_write prometheus "
    "kafka load_balancing datadog logzio signalfx",
    "connectors": "",
    "extensions": "health_check pprof zpages sigv4auth awsproxy ecs_observer file_storage",
}


def test_one_row_per_line() -> None:
    for name in ("components", "builds", "removals", "ports", "references", "opaque", "ottl", "constraints"):
        assert TEXTS[name] == "[\n" + ",\n".join(json.dumps(row) for row in TABLES[name]) + "\n]\n"


def test_small_and_fast() -> None:
    assert sum(len(text) for text in TEXTS.values()) < 600_000

    def load() -> None:
        for text in TEXTS.values():
            json.loads(text)

    # Both in turn, and the best of many: what else the machine does at the time is no property of the data.
    assert any(count_pieces(measure_cpu_seconds(load)) < 2 for _try in range(30))


def test_rows_are_unique_and_in_order() -> None:
    keys = [(SECTION_ORDER.index(row["section"]), row["type"], row["module"]) for row in TABLES["components"]]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("row", TABLES["components"], ids=lambda row: f"{row['section']}-{row['type']}")
def test_the_versions_of_a_row_are_spans_in_order(row: dict[str, Any]) -> None:
    for name, text in row["in"].items():
        bounds = [part for span in text.split() for part in span.split("..")]
        numbers = [[int(number) for number in bound.split(".")] for bound in bounds if bound]
        assert all(VERSION.match(bound) for bound in bounds if bound), text
        assert numbers == sorted(numbers), text
        assert "" not in bounds[:-1], text
        assert name in CATALOGUE.distributions


@pytest.mark.parametrize("row", TABLES["components"], ids=lambda row: f"{row['section']}-{row['type']}")
def test_the_stability_of_a_row_has_its_signals(row: dict[str, Any]) -> None:
    known = {"extension"} if row["section"] == "extensions" else SIGNALS
    for version, levels in row["stability"].items():
        assert VERSION.match(version)
        assert set(levels.values()) <= LEVELS
        assert {end for signal in levels for end in signal.split(">")} <= known
        assert all((">" in signal) == (row["section"] == "connectors") for signal in levels)


@pytest.mark.parametrize("distribution", CATALOGUE.distributions)
def test_every_build_has_components(distribution: str) -> None:
    for row in TABLES["builds"]:
        if distribution in row["in"]:
            assert CATALOGUE.list_types("receivers", distribution, row["version"])
            assert CATALOGUE.list_types("exporters", distribution, row["version"])


@pytest.mark.parametrize(
    ("distribution", "version", "expected"),
    [
        ("core", NEWEST, CORE),
        ("core", "0.156.0", CORE),
        ("k8s", NEWEST, K8S),
        ("k8s", "0.156.0", K8S),
        ("adot", "0.156.0", ADOT),
    ],
)
def test_builds_have_what_their_own_lists_say(distribution: str, version: str, expected: dict[str, str]) -> None:
    found = {section: set(CATALOGUE.list_types(section, distribution, version)) for section in expected}
    assert found == {section: set(names.split()) for section, names in expected.items()}


@pytest.mark.parametrize(
    ("distribution", "counts"),
    [
        ("contrib", (108, 32, 49, 13, 40)),
        ("k8s", (15, 22, 7, 9, 16)),
        ("core", (7, 7, 9, 1, 3)),
        ("otlp", (1, 0, 2, 0, 0)),
    ],
)
def test_as_many_as_the_manifests_of_the_newest_release_list(distribution: str, counts: tuple[int, ...]) -> None:
    assert tuple(len(CATALOGUE.list_types(section, distribution, NEWEST)) for section in SECTION_ORDER) == counts


@pytest.mark.parametrize(
    ("section", "name", "distribution", "last", "first_without"),
    [
        ("exporters", "loki", "contrib", "0.130.1", "0.131.0"),
        ("exporters", "logging", "contrib", "0.110.0", "0.111.0"),
        ("exporters", "logging", "core", "0.110.0", "0.111.0"),
        ("exporters", "opencensus", "contrib", "0.131.1", "0.132.0"),
        ("receivers", "signalfx", "contrib", "0.156.0", "0.157.0"),
        ("extensions", "kafkatopics_observer", "contrib", "0.158.0", "0.159.0"),
    ],
)
def test_what_left_is_gone(section: str, name: str, distribution: str, last: str, first_without: str) -> None:
    assert CATALOGUE.find_component(section, name, distribution, last)
    assert CATALOGUE.find_component(section, name, distribution, first_without) is None
    removal = CATALOGUE.find_removal(section, name)
    assert removal is not None
    assert removal.gone_since == first_without


@pytest.mark.parametrize(
    ("section", "name", "since"),
    [
        ("exporters", "otlp_grpc", "0.144.0"),
        ("processors", "k8s_attributes", "0.146.0"),
        ("receivers", "file_log", "0.149.0"),
        ("connectors", "span_metrics", "0.151.0"),
        ("receivers", "kubelet_stats", "0.152.0"),
        ("processors", "delta_to_rate", "0.158.0"),
    ],
)
def test_a_new_name_is_known_from_its_version_on(section: str, name: str, since: str) -> None:
    minor = int(since.split(".")[1])
    renamed = CATALOGUE.find_rename(section, name)
    assert renamed is not None
    assert renamed.since_version == since
    assert CATALOGUE.find_component(section, name, "contrib", since)
    assert CATALOGUE.find_component(section, name, "contrib", f"0.{minor - 1}.0") is None
    old = CATALOGUE.find_component(section, renamed.old_name, "contrib", since)
    assert old is not None
    assert old.newer_name == name


def test_a_receiver_keeps_the_name_that_the_exporter_of_it_lost() -> None:
    found = CATALOGUE.find_component("receivers", "otlp", "contrib", NEWEST)
    assert found is not None
    assert found.newer_name == ""


@pytest.mark.parametrize(
    ("section", "name", "signals"),
    [
        ("exporters", "awsxray", {"traces"}),
        ("exporters", "awsemf", {"metrics"}),
        ("exporters", "awscloudwatchlogs", {"logs"}),
        ("exporters", "prometheus_remote_write", {"metrics"}),
        ("receivers", "awsxray", {"traces"}),
        ("receivers", "kubelet_stats", {"metrics"}),
        ("processors", "tail_sampling", {"traces"}),
        ("processors", "probabilistic_sampler", {"traces", "logs"}),
        ("processors", "metrics_transform", {"metrics"}),
        ("processors", "span", {"traces"}),
        ("receivers", "obi", {"traces", "metrics"}),
    ],
)
def test_signals_that_people_mix_up(section: str, name: str, signals: set[str]) -> None:
    assert CATALOGUE.find_signals(section, name, "contrib", NEWEST) == frozenset(signals)


def test_pairs_of_connectors() -> None:
    def pairs(name: str) -> set[str]:
        return {f"{start}>{end}" for start, end in CATALOGUE.find_signal_pairs(name, "k8s", NEWEST) or ()}

    assert pairs("span_metrics") == {"traces>metrics"}
    assert pairs("service_graph") == {"traces>metrics"}
    assert pairs("count") == {f"{signal}>metrics" for signal in SIGNALS}
    assert pairs("routing") == {f"{signal}>{signal}" for signal in ("traces", "metrics", "logs")}
    assert pairs("otlp_json") == {"logs>traces", "logs>metrics", "logs>logs"}


def test_traps_of_distributions() -> None:
    assert CATALOGUE.find_component("extensions", "sigv4auth", "k8s", NEWEST) is None
    assert CATALOGUE.list_distributions_with("extensions", "sigv4auth", "0.156.0") == ("adot", "contrib")
    used = [("connectors", "span_metrics"), ("exporters", "prometheus_remote_write"), ("receivers", "k8s_cluster")]
    assert CATALOGUE.find_smallest_distribution(used, NEWEST) == "contrib"
    assert CATALOGUE.find_smallest_distribution([("receivers", "k8s_cluster")], NEWEST) == "k8s"
    assert CATALOGUE.find_smallest_distribution([("receivers", "otlp")], NEWEST) == "otlp"
    assert CATALOGUE.find_component(
        "connectors", "span_metrics", "k8s", "0.156.0"
    )  # the components' own lists of distributions deny it
    assert CATALOGUE.find_component("extensions", "basicauth", "redhat", "0.135.0") is None
    assert CATALOGUE.find_component("processors", "k8s_attributes", "redhat", "0.135.0") is None
    assert CATALOGUE.find_component("processors", "k8sattributes", "redhat", "0.135.0")
    new = [("exporters", "googlecloud"), ("receivers", "prometheusremotewrite")]
    for version, known in (("0.135.0", False), ("0.140.0", True), ("0.144.0", True)):
        assert [bool(CATALOGUE.find_component(*key, "redhat", version)) for key in new] == [known] * 2
        assert not CATALOGUE.find_coverage("redhat", version).is_approximate


def test_what_ships_nowhere_is_known_all_the_same() -> None:
    assert CATALOGUE.is_known("extensions", "healthcheckv2")
    assert CATALOGUE.list_distributions_with("extensions", "healthcheckv2", NEWEST) == ()


RENAMED = [row for row in TABLES["components"] if "was" in row]


@pytest.mark.parametrize("row", RENAMED, ids=lambda row: f"{row['section']}-{row['type']}")
def test_one_of_the_two_names_is_always_known(row: dict[str, Any]) -> None:
    for name in CATALOGUE.distributions:
        for build in TABLES["builds"]:
            at = (name, build["version"])
            found = [CATALOGUE.find_component(row["section"], known, *at) for known in (row["was"], row["type"])]
            shipped = row["module"] in {item.module for item in found if item}
            current = CATALOGUE.choose_name(row["section"], row["type"], build["version"])
            assert shipped == (current in CATALOGUE.list_types(row["section"], *at))


def test_the_versions_of_builds_are_the_same_ones() -> None:
    distributions = yaml.safe_load((FOLDER / "distributions.yml").read_text(encoding="utf-8"))
    assert set(distributions) == set(CATALOGUE.distributions)
    inside = {label: row["version"] for row in TABLES["builds"] for label in row.get("adot", ())}
    assert distributions["adot"]["collector_versions"] == inside
    assert all(CATALOGUE.find_collector_version("adot", label) == version for label, version in inside.items())
    for name, row in distributions.items():
        assert not CATALOGUE.find_coverage(name, CATALOGUE.find_collector_version(name, row["version"])).is_approximate


@pytest.mark.parametrize("row", TABLES["removals"], ids=lambda row: f"{row['section']}-{row['type']}")
def test_a_removal_leads_somewhere_or_says_that_it_does_not(row: dict[str, Any]) -> None:
    assert row["how"].endswith(".")
    assert (
        CATALOGUE.find_component(row["section"], row["type"], "contrib", max(NEWEST, row["gone"], key=parse_version))
        is None
    )
    if row["use"] is not None:
        section, _slash, name = row["use"].partition("/")
        assert CATALOGUE.find_component(section, name, "contrib", NEWEST)


@pytest.mark.parametrize("table", ["ports", "references"])
def test_hand_kept_tables_name_types_by_their_newest_name(table: str) -> None:
    types = {(row["section"], row["type"]) for row in TABLES["components"]}
    for row in TABLES[table]:
        assert row["type"] == "*" or row["section"] == "service" or (row["section"], row["type"]) in types, row


def test_ports_are_ports() -> None:
    for row in TABLES["ports"]:
        assert row["protocol"] in {"TCP", "UDP"}
        assert row["port"] is None or 0 < row["port"] < 65536
    assert {port.port for port in CATALOGUE.listeners["receivers", "otlp"]} == {4317, 4318}
    assert {port.protocol for port in CATALOGUE.listeners["receivers", "statsd"]} == {"UDP"}


def test_references_to_extensions_and_pipelines() -> None:
    assert {row["to"] for row in TABLES["references"]} == {"extensions", "pipelines"}
    settings = {"default_pipelines": ["traces/a"], "table": [{"pipelines": ["traces/b"]}]}
    found = {
        name for item in CATALOGUE.list_references("connectors", "routing") for _path, name in item.find_ids(settings)
    }
    assert found == {"traces/a", "traces/b"}


def test_where_the_facts_are_from() -> None:
    provenance = TABLES["provenance"]
    assert all(re.fullmatch(r"[0-9a-f]{40}", source["commit"]) for source in provenance["sources"])
    assert all(source["repository"] and source["date"] for source in provenance["sources"])
    guessed = {(row["section"], row["module"]) for row in TABLES["components"] if row.get("guessed")}
    assert guessed == {(row["section"], row["module"]) for row in provenance["guessed"]}


@pytest.mark.parametrize("version", ["0.155.0", "0.156.0", "0.157.0", "0.158.0", NEWEST])
def test_settings_are_exact_at_every_supported_version(version: str) -> None:
    def holds(span: str) -> bool:
        since, _dots, until = span.partition("..")
        return parse_version(since) <= parse_version(version) < parse_version(until)

    certain = [row for row in TABLES["fields"] if "exact" in row and "doubt" not in row and holds(row["exact"])]
    assert len(certain) >= 65


# In a process of its own: the package `plugins` of the tools is not that of the tests beside it.
KNOWN = """
import json, pathlib, sys
from tools.catalogue import clones, release_files, schemas

cache, found = pathlib.Path(sys.argv[1]), []
for version in ("0.151.0", "0.155.0", "0.158.0", "0.161.0"):
    found.append(release_files.Release(version, clones.Clone(cache), cache, all=found))
print(json.dumps(schemas.find_added_by_release(found, "contrib/receiver/a", "0.158.0")))
"""


def write_modules(cache: Path, modules: dict[str, dict[str, str]]) -> None:
    """Write modules that have the structs given, by folder and release, one key a line."""
    for folder, structs in modules.items():
        for version, keys in structs.items():
            there = cache / f"github.com/open-telemetry/opentelemetry-collector-contrib/{folder}@v{version}"
            there.mkdir(parents=True)
            tags = "".join(f'\tX string `mapstructure:"{key}"`\n' for key in keys.split())
            (there / "config.go").write_text(tags, encoding="utf-8")
            text = "properties: {shared: {$ref: /internal/b.settings}}" if folder == "receiver/a" else ""
            (there / "config.schema.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("shared", "known"),
    [
        ({"0.158.0": "x"}, {"0.155.0": [], "0.158.0": []}),
        ({"0.151.0": "x", "0.158.0": "x"}, {"0.155.0": [], "0.158.0": []}),
        ({"0.151.0": "x gone", "0.158.0": "x", "0.161.0": "x"}, {"0.155.0": ["shared.gone"], "0.158.0": []}),
        ({"0.158.0": "x", "0.161.0": "x y"}, {"0.158.0": []}),
    ],
    ids=["one package", "unchanged", "changed", "changed and not at hand"],
)
def test_a_release_without_modules_is_known_from_those_around_it(
    shared: dict[str, str], known: dict[str, list[str]], tmp_path: Path
) -> None:
    modules = {"receiver/a": {"0.151.0": "", "0.158.0": "", "0.161.0": ""}, "internal/b": shared}
    write_modules(tmp_path, modules)
    command = [sys.executable, "-c", KNOWN, str(tmp_path)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert json.loads(found) == known
