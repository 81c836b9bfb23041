# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every record that leaves any collector, whatever a test expects. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ..config.masking import is_placeholder, is_secret
from ..config.paths import Path, dotted, leaves
from .expectations import differing_fields
from .records import SIGNALS, Record

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}\.[A-Za-z]{2}")
# ISO/IEC 7812-1: the numbers of payment cards begin with 2 to 6.
_CARD = re.compile(r"(?<![\d-])[2-6](?:[ -]?\d){12,18}(?!\d)")
_LOGIN = re.compile(r"\b(?:bearer|basic) [\w.~+/=-]{8}", re.IGNORECASE)
_NOT_SEEN = ("trace", "id", "parent")


def _is_card(text: str) -> bool:
    return any(_luhn([int(sign) for sign in match[0] if sign.isdigit()]) for match in _CARD.finditer(text))


def _is_token(path: Path, text: str) -> bool:
    return is_secret(path, text) or _LOGIN.search(text) is not None


def _luhn(digits: Sequence[int]) -> bool:
    """Return whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


# What may not leave: what it looks like, and how it is recognized.
KINDS: dict[str, tuple[str, Callable[[Path, str], bool]]] = {
    "email": ("an e-mail address", lambda _path, text: _EMAIL.search(text) is not None),
    "card": ("a card number", lambda _path, text: _is_card(text)),
    "token": ("a token or key", lambda path, text: not is_placeholder(text) and _is_token(path, text)),
}


@dataclass(frozen=True)
class Policy:
    """A policy: for which exporters, which values no record may have, and what every or no record is like."""

    name: str
    exporters: tuple[str, ...] = ("*",)
    without: tuple[str, ...] = ()
    every: Mapping[str, Record] = field(default_factory=dict)
    never: Mapping[str, Record] = field(default_factory=dict)


def policy_breaches(policies: Sequence[Policy], got: Mapping[str, Mapping[str, Sequence[Record]]]) -> Iterator[str]:
    """Yield a line for each record that breaks a policy; it names the place of a value, and never shows it."""
    for policy in policies:
        for exporter in sorted(got):
            if not any(fnmatchcase(exporter, pattern) for pattern in policy.exporters):
                continue
            for signal in SIGNALS:
                for number, record in enumerate(got[exporter].get(signal, ())):
                    where = f"policy '{policy.name}': {exporter}: {signal}[{number}]"
                    yield from (f"{where}: {text}" for text in _broken(policy, signal, record))


def _broken(policy: Policy, signal: str, record: Record) -> Iterator[str]:
    seen_parts = {key: part for key, part in record.items() if key not in _NOT_SEEN}
    for path, value in leaves(seen_parts):
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            yield from _broken_by_value(policy, path, str(value))
    if signal in policy.every:
        yield from differing_fields(policy.every[signal], record)
    if signal in policy.never and not any(differing_fields(policy.never[signal], record)):
        yield f"no record like {dict(policy.never[signal])} may leave"


def _broken_by_value(policy: Policy, path: Path, value: str) -> Iterator[str]:
    for kind in policy.without:
        looks, recognizes = KINDS[kind]
        if recognizes(path, value):
            yield f"{dotted(path)} looks like {looks}"
