# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values for the variables of a config, so that a real Collector can read it and gets nothing of this machine. Private.

A placeholder is such a value. `otelcol validate`, tests and forecasts run with placeholders for all variables without a
default, which are called open references here. A placeholder has the shape that its setting takes, by the catalogue;
else the one that the name of the setting or the text around the variable suggests:

| the config has | the variable | why |
|---|---|---|
| `timeout: ${env:WAIT}` | `10s` | the name of the setting ends in `timeout` |
| `endpoint: ${env:HOST}:4317` | `localhost` | a port follows |
| `endpoint: ${env:ADDRESS}` of an exporter | `http://localhost:4317` | it is a whole address |
| `verbose: ${env:DEBUG}` | `true` | by the catalogue, the setting is true or false |
| `value: ${env:TEAM}` | `placeholder` | nothing is known |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...module_utils._otelcol.config.paths import Path, iter_leaves
from ...module_utils._otelcol.config.variable_references import REFERENCE_PATTERN
from ...module_utils._otelcol.needs.needed_variables import DOWNWARD_FIELDS
from ...module_utils._otelcol.rules.build_facts import TargetBuild

# What Kubernetes and AWS give every pod, and what components ask of it when they are created.
_POD_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "placeholder",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": "us-east-1",
    "AWS_SECRET_ACCESS_KEY": "placeholder",
    "HOME": "/",
    "HOSTNAME": "pod",
    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
    "KUBERNETES_SERVICE_PORT": "443",
    **dict.fromkeys(DOWNWARD_FIELDS, "placeholder"),
}
_TEXT = "placeholder"
_HOST = "localhost"
_PORT = "4317"
_NUMBER = "10"
_SWITCH = "true"
# The letters of shapes in the catalogue: what a setting takes. A setting that takes texts or numbers has `si`.
_TEXT_SHAPE = "s"
_BOOLEAN_SHAPE = "b"
_DURATION_SHAPE = "d"
_LIST_SHAPE = "l"
# A value of the right shape, by the end of its key. The first that matches counts.
_VALUE_BY_KEY_END = tuple(
    (re.compile(rf"(?:\A|_|\b)(?:{ends})\Z", re.IGNORECASE), value)
    for ends, value in (
        ("interval|timeout|ttl|delay|period|duration|age|window|wait|backoff|since", "10s"),
        ("ports?", _PORT),
        ("percent(?:age)?", "50"),
        ("limit_mib", "400"),
        ("spike_limit_mib", "100"),
        ("size|limit|count|num|number|max|min|consumers|workers|retries|mib|bytes|length|factor|items|attempts", "1"),
        ("enabled|insecure|insecure_skip_verify|disabled|auto_create", "true"),
        ("timezone|time_zone|location|zone", "UTC"),
        ("region", "us-east-1"),
        ("arn|role_arn|resource_arn", "arn:aws:iam::123456789012:role/placeholder"),
        ("path|file|directory|dir|filename|filepath", "/tmp/placeholder"),
        ("level", "info"),
        ("verbosity", "basic"),
    )
)
_ADDRESS_KEY = re.compile(
    r"(?:\A|_|\b)(?:endpoints?|urls?|address|addr|uri|brokers?|servers?|listen_address)\Z", re.IGNORECASE
)
# The keys of a path that name a component: its section and its id. Its settings are below.
_COMPONENT_KEYS = 2


def build_placeholder_environment(config: Any, target: TargetBuild | None) -> dict[str, str]:
    """Return a placeholder for every variable without a default, so that no value of this machine is used."""
    placeholders: dict[str, str] = {}
    for path, text in iter_leaves(config):
        for match in _find_open_references(text):
            name = match[1]
            # A variable may stand in several settings. The first one that says more than "some text" decides.
            if placeholders.get(name, _TEXT) == _TEXT:
                variable = _Variable(path, text[: match.start()], text[match.end() :], target)
                placeholders[name] = _choose_placeholder(variable)
    return {**placeholders, **_POD_ENVIRONMENT}  # a variable of each pod has one value, whatever setting names it


def needs_outside_value(value: Any) -> bool:
    """Return whether a value has a variable without a default."""
    return any(_find_open_references(value))


def _find_open_references(text: Any) -> Iterator[re.Match[str]]:
    """Yield the variables of a value that need one from outside."""
    matches = REFERENCE_PATTERN.finditer(text) if isinstance(text, str) else ()
    return (match for match in matches if match[1] and match[2] is None)


