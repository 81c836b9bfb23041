# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue's answers, over tables small enough to read."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue import catalogue

from ...helpers import cases, rows

TABLES = rows("""
components:
  - {section: receivers, type: otlp, module: core/receiver/otlpreceiver,
     stability: {0.110.0: {traces: stable, logs: beta}}, in: {core: 0.110.0.., contrib: 0.110.0.., adot: 0.117.0..}}
  - {section: receivers, type: file_log, module: contrib/receiver/filelogreceiver, was: filelog, since: 0.149.0,
     in: {contrib: 0.110.0.., adot: 0.117.0..}, stability: {0.110.0: {logs: beta}, 0.150.0: {logs: stable}}}
  - {section: processors, type: generation, module: contrib/processor/generationprocessor, was: experimental_generation,
     since: 0.112.0, alias: false, in: {contrib: 0.110.0..}, stability: {0.110.0: {metrics: alpha}}}
  - {section: exporters, type: loki, module: contrib/exporter/lokiexporter,
     in: {contrib: 0.110.0..0.122.0 0.123.0..0.131.0}, stability: {0.110.0: {logs: deprecated}}}
  - {section: connectors, type: count, module: contrib/connector/countconnector, in: {contrib: 0.110.0..},
     stability: {0.110.0: {traces>metrics: alpha, logs>metrics: alpha}}}
  - {section: extensions, type: health_check, module: contrib/extension/healthcheckextension,
     in: {core: 0.110.0.., contrib: 0.110.0..}, stability: {0.110.0: {extension: beta}}}
  - {section: receivers, type: murky, module: contrib/receiver/murkyreceiver, guessed: true,
     in: {contrib: 0.149.0..}, stability: {}}
builds:
  - {version: 0.110.0, in: [contrib, core]}
  - {version: 0.117.0, in: [adot, contrib, core], adot: [v0.43.0, v0.43.1]}
  - {version: 0.122.0, in: [contrib, core]}
  - {version: 0.123.0, in: [contrib, core]}
  - {version: 0.131.0, in: [adot, contrib, core], adot: [v0.45.0]}
  - {version: 0.149.0, in: [contrib, core]}
  - {version: 0.150.0, in: [contrib, core]}
removals:
  - {section: exporters, type: loki, gone: 0.131.0, use: exporters/otlp_http, how: Below /otlp.}
  - {section: exporters, type: carbon, gone: 0.141.0, use: null, how: Nothing.}
ports:
  - {section: receivers, type: otlp, name: otlp, key: protocols.grpc.endpoint, port: 4317, protocol: TCP,
     app_protocol: grpc, when: protocols.grpc}
  - {section: receivers, type: file_log, name: log, key: endpoint, port: null, protocol: UDP}
references:
  - {section: "*", type: "*", key: "**.auth.authenticator", to: extensions}
  - {section: exporters, type: "*", key: "**.sending_queue.storage", to: extensions}
  - {section: receivers, type: file_log, key: storage, to: extensions}
  - {section: connectors, type: count, key: table.*.pipelines.*, to: pipelines}
  - {section: exporters, type: loki, key: encoding, to: extensions, lax: true}
provenance: {gaps: [{module: contrib/, since: 0.122.0, until: 0.131.0}]}
""")
CATALOGUE = catalogue.Catalogue.from_tables(TABLES)
MANIFEST = rows("""
dist: {name: mine}
receivers:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/receiver/filelogreceiver v0.148.0
  - gomod: github.com/acme/acmereceiver v1.2.3
exporters: null
extensions: [{path: ./here}]
""")


def find(section: str, name: str, version: str, build: str = "contrib") -> catalogue.ComponentType:
    """Return a component that a build has."""
    found = CATALOGUE.find_component(section, name, build, version)
    assert found is not None
    return found


@cases(
    "name, version, build, renamed",
    ("filelog", "0.148.0", "contrib", ""),
    ("filelog", "0.149.0", "contrib", "file_log"),
    ("file_log", "0.149.0", "contrib", ""),
    ("file_log", "0.149.0", "adot", ""),  # by the version asked for, although the build is older
)
def test_any_name_that_the_version_takes_is_found(name: str, version: str, build: str, renamed: str) -> None:
    found = find("receivers", name, version, build)
    assert (found.name, found.type, found.newer_name) == (name, "file_log", renamed)


