# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _input_model, _inputs, _yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.cases import cases

from ..helpers import OTLP

CONFIG = _yaml.dump(OTLP)
PATH = ("service", "pipelines", "traces", "exporters", 0)
LINE = 1 + CONFIG.splitlines().index("      - debug")


def indented(text: str, margin: int) -> str:
    return "".join(" " * margin + line + "\n" for line in text.splitlines())


def config_map(sign: str, margin: int = 4) -> str:
    return f"kind: ConfigMap\napiVersion: v1\nmetadata: {{name: a}}\ndata:\n  relay: {sign}\n{indented(CONFIG, margin)}"


def collect(text: str) -> list[_input_model.Input]:
    return _inputs.collect_inputs([], text).inputs


def in_file(path: Path, content: str | bytes) -> list[_input_model.Input]:
    """Return what a file with this content holds."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return _inputs.collect_inputs([str(path)], None).inputs


QUOTED = f'"{CONFIG}"'.replace("\n", "\\n")


@cases(
    "text, line, column",
    pytest.param(CONFIG, LINE, 9, id="plain"),
    pytest.param(config_map("|"), LINE + 5, 13, id="literal"),
    pytest.param(config_map("|-", 7), LINE + 5, 16, id="stripped"),
    pytest.param(config_map("|4", 6), LINE + 5, 15, id="indented"),
    pytest.param(f"---\na: 1\n---\n{config_map('|')}", LINE + 8, 13, id="in a stream"),
    pytest.param(config_map("|").replace("\n", "\r\n"), LINE + 5, 13, id="from Windows"),
    pytest.param(config_map("|").replace("relay: |", "relay: &x |"), LINE + 5, 13, id="anchored"),
    pytest.param(config_map(">").replace("\n    ", "\n\n    "), 5, 10, id="folded"),
    pytest.param(config_map("").partition("relay:")[0] + f"relay: {QUOTED}\n", 5, 10, id="quoted"),
)
def test_a_place_is_one_in_the_users_file(text: str, line: int, column: int) -> None:
    (item,) = collect(text)
    position = item.locate(PATH)
    assert (position.line, position.column) == (line, column)
    assert item.config["service"] == OTLP["service"]


def test_a_custom_resource_holds_a_mapping_or_text() -> None:
    head = "apiVersion: opentelemetry.io/{}\nkind: OpenTelemetryCollector\nmetadata: {{name: a}}\nspec:\n  config: {}\n"
    (old,) = collect(head.format("v1alpha1", "|") + indented(CONFIG, 4))
    (new,) = collect(head.format("v1beta1", "") + indented(CONFIG, 4))
    assert old.config == new.config == OTLP
    assert old.locate(PATH) == new.locate(PATH)
    assert old.name == "config (OpenTelemetryCollector a)"


def test_a_mistake_inside_a_block_has_its_place_in_the_file() -> None:
    (invalid,) = _inputs.collect_inputs([], config_map("|").replace("- debug", "- ]")).invalid_yaml
    assert (invalid.position.line, invalid.position.column) == (LINE + 5, 13)


def test_invalid_yaml_does_not_keep_what_was_read_before_it() -> None:
    [invalid] = _inputs.collect_inputs([], "receivers: {").invalid_yaml
    assert (invalid.__traceback__, invalid.__cause__, invalid.__context__) == (None, None, None)


def test_files_without_a_config_are_skipped_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(CONFIG)
    (tmp_path / "values.yaml").write_text("image: x\n")
    (tmp_path / "service.yml").write_text("kind: Service\napiVersion: v1\n")
    (tmp_path / "template.yaml").write_text("{{- if .x }}\nreceivers: {}\nservice: {}\n{{- end }}\n")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "b.yaml").write_text(CONFIG)
    found = _inputs.collect_inputs([str(tmp_path)], None)
    assert [item.name for item in found.inputs] == [str(tmp_path / "a.yaml")]
    names = ["bytes.yaml", "service.yml", "template.yaml", "values.yaml"]
    assert [Path(name).name for name in found.skipped_files] == names


MISSPELT = CONFIG.replace("receivers:", "receiver:", 1).replace("\nexporters:", "\nexporter:")
NO_SERVICE = MISSPELT.replace("\nservice:", "\nservices:")


@cases(
    "content, errors, unread",
    pytest.param(MISSPELT, [], [], id="two sections are misspelt"),
    pytest.param(NO_SERVICE, [], [], id="all sections are misspelt"),
    pytest.param(CONFIG.encode("utf-16"), [], [], id="UTF-16, which the Collector reads"),
    pytest.param(b"# caf\xe9\n" + CONFIG.encode(), ["byte 0xe9 in line 1 is not valid in UTF-8"], [], id="Latin 1"),
    pytest.param(CONFIG.replace("ers:", "er\0s:"), ["not valid YAML"], [], id="NUL in keys"),
    pytest.param(CONFIG.encode("utf-16-le"), ["not valid YAML"], [], id="UTF-16 without its mark"),
    pytest.param(b"a: caf\xe9\n", [], ["cannot read .*a.yaml: byte 0xe9 in line 1"], id="Latin 1 and no config"),
    pytest.param("a: \0\n", [], [r"a\.yaml has a NUL character\. Save it"], id="NUL and no config"),
    pytest.param(f"{CONFIG}{{{{- x }}}}\n", [], [r"a\.yaml:\d.*render it first"], id="a template"),
    pytest.param("kind: List\napiVersion: v1\na: ]\n", [], [r"a\.yaml:3:4: .*not valid YAML"], id="a broken manifest"),
)
def test_a_folder_tells_which_files_it_could_not_check_and_why(
    tmp_path: Path, content: str | bytes, errors: list[str], unread: list[str]
) -> None:
    (tmp_path / "z.yaml").write_text(CONFIG)
    (tmp_path / "a.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    found = _inputs.collect_inputs([str(tmp_path)], None)
    for texts, wanted in (([str(one) for one in found.invalid_yaml], errors), (found.skip_reasons, unread)):
        assert [re.search(words, text) is not None for words, text in zip(wanted, texts, strict=True)] == [True] * len(
            wanted
        )
    assert len(found.inputs) == 1 + (not errors and not unread)


def test_a_link_to_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(CONFIG)
    (tmp_path / "gone.yaml").symlink_to("elsewhere.yaml")
    found = _inputs.collect_inputs([str(tmp_path)], None)
    (reason,) = found.skip_reasons
    assert reason.startswith(f"cannot read {tmp_path}/gone.yaml: No such file or directory.")
    assert [Path(name).name for name in found.skipped_files] == ["gone.yaml"]


@pytest.fixture
def closed_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a config that this user may not read, also as root."""
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "b.yaml").write_text(CONFIG)
    has_access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and has_access(path, mode))
    return folder


