# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From text to report, whatever the text: nothing crashes, every format can be read, and no secret is shown."""

from __future__ import annotations

import copy
import json
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._action import read_argument_spec
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _validate
from hypothesis import given
from hypothesis import strategies as st

from .mutants.bases import bases

DEFAULTS = {name: option.get("default") for name, option in read_argument_spec("pipeline_validate").items()}
FORMATS = read_argument_spec("pipeline_validate")["format"]["choices"]
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
TEXTS = [yaml.dump(subject.config, Dumper=DUMPER, sort_keys=False) for _name, subject in bases()]
KEYS = ["password", "api_key", "token", "client_secret", "Authorization", "X-Api-Key", "license_key", "private_key"]
WHERE = [
    ("exporters", "otlp_http"),
    ("exporters", "otlp_http", "headers"),
    ("exporters", "otlp_http", "tls"),
    ("extensions", "basicauth", "client_auth"),
    ("receivers", "mysql"),
    ("receivers", "otlp", "protocols"),
    ("processors", "batch"),
    ("connectors", "routing", "table"),
    ("service", "telemetry"),
    ("service", "pipelines", "traces"),
    ("servce",),
]

# Text with what YAML, expansion and markup mean something by.
spice = st.sampled_from(
    [*"{}[]:-#&*!|>'\"%@`$\n\t ,?~<\x00\x85\ufeff\U0001f4a5", "${", "\n---\n", "<<: *a", "&a ", "kind: "]
)
anywhere = st.integers(0, 10**6)
# No part of these stands in any message by itself.
characters = st.sampled_from("XQZJ0123456789$@:{}#%&+=!/")
secrets = st.text(characters, min_size=8, max_size=24).map(lambda text: f"Qz{text}Jx")


@st.composite
def broken(draw: st.DrawFn) -> str:
    """Return a config in which something was cut out, put in or moved."""
    text: str = draw(st.sampled_from(TEXTS))
    for _edit in range(draw(st.integers(0, 4))):
        start = draw(anywhere) % (len(text) + 1)
        end = min(len(text), start + draw(st.integers(0, 40)))
        text = text[:start] + draw(st.one_of(st.just(""), spice, st.sampled_from([text[start:end] * 2]))) + text[end:]
    return text


def validated(**arguments: Any) -> dict[str, Any]:
    return _validate.validate_configs(
        {**DEFAULTS, "version": "0.158.0", "fail_on": "never", **arguments}, lambda _text: None
    )


def read(name: str, text: str) -> None:
    """Read a report as its readers do."""
    if name in ("json", "sarif"):
        json.loads(text)
    elif name == "junit":
        ElementTree.fromstring(text)
    else:
        assert text == "" or text.endswith("\n")


@given(broken() | st.text(), st.sampled_from(FORMATS))
def test_every_text_has_an_answer_in_every_format(text: str, name: str) -> None:
    try:
        result = validated(config=text, format=name)
    except Problem as problem:
        assert str(problem)
        return
    read(name, result["report"])
    json.dumps(result)


@given(st.sampled_from(TEXTS), st.sampled_from(TEXTS), st.sampled_from(FORMATS))
def test_several_documents_are_several_configs(one: str, two: str, name: str) -> None:
    result = validated(config=f"{one}---\n{two}", format=name)
    assert len(result["checked"]) == 2
    read(name, result["report"])


def told(config: Any, **arguments: Any) -> str:
    """Return all that anybody is told, whatever becomes of it."""
    heard: list[str] = []
    wanted = {**DEFAULTS, "version": "0.158.0", "config": config, **arguments}
    try:
        heard.append(json.dumps(_validate.validate_configs(wanted, heard.append), ensure_ascii=False))
    except Problem as problem:
        heard.append(str(problem))
    return "\n".join(heard)


@given(st.sampled_from(bases()), st.sampled_from(WHERE), st.sampled_from(KEYS), secrets, st.data())
def test_no_secret_is_ever_shown(base: Any, where: tuple[str, ...], key: str, secret: str, data: st.DataObject) -> None:
    config = copy.deepcopy(base[1].config)
    parent = config
    for part in where:
        parent[part] = parent[part] if isinstance(parent.get(part), dict) else {}
        parent = parent[part]
    parent[key] = data.draw(st.sampled_from([secret, f"Bearer {secret}", [secret]]))
    text = yaml.safe_dump(config) if data.draw(st.booleans()) else config
    arguments = {
        "format": data.draw(st.sampled_from(FORMATS)),
        "fail_on": data.draw(st.sampled_from(["error", "never"])),
    }
    assert secret not in told(text, **arguments)
    assert secret[2:-2] not in told(text, **arguments)


@pytest.mark.parametrize("name", FORMATS)
@given(secret=st.text("XQZJ0123456789$@!+=", min_size=8, max_size=24).map(lambda text: f"Qz{text}Jx"))
def test_no_password_in_a_url_is_ever_shown(name: str, secret: str) -> None:
    for scheme in ("http", "https", "amqp"):
        config = {
            "receivers": {"otlp": {"protocols": {"grpc": None}}},
            "exporters": {"otlp_http": {"endpoint": f"{scheme}://me:{secret}@otlp.example.com/<x>", "nosuch": 1}},
            "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}}},
        }
        assert secret[2:-2] not in told(config, format=name)
        assert secret[2:-2] not in told(config, format=name, fail_on="never")


@given(secrets)
def test_no_secret_is_shown_of_what_is_no_yaml(secret: str) -> None:
    text = f"exporters:\n  otlp_http:\n    headers: {{api-key: '{secret}'}}\n   broken: [\n"
    assert secret not in told(text)
