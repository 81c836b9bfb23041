# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each step on the smallest config that needs it, as data; what they do to text is tested with the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.catalogue import Catalogue
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.migrate.data_edits import (
    Unsolved,
    apply_edits,
    has_same_meaning,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.migrate.steps import STEPS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild

TABLES = Path(__file__).parents[6] / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "catalogue"
CATALOGUE = Catalogue.from_tables({file.stem: json.loads(file.read_text()) for file in TABLES.glob("*.json")})
ODD = [None, 5, "x", [], {}, [5], {"a": None}, {"exporters": 5}, {"exporters": {5: 5}}, {"service": {"pipelines": [1]}}]


def moved(config: Any, version: str = "0.158.0", distribution: str = "contrib") -> tuple[Any, list[str]]:
    """Return the config after all steps, and why something is left."""
    target, left = TargetBuild(CATALOGUE, distribution, version), []
    for step in STEPS:
        found = list(step(config, target))
        left += [one.reason for one in found if isinstance(one, Unsolved)]
        changes = [one for one in found if not isinstance(one, Unsolved)]
        assert all(one.description and one.reason for one in changes)
        config = apply_edits(config, [edit for one in changes for edit in one.edits])
    return config, left


def cases(text: str) -> Any:
    """Return the rows of a table in YAML; the first column names the case."""
    return [pytest.param(*row[1:], id=row[0]) for row in yaml.safe_load(text)]


# The case, the version, the exporters before and after.
EXPORTERS = r"""
- [a variable, 0.158.0, {file: {path: "$DIR/$$DIR/${C}"}}, {file: {path: "${env:DIR}/$$DIR/${C}"}}]
- [a variable of then, 0.103.0, {file: {path: $DIR}}, {file: {path: $DIR}}]
- [end of a pattern, 0.158.0, {file: {path: '^a$ $1 $name $\$END'}}, {file: {path: '^a$ $1 $name $\$END'}}]
- [logging, 0.158.0, {logging: null}, {debug: null}]
- [logging info, 0.158.0, {logging: {loglevel: info}}, {debug: {verbosity: normal}}]
- [logging warn, 0.158.0, {logging: {loglevel: warn}}, {debug: {verbosity: basic}}]
- - logging with both
  - 0.158.0
  - {logging/a: {loglevel: debug, verbosity: normal, sampling_initial: 5}}
  - {debug/a: {verbosity: normal, sampling_initial: 5}}
- [logging in camel case, 0.158.0, {logging: {logLevel: debug}}, {debug: {verbosity: detailed}}]
- [logging twice, 0.158.0, {logging: {loglevel: info, logLevel: debug}}, {debug: {verbosity: normal}}]
- [debug with a level, 0.158.0, {debug/a: {loglevel: Debug}}, {debug/a: {verbosity: detailed}}]
- [logging of then, 0.110.0, {logging: null}, {logging: null}]
- [jaeger, 0.158.0, {jaeger: {endpoint: "j:4317"}}, {otlp_grpc/jaeger: {endpoint: "j:4317"}}]
- [jaeger then, 0.140.0, {jaeger: {endpoint: "j:4317"}}, {otlp/jaeger: {endpoint: "j:4317"}}]
- [thrift, 0.158.0, {jaeger_thrift: {endpoint: "http://j:4318/"}}, {otlp_http/jaeger_thrift: {endpoint: "http://j:4318/"}}]
- - loki
  - 0.158.0
  - {loki/a: {endpoint: "https://host/loki/api/v1/push", default_labels_enabled: {exporter: false}}}
  - {otlp_http/a: {endpoint: "https://host/otlp"}}
- [loki of then, 0.130.0, {loki: {endpoint: "https://host/push"}}, {loki: {endpoint: "https://host/push"}}]
- [stackdriver, 0.158.0, {stackdriver: null}, {googlecloud: null}]
- - batcher
  - 0.158.0
  - {file: {batcher: {enabled: true, flush_timeout: 5s, min_size_items: 1}}}
  - {file: {sending_queue: {batch: {flush_timeout: 5s, min_size: 1}}}}
- - batcher beside a queue
  - 0.158.0
  - {file: {batcher: {flush_timeout: 5s, min_size: 1}, sending_queue: {queue_size: 2}}}
  - {file: {sending_queue: {queue_size: 2, batch: {flush_timeout: 5s, min_size: 1}}}}
- - batcher beside an empty queue
  - 0.158.0
  - {file: {batcher: {flush_timeout: 5s, min_size: 1}, sending_queue: null}}
  - {file: {sending_queue: {batch: {flush_timeout: 5s, min_size: 1}}}}
- [batcher that is off, 0.158.0, {file: {batcher: {enabled: false}}}, {file: {}}]
- [batcher of then, 0.129.0, {file: {batcher: {}}}, {file: {batcher: {}}}]
- [full, 0.158.0, {file: {sending_queue: {blocking: true}}}, {file: {sending_queue: {block_on_overflow: true}}}]
- [full then, 0.128.0, {file: {sending_queue: {block_on_overflow: true}}}, {file: {sending_queue: {blocking: true}}}]
- [older names, 0.140.0, {otlp_grpc/a: null}, {otlp/a: null}]
- - kept connections
  - 0.160.0
  - {otlp_http: {endpoint: a, max_idle_conns: 5, idle_conn_timeout: 1m, disable_keep_alives: false}}
  - {otlp_http: {endpoint: a, keepalive: {idle_conn_timeout: 1m, max_idle_conns: 5}}}
- [connections that are not kept, 0.165.0, {otlp_http: {disable_keep_alives: true, max_idle_conns: 5}}, {otlp_http:
    {keepalive: {enabled: false}}}]
- [a switch for the default, 0.165.0, {otlp_http: {disable_keep_alives: false}}, {otlp_http: {}}]
- [kept connections of then, 0.159.0, {otlp_http: {max_idle_conns: 5}}, {otlp_http: {max_idle_conns: 5}}]
- - an index of then
  - 0.158.0
  - {elasticsearch: {endpoint: a, logs_index: app, logs_dynamic_index: {enabled: true}}}
  - {elasticsearch: {endpoint: a, logs_index: app, mapping: {allowed_modes: [none]}}}
- - an index of then for a version with a mode
  - 0.130.0
  - {elasticsearch: {endpoint: a, logs_index: app, mapping: null}}
  - {elasticsearch: {endpoint: a, logs_index: app, mapping: {mode: none}}}
- - a mode that is ignored
  - 0.158.0
  - {elasticsearch: {endpoint: a, mapping: {mode: ecs}}}
  - {elasticsearch: {endpoint: a, mapping: {allowed_modes: [ecs]}}}
- - other settings of a mapping
  - 0.158.0
  - {elasticsearch: {endpoint: a, traces_index: app, mapping: {dedup: true}}}
  - {elasticsearch: {endpoint: a, traces_index: app, mapping: {dedup: true, allowed_modes: [none]}}}
- [a data stream, 0.158.0, {elasticsearch: {logs_index: logs-a-b}}, {elasticsearch: {logs_index: logs-a-b}}]
- [an index that was chosen, 0.121.0, {elasticsearch: {logs_index: app}}, {elasticsearch: {logs_index: app}}]
- [another exporter, 0.165.0, {zipkin: {max_idle_conns: 5}}, {zipkin: {max_idle_conns: 5}}]
"""
# The case, the address of the metrics, the host and the port of the reader.
ADDRESSES = """
- [address, "0.0.0.0:8888", 0.0.0.0, 8888]
- [address without host, ":8888", 0.0.0.0, 8888]
- [address of a pod, "${env:IP}:${env:P}", "${env:IP}", "${env:P}"]
"""
# The case, the version, the config before and after.
CONFIGS = """
- - address of then
  - 0.110.0
  - {service: {telemetry: {metrics: {address: ":8888"}}}}
  - {service: {telemetry: {metrics: {address: ":8888"}}}}
- - address beside readers
  - 0.158.0
  - {service: {telemetry: {metrics: {address: ":8888", readers: [1]}}}}
  - {service: {telemetry: {metrics: {readers: [1]}}}}
- - actions
  - 0.158.0
  - {processors: {attributes: {actions: {key: a, action: delete}}}}
  - {processors: {attributes: {actions: [{key: a, action: delete}]}}}
- - attributes of a resource
  - 0.158.0
  - {processors: {resource: {attributes: {key: a, action: delete}}}}
  - {processors: {resource: {attributes: [{key: a, action: delete}]}}}
- - ballast
  - 0.158.0
  - processors: {memory_limiter: {ballast_size_mib: 1, limit_mib: 2}}
    extensions: {memory_ballast: {size_mib: 1}, pprof: null}
    service: {extensions: [memory_ballast, pprof]}
  - processors: {memory_limiter: {limit_mib: 2}}
    extensions: {pprof: null}
    service: {extensions: [pprof]}
- - start times that were not adjusted
  - 0.158.0
  - {receivers: {prometheus/a: {use_start_time_metric: false, start_time_metric_regex: x, config: {}}}}
  - {receivers: {prometheus/a: {config: {}}}}
- - start times of then
  - 0.142.0
  - {receivers: {prometheus: {use_start_time_metric: true}}}
  - {receivers: {prometheus: {use_start_time_metric: true}}}
- - topics of signals
  - 0.158.0
  - receivers: {kafka: {topic: a, encoding: raw, brokers: [x]}}
    exporters: {kafka/b: {topic: c}}
    service: {pipelines: {traces: {receivers: [kafka], exporters: [kafka/b]}, logs/x: {exporters: [kafka/b]}}}
  - receivers: {kafka: {traces: {encoding: raw, topics: [a]}, brokers: [x]}}
    exporters: {kafka/b: {logs: {topic: c}, traces: {topic: c}}}
    service: {pipelines: {traces: {receivers: [kafka], exporters: [kafka/b]}, logs/x: {exporters: [kafka/b]}}}
- - topics of a receiver before lists of them
  - 0.141.0
  - {receivers: {kafka: {topic: a}}, service: {pipelines: {logs: {receivers: [kafka]}}}}
  - {receivers: {kafka: {logs: {topic: a}}}, service: {pipelines: {logs: {receivers: [kafka]}}}}
- - topics of a receiver whose id a pipeline spells with white space
  - 0.141.0
  - {receivers: {kafka/a: {topic: a}}, service: {pipelines: {logs: {receivers: [kafka / a]}}}}
  - {receivers: {kafka/a: {logs: {topic: a}}}, service: {pipelines: {logs: {receivers: [kafka / a]}}}}
- - topics of a receiver whose key has white space in it
  - 0.141.0
  - {receivers: {kafka/ a: {topic: a}}, service: {pipelines: {logs: {receivers: [kafka/ a]}}}}
  - {receivers: {kafka/ a: {logs: {topic: a}}}, service: {pipelines: {logs: {receivers: [kafka/ a]}}}}
- - names everywhere
  - 0.158.0
  - receivers: {otlp: null, filelog: {storage: cgroupruntime}}
    connectors: {spanmetrics/a: null}
    exporters: {otlp: {sending_queue: {storage: cgroupruntime}}}
    extensions: {cgroupruntime: null}
    service:
      extensions: [cgroupruntime]
      pipelines:
        traces: {receivers: [otlp], exporters: [otlp, spanmetrics/a]}
        metrics: {receivers: [spanmetrics/a], exporters: [otlp]}
  - receivers: {otlp: null, file_log: {storage: cgroup_runtime}}
    connectors: {span_metrics/a: null}
    exporters: {otlp_grpc: {sending_queue: {storage: cgroup_runtime}}}
    extensions: {cgroup_runtime: null}
    service:
      extensions: [cgroup_runtime]
      pipelines:
        traces: {receivers: [otlp], exporters: [otlp_grpc, span_metrics/a]}
        metrics: {receivers: [span_metrics/a], exporters: [otlp_grpc]}
- - kept connections of a server
  - 0.165.0
  - {receivers: {otlp: {protocols: {http: {idle_timeout: 1m, keep_alives_enabled: true}, grpc: null}}}}
  - {receivers: {otlp: {protocols: {http: {keepalive: {idle_timeout: 1m}}, grpc: null}}}}
- - templates of receivers
  - 0.158.0
  - {receivers: {receiver_creator: {receivers: {filelog/a: {rule: x}}}}}
  - {receivers: {receiver_creator: {receivers: {file_log/a: {rule: x}}}}}
"""


def check(version: str, config: Any, wanted: Any) -> None:
    result, left = moved(config, version)
    assert (result, left) == (wanted, [])
    assert has_same_meaning(moved(result, version)[0], result)


@pytest.mark.parametrize(("version", "config", "wanted"), cases(CONFIGS))
def test_a_step_is_taken_once(version: str, config: Any, wanted: Any) -> None:
    check(version, config, wanted)


@pytest.mark.parametrize(("version", "before", "after"), cases(EXPORTERS))
def test_a_step_for_an_exporter_is_taken_once(version: str, before: Any, after: Any) -> None:
    check(version, {"exporters": before}, {"exporters": after})


@pytest.mark.parametrize(("address", "host", "port"), cases(ADDRESSES))
def test_an_address_becomes_a_reader(address: str, host: str, port: Any) -> None:
    readers = [{"pull": {"exporter": {"prometheus": {"host": host, "port": port}}}}]
    before, after = (
        {"service": {"telemetry": {"metrics": one}}} for one in ({"address": address}, {"readers": readers})
    )
    check("0.158.0", before, after)


LEFT = """
- [another port, {exporters: {jaeger: {endpoint: "j:14250"}}}, "mostly on port 4317; 'j:14250' is not that"]
- [no URL, {exporters: {loki: {endpoint: "https://a b/loki/api/v1/push"}}}, the endpoint is not a URL]
- - labels by hand
  - {exporters: {loki: {endpoint: "https://host/loki/api/v1/push", tenant: {}}}}
  - what tenant did has to be done otherwise
- [nothing replaces it, {exporters: {carbon: null}}, Nothing official replaces it.]
- [a connector does it, {processors: {spanmetrics: null}}, The connector does the same between two pipelines.]
- [there already, {exporters: {logging: null, debug: null}}, "'debug' takes its place, and is there already"]
- [both names, {exporters: {otlp: null, otlp_grpc: null}}, "'otlp_grpc' is there already."]
- - both names of a template
  - {receivers: {receiver_creator: {receivers: {filelog/a: {rule: x}, file_log/a: {rule: y}}}}}
  - "'file_log/a' is there already."
- [no address, {service: {telemetry: {metrics: {address: here}}}}, "'here' is not a host and port; write a reader."]
- [a queue that is off, {exporters: {file: {batcher: {}, sending_queue: {enabled: false}}}}, choose one]
- [two batches, {exporters: {file: {batcher: {}, sending_queue: {batch: {}}}}}, choose one]
- [unknown settings, {exporters: {file: {batcher: {a: 1}}}}, without a counterpart]
- [no action, {processors: {attributes: {actions: {a: b}}}}, This mapping is not an action]
- [adjusted start times, {receivers: {prometheus: {use_start_time_metric: true}}}, add processor metric_start_time]
- [a topic without a pipeline, {exporters: {kafka: {topic: a}}}, write them below each signal]
- [no such type, {exporters: {nobody: null}}, No distribution of 0.158.0 has it.]
"""


@pytest.mark.parametrize(("config", "why"), cases(LEFT))
def test_what_no_step_can_do_is_left_and_told(config: Any, why: str) -> None:
    result, left = moved(config)
    assert result == config
    assert [why in one for one in left] == [True]


def test_kept_connections_that_are_written_twice_are_told() -> None:
    both = {"exporters": {"otlp_http": {"max_idle_conns": 5, "keepalive": {"max_idle_conns": 6}}}}
    assert moved(both, "0.165.0") == (both, ["There is a `keepalive` already: write one."])


def test_a_distribution_without_a_successor_is_told() -> None:
    loki = {"exporters": {"loki": {"endpoint": "https://host/loki/api/v1/push"}}}
    assert moved(loki, "0.156.0", "adot")[1] == []
    (why,) = moved({"processors": {"transform": None}}, "0.156.0", "adot")[1]
    assert "Use one of the distributions that have it: contrib, k8s, redhat." in why


@pytest.mark.parametrize("config", ODD, ids=str)
def test_no_config_is_too_odd(config: Any) -> None:
    assert moved(config)[0] == config


def test_attributes_that_named_a_part_of_an_index_are_left_with_the_reason() -> None:
    prefix = {"attributes": [{"key": "elasticsearch.index.prefix", "value": "a-", "action": "insert"}]}
    config = {
        "processors": {"resource": prefix},
        "exporters": {"elasticsearch": {"mapping": {"allowed_modes": ["otel"]}}},
    }
    _result, left = moved(config)
    assert [why for why in left if "elasticsearch.index" in why and "0.122.0" in why]
    assert moved(config, "0.121.0")[1] == []
