# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module pipeline_savings: what is worth dropping of a capture, and what dropping it would save. Private.

A capture is a sample of telemetry in a folder (docs/capture.md). One pass over it finds proposals, such as "drop the
debug logs of shop", and facts about services (observation.py). `_measured_savings.py` measures the proposals with real
Collectors, and `savings_lines.py` and others write the report. The action of the module calls `find_savings`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..module_utils._otelcol.errors import Problem, clean_text
from ..module_utils._otelcol.forecast.capture_facts import CaptureFacts
from ..module_utils._otelcol.forecast.unmatched import list_unmatched_receivers, parse_receivers
from ..module_utils._otelcol.testing.checked_pipelines import map_signals_of_receivers
from ..module_utils._savings.capture_findings import CaptureFindings
from ..module_utils._savings.captured_records import ReadableValues
from ..module_utils._savings.instrumentation_score import Score, compute_score
from ..module_utils._savings.observation import SavingsWishes, observe_capture
from ..module_utils._savings.savings_data import build_savings_data
from ..module_utils._savings.savings_lines import list_savings_lines
from ..module_utils._savings.savings_markdown import build_savings_markdown
from ..module_utils._savings.savings_report import Savings
from . import _savings_options as options
from ._measured_savings import measure_proposals
from ._otelcol import _files
from ._otelcol._forecast.captured import check_not_in_capture, read_capture
from ._savings_config import choose_measured_config

_REPORT_OPTIONS = ("markdown_path", "output_path")


def find_savings(arguments: Mapping[str, Any], warn: Callable[[str], None], check: bool = False) -> dict[str, Any]:
    """Return what is worth dropping of a capture, as a task result.

    Raises Problem if nothing came in, if no record reaches an exporter, and for a config that cannot be run.
    """
    _check_arguments(arguments)
    measured_savings = _measure_savings(arguments, warn)
    report = "\n".join(map(clean_text, list_savings_lines(measured_savings)))
    is_changed = not check and _write_reports(measured_savings, arguments)
    return {**build_savings_data(measured_savings), "report": report, "changed": is_changed}


def _check_arguments(arguments: Mapping[str, Any]) -> None:
    """Raise Problem for reports that would replace what is read, or each other, and for receivers that cannot be."""
    _files.check_outputs_differ({option: arguments[option] for option in _REPORT_OPTIONS})
    for option in _REPORT_OPTIONS:
        _files.check_output_is_no_input(arguments[option], [arguments["capture"], arguments["config"]], option)
        check_not_in_capture(arguments[option], arguments["capture"], option)
    parse_receivers(arguments["receivers"])


def _measure_savings(arguments: Mapping[str, Any], warn: Callable[[str], None]) -> Savings:
    """Return what is worth dropping, with the shares that were measured."""
    capture = read_capture(Path(arguments["capture"]))
    facts = CaptureFacts.of(capture.manifest)
    chosen_config, title = choose_measured_config(arguments, facts)
    readable = ReadableValues.from_manifest(facts, capture.manifest)
    observed = observe_capture(capture.read_contents(), readable, _read_wishes(arguments, chosen_config.config))
    if not any(arrival.item_count for arrival in observed.captured_amounts.values()):
        raise Problem(f"the capture {arguments['capture']} is empty", fix="Capture again while clients send.")
    told_rows = tuple(measure_proposals(observed.proposals, chosen_config, capture, arguments, warn))
    notes = [*facts.describe_limits(), *_describe_unmatched(observed, chosen_config.config, arguments["receivers"])]
    if any(proposal.measured_shares for proposal in told_rows):
        notes.append(f"the shares were measured with {chosen_config.where}")
    return Savings(title, observed, told_rows, _score_services(observed, readable), tuple(notes))


def _read_wishes(arguments: Mapping[str, Any], config: Mapping[str, Any]) -> SavingsWishes:
    """Return the wishes of the user about proposals: what stays, and how much a proposal must save."""
    kept_names = [*arguments["keep"], arguments["tenant_attribute"]]
    return SavingsWishes(frozenset(filter(None, kept_names)), arguments["least_percent"], options.has_sampling(config))


def _score_services(observed: CaptureFindings, readable: ReadableValues) -> tuple[Score, ...]:
    """Return the score of each service, by name."""
    return tuple(
        compute_score(service, observed_service, readable)
        for service, observed_service in sorted(observed.summary_by_service.items())
    )


def _describe_unmatched(
    observed: CaptureFindings, config: Mapping[str, Any], receivers: Mapping[str, str]
) -> Iterator[str]:
    """Yield a line for each thing that a user names and that has no effect."""
    if observed.unseen_names:
        yield f"nothing in the capture has {', '.join(observed.unseen_names)}, named to be kept"
    yield from list_unmatched_receivers(receivers, frozenset(map_signals_of_receivers(config)))


def _write_reports(measured_savings: Savings, arguments: Mapping[str, Any]) -> bool:
    """Write the reports that were asked for; return whether one has changed."""
    is_changed = False
    if arguments["markdown_path"]:
        is_changed |= _files.write_private(Path(arguments["markdown_path"]), build_savings_markdown(measured_savings))
    if arguments["output_path"]:
        text = json.dumps(build_savings_data(measured_savings), indent=2, ensure_ascii=False) + "\n"
        is_changed |= _files.write_private(Path(arguments["output_path"]), text)
    return is_changed
