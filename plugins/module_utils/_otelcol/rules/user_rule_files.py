# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads users' own rules out of YAML files, and reports every fault of the files. Private.

A file has one key, `rules`, with a list. Reading has four parts:

- here: documents with lists of rules, to one set of rules whose ids differ and whose examples hold
- `user_rule_builder.py`: one rule
- `user_rule_when.py`: to which configs a rule applies
- `user_rule_parts.py`: keys, lists and texts of a part of a document

The caller, `_user_rules.py` in plugin_utils, reads the files and gives the documents. It also gives the
`RuleBuildContext`: the ids that are taken, the paths that exist, and a function that compiles expressions. All faults
come as one problem:

    2 faults in your own rules, nothing was checked:
      r.yml:3:5 rules[0].severity: 'eror' is unknown here; did you mean 'error'? Use one of error, warning, info.
      r.yml:4:5 rules[0].path: the rule would never find anything: no config has 'exporter'; …
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..config.paths import format_path
from ..errors import Problem, join_at_most
from ..yaml.yaml_documents import Document
from .report_model import format_count
from .user_rule_builder import RuleBuildContext, build_rule
from .user_rule_parts import RulePart
from .user_rules import UserRule, UserRules, find_broken_examples

# The rules of all files at most.
MOST_RULES = 500
# The faults in one message at most.
_MOST_SHOWN_FAULTS = 20
_FILE_KEYS = ("rules",)


@dataclass
class RuleFileReader:
    """Reads the rules of documents: first `read_document` for each of them, then `join_rules` for all."""

    context: RuleBuildContext
    rule_by_id: dict[str, UserRule] = field(default_factory=dict)
    """The rules of all documents so far, by their ids."""
    faults: list[str] = field(default_factory=list)
    """A line for each fault of all documents so far."""

    def read_document(self, document: Document, file: str) -> None:
        """Add the rules of a document. Raises Problem if there are too many, and keeps every other fault."""
        file_part = RulePart(document, file, (), self.faults)
        file_part.check_keys(_FILE_KEYS, _FILE_KEYS)
        for key, duplicate_position in document.duplicates:
            self.faults.append(f"{duplicate_position} {format_path(key)}: this key stands twice. Remove one.")
        for rule_index, _rule in enumerate(file_part.read_list("rules", MOST_RULES)):
            self._add_rule(file_part.at("rules", rule_index))

    def _add_rule(self, part: RulePart) -> None:
        """Add the rule of a part, unless it has faults."""
        faults_before = len(self.faults)
        rule = build_rule(part, self.context)  # adds its faults to the shared list
        has_new_faults = len(self.faults) > faults_before
        if rule is None or has_new_faults:
            return
        same_id_rule = self.rule_by_id.get(rule.id)
        if same_id_rule:
            part.at("id").add_fault(
                f"there are two rules '{rule.id}', the other one at {same_id_rule.position}", "Rename one."
            )
        self.rule_by_id[rule.id] = rule
        if len(self.rule_by_id) > MOST_RULES:
            raise Problem(f"there are more than {MOST_RULES} rules", where=str(part.position), fix="Remove some.")
        # Only a rule without faults can be tested by its examples.
        for path, why in find_broken_examples(rule):
            part.at("examples", *path).add_fault(f"rule '{rule.id}': {why}", "Correct the rule or the example.")

    def join_rules(self) -> UserRules:
        """Return all rules. Raises Problem with all faults, if there are any."""
        if self.faults:
            lines = join_at_most(_MOST_SHOWN_FAULTS, (f"\n  {fault}" for fault in self.faults), "", "\n  ")
            headline = f"{format_count(len(self.faults), 'fault')} in your own rules, nothing was checked"
            raise Problem(lines, asked=headline)
        return UserRules(tuple(self.rule_by_id.values()))