def test_a_folder_below_that_may_not_be_read_is_named(tmp_path: Path, closed_folder: Path) -> None:
    (tmp_path / "a.yaml").write_text(CONFIG)
    found = _inputs.collect_inputs([str(tmp_path)], None)
    (warning,) = found.list_warnings()
    assert warning.startswith(f"{closed_folder} may not be read, so what it has was left out.")


def test_a_folder_that_may_not_be_read_is_not_told_as_empty(closed_folder: Path) -> None:
    with pytest.raises(Problem, match=f"the folder {closed_folder} may not be read"):
        _inputs.collect_inputs([str(closed_folder)], None)


def test_what_only_resembles_a_config_is_no_config(tmp_path: Path) -> None:
    (tmp_path / "z.yaml").write_text(CONFIG)
    (tmp_path / "values.yaml").write_text("service: {type: ClusterIP}\nexporter: {image: pipelines}\n")
    (tmp_path / "part.yaml").write_text("service: {pipelines: {traces: {receivers: [otlp]}}}\n")
    other = "exporter: {type: parquet}\\nprocessor: {threads: 4}\\npipelines: [orders]"
    (tmp_path / "map.yaml").write_text(
        f'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{application.yaml: "{other}"}}\n'
    )
    found = _inputs.collect_inputs([str(tmp_path)], None)
    assert (len(found.inputs), len(found.skipped_files), found.skip_reasons) == (1, 3, [])


@cases(
    "name, text",
    ("indented.yaml", "# a comment\n---\n" + indented(CONFIG, 2)),
    ("flow.yaml", json.dumps(OTLP).replace('"', "")),
    ("text.json", json.dumps(OTLP)),
    ("joined.yaml", "receivers::otlp::protocols: {grpc: }\nexporters: {debug: }\nservice::pipelines: {}\n"),
)
def test_a_folder_is_searched_for_every_form_of_a_config(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "package.json").write_text('{"name": "x", "service": {}}')
    found = _inputs.collect_inputs([str(tmp_path)], None)
    assert [Path(item.name).name for item in found.inputs] == [name]
    assert found.skipped_files == []


