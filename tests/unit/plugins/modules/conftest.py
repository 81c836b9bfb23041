# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for AWS against the AWS of the testbed, in time that passes only by sleeping."""

from __future__ import annotations

import copy
import functools
import importlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible_collections.amazon.aws.plugins.module_utils import botocore as connections
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live import aws_task
from botocore.hooks import HierarchicalEmitter
from botocore.session import Session

from tests.support.modules import patch_module_args
from tests.testbed.aws.server import AwsServer, run_in_thread, send_order
from tests.testbed.aws.world import World
from tests.unit.plugins.module_utils._identity.live.runs import Clock

PACKAGE = "ansible_collections.o11y.opentelemetry.plugins.modules"
REGION, CLUSTER = "eu-west-1", "prod"
READS = ("Describe", "List", "Get")


class Aws:
    """The server as tests see it, with a cluster in it."""

    def __init__(self, server: AwsServer, clock: Clock, capsys: Any) -> None:
        self.server, self.world, self.clock, self._capsys = server, server.world, clock, capsys
        self.warned: list[str] = []
        self.options: dict[str, Any] = {
            "region": REGION,
            "endpoint_url": server.url,
            "access_key": "AKIDTESTBED",
            "secret_key": "secret-of-the-testbed",
        }

    def cluster(self, name: str = CLUSTER, region: str = REGION, **facts: Any) -> dict[str, Any]:
        """Make a cluster."""
        return send_order(self.server.url, "cluster", region=region, name=name, **facts)

    def run(self, module: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run a module as Ansible does, and return its result."""
        given = self.options | options | {"_ansible_check_mode": check, "_ansible_diff": True}
        given = {name: value for name, value in given.items() if value is not None}
        self.warned.clear()
        with patch_module_args(given), pytest.raises(SystemExit):
            importlib.import_module(f"{PACKAGE}.{module}").main()
        result: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        return result

    def changing(self) -> Counter[str]:
        """Return what was called since last time that changes something."""
        found = Counter(name for name in self.world.calls if not name.startswith(READS))
        self.world.calls.clear()
        return found

    def step(self, module: str, calls: dict[str, int], *same: str, **options: Any) -> dict[str, Any]:
        """Run a module in check mode, for real and again, and return the real result. Its calls are counted."""
        checked = self.run(module, check=True, **options)
        assert self.changing() == {}, "check mode changes something"
        done = self.run(module, **options)
        assert self.changing() == Counter(calls), done
        assert (done["changed"], checked["changed"]) == (bool(calls), bool(calls)), done
        assert checked["diff"] == done["diff"] or "***" in str(done["diff"])
        assert [checked[key] for key in same] == [done[key] for key in same]
        again = self.run(module, **options)
        assert (again["changed"], self.changing()) == (False, {}), "a second run changes something"
        assert again["diff"]["before"] == again["diff"]["after"]
        assert again.get("action", "unchanged") == "unchanged"
        return done


@pytest.fixture(scope="session")
def aws_server() -> Iterator[AwsServer]:
    """One server for all tests; each starts with an empty world."""
    with run_in_thread(World()) as server:
        yield server


@pytest.fixture(scope="session")
def quick_session() -> Callable[[], Session]:
    """Return sessions that share service models and registered handlers: both take longer than a module's own work."""
    hooks = HierarchicalEmitter()
    loader = Session(event_hooks=hooks).get_component("data_loader")

    def made() -> Session:
        session = Session(event_hooks=copy.copy(hooks), include_builtin_handlers=False)
        session.register_component("data_loader", loader)
        return session

    return made


class QuickSession:
    """A session of boto3 that is made when something asks for it, and clients that are made once."""

    def __init__(self, make: Callable[[], Any], clients: dict[str, Any], options: dict[str, Any]) -> None:
        self._make, self._clients, self._options = functools.cache(make), clients, options

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)

    def client(self, service: str, **options: Any) -> Any:
        """Return a client; those with credentials of their own depend on nothing but what they are made with."""
        if not options.get("aws_secret_access_key"):
            return self._make().client(service, **options)
        config = options["config"]._user_provided_options
        variables = [item for item in sorted(os.environ.items()) if item[0].startswith(("AWS_", "BOTO"))]
        key = repr((service, self._options, {**options, "config": sorted(config.items())}, variables))
        if key not in self._clients:
            self._clients[key] = self._make().client(service, **options)
        return self._clients[key]


@pytest.fixture(scope="session")
def quick_clients() -> dict[str, Any]:
    """Return the clients of all tests: one takes longer to make than a module's own work."""
    return {}


@pytest.fixture
def aws(
    aws_server: AwsServer,
    quick_session: Callable[[], Session],
    quick_clients: dict[str, Any],
    capsys: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Aws]:
    """AWS with an empty cluster."""
    clock = Clock()
    send_order(aws_server.url, "reset")
    aws_server.world.clock = clock
    monkeypatch.setattr(aws_task, "time", SimpleNamespace(monotonic=clock, sleep=clock.sleep))
    for name in ("AWS_PROFILE", "AWS_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)

    make: Callable[..., Any] = boto3.session.Session

    def session(**options: Any) -> QuickSession:
        return QuickSession(lambda: make(botocore_session=quick_session(), **options), quick_clients, options)

    monkeypatch.setattr(connections.boto3.session, "Session", session)
    found = Aws(aws_server, clock, capsys)
    # Ansible's own list of warnings is one of the process, and of none where a controller's code is loaded too.
    monkeypatch.setattr(aws_task.Aws, "warn", lambda _aws, *texts: found.warned.extend(filter(None, texts)))
    found.cluster()
    yield found
    assert found.world.drift == [], "the testbed answers what AWS could not"
