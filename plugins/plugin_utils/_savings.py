# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping of a capture, and what real Collectors send with the options that would drop it. Private."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..module_utils._otelcol.errors import Problem, cleaned
from ..module_utils._otelcol.forecast.capture_facts import CaptureFacts
from ..module_utils._otelcol.forecast.unmatched import checked_receivers, unmatched_receivers
from ..module_utils._otelcol.testing.checked_pipelines import fed_receivers
from ..module_utils._savings.captured_records import Readable
from ..module_utils._savings.instrumentation_score import Score, score_of
from ..module_utils._savings.observation import Found, Wishes, look_at
from ..module_utils._savings.savings_data import savings_data
from ..module_utils._savings.savings_lines import savings_lines
from ..module_utils._savings.savings_markdown import savings_markdown
from ..module_utils._savings.told_savings import Savings
from . import _savings_options as options
from ._measured_savings import told_proposals
from ._otelcol import _files
from ._otelcol._forecast.captured import check_outside, read_capture
from ._savings_config import measured_config


def savings(arguments: Mapping[str, Any], warn: Callable[[str], None], check: bool = False) -> dict[str, Any]:
    """Return what is worth dropping of a capture, as a task result.

    Raises Problem if nothing came in, if no record reaches an exporter, and for a config that cannot be run.
    """
    _check_arguments(arguments)
    found_savings = _found_savings(arguments, warn)
    report = "\n".join(map(cleaned, savings_lines(found_savings)))
    changed = not check and _write(found_savings, arguments)
    return {**savings_data(found_savings), "report": report, "changed": changed}


def _check_arguments(arguments: Mapping[str, Any]) -> None:
    """Raise Problem for a report that would replace what is read, and for receivers that cannot be."""
    for option in ("markdown_path", "output_path"):
        _files.check_apart(arguments[option], [arguments["capture"], arguments["config"]], option)
        check_outside(arguments[option], arguments["capture"], option)
    checked_receivers(arguments["receivers"])


def _found_savings(arguments: Mapping[str, Any], warn: Callable[[str], None]) -> Savings:
    """Return what is worth dropping, with the shares that were measured."""
    capture = read_capture(Path(arguments["capture"]))
    facts = CaptureFacts.of(capture.manifest)
    chosen, title = measured_config(arguments, facts)
    readable = Readable.of(facts, capture.manifest)
    found = look_at(capture.contents(), readable, _wishes(arguments, chosen.config))
    if not any(came.items for came in found.came.values()):
        raise Problem(f"the capture {arguments['capture']} is empty", fix="Capture again while clients send.")
    told = tuple(told_proposals(found.proposals, chosen, capture, arguments, warn))
    notes = [*facts.notes(), *_unmatched(found, chosen.config, arguments["receivers"])]
    if any(row.measured for row in told):
        notes.append(f"the shares were measured with {chosen.where}")
    return Savings(title, found, told, _scores(found, readable), tuple(notes))


def _wishes(arguments: Mapping[str, Any], config: Mapping[str, Any]) -> Wishes:
    """Return what proposals must leave as it is."""
    kept = [*arguments["keep"], arguments["tenant_attribute"]]
    return Wishes(frozenset(filter(None, kept)), arguments["least_percent"], options.samples(config))


def _scores(found: Found, readable: Readable) -> tuple[Score, ...]:
    """Return the score of each service, by name."""
    return tuple(score_of(service, of_service, readable) for service, of_service in sorted(found.services.items()))


def _unmatched(found: Found, config: Mapping[str, Any], receivers: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each thing that a user names and that has no effect."""
    if found.unseen:
        yield f"nothing in the capture has {', '.join(found.unseen)}, named to be kept"
    yield from unmatched_receivers(receivers, frozenset(fed_receivers(config)))


def _write(found_savings: Savings, arguments: Mapping[str, Any]) -> bool:
    """Write the reports that were asked for; return whether one has changed."""
    changed = False
    if arguments["markdown_path"]:
        changed |= _files.place_private(Path(arguments["markdown_path"]), savings_markdown(found_savings))
    if arguments["output_path"]:
        text = json.dumps(savings_data(found_savings), indent=2, ensure_ascii=False) + "\n"
        changed |= _files.place_private(Path(arguments["output_path"]), text)
    return changed