@cases(
    "section, name, distribution, version",
    ("receivers", "file_log", "contrib", "0.148.0"),  # its new name is from 0.149.0
    ("processors", "experimental_generation", "contrib", "0.112.0"),  # renamed without an alias
    ("processors", "generation", "contrib", "0.111.0"),
    ("receivers", "filelog", "core", "0.123.0"),
    ("exporters", "otlp", "core", "0.123.0"),  # a receiver alone
    ("exporters", "loki", "contrib", "0.131.0"),
    ("exporters", "loki", "contrib", "0.122.0"),  # left, and came back
    ("receivers", "otlp", "nobody's", "0.123.0"),
)
def test_what_the_build_does_not_know_is_none(section: str, name: str, distribution: str, version: str) -> None:
    assert CATALOGUE.find_component(section, name, distribution, version) is None
    assert find("exporters", "loki", "0.123.0")


def test_stability_is_that_of_the_version() -> None:
    assert find("receivers", "filelog", "0.149.0").stability == {"logs": "beta"}
    assert find("receivers", "filelog", "0.150.0").stability == {"logs": "stable"}


def test_a_version_that_the_tables_lack_is_answered_from_the_nearest_older_one() -> None:
    assert CATALOGUE.find_coverage("contrib", "0.160.0").version == "0.150.0"
    assert CATALOGUE.find_coverage("contrib", "0.160.0").is_approximate
    assert CATALOGUE.find_coverage("adot", "0.130.0").version == "0.117.0"
    assert not CATALOGUE.find_coverage("contrib", "v0.150.0").is_approximate
    assert find("receivers", "otlp", "0.160.0").is_approximate
    # One before all is answered from the oldest.
    assert CATALOGUE.find_coverage("adot", "0.110.0").version == "0.117.0"
    assert find("receivers", "filelog", "0.99.0")


def test_a_gap_in_the_metadata_makes_the_answer_approximate() -> None:
    answers = [find("connectors", "count", version).is_approximate for version in ("0.117.0", "0.123.0", "0.131.0")]
    assert answers == [False, True, False]
    assert not find("receivers", "otlp", "0.123.0").is_approximate


def test_signals_and_pairs() -> None:
    assert CATALOGUE.find_signals("receivers", "otlp", "core", "0.110.0") == frozenset({"traces", "logs"})
    assert CATALOGUE.find_signals("extensions", "health_check", "core", "0.110.0") == frozenset()
    assert CATALOGUE.find_signals("receivers", "nope", "core", "0.110.0") is None
    assert CATALOGUE.find_signal_pairs("count", "contrib", "0.110.0") == frozenset(
        {("traces", "metrics"), ("logs", "metrics")}
    )
    assert CATALOGUE.find_signal_pairs("count", "core", "0.110.0") is None


def test_unknown_signals_are_none_and_not_empty() -> None:
    found = find("receivers", "murky", "0.150.0")
    assert (found.signals, found.signal_pairs, found.is_guessed) == (None, None, True)


def test_where_and_which() -> None:
    assert CATALOGUE.list_distributions_with("receivers", "filelog", "0.131.0") == ("adot", "contrib")
    assert CATALOGUE.list_distributions_with("exporters", "loki", "0.131.0") == ()
    assert CATALOGUE.list_types("receivers", "contrib", "0.148.0") == ("filelog", "otlp")
    assert CATALOGUE.list_types("receivers", "contrib", "0.150.0") == ("file_log", "murky", "otlp")
    assert CATALOGUE.distributions == ("adot", "contrib", "core")
    assert CATALOGUE.is_known("receivers", "filelog")
    assert CATALOGUE.is_known("exporters", "carbon")
    assert not CATALOGUE.is_known("receivers", "carbon")


def test_renames_go_both_ways() -> None:
    for name in ("filelog", "file_log"):
        renamed = CATALOGUE.find_rename("receivers", name)
        assert renamed is not None
        assert (renamed.old_name, renamed.new_name, renamed.since_version, renamed.takes_old_name) == (
            "filelog",
            "file_log",
            "0.149.0",
            True,
        )
        assert CATALOGUE.choose_name("receivers", name, "0.148.0") == "filelog"
        assert CATALOGUE.choose_name("receivers", name, "0.149.0") == "file_log"
    assert CATALOGUE.find_rename("receivers", "otlp") is None
    assert CATALOGUE.choose_name("receivers", "otlp", "0.149.0") == "otlp"


