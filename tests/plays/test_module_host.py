# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules of a test's playbook find imported what modules import, on each version of ansible-core."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support import plays

# Its program in the playbook's folder `library`.
MODULE = """
import sys
had_imported = "ansible.module_utils.urls" in sys.modules
from ansible.module_utils.basic import AnsibleModule
AnsibleModule({}).exit_json(had_imported=had_imported)
"""
ASKS = {"name": "Ask whether a module finds imported what it imports", "told_imports": {}, "register": "told"}
SHOWS = {"name": "Show the answer", "ansible.builtin.debug": {"msg": "imported: {{ told.had_imported }}"}}


def test_modules_of_a_run_start_in_a_process_that_has_imported_what_they_need(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "told_imports.py").write_text(MODULE, encoding="utf-8")
    play = [{"hosts": "all", "gather_facts": False, "connection": "local", "tasks": [ASKS, SHOWS]}]
    hosts = {"localhost": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}}
    run = plays.run(tmp_path, play, hosts)
    shutil.rmtree(library)
    assert "imported: True" in run.stdout, run.stdout + run.stderr
