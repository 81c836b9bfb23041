# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes _data/catalogue/opaque.json: the settings that the Collector types as opaque, because they hold secrets.

It reads Go modules in folders, a module cache or a `vendor`: their schemas, and the tags of their structs.

    python -m tools.catalogue.opaque $(go env GOMODCACHE) …/vendor
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from plugins.module_utils._otelcol.catalogue.rows import CONTRIB_PREFIX, CORE_PREFIX

from .generate import rows_text

OPAQUE_FILE = (
    Path(__file__).parents[2] / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "catalogue" / "opaque.json"
)
REPOSITORIES = {
    "go.opentelemetry.io/collector": CORE_PREFIX,
    "github.com/open-telemetry/opentelemetry-collector-contrib": CONTRIB_PREFIX,
}
TEXT_SHAPE, LIST_SHAPE, HEADERS_SHAPE = "text", "list", "headers"
# A field of a struct of Go, such as: Headers map[string]configopaque.String `mapstructure:"headers"`.
_TAG = re.compile(r"(\[\]|map\[string\])?\*?configopaque\.(String|MapList)\b[^`\n]*`[^`]*mapstructure:\"([a-z]\w*)")
# The end of a reference in a schema, such as `configopaque.string`.
_REFERENCE = re.compile(r"configopaque\.(string|map_list)\Z")
# The version in the path of a module of a module cache.
_VERSION = re.compile(r"@[^/]*")
_SHAPES = {"[]": LIST_SHAPE, "map[string]": HEADERS_SHAPE}
# Settings of modules that were not at hand. Source: the type of each in `config.go` of the module, in contrib.
HAND_WRITTEN_KEYS = {
    "exporter/alibabacloudlogserviceexporter": "access_key_secret security_token",
    "exporter/azuredataexplorerexporter": "application_key",
    "exporter/azuremonitorexporter": "connection_string instrumentation_key",
    "exporter/bmchelixexporter": "api_key",
    "exporter/cassandraexporter": "password",
    "exporter/datasetexporter": "api_key",
    "exporter/dorisexporter": "password",
    "exporter/logicmonitorexporter": "access_key",
    "exporter/mezmoexporter": "ingest_key",
    "exporter/pulsarexporter": "private_key token",
    "exporter/splunkhecexporter": "token",
    "exporter/tencentcloudlogserviceexporter": "secret_key",
    "exporter/tinybirdexporter": "token",
    "extension/asapauthextension": "private_key",
    "extension/storage/redisstorageextension": "password",
    "extension/sumologicextension": "installation_token",
    "internal/sqlquery": "password",
    "receiver/aerospikereceiver": "password",
    "receiver/ciscoosreceiver": "enable_password password",
    "receiver/cloudfoundryreceiver": "password",
    "receiver/couchdbreceiver": "password",
    "receiver/jmxreceiver": "keystore_password password truststore_password",
    "receiver/mongodbatlasreceiver": "private_key secret",
    "receiver/mongodbreceiver": "password",
    "receiver/nsxtreceiver": "password",
    "receiver/pulsarreceiver": "private_key token",
    "receiver/riakreceiver": "password",
    "receiver/saphanareceiver": "password",
    "receiver/snmpreceiver": "auth_password privacy_password",
    "receiver/snowflakereceiver": "password",
    "receiver/solacereceiver": "password",
    "receiver/vcenterreceiver": "password",
}
# Typed as opaque, and not secret.
PUBLIC_KEYS = ("ca_pem", "cert_pem")
# The type of an item in a list of headers, whose setting is typed elsewhere.
PAIR_KEY = "value"


class OpaqueSetting(NamedTuple):
    """A setting that is typed as opaque: its module, its key, and whether it is a text, a list or headers."""

    module: str
    key: str
    shape: str