def test_removals_say_what_to_use_or_that_there_is_nothing() -> None:
    loki, carbon = (CATALOGUE.find_removal("exporters", name) for name in ("loki", "carbon"))
    assert loki is not None
    assert carbon is not None
    assert (loki.gone_since, loki.replacement, carbon.replacement) == ("0.131.0", "exporters/otlp_http", None)
    assert CATALOGUE.find_removal("receivers", "loki") is None


def test_ports_by_any_name() -> None:
    (grpc,) = CATALOGUE.listeners["receivers", "otlp"]
    assert (grpc.path, grpc.port, grpc.protocol) == (("protocols", "grpc", "endpoint"), 4317, "TCP")
    assert grpc.switch_path == ("protocols", "grpc")
    (log,) = CATALOGUE.listeners["receivers", "filelog"]
    assert (log.port, log.switch_path) == (None, ())
    assert ("exporters", "otlp") not in CATALOGUE.listeners


def test_references_find_what_settings_name() -> None:
    http, auth = {"auth": {"authenticator": "sigv4auth"}}, {"authenticator": "oidc"}
    settings = {"storage": "file_storage", "http": http, "auth": auth}
    found = {
        pair for reference in CATALOGUE.list_references("receivers", "filelog") for pair in reference.find_ids(settings)
    }
    assert found == {
        (("storage",), "file_storage"),
        (("http", "auth", "authenticator"), "sigv4auth"),
        (("auth", "authenticator"), "oidc"),
    }
    # They walk lists, and skip what is no name.
    (table,) = [item for item in CATALOGUE.list_references("connectors", "count") if item.target_kind == "pipelines"]
    settings = {"table": [{"pipelines": ["traces/a", None]}, {"pipelines": None}, "odd"]}
    assert list(table.find_ids(settings)) == [(("table", 0, "pipelines", 0), "traces/a")]
    assert list(table.find_ids(None)) == []


def test_a_lax_reference_may_be_a_built_in_name() -> None:
    assert [item.takes_built_in_names for item in CATALOGUE.list_references("exporters", "loki")] == [
        False,
        False,
        True,
    ]


def test_the_smallest_distribution_that_has_everything() -> None:
    assert CATALOGUE.find_smallest_distribution([("receivers", "otlp")], "0.123.0") == "core"
    assert (
        CATALOGUE.find_smallest_distribution([("receivers", "otlp"), ("receivers", "filelog")], "0.123.0") == "contrib"
    )
    assert (
        CATALOGUE.find_smallest_distribution([("receivers", "filelog")], "0.131.0", candidates=("adot", "contrib"))
        == "adot"
    )
    assert CATALOGUE.find_smallest_distribution([("exporters", "loki")], "0.131.0") is None


def test_own_versions_of_a_build_are_translated() -> None:
    assert CATALOGUE.find_collector_version("adot", "v0.43.1") == "0.117.0"
    assert CATALOGUE.find_collector_version("adot", "v0.44.0") == "0.117.0"
    assert CATALOGUE.find_collector_version("adot", "v0.1.0") == "0.117.0"
    assert CATALOGUE.find_collector_version("core", "v0.123.0") == "0.123.0"


def test_a_distribution_from_a_manifest() -> None:
    grown, unknown = CATALOGUE.add_manifest("mine", MANIFEST, "v0.148.0")
    assert unknown == (("receivers", "github.com/acme/acmereceiver"),)
    assert grown.find_component("receivers", "filelog", "mine", "0.148.0")
    assert grown.find_component("receivers", "otlp", "mine", "0.148.0") is None
    assert grown.list_distributions_with("receivers", "filelog", "0.148.0") == ("adot", "contrib", "mine")
    assert grown.list_types("receivers", "mine", "0.148.0") == ("filelog",)
    assert "mine" not in CATALOGUE.distributions
    found = grown.find_component("receivers", "acme", "mine", "0.148.0")  # by its folder
    assert found is not None
    assert (found.is_guessed, found.is_approximate, found.signals) == (True, True, None)


def test_a_manifest_without_components_is_an_empty_distribution() -> None:
    assert catalogue.list_modules({"dist": {}, "receivers": ["odd"]}) == []


@cases(
    "module, expected",
    ("contrib/receiver/filelogreceiver", "filelog"),
    ("github.com/acme/my-extension", "my-"),
    ("contrib/extension/awsproxy", "awsproxy"),
    ("x/receiver", "receiver"),
)
def test_types_are_guessed_from_folders(module: str, expected: str) -> None:
    assert catalogue.guess_type(module) == expected
