# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did to which objects: apply, diff, prune, wait and undo add to one change set and ask it. Private.

An entry has a subject, which names the object, and an action. What the result of a task says of objects, and what an
error says was done before it, follow from the entries. An object that this run `left` is as the server returned it
after the write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .._otelcol.kube.objects import Manifest, ObjectRef, ref
from .changed_rights import list_changed_rights


class Action(Enum):
    """What a run did to an object. The value is the word of a task's result."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    # Deleted, because the bundle no longer has it.
    PRUNED = "pruned"
    # Applied again as the previous run did.
    RESTORED = "restored"
    # To be deleted, and not there.
    ABSENT = "absent"
    # Left as it is for a reason: another owner has it, or needs it.
    SKIPPED = "skipped"

    @property
    def word(self) -> str:
        """Return the word for users, for whom an object that was skipped is unchanged."""
        return Action.UNCHANGED.value if self is Action.SKIPPED else self.value


# After these the cluster is as it was before the run.
IDLE_ACTIONS = (Action.UNCHANGED, Action.ABSENT, Action.SKIPPED)


@dataclass
class ObjectOutcome:
    """What became of one object."""

    subject: ObjectRef
    action: Action
    # The object before and after, as a difference shows it.
    before: Manifest | None = None
    after: Manifest | None = None
    # The object as this run has applied it, with what the server added.
    left_object: Manifest | None = None
    # Why the object was skipped, as the end of a sentence.
    skip_reason: str = ""
    # Whether the run has waited until the object works.
    is_ready: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the row of a task's result."""
        generation = self.left_object["metadata"].get("generation") if self.left_object else None
        generation_field = {"generation": generation} if generation else {}
        return {**self.subject._asdict(), "action": self.action.word, **generation_field}


@dataclass
class ChangeSet:
    """What happened to each object, in the order in which it happened."""

    entries: list[ObjectOutcome] = field(default_factory=list)

    def note_action(
        self, action: Action, before: Manifest | None, after: Manifest | None = None, left: Manifest | None = None
    ) -> None:
        """Note an action. `before` and `after` name the object; at least one of them is needed."""
        subject = ref(after or before or {})
        self.entries.append(ObjectOutcome(subject, action, before=before, after=after, left_object=left))

    def note_skipped(self, live: Manifest, reason: str) -> None:
        """Note that an object stays as it is, and why."""
        self.entries.append(ObjectOutcome(ref(live), Action.SKIPPED, before=live, after=live, skip_reason=reason))

    def note_applied_again(self, left: Manifest) -> None:
        """Note that this run has changed an object once more, which it now leaves so."""
        for entry in self._find_entries([ref(left)]):
            entry.action, entry.left_object = Action.CHANGED, left

    def note_restored(self, subjects: Iterable[ObjectRef]) -> None:
        """Note that objects which this run has changed are back as the previous run left them."""
        for entry in self._find_entries(subjects):
            if entry.action is Action.CHANGED:  # what the run has created had no earlier state
                entry.action = Action.RESTORED

    def note_ready(self, subjects: Iterable[ObjectRef]) -> None:
        """Note that the run has waited for some workloads, and that they work."""
        for entry in self._find_entries(subjects):
            entry.is_ready = True

    def _find_entries(self, subjects: Iterable[ObjectRef]) -> Iterator[ObjectOutcome]:
        named_subjects = set(subjects)
        return (entry for entry in self.entries if entry.subject in named_subjects)

    def find_left_objects(self) -> dict[ObjectRef, Manifest]:
        """Return the applied objects as this run left them, by their names."""
        return {entry.subject: entry.left_object for entry in self.entries if entry.left_object is not None}

    def list_not_awaited(self) -> list[Manifest]:
        """Return the applied objects for which nothing has waited yet, as this run left them."""
        return [entry.left_object for entry in self.entries if entry.left_object is not None and not entry.is_ready]

    def has_moved(self, subject: ObjectRef) -> bool:
        """Return whether this run has created or changed an object."""
        moving_actions = (Action.CREATED, Action.CHANGED)
        return any(entry.action in moving_actions for entry in self._find_entries([subject]))

    def list_subjects(self, action: Action) -> list[ObjectRef]:
        """Return the names of the objects with an action."""
        return [entry.subject for entry in self.entries if entry.action is action]

    def list_skipped_entries(self) -> list[ObjectOutcome]:
        """Return the entries of the objects that stay as they are for a reason."""
        return [entry for entry in self.entries if entry.action is Action.SKIPPED]

    def list_changing_entries(self) -> list[ObjectOutcome]:
        """Return the entries of the objects that differ, or would differ, from before the run."""
        return [entry for entry in self.entries if entry.action not in IDLE_ACTIONS]

    def list_rights_changes(self) -> list[str]:
        """Return a line for the rights that each role gains or loses."""
        return [
            line for entry in self.list_changing_entries() for line in list_changed_rights(entry.before, entry.after)
        ]

    def summarize_actions(self) -> str:
        """Return how many objects have which action, as the message of a task."""
        words = [entry.action.word for entry in self.entries]
        counts = [f"{words.count(word)} {word}" for word in dict.fromkeys(words)]
        return ", ".join(counts) or "nothing to do"

    def describe_done(self) -> str:
        """Return what was done to which objects, as a message that an error adds; empty if nothing was done."""
        names: dict[str, list[str]] = {}
        for entry in self.list_changing_entries():
            if entry.action is not Action.RESTORED:
                names.setdefault(entry.action.word, []).append(str(entry.subject))
        return "; ".join(f"{word} {', '.join(subject_names)}" for word, subject_names in names.items())
