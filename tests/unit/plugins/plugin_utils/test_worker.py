# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is around the work of a module in Ansible's worker process."""

from __future__ import annotations

import logging
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._worker import WorkerAction
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._worker_aws import AwsAction
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._worker_process import silence_output

from tests.conftest import COLLECTIONS


def test_libraries_find_no_terminal_and_no_log(capsys: pytest.CaptureFixture[str], caplog: Any) -> None:
    with silence_output():
        print("printed")
        logging.error("logged")
        terminal = sys.stdout.isatty()
    logging.warning("after")
    assert (terminal, capsys.readouterr().out, caplog.messages) == (False, "", ["after"])


HERE = {"async_val": 0, "timeout": 0, "delegate_to": None, "environment": [{}]}
APART = [{"async_val": 10}, {"timeout": 10}, {"delegate_to": "other"}, {"environment": [{}, {"NAME": "value"}]}]


def same_python(task: dict[str, Any], interpreter: str | None = sys.executable, **connection: Any) -> bool:
    action = WorkerAction.__new__(WorkerAction)
    action._task = SimpleNamespace(**HERE | task)
    action._connection = SimpleNamespace(**{"transport": "local", "become": None} | connection)
    action._templar = SimpleNamespace(template=lambda value: value)
    return action._has_same_python({"ansible_python_interpreter": interpreter})


def test_the_worker_does_the_work_if_it_is_the_process_that_ansible_would_start(monkeypatch: Any) -> None:
    assert same_python({})
    assert not any(same_python(changed) for changed in APART)
    assert not same_python({}, transport="ssh")
    assert not same_python({}, become=object())
    assert not any(same_python({}, other) for other in (None, "auto", "/another/python"))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not same_python({})


@pytest.mark.parametrize("logs_calls", [False, True])
def test_a_module_for_aws_that_logs_its_calls_has_a_process_of_its_own(logs_calls: bool) -> None:
    action = AwsAction.__new__(AwsAction)
    action.conditions = {}
    action._task = SimpleNamespace(args={"debug_botocore_endpoint_logs": logs_calls})
    checked = action._check_arguments({"debug_botocore_endpoint_logs": {"type": "bool"}})
    assert (checked is None) is logs_calls


def test_an_action_for_a_cluster_loads_nothing_for_aws() -> None:
    program = f"""if True:
        import sys
        from ansible.plugins.loader import init_plugin_loader
        init_plugin_loader([{str(COLLECTIONS)!r}])
        from ansible_collections.o11y.opentelemetry.plugins.action import bundle_apply, cluster_check
        print({{"boto3", "botocore", "kubernetes"}} & {{*sys.modules}})
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n", "importing it takes half as long as an empty playbook"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_a_worker_ends_with_its_parent() -> None:
    program = f"""if True:
        import multiprocessing, os, signal, sys, time
        from ansible.plugins.loader import init_plugin_loader
        init_plugin_loader([{str(COLLECTIONS)!r}])
        from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._worker_process import end_with_parent
        def work():
            end_with_parent()
            print("works", flush=True)
            while True: time.sleep(1)
        multiprocessing.get_context("fork").Process(target=work).start()
        time.sleep(60)
    """
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout and parent.stdout.readline() == "works\n"
    parent.kill()
    assert parent.communicate(timeout=60)[0] == "", "the worker holds the pipe as long as it lives"
