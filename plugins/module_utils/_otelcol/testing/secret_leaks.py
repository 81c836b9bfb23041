# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where planted secrets leave a config, and whether it stops them on the way to another exporter. Private.

Planted secrets are made by planted_records.py. A secret that every exporter gets is named only: nobody said that it
must not leave. One that an exporter gets and another one does not, though its record arrives there, breaks an
invariant: the config means to stop it. invariants.py asks for observations, such as ::

    otlp/a: spans.attributes.user.email leaves with an e-mail address, which the config stops on its way to otlp/b
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..config.paths import format_path, iter_leaves
from .observations import PipelineObservation
from .planted_records import PlantedSecret, PlantingPlan
from .policies import SECRET_KINDS
from .records import Record, RecordsByName


class _Leak(NamedTuple):
    """An exporter, and the place in its records that has a secret, such as `spans.attributes.user.email`."""

    exporter: str
    place: str


@dataclass
class _Sightings:
    """Where planted secrets were seen.

    `receiving_exporters` got the record of a secret, with the secret or without it; `leaking_exporters` got the secret.
    """

    secrets_by_leak: dict[_Leak, set[PlantedSecret]] = field(default_factory=lambda: defaultdict(set))
    receiving_exporters: dict[PlantedSecret, set[str]] = field(default_factory=lambda: defaultdict(set))
    leaking_exporters: dict[PlantedSecret, set[str]] = field(default_factory=lambda: defaultdict(set))

    def note_record(self, record: Record, exporter: str, signal: str, secrets: Sequence[PlantedSecret]) -> None:
        """Note the secrets of a record that arrived, and the secrets whose record it is."""
        texts = {format_path((signal, *path)): f"{path} {value}".casefold() for path, value in iter_leaves(record)}
        for secret in secrets:
            is_of_signal = f"-{signal}-" in secret.record_name
            if is_of_signal and any(secret.record_name in text for text in texts.values()):
                self.receiving_exporters[secret].add(exporter)
            for place, text in texts.items():
                if secret.value in text:
                    self.secrets_by_leak[_Leak(exporter, place)].add(secret)
                    self.leaking_exporters[secret].add(exporter)

    def list_stopping_exporters(self, secrets: Iterable[PlantedSecret]) -> set[str]:
        """Return the exporters that get the records of secrets without these."""
        exporters: set[str] = set()
        for secret in secrets:
            exporters |= self.receiving_exporters[secret] - self.leaking_exporters[secret]
        return exporters


def observe_leaks(
    plan: PlantingPlan, records_by_name: RecordsByName, exporters: Sequence[str]
) -> Iterator[PipelineObservation]:
    """Yield where planted secrets leave; one that another exporter does not get breaks an invariant."""
    sightings = _Sightings()
    for exporter in exporters:
        for signal, records in records_by_name.get(exporter, {}).items():
            for record in records:
                sightings.note_record(record, exporter, signal, plan.secrets)
    for leak, secrets in sightings.secrets_by_leak.items():
        remark = f"{leak.exporter}: {leak.place} leaves with {_describe_kinds(secrets)}"
        stopping_exporters = sorted(sightings.list_stopping_exporters(secrets))
        if stopping_exporters:
            stops = f"which the config stops on its way to {', '.join(stopping_exporters)}"
            yield PipelineObservation(is_breach=True, text=f"{remark}, {stops}")
        else:
            yield PipelineObservation(is_breach=False, text=remark)


def _describe_kinds(secrets: Iterable[PlantedSecret]) -> str:
    """Return what secrets look like, such as `an e-mail address, a card number`."""
    leaking_kinds = {secret.kind for secret in secrets}
    looks_of_kinds = [secret_kind.appearance for kind, secret_kind in SECRET_KINDS.items() if kind in leaking_kinds]
    return ", ".join(looks_of_kinds)
