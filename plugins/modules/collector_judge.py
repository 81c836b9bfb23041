#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of collector_judge; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: collector_judge
short_description: Judge what collectors count after another tool has changed them
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.judge), before and after Argo CD or Flux syncs new files.
  - With O(keep) it writes what the collectors count to C(HOST.json) in the folder O(path), with secrets masked.
  - Without it, it judges what they count now beside what was kept, by the checks and bounds of a canary. It writes the
    verdict to C(judge.md), for a pull request, and C(judge.xml), as JUnit.
  - Reads what M(o11y.opentelemetry.collector_wave) has returned for each host of the play, in the variable
    C(__otel_judge_read). A host without one has failed before.
  - If the playbook has made forecasts by captures, they stand at the end of C(judge.md). They change no verdict.
  - Fails if collectors do worse, and by default if any of them could not be judged by data.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
options:
  path: {description: The folder of the files., type: str, required: true}
  keep: {description: Whether to keep what the collectors count., type: bool, default: false}
  without_data:
    description: What becomes of collectors that got no data, could not be read, or have nothing to be compared with.
    type: str
    choices: [fail, pass]
    default: fail
seealso:
  - module: o11y.opentelemetry.sync_wait
  - module: o11y.opentelemetry.collector_wave
"""

EXAMPLES = r"""
- name: Judge the collectors of all clusters of the play
  o11y.opentelemetry.collector_judge:
    path: judged
  run_once: true
"""

RETURN = r"""
verdict: {description: "V(passed), V(worse) or V(no data).", returned: without keep, type: str}
markdown: {description: The page., returned: without keep, type: str}
written: {description: The files with figures that changed., returned: with keep, type: list, elements: str}
"""
