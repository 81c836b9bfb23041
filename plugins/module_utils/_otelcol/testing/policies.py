# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every record that leaves any collector, whatever a test expects. Private.

A policy is such a rule, which users write in a file of tests (case.py). An example, of which a record with an e-mail
address in an attribute is a breach::

    policies: [{name: No personal data, without: [email]}]

The breach is the line `policy 'No personal data': otlp/a: spans[0]: attributes.user looks like an e-mail address`.
judged_case.py in plugin_utils asks for the breaches of each test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from ..config.config_secrets import is_secret
from ..config.literal_values import is_placeholder
from ..config.paths import Path, format_path, iter_leaves
from .expected_records import list_differing_fields
from .records import RECORD_KINDS, Record, RecordsByName

# An e-mail address, up to the first two letters of its last part.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}\.[A-Za-z]{2}")
# ISO/IEC 7812-1: the numbers of payment cards begin with 2 to 6.
_CARD = re.compile(r"(?<![\d-])[2-6](?:[ -]?\d){12,18}(?!\d)")
# The begin of a login in a header, such as `Bearer abcdefgh`.
_LOGIN = re.compile(r"\b(?:bearer|basic) [\w.~+/=-]{8}", re.IGNORECASE)
# Fields of a record that are random.
_RANDOM_FIELDS = ("trace", "id", "parent")


def _has_email(_path: Path, text: str) -> bool:
    """Whether a text has an e-mail address."""
    return _EMAIL.search(text) is not None


def _has_card_number(_path: Path, text: str) -> bool:
    """Whether a text has the number of a payment card, with a right check digit."""
    for card_match in _CARD.finditer(text):
        digits = [int(character) for character in card_match[0] if character.isdigit()]
        if _has_check_digit(digits):
            return True
    return False


def _has_token(path: Path, text: str) -> bool:
    """Whether a value is a secret by its name or shape, and no placeholder such as `CHANGEME`."""
    if is_placeholder(text):
        return False
    return is_secret(path, text) or _LOGIN.search(text) is not None


def _has_check_digit(digits: Sequence[int]) -> bool:
    """Return whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    checked_digits = digits[-1::-2]
    doubled_digits = digits[-2::-2]
    digit_sum = sum(checked_digits)
    for digit in doubled_digits:
        tens, ones = divmod(2 * digit, 10)
        digit_sum += tens + ones
    return digit_sum % 10 == 0


class SecretKind(NamedTuple):
    """A kind of value that may not leave: what it looks like in words, and how it is recognized."""

    appearance: str
    is_recognized: Callable[[Path, str], bool]


SECRET_KINDS = {
    "email": SecretKind("an e-mail address", _has_email),
    "card": SecretKind("a card number", _has_card_number),
    "token": SecretKind("a token or key", _has_token),
}


@dataclass(frozen=True)
class Policy:
    """A policy: for which exporters, which values no record may have, and what every or no record is like."""

    name: str
    exporter_patterns: tuple[str, ...] = ("*",)
    """The ids of exporters, with wildcards."""
    forbidden_kinds: tuple[str, ...] = ()
    """Kinds of values that no record may have: keys of SECRET_KINDS."""
    required_by_kind: Mapping[str, Record] = field(default_factory=dict)
    """By kind of records such as `spans`, the fields that every record must have."""
    forbidden_by_kind: Mapping[str, Record] = field(default_factory=dict)
    """By kind of records, the fields that no record may have together."""

    def is_for(self, exporter: str) -> bool:
        """Whether the policy holds for what an exporter gets."""
        return any(fnmatchcase(exporter, pattern) for pattern in self.exporter_patterns)


def find_policy_breaches(policies: Sequence[Policy], records_by_exporter: RecordsByName) -> Iterator[str]:
    """Yield a line for each record that breaks a policy; it names the place of a value, and never shows it."""
    for policy in policies:
        for exporter in sorted(records_by_exporter):
            if policy.is_for(exporter):
                yield from _find_breaches_at_exporter(policy, exporter, records_by_exporter[exporter])


def _find_breaches_at_exporter(
    policy: Policy, exporter: str, records_by_kind: Mapping[str, Sequence[Record]]
) -> Iterator[str]:
    """Yield a line for each record of an exporter that breaks a policy."""
    for record_kind in RECORD_KINDS:
        for record_index, record in enumerate(records_by_kind.get(record_kind, ())):
            for breach in _find_breaches_of_record(policy, record_kind, record):
                yield f"policy '{policy.name}': {exporter}: {record_kind}[{record_index}]: {breach}"


def _find_breaches_of_record(policy: Policy, record_kind: str, record: Record) -> Iterator[str]:
    """Yield how a record breaks a policy: by its values, by what every record is like, or by what none is like."""
    yield from _find_forbidden_values(policy, record)
    if record_kind in policy.required_by_kind:
        yield from list_differing_fields(policy.required_by_kind[record_kind], record)
    if record_kind in policy.forbidden_by_kind:
        forbidden_record = policy.forbidden_by_kind[record_kind]
        if not any(list_differing_fields(forbidden_record, record)):
            yield f"no record like {dict(forbidden_record)} may leave"


def _find_forbidden_values(policy: Policy, record: Record) -> Iterator[str]:
    """Yield each value of a record that may not leave; random fields count for none."""
    checked_fields = {name: value for name, value in record.items() if name not in _RANDOM_FIELDS}
    for path, value in iter_leaves(checked_fields):
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            yield from _find_forbidden_kinds(policy, path, str(value))


def _find_forbidden_kinds(policy: Policy, path: Path, value: str) -> Iterator[str]:
    """Yield which kinds of values that may not leave a value is of."""
    for kind_name in policy.forbidden_kinds:
        secret_kind = SECRET_KINDS[kind_name]
        if secret_kind.is_recognized(path, value):
            yield f"{format_path(path)} looks like {secret_kind.appearance}"
