# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment by which the SDK of a service reaches a collector of its host: one drop-in of systemd. Private.

A drop-in is a file in the folder UNIT.d, with settings that systemd adds to those of the unit. service_drop_ins.py of
`live` writes it. Each drop-in has one owner, the collector that its first line names: if that collector no longer has
the service, its next run removes the drop-in. For example, that of `shop.service` is

    # Written by o11y.opentelemetry for collector 'agent'. Change the inventory instead.
    [Service]
    Environment="OTEL_SERVICE_NAME=shop"
    Environment="OTEL_RESOURCE_ATTRIBUTES=host.id=%m"

Sources: systemd.unit(5), systemd.exec(5). Runs on the host: Python 3.8, standard library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._otelcol.errors import Problem, clean_text
from .fitted_unit import quote_unit_word
from .unit_text import list_section_lines

# What stands for the id of the host, which systemd puts there as its specifier %m: that of /etc/machine-id, which is
# the host.id of the Collector's detector `system` too. Source: OpenTelemetry, semantic conventions of host.id.
HOST_ID_TOKEN = "@host_id@"
_HOST_ID_SPECIFIER = "%m"
# Units of the system. No name can lead out of a folder or begin an option of systemctl. A name that ends with `@` is a
# template, of which only instances such as `shop@1.service` run.
_UNIT = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:@\\-]*(?<!@)\.service\Z")
# A name of a file may have 255 bytes, and the folder is the unit with `.d`.
_LONGEST_UNIT = 253
_VARIABLE = re.compile(r"OTEL_[A-Z0-9_]+\Z")
# The first line of a drop-in, which names its owner.
_MARK = re.compile(r"# Written by o11y\.opentelemetry for collector '([a-z0-9-]+)'\.")
# The variable in `"OTEL_A=1" OTEL_B=2`, the value of a setting Environment=.
_IN_UNIT = re.compile(r"(?:^|[\s\"'])(OTEL_[A-Z0-9_]+)=")
# The variable in `export OTEL_A=1`, a line of a file of EnvironmentFile=.
_IN_FILE = re.compile(r"^[ \t]*(?:export[ \t]+)?(OTEL_[A-Z0-9_]+)[ \t]*=", re.MULTILINE)
# The setting of a unit that sets variables, and the one that removes them.
_ENVIRONMENT = "Environment"
_UNSET = "UnsetEnvironment"


@dataclass(frozen=True)
class ServiceEnvironment:
    """The variables of one service, and whether the run may restart it. Raises Problem for what no unit can hold."""

    unit: str
    variables: Mapping[str, str]
    """A value may have HOST_ID_TOKEN in place of the id of the host."""
    may_restart: bool = False

    def __post_init__(self) -> None:
        check_service_name(self.unit)
        for name, value in self.variables.items():
            _check_variable(name, value)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> ServiceEnvironment:
        """Return the environment that a row of a bundle describes."""
        variables = {str(name): str(value) for name, value in row["variables"].items()}
        return cls(row["unit"], variables, bool(row.get("restart")))

    def render_drop_in(self, collector: str) -> str:
        """Return the drop-in. It ends with a line end."""
        lines = [
            f"# Written by o11y.opentelemetry for collector '{collector}'. Change the inventory instead.",
            "[Service]",
            *(f"Environment={self._quote_variable(name)}" for name in self.variables),
        ]
        return "\n".join(lines) + "\n"

    def _quote_variable(self, name: str) -> str:
        """Return a variable as a word of the unit.

        The token is replaced after quoting, which would make of the specifier `%m` the text `%%m`.
        """
        return quote_unit_word(f"{name}={self.variables[name]}").replace(HOST_ID_TOKEN, _HOST_ID_SPECIFIER)

    def resolve_on_host(self, host_id: str) -> dict[str, str]:
        """Return the variables as a process of a host with this id has them."""
        return {name: value.replace(HOST_ID_TOKEN, host_id) for name, value in self.variables.items()}


def check_service_name(unit: str) -> str:
    """Return the name of a service of the system. Raises Problem for another name."""
    if not _UNIT.match(unit) or len(unit) > _LONGEST_UNIT:
        fix = "Write the name of a unit such as `shop.service`, or of an instance such as `shop@1.service`."
        raise Problem(f"'{clean_text(unit)}' is no name of a service", fix=fix)
    return unit


def _check_variable(name: str, value: str) -> None:
    """Raise Problem for a name that is not OpenTelemetry's, and for a value that could begin another line."""
    if not _VARIABLE.match(name):
        wrong = f"'{clean_text(name)}' is no variable of OpenTelemetry, and other variables are the service's own"
        raise Problem(wrong, fix="Write a name that begins with OTEL_.")
    if not value.isprintable():
        wrong = f"the value of {name} has a line end or a control character, which no unit can hold"
        raise Problem(wrong, fix="Remove it.")


def drop_in_owner(drop_in_text: str) -> str:
    """Return the collector for which a drop-in was written; empty for a file of somebody else."""
    match = _MARK.match(drop_in_text)
    return match[1] if match else ""


def find_names_in_unit(unit_text: str, names: Iterable[str]) -> list[str]:
    """Return which of these variables a unit or a drop-in sets or removes."""
    return [name for name in names if name in set(_iter_unit_variables(unit_text))]


def _iter_unit_variables(unit_text: str) -> Iterator[str]:
    """Yield the names of the variables that a unit sets or unsets itself."""
    for line in list_section_lines(unit_text, "Service"):
        setting, _sign, value = line.partition("=")
        if setting.strip() == _ENVIRONMENT:
            yield from _IN_UNIT.findall(value)
        if setting.strip() == _UNSET:
            yield from (word.partition("=")[0].strip("\"'") for word in value.split())


def find_names_in_file(file_text: str, names: Iterable[str]) -> list[str]:
    """Return which of these variables a file of EnvironmentFile= sets."""
    return [name for name in names if name in set(_IN_FILE.findall(file_text))]
