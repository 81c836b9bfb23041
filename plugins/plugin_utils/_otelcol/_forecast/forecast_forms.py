# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two forms of a collector that a forecast compares: as it is before a change, and after it. Private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.errors import Problem, near
from ....module_utils._otelcol.rules.report_model import count_in_words
from ....module_utils._otelcol.testing.case import Suite
from .. import _inputs
from .._testing.chosen_bench import Chosen
from .._testing.running_configs import input_in_cluster

_NAME_A_FILE = "Name the config of before as a file with `before`."


@dataclass(frozen=True)
class Forms:
    """A collector as it is before a change and after it."""

    name: str
    before: Chosen
    after: Chosen


def forms_of_arguments(arguments: Mapping[str, Any], captured: str) -> Forms:
    """Return the forms that the options of a forecast name. `captured` is the collector that the capture is of.

    Raises Problem if none or several collectors could be meant, and if a form cannot be read.
    """
    name = _collector_name(arguments, captured)
    return Forms(name, _form_before(name, arguments), _form_after(name, arguments))


def _collector_name(arguments: Mapping[str, Any], captured: str) -> str:
    """Return the name of the collector that the capture is of. Raises Problem if none or several could be meant."""
    if arguments["before"] and arguments["after"]:
        return Path(arguments["after"]).name
    known = [str(collector["name"]) for collector in arguments["collectors"]]
    asked = arguments["collector"] or captured
    if asked in known:
        return str(asked)
    if asked:
        wrong = f"there is no collector '{asked}'{near(asked, known)}"
        raise Problem(wrong, fix=f"Collectors: {', '.join(known) or 'none'}.")
    if len(known) == 1:
        return known[0]
    wrong = f"the capture names no collector, and there are {len(known)}"
    raise Problem(wrong, fix="Name one with `collector`, or give the files `before` and `after`.")


def _form_before(name: str, arguments: Mapping[str, Any]) -> Chosen:
    """Return a collector before the change: of a file, as it runs on a host, or as it runs in the cluster."""
    if arguments["before"]:
        return _form_of_file(arguments["before"], "before")
    if arguments.get("kept") is not None:
        return _form_on_host(name, arguments["kept"])
    if arguments["resources"] is None:
        fix = "Name the config of before as a file with `before`, or give the objects of the cluster."
        raise Problem("the config that runs is not known: the cluster was not read", where="before", fix=fix)
    found = input_in_cluster(Suite(name, collector=name), arguments["collectors"], arguments["resources"])
    if found is None:
        wrong = f"the cluster has no collector '{name}' with one config"
        raise Problem(wrong, where="before", fix=_NAME_A_FILE)
    return Chosen(found.config, found.context.image, f"{name} in the cluster")


def _form_on_host(name: str, kept: Mapping[str, Chosen]) -> Chosen:
    """Return what runs on a Linux host. Its collectors have the name of the host before their own."""
    for full_name, form in kept.items():
        if full_name.endswith(f"/{name}") and form.config:
            return form
    wrong = f"no collector '{name}' runs on the host with one config that can be read"
    raise Problem(wrong, where="before", fix=_NAME_A_FILE)


def _form_after(name: str, arguments: Mapping[str, Any]) -> Chosen:
    """Return a collector after the change: of a file, or as the inventory renders it."""
    if arguments["after"]:
        return _form_of_file(arguments["after"], "after")
    rendered = next(collector for collector in arguments["collectors"] if str(collector["name"]) == name)
    config = _inputs.collect_inputs([], rendered["config"]).inputs[0].config
    return Chosen(config, str(rendered.get("image") or ""), f"{name} of the inventory")


def _form_of_file(path: str, option: str) -> Chosen:
    """Return the config in the file that an option names. Raises Problem unless there is one."""
    found = [given for given in _inputs.collect_inputs([path], None).inputs if isinstance(given.config, dict)]
    if len(found) != 1:
        wrong = f"{path} has {count_in_words(len(found), 'config')}, and a forecast compares one with another"
        raise Problem(wrong, where=option, fix="Name a file with one config.")
    return Chosen(found[0].config, found[0].context.image, path)
