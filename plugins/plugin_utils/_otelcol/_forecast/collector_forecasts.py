# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecasts of all collectors of a run that change, each by its own capture. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.config.config_secrets import secrets_in
from ....module_utils._otelcol.config.masking import masked_tree, masker
from ....module_utils._otelcol.errors import Problem, cleaned
from ....module_utils._otelcol.forecast.applied_resources import is_applied
from ....module_utils._otelcol.forecast.told_collectors import (
    ToldCollector,
    failures,
    markdown_section,
    report_lines,
)
from ....module_utils._otelcol.kube.objects import Ref, ref
from ....module_utils._otelcol.testing.case import Suite
from .. import _files, _inputs
from .._testing.chosen_bench import Chosen
from .._testing.running_configs import input_in_cluster
from .captured import read_capture
from .forecasting import NEVER, Forms, check_options, forecast_of

_CAPTURE_IT = "Capture it with playbook capture."
_NOT_READABLE = "what it runs with is not one config that can be read"
SERVICE = "service"
"""The kind of a collector of a Linux host."""
_ONE_FORM: dict[str, Any] = {
    "markdown_path": None,
    "output_path": None,
    "before": None,
    "after": None,
    "rates": {},
    "fail_on": NEVER,
}
"""Options of the forecast of one collector that that of all has not."""


@dataclass(frozen=True)
class Rendered:
    """A collector of the inventory, as otel_render returns it."""

    row: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its namespace and name."""
        return f"{self.row['namespace']}/{self.row['name']}"

    @property
    def folder(self) -> str:
        """The name of its capture among those of its host of the inventory."""
        name = str(self.row["name"])
        return name if self.row.get("kind") == SERVICE else f"{self.row['namespace']}.{name}"

    @property
    def ref(self) -> Ref:
        """Its workload, or the custom resource from which the operator makes one."""
        return Ref(str(self.row.get("kind")), str(self.row["namespace"]), str(self.row["name"]))

    @property
    def form(self) -> Chosen:
        """What it is after the change."""
        config = _inputs.collect_inputs([], self.row["config"]).inputs[0].config
        return Chosen(config, str(self.row.get("image") or ""), f"{self.name} of the inventory")


def collector_forecasts(arguments: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """Return the forecasts of all collectors that change, as a task result. A collector without a capture is warned of.

    Raises Problem for options that are wrong, and if the config of before is given in no way.
    """
    given = {**arguments, **_ONE_FORM, "capture": arguments["captures"]}
    check_options(given)
    if arguments["kept"] is None and arguments["resources"] is None:
        fix = "Give `resources`, `gitops_path`, `kept_path` or `host_running`."
        raise Problem("the configs of before are not known", fix=fix)
    for number, row in enumerate(arguments["collectors"]):
        _check_row(row, f"collectors[{number}]")
    told = list(_told(given, warn))
    must_be_known = arguments["without_capture"] == "fail"
    if not must_be_known:
        for collector in told:
            if collector.missing:
                warn(f"{collector.name} changes without a forecast: {collector.missing}")
    return {
        "changed": False,
        "forecasts": [collector.forecast for collector in told if collector.forecast],
        "unknown": [
            {"collector": collector.name, "why": collector.why_unknown} for collector in told if not collector.forecast
        ],
        "report": "\n".join(report_lines(told)),
        "markdown": markdown_section(told),
        "failure": ". ".join(failures(told, must_be_known=must_be_known)),
    }


def _check_row(row: Mapping[str, Any], where: str) -> None:
    """Raise Problem for a row that is no collector with a name, a namespace and one config."""
    fix = "Give `collectors` as otel_render returns them."
    if not row.get("name") or not row.get("namespace"):
        raise Problem("this is no collector with a name and a namespace", where=where, fix=fix)
    given = row.get("config")
    inputs = [] if given is None else _inputs.collect_inputs([], given).inputs
    if not inputs or not isinstance(inputs[0].config, Mapping):
        raise Problem("this is no collector with a config", where=where, fix=fix)


def _told(arguments: Mapping[str, Any], warn: Callable[[str], None]) -> Iterator[ToldCollector]:
    """Yield what is known of each collector that changes. One that does not run yet has no config of before."""
    for row in arguments["collectors"]:
        rendered = Rendered(row)
        if _keeps_resource(rendered, arguments):
            continue
        after = rendered.form
        try:
            before = _before(rendered, arguments)
        except Problem as problem:
            yield ToldCollector(rendered.name, missing=problem.wrong)
            continue
        if before is None:
            yield ToldCollector(rendered.name, is_new=True)
        elif _differ(before, after, is_masked=arguments["kept"] is not None):
            yield _forecast(Forms(rendered.name, before, after), rendered.folder, arguments, warn)


def _keeps_resource(rendered: Rendered, arguments: Mapping[str, Any]) -> bool:
    """Return whether a run changes nothing of its custom resource.

    A cluster keeps what others have added to it. The files of a repository are written anew, without that.
    """
    if arguments.get("gitops_path"):
        return False
    return is_applied(rendered.ref, arguments["manifests"], arguments.get("resources") or ())


def _before(rendered: Rendered, arguments: Mapping[str, Any]) -> Chosen | None:
    """Return a collector as it is before the change; None if it is not there yet.

    Raises Problem if it runs with no config that can be read, or with several.
    """
    if arguments["kept"] is not None:
        return _kept(rendered, arguments["kept"])
    found = input_in_cluster(Suite(rendered.name, collector=str(rendered.row["name"])), _with_one(rendered, arguments))
    if found is not None:
        return Chosen(found.config, found.context.image, f"{rendered.name} before the change")
    if _is_there(rendered, arguments["resources"]):
        raise Problem(_NOT_READABLE)
    return None


def _kept(rendered: Rendered, kept: Mapping[str, Chosen]) -> Chosen | None:
    """Return a collector as it was kept. One whose image was not kept has that of the inventory."""
    form = kept.get(rendered.name)
    if form is None:
        return None
    if not form.config:
        raise Problem(_NOT_READABLE)
    return form if form.image else replace(form, image=rendered.form.image)


def _with_one(rendered: Rendered, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments for one collector: another namespace may have one of the same name."""
    return {**arguments, "collectors": [rendered.row]}


def _is_there(rendered: Rendered, resources: Sequence[Mapping[str, Any]]) -> bool:
    return any(ref(dict(workload)) == rendered.ref for workload in resources)


def _differ(before: Chosen, after: Chosen, *, is_masked: bool) -> bool:
    """Return whether the config or the image changes. Kept configs have masks in place of secrets."""
    wanted: Any = after.config
    if is_masked:
        wanted = masked_tree(wanted, masker(secrets_in(wanted)))
    return before.config != wanted or (before.image != after.image and bool(before.image and after.image))


def _forecast(forms: Forms, capture: str, arguments: Mapping[str, Any], warn: Callable[[str], None]) -> ToldCollector:
    folder = Path(arguments["captures"]) / capture
    if not _files.is_there(folder, Path.is_dir):
        return ToldCollector(forms.name, missing=f"there is no capture {folder}. {_CAPTURE_IT}")
    try:
        own = {**arguments, "capture": str(folder)}
        return ToldCollector(forms.name, forecast=forecast_of(forms, read_capture(folder), own, warn))
    except Problem as problem:
        return ToldCollector(forms.name, problem=cleaned(str(problem)).rstrip("."))
