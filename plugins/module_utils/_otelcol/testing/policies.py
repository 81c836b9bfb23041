# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every record that leaves any collector, whatever a test expects. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from ..config.config_secrets import is_secret
from ..config.literal_values import is_placeholder
from ..config.paths import Path, dotted, leaves
from .expectations import differing_fields
from .records import SIGNALS, Record

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}\.[A-Za-z]{2}")
# ISO/IEC 7812-1: the numbers of payment cards begin with 2 to 6.
_CARD = re.compile(r"(?<![\d-])[2-6](?:[ -]?\d){12,18}(?!\d)")
_LOGIN = re.compile(r"\b(?:bearer|basic) [\w.~+/=-]{8}", re.IGNORECASE)
# Fields of a record that are random.
_RANDOM_FIELDS = ("trace", "id", "parent")


def _is_email(_path: Path, text: str) -> bool:
    """Whether a text has an e-mail address."""
    return _EMAIL.search(text) is not None


def _is_card(_path: Path, text: str) -> bool:
    """Whether a text has the number of a payment card, with a right check digit."""
    for match in _CARD.finditer(text):
        digits = [int(sign) for sign in match[0] if sign.isdigit()]
        if _has_check_digit(digits):
            return True
    return False


def _is_token(path: Path, text: str) -> bool:
    """Whether a value is a secret by its name or shape, and not only the place of one."""
    if is_placeholder(text):
        return False
    return is_secret(path, text) or _LOGIN.search(text) is not None


def _has_check_digit(digits: Sequence[int]) -> bool:
    """Return whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    checked_digits = digits[-1::-2]
    doubled_digits = digits[-2::-2]
    total = sum(checked_digits)
    for digit in doubled_digits:
        tens, ones = divmod(2 * digit, 10)
        total += tens + ones
    return total % 10 == 0


class Kind(NamedTuple):
    """A kind of value that may not leave: what it looks like in words, and how it is recognized."""

    looks: str
    recognizes: Callable[[Path, str], bool]


KINDS = {
    "email": Kind("an e-mail address", _is_email),
    "card": Kind("a card number", _is_card),
    "token": Kind("a token or key", _is_token),
}


@dataclass(frozen=True)
class Policy:
    """A policy: for which exporters, which values no record may have, and what every or no record is like."""

    name: str
    exporters: tuple[str, ...] = ("*",)
    without: tuple[str, ...] = ()
    every: Mapping[str, Record] = field(default_factory=dict)
    never: Mapping[str, Record] = field(default_factory=dict)

    def is_for(self, exporter: str) -> bool:
        """Whether the policy holds for what an exporter gets."""
        return any(fnmatchcase(exporter, pattern) for pattern in self.exporters)


def policy_breaches(policies: Sequence[Policy], got: Mapping[str, Mapping[str, Sequence[Record]]]) -> Iterator[str]:
    """Yield a line for each record that breaks a policy; it names the place of a value, and never shows it."""
    for policy in policies:
        for exporter in sorted(got):
            if policy.is_for(exporter):
                yield from _breaches_at(policy, exporter, got[exporter])


def _breaches_at(policy: Policy, exporter: str, got: Mapping[str, Sequence[Record]]) -> Iterator[str]:
    """Yield a line for each record of an exporter that breaks a policy."""
    for signal in SIGNALS:
        for number, record in enumerate(got.get(signal, ())):
            for text in _broken(policy, signal, record):
                yield f"policy '{policy.name}': {exporter}: {signal}[{number}]: {text}"


def _broken(policy: Policy, signal: str, record: Record) -> Iterator[str]:
    """Yield how a record breaks a policy: by its values, by what every record is like, or by what none is like."""
    yield from _broken_by_values(policy, record)
    if signal in policy.every:
        yield from differing_fields(policy.every[signal], record)
    if signal in policy.never:
        forbidden = policy.never[signal]
        if not any(differing_fields(forbidden, record)):
            yield f"no record like {dict(forbidden)} may leave"


def _broken_by_values(policy: Policy, record: Record) -> Iterator[str]:
    """Yield each value of a record that may not leave; random fields count for none."""
    seen_fields = {name: value for name, value in record.items() if name not in _RANDOM_FIELDS}
    for path, value in leaves(seen_fields):
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            yield from _broken_by_value(policy, path, str(value))


def _broken_by_value(policy: Policy, path: Path, value: str) -> Iterator[str]:
    """Yield which kinds of values that may not leave a value is of."""
    for name in policy.without:
        kind = KINDS[name]
        if kind.recognizes(path, value):
            yield f"{dotted(path)} looks like {kind.looks}"
