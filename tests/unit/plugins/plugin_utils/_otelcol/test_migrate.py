# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import codecs
import functools
import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.migrate import data_edits
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import (
    _inputs,
    _migrate,
    _migration_steps,
    _migration_target,
    _rewrite,
    _yaml,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._build_request import BuildRequest
from hypothesis import given
from hypothesis import strategies as st

from ..helpers import MIGRATE, OTLP

OLD = """\
# keep me
receivers:
  otlp: {protocols: {grpc: }}
  filelog/x: {include: [/a], storage: file_storage}   # a comment
exporters:
  logging: # shows all
    loglevel: debug
  otlp:
    endpoint: $HOST:4317
    batcher: {flush_timeout: 5s}
extensions:
  file_storage:
service:
  extensions: [file_storage]
  pipelines:
    logs:
      receivers: [otlp, "filelog/x"]
      exporters:
        - logging
        # between
        - 'otlp'
"""
NEW = """\
# keep me
receivers:
  otlp: {protocols: {grpc: }}
  file_log/x: {include: [/a], storage: file_storage}   # a comment
exporters:
  debug: # shows all
    verbosity: detailed
  otlp_grpc:
    endpoint: ${env:HOST}:4317
    sending_queue:
      batch:
        flush_timeout: 5s
extensions:
  file_storage:
service:
  extensions: [file_storage]
  pipelines:
    logs:
      receivers: [otlp, "file_log/x"]
      exporters:
        - debug
        # between
        - 'otlp_grpc'
"""


def migrate(check: bool = False, **arguments: Any) -> dict[str, Any]:
    return _migrate.migrate({**MIGRATE, **arguments}, check)


def as_config_map(text: str, sign: str = "|") -> str:
    lines = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  relay: {sign}\n{lines}  other: x # y\n"


def as_resource(text: str) -> str:
    lines = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
    head = "apiVersion: opentelemetry.io/v1beta1\nkind: OpenTelemetryCollector\nmetadata: {name: a}\nspec:\n  config:\n"
    return f"{head}{lines}  mode: deployment\n"


def as_list(text: str) -> str:
    lines = as_config_map(text).splitlines()
    body = "".join(f"  {'- ' if number == 0 else '  '}{line}\n" if line else "\n" for number, line in enumerate(lines))
    return f"apiVersion: v1\nkind: List\nitems:\n{body}"


def as_stream(text: str) -> str:
    return f"---\n{as_resource(text)}---\n{as_config_map(text)}---\nkind: Service\napiVersion: v1\n"


def as_windows(text: str) -> str:
    return text.replace("\n", "\r\n")


BLOCKS = [functools.partial(as_config_map, sign=sign) for sign in ("|-", "|+", "|  # text")]


@pytest.mark.parametrize("form", [str, as_config_map, as_resource, as_list, as_stream, as_windows, *BLOCKS])
def test_a_config_is_moved_wherever_it_stands(form: Any) -> None:
    result = migrate(config=form(OLD))
    assert (result["config"], result["unsolved"]) == (form(NEW), [])
    assert not migrate(config=form(NEW))["changed"]


def test_changes_name_their_place_and_reason() -> None:
    result = migrate(config=as_config_map(OLD))
    assert [(row["line"], row["what"]) for row in result["changes"]] == [
        (14, "$HOST → ${env:HOST}"),
        (15, "batcher → sending_queue.batch"),
        (11, "logging → debug"),
        (9, "filelog/x → file_log/x"),
        (13, "otlp → otlp_grpc"),
    ]
    assert all(row["why"] for row in result["changes"])


def batched(*exporters: str, **settings: Any) -> dict[str, Any]:
    roles = {"receivers": ["otlp"], "processors": ["batch/a"], "exporters": list(exporters)}
    given = dict.fromkeys(exporters) | {name: settings for name in exporters if settings}
    return {**OTLP, "processors": {"batch/a": None}, "exporters": given, "service": {"pipelines": {"traces": roles}}}


@pytest.mark.parametrize(
    ("config", "versions"),
    [
        (batched("otlp_grpc"), ["0.171.0", "0.177.0"]),
        (batched("debug", "awsxray", "otlp_http/b"), ["0.171.0", "0.177.0"]),
        (batched("otlp_grpc", sending_queue={"batch": {"enabled": False}}), ["0.177.0"]),
        (batched("otlp_grpc", sending_queue={"enabled": False}), ["0.177.0"]),
        (batched("debug"), ["0.177.0"]),
        (batched("awsemf"), ["0.177.0"]),
        (batched("otlp_grpc") | {"service": {"pipelines": {"traces": {"exporters": ["otlp_grpc"]}}}}, ["0.177.0"]),
        (batched("otlp_grpc") | {"processors": None, "service": {"pipelines": {"traces": [{}]}}}, []),
        (OTLP, []),
    ],
)
def test_planned_versions_break_what_batches_twice_or_has_the_processor(config: Any, versions: list[str]) -> None:
    assert [row["version"] for row in migrate(config=config)["planned"]] == versions


FLUX = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
HELM = {"meta.helm.sh/release-name": "otel", "meta.helm.sh/release-namespace": "shop"}
OURS = {"app.kubernetes.io/managed-by": "o11y.opentelemetry"}


def resource(name: str, namespace: str = "obs", **metadata: Any) -> dict[str, Any]:
    about = {"name": name, "namespace": namespace, **metadata}
    spec = {"config": batched("otlp_grpc")}
    return {"apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": about, "spec": spec}


def test_collectors_of_a_cluster_that_planned_versions_break_are_counted_by_owner() -> None:
    container = {"name": "c", "image": "otelcol:0.158.0", "volumeMounts": [{"name": "v", "mountPath": "/conf"}]}
    mounted = {"volumes": [{"name": "v", "configMap": {"name": "plain"}}], "containers": [container]}
    plainly = {"name": "plain", "namespace": "shop"}
    copied = {**plainly, "ownerReferences": [{"kind": "OpenTelemetryCollector", "name": "ours"}]}
    text = {"data": {"relay.yaml": _yaml.dump(batched("otlp_grpc"))}}
    plain = {"apiVersion": "v1", "kind": "ConfigMap", **text}
    seen = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": plainly, "spec": {"template": {"spec": mounted}}},
        {**plain, "metadata": plainly},
        {**plain, "metadata": {**copied, "name": "made-by-the-operator"}},
        {**plain, "metadata": {**plainly, "name": "used-by-nothing"}},
        *(resource(name, "shop", annotations=HELM) for name in ("agent", "gateway")),
        resource("tracked", annotations={"argocd.argoproj.io/tracking-id": "o11y:opentelemetry.io/x:obs/tracked"}),
        resource("labelled", labels={"argocd.argoproj.io/instance": "o11y"}),
        resource("flux", labels=FLUX),
        resource("ours", labels=OURS),
    ]
    first, last = migrate(config=seen)["planned"]
    assert (first["version"], last["version"]) == ("0.171.0", "0.177.0")
    assert list(last["owners"].items()) == [
        ("Helm release shop/otel", 2),
        ("Argo CD application o11y", 2),
        ("namespace shop", 1),
        ("Flux Kustomization flux-system/apps", 1),
        ("o11y.opentelemetry, namespace obs", 1),
    ]
    assert last["configs"][0] == "shop/ConfigMap plain relay.yaml" and len(last["configs"]) == 7


