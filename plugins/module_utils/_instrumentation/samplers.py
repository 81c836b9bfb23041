# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The samplers and propagators of an Instrumentation, checked as the operator does. Private.

`instrumentation.py` calls `build_sampler` and `check_propagators` with the options of a user. Example: the option
`{type: traceidratio, argument: 0.25}` becomes `{"type": "traceidratio", "argument": "0.25"}` in the custom resource.

Sources: the CRD of opentelemetry-operator 0.158.0, its admission webhook (arguments of samplers), and the OpenTelemetry
specification, "SDK environment variables".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.errors import Problem, suggest_word


class SamplerFault(NamedTuple):
    """What is wrong with the argument of a sampler, and what to do."""

    wrong: str
    fix: str


# The propagators that the operator takes.
PROPAGATORS = ("tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", "ottrace", "none")


def build_sampler(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the sampler of the resource. Raises Problem for a type or an argument that the operator refuses."""
    sampler_type = options.get("type") or ""
    if not sampler_type:
        return {}
    given_argument = options.get("argument")
    argument = "" if given_argument is None else str(given_argument)
    if sampler_type not in SAMPLERS:
        raise Problem(
            f"there is no sampler '{sampler_type}'{suggest_word(sampler_type, SAMPLERS)}",
            fix=f"Samplers: {', '.join(SAMPLERS)}.",
        )
    fault = SAMPLERS[sampler_type](argument)
    if fault:
        raise Problem(f"sampler '{sampler_type}' {fault.wrong}", fix=fault.fix)
    sampler = {"type": sampler_type}
    if argument:
        sampler["argument"] = argument
    return sampler


def check_propagators(propagator_names: Sequence[str]) -> list[str]:
    """Return the propagators of the resource. Raises Problem for one that is not known, and for `none` among others."""
    for name in propagator_names:
        if name not in PROPAGATORS:
            wrong = f"there is no propagator '{name}'{suggest_word(name, PROPAGATORS)}"
            raise Problem(wrong, fix=f"Propagators: {', '.join(PROPAGATORS)}.")
    if "none" in propagator_names and len(set(propagator_names)) > 1:
        raise Problem("propagator 'none' stands beside others", fix="Remove it, or the others.")
    return list(dict.fromkeys(propagator_names))


# ── The arguments of samplers ──


def _check_no_argument(argument: str) -> SamplerFault | None:
    """Return the fault of any argument, for a sampler that takes none."""
    if argument:
        return SamplerFault(f"takes no argument, but has '{argument}'", "Remove `argument`.")
    return None


def _check_ratio(argument: str) -> SamplerFault | None:
    """Return the fault of an argument that is no number from 0 to 1, or that is missing."""
    if not argument:
        return SamplerFault("has no argument, so it takes every trace", "Give `argument`, from 0 to 1, such as 0.25.")
    if not _is_ratio(argument):
        return SamplerFault(f"has the argument '{argument}'", "Give a number from 0 to 1.")
    return None


def _is_ratio(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _check_pairs(argument: str) -> SamplerFault | None:
    """Return the fault of an argument that is no list such as `a=1,b=2`. An empty argument has no fault."""
    if not argument:
        return None
    for pair in argument.split(","):
        key, _equals, value = pair.partition("=")
        if not key or not value or "=" in value:
            return SamplerFault(f"has '{pair}' in its argument", "Write `key=value` pairs with commas between them.")
    return None


class _RemoteKey(NamedTuple):
    """A key in the argument of the remote sampler: whether a value is valid, and how a message describes one."""

    is_valid: Callable[[str], bool]
    description: str


_REMOTE_KEYS = {
    "endpoint": _RemoteKey(bool, "an address"),
    "pollingIntervalMs": _RemoteKey(str.isdigit, "a whole number of milliseconds"),
    "initialSamplingRate": _RemoteKey(_is_ratio, "a number from 0 to 1"),
}


def _check_remote(argument: str) -> SamplerFault | None:
    """Return the fault of an argument that the remote sampler of Jaeger does not take."""
    fault = _check_pairs(argument)
    if fault or not argument:
        return fault
    for pair in argument.split(","):
        key, _equals, value = pair.partition("=")
        if key not in _REMOTE_KEYS:
            wrong = f"has the key '{key}' in its argument{suggest_word(key, _REMOTE_KEYS)}"
            return SamplerFault(wrong, f"Keys: {', '.join(_REMOTE_KEYS)}.")
        remote_key = _REMOTE_KEYS[key]
        if not remote_key.is_valid(value):
            return SamplerFault(f"has '{pair}' in its argument", f"Give {remote_key.description}.")
    return None


# The samplers, each with the check of its argument.
SAMPLERS: dict[str, Callable[[str], SamplerFault | None]] = {
    "always_on": _check_no_argument,
    "always_off": _check_no_argument,
    "traceidratio": _check_ratio,
    "parentbased_always_on": _check_no_argument,
    "parentbased_always_off": _check_no_argument,
    "parentbased_traceidratio": _check_ratio,
    "jaeger_remote": _check_remote,
    "xray": _check_pairs,
}
