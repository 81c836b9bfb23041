# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.migrate import edits
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _inputs, _migrate, _rewrite, _target, _yaml
from hypothesis import given
from hypothesis import strategies as st

from .helpers import MIGRATE, OTLP

OLD = """\
# keep me
receivers:
  otlp:
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
  otlp:
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


@pytest.mark.parametrize("form", [str, as_config_map, as_resource, as_list, as_stream, as_windows])
def test_a_config_is_moved_wherever_it_stands(form: Any) -> None:
    result = migrate(config=form(OLD))
    assert result["config"] == form(NEW)
    assert result["unsolved"] == []
    assert not migrate(config=form(NEW))["changed"]


@pytest.mark.parametrize("sign", ["|-", "|+", "|  # text"])
def test_every_literal_block_is_a_config(sign: str) -> None:
    assert migrate(config=as_config_map(OLD, sign))["config"] == as_config_map(NEW, sign)


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


def test_an_older_version_gets_its_own_names() -> None:
    back = migrate(config=NEW, version="0.140.0")["config"]
    assert "filelog/x" in back
    assert "  otlp:\n    endpoint" in back
    assert "'otlp'" in back


def test_a_mapping_is_moved_as_data() -> None:
    config = migrate(config=yaml.safe_load(OLD))["config"]
    assert config == yaml.safe_load(NEW)


@pytest.mark.parametrize("style", ['"', ">\n    "])
def test_a_config_in_another_scalar_is_left_and_told(style: str) -> None:
    value = json.dumps(OLD) if style == '"' else ">\n" + "".join(f"\n    {line}\n" for line in OLD.splitlines())
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  relay: {value}\n"
    result = migrate(config=text)
    assert result["config"] == text
    assert not result["changed"]
    assert "write it as a block" in result["unsolved"][0]["why"]


ODD: list[tuple[str, str, str]] = [
    ("an anchor", "exporters:\n  otlp: &x {endpoint: $HOST}\n  otlp/2: *x\nservice: {pipelines: {}}\n", ""),
    ("a merge key", "exporters:\n  otlp/1: &x\n    endpoint: a\n  otlp/2:\n    <<: *x\nservice: {}\n", ""),
    ("both names", "exporters:\n  otlp: {}\n  otlp_grpc: {}\nservice: {}\n", "'otlp_grpc' is there already."),
    ("on one line", "{exporters: {logging: , otlp: {}}, service: {pipelines: {traces: {exporters: [logging]}}}}\n", ""),
    ("both shown", "exporters:\n  logging:\n  debug:\nservice: {}\n", "keep one of the two"),
    ("a word in jaeger", "exporters:\n  jaeger: {endpoint: 'x:14250'}\nservice: {}\n", "Find the right one"),
    ("nothing does it", "exporters:\n  carbon:\nservice: {}\n", "Nothing official replaces it"),
    ("no such type", "exporters:\n  nobody:\nservice: {}\n", "No distribution"),
]


@pytest.mark.parametrize(("text", "why"), [case[1:] for case in ODD], ids=[case[0] for case in ODD])
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
    assert result["diff"][0]["before"] == OLD
    assert result["diff"][0]["after"] == NEW
    again = migrate(paths=[str(tmp_path)])
    assert (again["changed"], again["diff"], list(tmp_path.iterdir())) == (False, [], [file])


def test_the_result_may_go_elsewhere(tmp_path: Path) -> None:
    source, dest = tmp_path / "a.yml", tmp_path / "b.yml"
    source.write_text(OLD)
    assert migrate(paths=[str(source)], dest=str(dest))["changed"]
    assert (source.read_text(), dest.read_text()) == (OLD, NEW)
    assert not migrate(paths=[str(source)], dest=str(dest))["changed"]
    with pytest.raises(Problem, match="`dest` supports only one config"):
        migrate(paths=[str(tmp_path)], dest=str(dest))


def test_text_that_is_no_yaml_is_left_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("receivers: ]\n")
    (row,) = migrate(paths=[str(tmp_path / "a.yml")])["unsolved"]
    assert (row["line"], row["what"][:24]) == (1, "this is not valid YAML: ")


def test_a_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("a: 1\n")
    with pytest.raises(Problem, match=r"there is no collector config in .* \(searched 1 YAML files\)"):
        migrate(paths=[str(tmp_path)])


KINDS = ("otlp", "otlp_grpc", "otlphttp", "logging", "debug", "loki", "filelog", "file_log", "jaeger", "k8sattributes")
IDS = [kind + name for kind in (*KINDS, "attributes", "memory_limiter", "memory_ballast") for name in ("", "/a")]
SETTINGS: st.SearchStrategy[Any] = st.none() | st.dictionaries(
    st.sampled_from(
        ["endpoint", "loglevel", "verbosity", "batcher", "sending_queue", "actions", "storage", "ballast_size_mib", "x"]
    ),
    st.sampled_from(
        [
            None, "$HOST", "a$$B", "http://l/loki/api/v1/push", "h:4317", 5, [], {}, {"enabled": False},
            {"blocking": True}, {"min_size": 1}, {"action": "insert", "key": "$KEY"}, ["$HOST", {"b": "x: $NAME"}],
            "memory_ballast", "two\nlines $TEXT\n",
        ]
    ),
    max_size=4,
)  # fmt: skip
SECTION = st.dictionaries(st.sampled_from(IDS), SETTINGS, max_size=4)
CONFIGS = st.fixed_dictionaries(
    {
        "receivers": SECTION,
        "processors": SECTION,
        "exporters": SECTION,
        "extensions": SECTION,
        "service": st.fixed_dictionaries(
            {
                "extensions": st.lists(st.sampled_from(IDS), max_size=3),
                "telemetry": st.sampled_from([None, {"metrics": {"address": ":8888"}}, {"metrics": {"address": "x"}}]),
                "pipelines": st.dictionaries(
                    st.sampled_from(["traces", "logs/a"]),
                    st.fixed_dictionaries(
                        {role: st.lists(st.sampled_from(IDS), max_size=3) for role in ("receivers", "exporters")}
                    ),
                ),
            }
        ),
    }
)
STYLES = st.sampled_from([False, True, None])
FORMS = st.sampled_from([str, as_config_map, as_resource, as_stream, as_windows])
VERSIONS = st.sampled_from(["0.158.0", "0.130.0", "0.110.0"])


@given(CONFIGS, STYLES, st.booleans(), FORMS, VERSIONS)
def test_a_move_is_done_once_and_does_what_it_says(
    config: Any, flow: bool | None, shared: bool, form: Any, version: str
) -> None:
    dumper = yaml.SafeDumper if shared else type("Plain", (yaml.SafeDumper,), {"ignore_aliases": lambda *_: True})
    text = form(yaml.dump(config, Dumper=dumper, default_flow_style=flow, width=60, sort_keys=False))
    collected = _inputs.collect([], text)
    wanted = _target.BuildRequest(version=version)
    moved = _migrate.move(text, "config", collected, wanted)
    again = _inputs.collect([], moved.text)
    assert _migrate.move(moved.text, "config", again, wanted).changes == []
    for before, after in zip(collected.inputs, again.inputs, strict=True):
        work = _rewrite.Data(before.config)
        _done, left = _migrate.run(work, _migrate.target_of(wanted, before))
        # What anchors share cannot change in one place alone; it is left, and told.
        if not shared or len(left) * len(collected.inputs) == len(moved.unsolved):
            assert edits.same(work.data, after.config)


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


def test_what_is_current_is_not_touched() -> None:
    text = _yaml.dump(OTLP)
    assert migrate(config=text)["config"] == text