def build_table(folders: Iterable[Path]) -> list[dict[str, Any]]:
    """Return one row for each key and shape, with the modules that have it."""
    modules_with: dict[tuple[str, str], set[str]] = defaultdict(set)
    for setting in (*_settings_of_modules(folders), *_settings_by_hand()):
        if setting.key != PAIR_KEY:
            modules_with[setting.key, setting.shape].add(setting.module)
    rows = []
    for (key, shape), modules in sorted(modules_with.items()):
        public_mark = {"public": True} if key in PUBLIC_KEYS else {}
        rows.append({"key": key, "shape": shape, **public_mark, "modules": sorted(modules)})
    return rows


def _settings_by_hand() -> Iterator[OpaqueSetting]:
    for module, keys in HAND_WRITTEN_KEYS.items():
        for key in keys.split():
            yield OpaqueSetting(f"{CONTRIB_PREFIX}{module}", key, TEXT_SHAPE)


def _settings_of_modules(folders: Iterable[Path]) -> Iterator[OpaqueSetting]:
    """Yield the settings of all modules in the folders."""
    for folder in folders:
        for repository, short_name in REPOSITORIES.items():
            repository_folder = folder / repository
            for path in sorted(repository_folder.rglob("*")) if repository_folder.is_dir() else ():
                if not _is_left_out(path):
                    module = short_name + _VERSION.sub("", str(path.parent.relative_to(repository_folder)))
                    yield from _settings_in_file(path, module)


def _is_left_out(path: Path) -> bool:
    """Whether a file is a test, or of the package of the opaque types itself, or of a program."""
    return path.name.endswith("_test.go") or bool({"configopaque", "testdata", "cmd"} & set(path.parts))


def _settings_in_file(path: Path, module: str) -> Iterator[OpaqueSetting]:
    """Yield the settings in a schema, or in the structs of a file of Go; none of another file."""
    if path.name == "config.schema.yaml":
        schema = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for key, shape in _settings_in_schema(_SchemaNode(schema, key="")):
            yield OpaqueSetting(module, key, shape)
    elif path.suffix == ".go":
        for prefix, type_name, key in _TAG.findall(path.read_text(encoding="utf-8")):
            shape = HEADERS_SHAPE if type_name == "MapList" else _SHAPES.get(prefix, TEXT_SHAPE)
            yield OpaqueSetting(module, key, shape)


class _SchemaNode(NamedTuple):
    """A node of a JSON schema, with the setting that it describes."""

    schema: Any
    key: str
    """Empty if it describes no setting, such as a definition."""
    shape: str = TEXT_SHAPE
    """What the setting is if the node is a reference to a text."""


class _KeyAndShape(NamedTuple):
    """A setting that is typed as opaque, in some schema."""

    key: str
    shape: str


def _settings_in_schema(node: _SchemaNode) -> Iterator[_KeyAndShape]:
    """Yield the settings in a JSON schema whose type is one of configopaque."""
    if not isinstance(node.schema, dict):
        return
    reference = _REFERENCE.search(str(node.schema.get("$ref", "")))
    if reference and node.key:
        yield _KeyAndShape(node.key, HEADERS_SHAPE if reference[1] == "map_list" else node.shape)
    for inner_node in _list_inner_nodes(node.schema, node.key):
        yield from _settings_in_schema(inner_node)


def _list_inner_nodes(schema: dict[str, Any], key: str) -> Iterator[_SchemaNode]:
    """Yield the nodes below one: its settings, its definitions, and what describes the setting of the node further."""
    for name, child in (schema.get("properties") or {}).items():
        yield _SchemaNode(child, name)
    for child in (schema.get("$defs") or {}).values():
        yield _SchemaNode(child, "")
    yield _SchemaNode(schema.get("items"), key, LIST_SHAPE)
    yield _SchemaNode(schema.get("additionalProperties"), key, HEADERS_SHAPE)
    for child in schema.get("allOf") or ():
        yield _SchemaNode(child, key)


def main(folders: Sequence[Path]) -> None:
    """Write the table."""
    OPAQUE_FILE.write_text(rows_text(build_table(folders)), encoding="utf-8")
    print(f"{len(json.loads(OPAQUE_FILE.read_text(encoding='utf-8')))} settings in {OPAQUE_FILE}")


if __name__ == "__main__":
    main([Path(folder) for folder in sys.argv[1:]])
