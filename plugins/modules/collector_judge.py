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
  - Without O(keep) it compares what they count now with what was kept, and judges the difference. It writes the verdict
    to C(judge.md), for a pull request, and to C(judge.xml), as JUnit. The checks and their bounds are those by which
    M(o11y.opentelemetry.bundle_apply) judges a canary; docs/change.md lists them.
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
verdict:
  description: V(passed), V(worse), or V(no data) if no collector could be judged by data.
  returned: without O(keep)
  type: str
  sample: passed
markdown: {description: The text of C(judge.md)., returned: without O(keep), type: str}
written:
  description: The paths of the files C(HOST.json) that are new or changed.
  returned: with O(keep)
  type: list
  elements: str
  sample: [judged/eu.json]
"""