def test_keys_are_split_where_the_collector_splits_them() -> None:
    text = """\
receivers::otlp::protocols::grpc: {endpoint: "[::]:4317"}
service: {telemetry: {logs::level: info}}
service::pipelines::traces: {receivers: [otlp], "exporters::x": [{"a::b": 1}]}
"""
    (item,) = collect(text)
    assert item.config == {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "[::]:4317"}}}},
        "service": {
            "telemetry": {"logs": {"level": "info"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": {"x": [{"a::b": 1}]}}},
        },
    }
    places = [("service", "pipelines", "traces", "receivers", 0), ("service", "pipelines"), ("receivers", "otlp")]
    assert [(item.locate(path).line, item.locate(path).column) for path in places] == [(3, 42), (3, 1), (1, 1)]


NO_CONFIG = r"there is no collector config in .*a\.yaml\. Give a collector config, a"


@pytest.mark.parametrize("content", ["kind: Service\napiVersion: v1\n", "a: 1\n", "", "[]", b"\xff\xfe\x00"])
def test_a_file_that_is_given_and_holds_no_config_is_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(Problem, match=NO_CONFIG if isinstance(content, str) else "cannot read"):
        in_file(tmp_path / "a.yaml", content)


def test_objects_of_a_cluster_are_inputs() -> None:
    config = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "n"}}
    resource = {"kind": "OpenTelemetryCollector", "apiVersion": "opentelemetry.io/v1beta1", "metadata": {"name": "b"}}
    listed = [{**config, "data": {"x": CONFIG}}, {**resource, "spec": {"config": OTLP}}]
    found = _inputs.collect_inputs([], listed)
    assert [item.name for item in found.inputs] == ["n/ConfigMap a x", "OpenTelemetryCollector b"]
    assert [item.config for item in found.inputs] == [OTLP, OTLP]


def test_of_a_cluster_only_what_workloads_mount_is_looked_at() -> None:
    def config(name: str, **metadata: Any) -> dict[str, Any]:
        return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, **metadata}, "data": {"x": CONFIG}}

    def volume(name: str) -> dict[str, Any]:
        return {"name": name, "configMap": {"name": name}}

    mounts = [{"name": name, "mountPath": f"/{name}"} for name in ("used", "owned")]
    pod = {"containers": [{"volumeMounts": mounts}], "volumes": [volume("used"), volume("owned")]}
    workload = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {}, "spec": {"template": {"spec": pod}}}
    owner = [{"kind": "OpenTelemetryCollector"}]
    found = _inputs.collect_inputs(
        [], [config("used"), config("owned", ownerReferences=owner), config("idle"), workload]
    )
    assert [item.name for item in found.inputs] == ["ConfigMap used x"]


WORKLOAD = """\
kind: Deployment
apiVersion: apps/v1
metadata: {name: w}
spec:
  template:
    spec:
      containers: [{image: "otel/opentelemetry-collector-k8s:0.150.0", volumeMounts: [{name: v, mountPath: /conf}]}]
      volumes: [{name: v, configMap: {name: a}}]
"""


def test_a_chart_may_be_rendered_into_several_files_and_variants_are_not_mixed_up(tmp_path: Path) -> None:
    (tmp_path / "configmap.yaml").write_text(config_map("|"))
    (tmp_path / "deployment.yaml").write_text(WORKLOAD)
    (item,) = _inputs.collect_inputs([str(tmp_path)], None).inputs
    assert item.platform_context.image.endswith("k8s:0.150.0")
    assert item.platform_context.deployment
    (tmp_path / "two.yaml").write_text(WORKLOAD)
    (item,) = _inputs.collect_inputs([str(tmp_path)], None).inputs
    assert item.platform_context.deployment is None


def test_a_later_file_replaces_lists_and_empties_what_it_says_is_nothing(tmp_path: Path) -> None:
    one, two = tmp_path / "0.yaml", tmp_path / "1.yaml"
    service = "service: {pipelines: {traces: {receivers: [a, b]}}}\n"
    one.write_text(f"receivers: {{a: {{x: 1, y: 2}}, b: }}\n{service}exporters: {{c: }}\n")
    two.write_text("receivers: {a: {y: 3}}\nservice: {pipelines: {traces: {receivers: [a]}}}\nexporters:\n")
    (item,) = _inputs.collect_inputs([str(one), str(two)], None, merge=True).inputs
    assert item.config == {
        "receivers": {"a": {"x": 1, "y": 3}, "b": None},
        "service": {"pipelines": {"traces": {"receivers": ["a"]}}},
        "exporters": None,
    }
    assert [item.locate(("receivers", "a", key)).file for key in "xy"] == [str(one), str(two)]


