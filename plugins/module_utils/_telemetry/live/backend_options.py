# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can the backends of a task be asked with their options? Private.

Module otlp_probe calls `check_backend_options` before it sends anything. For example, option `region` for a backend
that is no service of AWS:

    See the probe arrive: backends[0]: jaeger has no use for region. Remove region, or correct `kind`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..._otelcol.errors import Problem
from ..backend_kinds import BACKENDS, BackendKind
from .backend_http import ACTION
from .probe_options import ArrivalOptions, BackendOptions

# The options that only kinds of AWS read.
AWS_OPTIONS = ("region", "profile", "role_arn", "log_group")
# The options that only other kinds read.
HTTP_OPTIONS = ("headers", "index")


def check_backend_options(
    options: Sequence[BackendOptions], signals: Sequence[str], arrival: ArrivalOptions | None
) -> None:
    """Raise Problem for a backend that cannot be asked with its options, and for signals that no backend keeps.

    With `arrival`, pods show the signals that no backend keeps.
    """
    kept_signals: set[str] = set()
    for index, backend_options in enumerate(options):
        for fault in _find_faults(backend_options):
            raise Problem(fault.wrong, asked=ACTION, where=f"backends[{index}]", fix=fault.fix)
        kept_signals.update(list_kept_signals(backend_options))
    signals_without_backend = [signal for signal in signals if signal not in kept_signals]
    if options and signals_without_backend and not arrival:
        kept_and_asked_signals = sorted(kept_signals.intersection(signals))
        fix = f"Add a backend for them, set `arrival`, or set `signals: {kept_and_asked_signals}`."
        raise Problem(f"no backend keeps {', '.join(signals_without_backend)}", asked=ACTION, where="backends", fix=fix)


def list_kept_signals(options: BackendOptions) -> tuple[str, ...]:
    """Return the signals that a backend is asked for: those of its options, otherwise all that its kind keeps."""
    return tuple(options.get("signals") or BACKENDS[options["kind"]].signals)


class OptionFault(NamedTuple):
    """What is wrong with the options of a backend, and the fix."""

    wrong: str
    fix: str


def _find_faults(options: BackendOptions) -> Iterator[OptionFault]:
    """Yield what is wrong with the options of a backend. Only the first fault is shown, so it must be a cause.

    For log groups, `signals` decides what is wrong:

        kind          signals           log_group   fault
        cloudwatch    none              none        signals is missing
        cloudwatch    [logs]            none        cloudwatch keeps logs in a log group
        cloudwatch    [logs, traces]    shop        cloudwatch has one signal in a log group
        xray          [traces]          shop        xray has no log groups
        jaeger        [traces]          shop        jaeger has no use for log_group
    """
    kind, backend = options["kind"], BACKENDS[options["kind"]]
    options_of_others = HTTP_OPTIONS if backend.is_aws else AWS_OPTIONS
    unread_options = ", ".join(name for name in options_of_others if options.get(name))
    if unread_options:
        yield OptionFault(f"{kind} has no use for {unread_options}", f"Remove {unread_options}, or correct `kind`.")
    if not backend.is_aws and not options.get("url"):
        yield OptionFault("url is missing", f"Set `url`, the address of {kind}.")
    signals = options.get("signals") or []
    yield from _find_faults_of_signals(kind, backend, signals, has_group=bool(options.get("log_group")))


def _find_faults_of_signals(
    kind: str, backend: BackendKind, signals: Sequence[str], *, has_group: bool
) -> Iterator[OptionFault]:
    """Yield what is wrong with the signals that a backend is asked for, and with its log group."""
    unknown_signals = ", ".join(signal for signal in signals if signal not in backend.signals)
    if unknown_signals:
        yield OptionFault(
            f"{kind} keeps no {unknown_signals}", f"Set `signals` to some of {', '.join(backend.signals)}."
        )
    if has_group:
        yield from _find_faults_of_log_group(kind, backend, signals)
    if backend.grouped_signals and not signals:
        yield OptionFault("signals is missing", f"Set `signals`: those of {kind} are in places of their own.")
    if not has_group:
        yield from _find_faults_without_log_group(kind, backend, signals)


def _find_faults_without_log_group(kind: str, backend: BackendKind, signals: Sequence[str]) -> Iterator[OptionFault]:
    """Yield the signals that a backend keeps in a log group, if none is set."""
    grouped_signals = ", ".join(signal for signal in signals if signal in backend.grouped_signals)
    if grouped_signals:
        yield OptionFault(f"{kind} keeps {grouped_signals} in a log group", "Set `log_group`.")


def _find_faults_of_log_group(kind: str, backend: BackendKind, signals: Sequence[str]) -> Iterator[OptionFault]:
    """Yield what is wrong with a log group that is set: one of AWS holds one signal, other backends have none."""
    if not backend.grouped_signals:
        yield OptionFault(f"{kind} has no log groups", "Remove `log_group`.")
    elif len(signals) > 1:
        yield OptionFault(f"{kind} has one signal in a log group", "Name a backend for each signal.")
