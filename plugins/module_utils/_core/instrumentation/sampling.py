# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samplers and propagators as the resource takes them. Private.

Sources: the CRD of opentelemetry-operator 0.158.0 (the two lists), its admission webhook (arguments of samplers),
and the OpenTelemetry specification, "SDK environment variables".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import Problem, near

PROPAGATORS = ("tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", "ottrace", "none")


def sampler(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the sampler of the resource. Raises Problem for a type or an argument that the operator refuses."""
    kind, argument = options.get("type") or "", str(options.get("argument") or "")
    if not kind:
        return {}
    if kind not in SAMPLERS:
        raise Problem(f"there is no sampler '{kind}'{near(kind, SAMPLERS)}", fix=f"Samplers: {', '.join(SAMPLERS)}.")
    wrong = SAMPLERS[kind](argument)
    if wrong:
        raise Problem(f"sampler '{kind}' {wrong[0]}", fix=wrong[1])
    return {"type": kind, **({"argument": argument} if argument else {})}


def propagators(names: Sequence[str]) -> list[str]:
    """Return the propagators of the resource. Raises Problem for one that is not known, and for `none` among others."""
    for name in names:
        if name not in PROPAGATORS:
            raise Problem(
                f"there is no propagator '{name}'{near(name, PROPAGATORS)}",
                fix=f"Propagators: {', '.join(PROPAGATORS)}.",
            )
    if "none" in names and len(set(names)) > 1:
        raise Problem("propagator 'none' stands beside others", fix="Remove it, or the others.")
    return list(dict.fromkeys(names))


def _without(argument: str) -> tuple[str, str] | None:
    return (f"takes no argument, but has '{argument}'", "Remove `argument`.") if argument else None


def _ratio(argument: str) -> tuple[str, str] | None:
    """Without an argument everything is sampled, which nobody means who asks for a ratio."""
    if not argument:
        return "has no argument, so it takes every trace", "Give `argument`, from 0 to 1, such as 0.25."
    return None if _is_ratio(argument) else (f"has the argument '{argument}'", "Give a number from 0 to 1.")


def _is_ratio(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _pairs(argument: str) -> tuple[str, str] | None:
    for part in argument.split(",") if argument else ():
        key, equals, value = part.partition("=")
        if not equals or not key or not value or "=" in value:
            return f"has '{part}' in its argument", "Write `key=value` pairs with commas between them."
    return None


_REMOTE: dict[str, tuple[Callable[[str], bool], str]] = {
    "endpoint": (bool, "an address"),
    "pollingIntervalMs": (str.isdigit, "a whole number of milliseconds"),
    "initialSamplingRate": (_is_ratio, "a number from 0 to 1"),
}


def _remote(argument: str) -> tuple[str, str] | None:
    wrong = _pairs(argument)
    for part in argument.split(",") if argument and not wrong else ():
        key, _equals, value = part.partition("=")
        if key not in _REMOTE:
            return f"has the key '{key}' in its argument{near(key, _REMOTE)}", f"Keys: {', '.join(_REMOTE)}."
        fits, what = _REMOTE[key]
        if not fits(value):
            return f"has '{part}' in its argument", f"Give {what}."
    return wrong


SAMPLERS: dict[str, Callable[[str], tuple[str, str] | None]] = {
    "always_on": _without,
    "always_off": _without,
    "traceidratio": _ratio,
    "parentbased_always_on": _without,
    "parentbased_always_off": _without,
    "parentbased_traceidratio": _ratio,
    "jaeger_remote": _remote,
    "xray": _pairs,
}