def test_a_long_config_is_read() -> None:
    many = "".join(f"  otlp/{number}:\n    protocols:\n      grpc: {{}}\n" for number in range(2000))
    (item,) = collect(f"receivers:\n{many}service: {{}}\n")
    assert item.locate(("receivers", "otlp/1999")).line == 2 + 1999 * 3


KEYS = (
    *("kind", "apiVersion", "metadata", "name", "spec", "config", "data", "items", "template", "containers", "env"),
    *("receivers", "service", "volumes", "volumeMounts", "configMap", "image", "resources", "limits", "subjects"),
)
TREES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.sampled_from([CONFIG, "x", "ConfigMap", "Deployment", "v1", "a: ]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


@given(TREES)
def test_no_object_is_too_odd(tree: Any) -> None:
    _inputs.collect_inputs([], tree)
    kinds = ("ConfigMap", "OpenTelemetryCollector", "Deployment", "List", "ServiceList", "HorizontalPodAutoscaler")
    listed = [{**(tree if isinstance(tree, dict) else {}), "kind": kind, "apiVersion": "v1"} for kind in kinds]
    resource = {"kind": "OpenTelemetryCollector", "apiVersion": "opentelemetry.io/v1beta1", "spec": tree}
    _inputs.collect_inputs([], [*listed, resource, {"kind": "ConfigMap", "apiVersion": "v1", "data": {"a": CONFIG}}])


def test_what_is_wrong_with_a_custom_resource_is_found_in_its_own_lines(tmp_path: Path) -> None:
    spec = "  mode: sidecar\n  tolerations: []\n  config:\n    receivers: {otlp: {}}\n    service: {}\n"
    head = "apiVersion: opentelemetry.io/v1beta1\nkind: OpenTelemetryCollector\nmetadata: {name: a}\nspec:\n"
    (found,) = in_file(tmp_path / "all.yaml", f"kind: ConfigMap\napiVersion: v1\n---\n{head}{spec}")
    assert found.platform_context.resource is not None
    assert found.platform_context.resource["spec"]["mode"] == "sidecar"
    places = [("spec", "tolerations"), ("spec", "autoscaler", "minReplicas"), ("receivers", "otlp")]
    assert [found.locate(path).line for path in places] == [9, 7, 11]


def test_resources_in_a_list_have_lines_of_their_own(tmp_path: Path) -> None:
    one = "apiVersion: opentelemetry.io/v1beta1, kind: OpenTelemetryCollector, metadata: {name: a}"
    config = "config: {receivers: {otlp: {}}, service: {}}"
    both = f"- {{{one}, spec: {{mode: a, {config}}}}}\n- {{{one}, spec: {{{config}}}}}\n"
    found = in_file(tmp_path / "all.yaml", f"apiVersion: v1\nkind: List\nitems:\n{both}")
    assert [item.locate(("spec", "mode")).line for item in found] == [4, 5]


def test_text_that_ansible_has_marked_is_text() -> None:
    marked = type("Marked", (str,), {})("receivers: {otlp: {protocols: {grpc: {}}}}\nservice: {pipelines: {}}\n")
    (found,) = _inputs.collect_inputs([], marked).inputs
    assert found.config["receivers"] == {"otlp": {"protocols": {"grpc": {}}}}


POLICED = """\
- kind: ConfigMap
  apiVersion: v1
  metadata: {name: c, namespace: n}
  data: {relay: "receivers: {otlp: }\\nservice: {pipelines: }"}
- kind: Deployment
  apiVersion: apps/v1
  metadata: {name: w, namespace: n}
  spec:
    template:
      spec:
        containers: [{name: a, volumeMounts: [{name: v}]}]
        volumes: [{name: v, configMap: {name: c}}]
- {kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: n}, spec: {podSelector: {}}}
"""


def test_a_cluster_has_all_policies_and_a_file_may_lack_some(tmp_path: Path) -> None:
    objects = yaml.safe_load(POLICED)
    file = tmp_path / "objects.json"
    file.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": objects}))
    found = [*_inputs.collect_inputs([], objects).inputs, *_inputs.collect_inputs([str(file)], None).inputs]
    ingress = [item.platform_context.deployment.ingress for item in found if item.platform_context.deployment]
    assert [one and (one.is_complete, one.admits(8125, "UDP")) for one in ingress] == [(True, False), (False, False)]
