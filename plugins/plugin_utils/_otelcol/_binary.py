# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation by a real Collector: `otelcol validate` on this machine. Controller only. Private."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.config.paths import REFERENCE, Position, at, dotted, leaves
from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.needs.derive_needs import DOWNWARD
from ...module_utils._otelcol.rules.subject import Finding
from ...module_utils._otelcol.rules.view import Target
from ...module_utils._otelcol.testing.outreach import has_outside_value
from . import _findings, _yaml
from ._isolation import once, sandbox

AUTO, NONE = "auto", "none"
SECONDS = 30
# The name of the program in the official archives.
_PROGRAMS = {"contrib": "otelcol-contrib", "core": "otelcol", "k8s": "otelcol-k8s", "otlp": "otelcol-otlp"}
_UNABLE = {"adot": "the AWS distribution has no `validate` subcommand"}
# What Kubernetes and AWS give every pod, and what components ask of it when they are created.
_SURROUNDINGS = {
    "AWS_ACCESS_KEY_ID": "placeholder",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": "us-east-1",
    "AWS_SECRET_ACCESS_KEY": "placeholder",
    "HOME": "/",
    "HOSTNAME": "pod",
    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
    "KUBERNETES_SERVICE_PORT": "443",
    **dict.fromkeys(DOWNWARD, "placeholder"),
}
_TEXT, _HOST, _PORT = "placeholder", "localhost", "4317"
# A value of the right shape, by the end of its key. The first that matches counts.
_BY_KEY = tuple(
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
_ADDRESS = re.compile(
    r"(?:\A|_|\b)(?:endpoints?|urls?|address|addr|uri|brokers?|servers?|listen_address)\Z", re.IGNORECASE
)
_INSIDE = "Allow user namespaces, or write that part into the config."
_NUMBER, _SWITCH = "10", "true"
_VERSION = re.compile(r"^\S+ version:? \S", re.MULTILINE)
# Errors that apply only to this machine: the files exist where the collector will run.
_ONLY_HERE = re.compile(r"directory must exist|no such file or directory|failed to load TLS|is not a directory")
_COLONS = re.compile(r"(?<![a-z_])[a-z_]++(?:::[^\s:,'\"]+)+")
_QUOTED = re.compile(r"'([a-z]+)'[^']{0,100}?\bfor (?:id: )?\"([^\"]+)\"", re.DOTALL)
_CREATED = re.compile(r"failed to create \"([^\"]+)\" (receiver|processor|exporter|connector|extension)")
_TOP_LEVEL = re.compile(r"'otelcol\.configSettings' has invalid keys: (\w+)")
_VALID_VALUES = re.compile(r"\s?\(valid values: \[[^\][]*\]\)")


@dataclass(frozen=True)
class Opinion:
    """Whether a real Collector validated the configs, the reason, and its findings."""

    ran: bool
    reason: str
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as a task result shows it."""
        return {"ran": self.ran, "reason": self.reason}


def program(binary: str, target: Target | None) -> tuple[str, str]:
    """Return the program, or an empty string and the reason. Raises Problem if a given path has no program."""
    if binary == NONE:
        return "", "it was not requested"
    distribution = target.distribution if target else "contrib"
    if distribution in _UNABLE:
        return "", _UNABLE[distribution]
    if binary != AUTO:
        found = shutil.which(binary)
        if not found:
            raise Problem(f"the program {binary} does not exist", fix="Give the path of a collector, `auto` or `none`.")
        return found, f"{found} validate"
    name = _PROGRAMS.get(distribution, "")
    found = shutil.which(name) if name else None
    if not found:
        return "", f"PATH has no program {name}" if name else f"the program of '{distribution}' is unknown"
    why = version_mismatch(found, target)
    return ("", why) if why else (found, f"{found} validate")


def ask_program(
    found: str, config: Any, locate: Callable[[KeyPath], Position], target: Target | None = None
) -> Finding | None:
    """Return the error that a program reports for a config; None if it reports none.

    The program runs in namespaces of its own: a config that names a file or an address gets nothing of this machine.
    Where the system allows none, nobody is asked about such a config. An error where a variable decides is information:
    the value there is a placeholder.
    """
    isolated = not sandbox.why_unavailable()
    if not isolated and (elsewhere := next(_elsewhere(config), None)):
        wrong = "nobody was asked about this config: it names a part in another place, and the system isolates nothing"
        return Finding(locate(elsewhere), dotted(elsewhere), _findings.REFUSED, "info", wrong, _INSIDE)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.touch(mode=0o600)
        file.write_text(_yaml.dump(config), encoding="utf-8")
        given = placeholder_environment(config, target)
        command = [found, "validate", f"--config={file}"]
        code, said = once.run_once(command, given, SECONDS, [Path(folder)], isolated)
    if code == 0:
        return None
    text = _VALID_VALUES.sub("", said.replace(str(file), "the config")).strip().removeprefix("Error: ")
    message = text or f"it exits with {code} and no message"
    path = _path(message, config)
    unknown = path and any(any(_without_default(value)) for _path, value in leaves(at(config, path)))
    severity = "info" if unknown or _ONLY_HERE.search(message) else "error"
    return Finding(locate(path), dotted(path), _findings.REFUSED, severity, " ".join(message.split()))


def _elsewhere(config: Any) -> Iterator[KeyPath]:
    """Yield the places at which a config names a file or an address for a part of itself."""
    return (path for path, text in leaves(config) if isinstance(text, str) and has_outside_value(text))


def placeholder_environment(config: Any, target: Target | None) -> dict[str, str]:
    """Return a placeholder for every variable without a default, so that no value of this machine is used."""
    placeholders: dict[str, str] = {}
    for path, text in leaves(config):
        for match in _without_default(text):
            name = match[1]
            if placeholders.get(name, _TEXT) == _TEXT:
                placeholders[name] = _placeholder(path, text, match.span(), target)
    return {**_SURROUNDINGS, **{name: value for name, value in placeholders.items() if name not in _SURROUNDINGS}}


def _without_default(text: Any) -> Iterator[re.Match[str]]:
    """Yield the variables of a value that need one from outside."""
    matches = REFERENCE.finditer(text) if isinstance(text, str) else ()
    return (match for match in matches if match[1] and match[2] is None)


@dataclass(frozen=True)
class _Variable:
    """A variable in a config: the path of its setting, and the text before and after it in the same value."""

    path: KeyPath
    before: str
    after: str
    target: Target | None

    @property
    def key(self) -> str:
        """The name of the setting; of an item of a list, the name of the list."""
        return next((part for part in reversed(self.path) if isinstance(part, str)), "")

    @property
    def is_part(self) -> bool:
        """Whether the value has more than the variable, so that it is text."""
        return bool(self.before or self.after)

    @property
    def is_port_part(self) -> bool:
        """Whether it follows a host, which another variable may give."""
        return self.before.endswith(":") or (self.before.endswith("}") and not self.after)

    @property
    def is_host_part(self) -> bool:
        return self.after.startswith(":") or self.before.endswith(("://", "@")) or self.is_address

    @property
    def is_address(self) -> bool:
        return bool(_ADDRESS.search(self.key))

    @property
    def by_key(self) -> str:
        """The value that the name of the setting suggests; empty text if it suggests none."""
        return next((value for pattern, value in _BY_KEY if pattern.search(self.key)), "")

    @cached_property
    def shapes(self) -> str:
        """The letters of the shapes that the setting takes; empty text if they are unknown."""
        return _shapes(self.path, self.target)

    @property
    def takes_no_text(self) -> bool:
        return bool(self.shapes) and "s" not in self.shapes


# The value of a variable, by what is known of it. The first row that fits counts.
_IN_TEXT: tuple[tuple[Callable[[_Variable], bool], str], ...] = (
    (lambda variable: variable.is_port_part, _PORT),
    (lambda variable: variable.is_host_part, _HOST),
)
_NO_TEXT: tuple[tuple[Callable[[_Variable], bool], str], ...] = (
    (lambda variable: "b" in variable.shapes, _SWITCH),
    (lambda variable: "l" in variable.shapes, f"[{_TEXT}]"),
    (lambda variable: not variable.by_key.isdigit(), _NUMBER),
)
_ALONE: tuple[tuple[Callable[[_Variable], bool], str], ...] = (
    (lambda variable: variable.is_address and variable.path[0] == "exporters", f"http://{_HOST}:{_PORT}"),
    (lambda variable: variable.is_address, f"{_HOST}:{_PORT}"),
    (lambda variable: not variable.by_key and variable.shapes.startswith("d"), "10s"),
)


def _placeholder(path: KeyPath, text: str, span: tuple[int, int], target: Target | None) -> str:
    """Return a value of the shape that the setting at a path takes, or that the text around the variable suggests."""
    variable = _Variable(path, text[: span[0]], text[span[1] :], target)
    if variable.is_part:
        rows, usual = _IN_TEXT, _TEXT
    elif variable.takes_no_text:
        rows, usual = _NO_TEXT, variable.by_key
    else:
        rows, usual = _ALONE, variable.by_key or _TEXT
    return next((value for fits, value in rows if fits(variable)), usual)


def _shapes(path: KeyPath, target: Target | None) -> str:
    """Return the letters of the shapes that the catalogue knows for a setting; empty text if it knows none."""
    if target is None or len(path) <= len(("section", "id")):
        return ""
    row = target.catalogue.fields(str(path[0]), str(path[1]).partition("/")[0], target.version)
    node: Any = row["fields"] if row else None
    for part in path[2:]:
        node = target.catalogue.shared_fields.get(node) if isinstance(node, str) else node
        known = node if isinstance(node, dict) else {}
        node = node[1] if isinstance(node, list) else known.get(part, known.get("*"))
    if isinstance(node, list):
        return str(node[0])
    return re.split("[=~]", node)[0] if isinstance(node, str) and node[:1] not in "?#" else ""


def version_mismatch(found: str, target: Target | None, isolated: bool = True) -> str:
    """Return why a program is unsuitable: its version must match the target's."""
    if target is None:
        return ""
    version = version_of(found, isolated)
    return "" if version == target.version else f"{found} is version {version or 'unknown'}, not {target.version}"


def version_of(found: str, isolated: bool = True) -> str:
    """Return the version that a program says it has; empty if it says none."""
    _code, said = _said_of_itself(found, _runs_alone(isolated))
    match = re.search(r"(?<!\d)\d++\.\d++\.\d++", said)
    return match[0] if match else ""


def check_program(found: str, isolated: bool = True) -> None:
    """Raise Problem for a program that does not tell its version as every Collector does.

    A program out of an image is run for the first time here: in namespaces too, unless the user wants none.
    """
    alone = _runs_alone(isolated)
    code, said = _said_of_itself(found, alone)
    if code or not _VERSION.search(said):
        wrong = f"{found} is no Collector: `{found} --version` tells no version"
        fix = "Give the path of a Collector."
        if alone:
            fix += " A script that starts another program finds none where tests run: isolation `none` lets it."
        raise Problem(wrong, fix=fix)


def _runs_alone(isolated: bool) -> bool:
    """Whether a program runs in namespaces of its own: if it is asked for, and the system allows it."""
    return isolated and not sandbox.why_unavailable()


@cache
def _said_of_itself(found: str, isolated: bool) -> tuple[int, str]:
    return once.run_once([found, "--version"], {}, SECONDS, [], isolated)


def _path(message: str, config: Any) -> KeyPath:
    """Return the path in the config that a message names, if any."""
    candidates: list[KeyPath] = [tuple(text.split("::")) for text in _COLONS.findall(message)]
    candidates += _QUOTED.findall(message)
    candidates += [(f"{kind}s", component_id) for component_id, kind in _CREATED.findall(message)]
    candidates += [(key,) for key in _TOP_LEVEL.findall(message)]
    missing = object()
    for candidate in candidates:
        path: KeyPath = candidate
        while path and at(config, path, missing) is missing:
            path = path[:-1]
        if path:
            return path
    return ()