def test_configs_in_files_that_planned_versions_break_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(_yaml.dump(batched("debug")))
    (tmp_path / "b.yml").write_text(NEW)
    (tmp_path / "c.yml").write_text(_yaml.dump(resource("c", annotations=HELM)))
    _first, planned = migrate(paths=[str(tmp_path)], check=True)["planned"]
    assert planned["configs"] == [str(tmp_path / "a.yml"), f"{tmp_path / 'c.yml'} (OpenTelemetryCollector c)"]
    assert planned["owners"] == {"no owner label": 1, "Helm release shop/otel": 1}


def test_an_older_version_gets_its_own_names() -> None:
    back = migrate(config=NEW, version="0.140.0")["config"]
    assert [words for words in ("filelog/x", "  otlp:\n    endpoint", "'otlp'") if words not in back] == []


def test_a_mapping_is_moved_as_data_and_what_is_current_is_not_touched() -> None:
    assert migrate(config=yaml.safe_load(OLD))["config"] == yaml.safe_load(NEW)
    assert migrate(config=_yaml.dump(OTLP))["config"] == _yaml.dump(OTLP)


FOLDED = ">\n" + "".join(f"\n    {line}\n" for line in OLD.splitlines())


@pytest.mark.parametrize("value", [json.dumps(OLD), FOLDED], ids=["quoted", "folded"])
def test_a_config_in_another_scalar_is_left_and_told(value: str) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  relay: {value}\n"
    result = migrate(config=text)
    assert (result["config"], result["changed"]) == (text, False)
    assert "write it as a block" in result["unsolved"][0]["why"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("exporters:\n  otlp: &x {endpoint: $HOST}\n  otlp/2: *x\nservice: {}\n", "", id="an anchor"),
        pytest.param("exporters:\n  otlp/1: &x\n    endpoint: a\n  otlp/2:\n    <<: *x\nservice: {}\n", "", id="merge"),
        pytest.param("exporters:\n  otlp: {}\n  otlp_grpc: {}\nservice: {}\n", "'otlp_grpc' is there", id="both names"),
        pytest.param("{exporters: {logging: }, service: {pipelines: {a: {exporters: [logging]}}}}\n", "", id="flow"),
        pytest.param("exporters:\n  logging:\n  debug:\nservice: {}\n", "keep one of the two", id="both shown"),
        pytest.param("exporters:\n  jaeger: {endpoint: 'x:14250'}\nservice: {}\n", "Find the right one", id="jaeger"),
        pytest.param("exporters:\n  carbon:\nservice: {}\n", "Nothing official replaces it", id="nothing does it"),
        pytest.param("exporters:\n  nobody:\nservice: {}\n", "No distribution", id="no such type"),
    ],
)
def test_what_is_odd_is_moved_or_told(text: str, why: str) -> None:
    result = migrate(config=text)
    assert why in repr(result["unsolved"]) if why else result["changes"]
    list(_yaml.load_all(result["config"], "f"))
    assert not migrate(config=result["config"])["changed"]