@dataclass(frozen=True)
class _Variable:
    """A variable in a config."""

    path: Path
    """The path of its setting."""
    text_before: str
    """What stands before it in the same value: `http://` of `http://${env:HOST}:4317`."""
    text_after: str
    """What stands after it in the same value: `:4317`."""
    target: TargetBuild | None

    @property
    def setting_name(self) -> str:
        """The name of the setting; of an item of a list, the name of the list."""
        return next((part for part in reversed(self.path) if isinstance(part, str)), "")

    @property
    def is_part_of_text(self) -> bool:
        """Whether the value has more than the variable, so that it is text."""
        return bool(self.text_before or self.text_after)

    @property
    def is_port_part(self) -> bool:
        """Whether it follows a host: as PORT in `localhost:${env:PORT}`, `${env:HOST}:${env:PORT}` or `${A}${PORT}`."""
        return self.text_before.endswith(":") or (self.text_before.endswith("}") and not self.text_after)

    @property
    def is_host_part(self) -> bool:
        """Whether a port follows it, or it follows the begin of a URL."""
        return self.text_after.startswith(":") or self.text_before.endswith(("://", "@")) or self.is_address

    @property
    def is_address(self) -> bool:
        """Whether the name of the setting says that it takes an address."""
        return bool(_ADDRESS_KEY.search(self.setting_name))

    @property
    def suggested_value(self) -> str:
        """The value that the name of the setting suggests; empty text if it suggests none."""
        return next((value for pattern, value in _VALUE_BY_KEY_END if pattern.search(self.setting_name)), "")

    @cached_property
    def shape_letters(self) -> str:
        """The letters of the shapes that the setting takes; empty text if they are unknown."""
        return _find_shape_letters(self.path, self.target)

    @property
    def needs_other_than_text(self) -> bool:
        """Whether the setting takes no text."""
        return bool(self.shape_letters) and _TEXT_SHAPE not in self.shape_letters


def _choose_placeholder(variable: _Variable) -> str:
    """Return a value of the shape that the setting takes, or that the text around the variable suggests."""
    if variable.is_part_of_text:
        return _choose_part_of_text(variable)
    if variable.needs_other_than_text:
        return _choose_value_without_text(variable)
    return _choose_whole_text(variable)


def _choose_part_of_text(variable: _Variable) -> str:
    """Return a value for a variable with text around it."""
    if variable.is_port_part:
        return _PORT
    return _HOST if variable.is_host_part else _TEXT


def _choose_value_without_text(variable: _Variable) -> str:
    """Return a value for a setting that takes no text."""
    if _BOOLEAN_SHAPE in variable.shape_letters:
        return _SWITCH
    if _LIST_SHAPE in variable.shape_letters:
        return f"[{_TEXT}]"
    return variable.suggested_value if variable.suggested_value.isdigit() else _NUMBER


def _choose_whole_text(variable: _Variable) -> str:
    """Return a value for a setting that may take a text, which has nothing but the variable."""
    if variable.is_address:
        address = f"{_HOST}:{_PORT}"
        return f"http://{address}" if variable.path[0] == "exporters" else address
    if not variable.suggested_value and variable.shape_letters.startswith(_DURATION_SHAPE):
        return "10s"
    return variable.suggested_value or _TEXT


def _find_shape_letters(path: Path, target: TargetBuild | None) -> str:
    """Return the letters of the shapes that the catalogue knows for a setting; empty text if it knows none.

    What it knows is a node: text, a list or a mapping. Text has the letters, and behind `=` or `~` the valid words, as
    `s=gzip|none` has; `?` is anything. A list is `[letters, node of an element]`. A mapping has a node for each key,
    and `*` for any other key; in its place may be its label, which begins with `#`. Source: tools/catalogue/README.md.
    """
    if target is None or len(path) <= _COMPONENT_KEYS:
        return ""
    section, component_id, *keys = path
    row = target.catalogue.find_fields(str(section), str(component_id).partition("/")[0], target.version)
    node: Any = row["fields"] if row else None
    for key in keys:
        node = _child_node(_resolve_label(node, target), key)
    if isinstance(node, list):
        return str(node[0])
    is_known = isinstance(node, str) and node[:1] not in "?#"
    return re.split("[=~]", node)[0] if is_known else ""


def _resolve_label(node: Any, target: TargetBuild) -> Any:
    """Return the mapping for which a label stands; other nodes as they are, but nothing for text."""
    return target.catalogue.shared_fields.get(node) if isinstance(node, str) else node


def _child_node(node: Any, key: Any) -> Any:
    """Return the node of a key, or of an element of a list; None below text."""
    if isinstance(node, list):
        return node[1]
    return node.get(key, node.get("*")) if isinstance(node, dict) else None