def test_a_distribution_that_lacks_a_component_is_told() -> None:
    result = migrate(config="exporters:\n  datadog:\nservice: {}\n", distribution="k8s", version="0.158.0")
    assert "Use one of the distributions that have it: " in result["unsolved"][0]["why"]


def test_files_are_written_whole_with_their_mode(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text(OLD)
    file.chmod(0o640)
    assert migrate(check=True, paths=[str(file)])["changed"]
    assert file.read_text() == OLD
    result = migrate(paths=[str(tmp_path)])
    assert (result["changed"], file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (True, NEW, 0o640)
    assert (result["diff"][0]["before"], result["diff"][0]["after"]) == (OLD, NEW)
    again = migrate(paths=[str(tmp_path)])
    assert (again["changed"], again["diff"], list(tmp_path.iterdir())) == (False, [], [file])


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_a_file_keeps_its_encoding(tmp_path: Path, mark: bytes, encoding: str) -> None:
    file = tmp_path / "agent.yaml"
    file.write_bytes(mark + OLD.replace("keep me", "käse").encode(encoding))
    assert migrate(paths=[str(file)], version="0.158.0", check=True)["changed"]
    assert migrate(paths=[str(file)], version="0.158.0")["changed"]
    assert file.read_bytes() == mark + NEW.replace("keep me", "käse").encode(encoding)
    assert not migrate(paths=[str(file)], version="0.158.0")["changed"]


def test_the_result_may_go_elsewhere(tmp_path: Path) -> None:
    source, dest = tmp_path / "a.yml", tmp_path / "b.yml"
    source.write_text(OLD)
    assert migrate(paths=[str(source)], dest=str(dest))["changed"]
    assert (source.read_text(), dest.read_text()) == (OLD, NEW)
    assert not migrate(paths=[str(source)], dest=str(dest))["changed"]
    with pytest.raises(Problem, match="`dest` supports only one config"):
        migrate(paths=[str(tmp_path)], dest=str(dest))


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n"])
def test_a_text_without_a_config_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="there is nothing in config"):
        migrate(config=text)


def test_text_that_is_no_yaml_is_left_and_told_and_a_folder_without_a_config_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("receivers: ]\n")
    (row,) = migrate(paths=[str(tmp_path / "a.yml")])["unsolved"]
    assert (row["line"], row["what"][:24]) == (1, "this is not valid YAML: ")
    (tmp_path / "a.yml").write_text("a: 1\n")
    with pytest.raises(Problem, match=r"there is no collector config in .* \(searched 1 YAML files\)"):
        migrate(paths=[str(tmp_path)])


KINDS = ("otlp", "otlp_grpc", "otlphttp", "logging", "debug", "loki", "filelog", "file_log", "jaeger", "k8sattributes")
IDS = [kind + name for kind in (*KINDS, "attributes", "memory_limiter", "memory_ballast") for name in ("", "/a")]
OPTIONS = ["endpoint", "loglevel", "verbosity", "batcher", "sending_queue", "actions", "storage", "ballast_size_mib"]
VALUES: list[Any] = [
    *(None, "$HOST", "a$$B", "http://l/loki/api/v1/push", "h:4317", 5, [], {}, "memory_ballast", "two\nlines $TEXT\n"),
    *({"enabled": False}, {"blocking": True}, {"min_size": 1}, {"action": "insert", "key": "$KEY"}),
    ["$HOST", {"b": "x: $NAME"}],
]
SETTINGS = st.none() | st.dictionaries(st.sampled_from([*OPTIONS, "x"]), st.sampled_from(VALUES), max_size=4)
SECTION = st.dictionaries(st.sampled_from(IDS), SETTINGS, max_size=4)
LISTED = st.lists(st.sampled_from(IDS), max_size=3)
PIPELINE = st.fixed_dictionaries({"receivers": LISTED, "exporters": LISTED})
SERVICE = st.fixed_dictionaries(
    {
        "extensions": LISTED,
        "telemetry": st.sampled_from([None, {"metrics": {"address": ":8888"}}, {"metrics": {"address": "x"}}]),
        "pipelines": st.dictionaries(st.sampled_from(["traces", "logs/a"]), PIPELINE),
    }
)
SECTIONS = dict.fromkeys(("receivers", "processors", "exporters", "extensions"), SECTION)
CONFIGS = st.fixed_dictionaries({**SECTIONS, "service": SERVICE})
STYLES = st.sampled_from([False, True, None])
FORMS = st.sampled_from([str, as_config_map, as_resource, as_stream, as_windows])
VERSIONS = st.sampled_from(["0.158.0", "0.130.0", "0.110.0"])


@given(CONFIGS, STYLES, st.booleans(), FORMS, VERSIONS)
def test_a_move_is_done_once_and_does_what_it_says(
    config: Any, flow: bool | None, shared: bool, form: Any, version: str
) -> None:
    dumper = yaml.SafeDumper if shared else type("Plain", (yaml.SafeDumper,), {"ignore_aliases": lambda *_: True})
    text = form(yaml.dump(config, Dumper=dumper, default_flow_style=flow, width=60, sort_keys=False))
    collected = _inputs.collect_inputs([], text)
    wanted = BuildRequest(version=version)
    moved = _migrate.migrate_text(text, "config", collected, wanted)
    again = _inputs.collect_inputs([], moved.text_after)
    assert _migrate.migrate_text(moved.text_after, "config", again, wanted).changes == []
    for before, after in zip(collected.inputs, again.inputs, strict=True):
        work = _rewrite.ConfigAsData(before.config)
        _done, left = _migration_steps.apply_steps(work, _migration_target.choose_target(wanted, before))
        # What anchors share cannot change in one place alone; it is left, and told.
        if not shared or len(left) * len(collected.inputs) == len(moved.unsolved_changes):
            assert data_edits.has_same_meaning(work.data, after.config)


@given(st.text(alphabet="abc:{}[]-&*|>'\"#\n $,/<\t\r\x85é", max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    whole = f"receivers:\n  otlp: {text}\nexporters:\n  logging:\nservice: {{}}\n"
    result = migrate(config=whole)
    if result["changed"]:
        assert not migrate(config=result["config"])["changed"]


def test_a_long_config_is_moved_in_reasonable_time() -> None:
    many = "".join(f"  otlp/{number}: {{endpoint: a}}\n" for number in range(3000))
    text = f"exporters:\n{many}service: {{}}\n"
    assert len(migrate(config=text)["changes"]) == 3000


@pytest.mark.parametrize("arguments", [{}, {"paths": ["a"], "config": "b"}])
def test_there_is_one_thing_to_move(arguments: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="either `paths` or `config` is required"):
        migrate(**arguments)
