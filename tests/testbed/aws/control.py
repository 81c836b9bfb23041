# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a test in another process, such as a scenario of Molecule, tells the server what to do: JSON by POST."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.eks.models import eks_backends
from moto.moto_api._internal.models import moto_api_backend

from tests.testbed.aws.world import ACCOUNT, Stage

if TYPE_CHECKING:
    from tests.testbed.aws.app import Application

PREFIX = "/_o11y/"


def obey_order(application: Application, environ: dict[str, Any]) -> dict[str, Any]:
    """Do what `/_o11y/NAME` asks with its JSON, and return what there is to tell."""
    name = environ["PATH_INFO"].removeprefix(PREFIX)
    body_size = int(environ.get("CONTENT_LENGTH") or 0)
    parameters = json.loads(environ["wsgi.input"].read(body_size) or b"{}") if body_size else {}
    return ORDERS[name](application, **parameters)


def _set_stages(application: Application, addon: str, operation: str, stages: list[dict[str, Any]]) -> dict[str, Any]:
    """Say what the next such operation goes through."""
    code_fields = ("issues", "errors")
    parsed_stages = [Stage(**stage | {name: tuple(stage.get(name, ())) for name in code_fields}) for stage in stages]
    application.world.add_script(addon, operation, *parsed_stages)
    return {}


def _set_fault(application: Application, **fault: Any) -> dict[str, Any]:
    """Make trouble."""
    application.world.trouble(**fault)
    return {}


def _expire_key(application: Application, access_key: str) -> dict[str, Any]:
    """Let credentials expire."""
    application.world.expired_keys.add(access_key)
    return {}


def _create_cluster(application: Application, region: str, name: str, **facts: Any) -> dict[str, Any]:
    """Make a cluster of EKS, with the endpoint and CA of a real one if they are given."""
    clusters = eks_backends[ACCOUNT][region].clusters
    if name not in clusters:
        role = f"arn:aws:iam::{ACCOUNT}:role/cluster"
        eks_backends[ACCOUNT][region].create_cluster(
            name=name, role_arn=role, resources_vpc_config={}, version=facts.pop("version", "1.34")
        )
    if "ca" in facts:
        clusters[name].certificate_authority = {"data": facts.pop("ca")}
    if "issuer" in facts:
        clusters[name].identity = {"oidc": {"issuer": facts.pop("issuer")}}
    for field, value in facts.items():
        setattr(clusters[name], field, value)
    return {"endpoint": clusters[name].endpoint, "version": clusters[name].version}


def _list_calls(application: Application) -> dict[str, Any]:
    """Tell what was called since the last reset."""
    return {"calls": application.world.calls}


def _reset_world(application: Application) -> dict[str, Any]:
    """Forget everything."""
    with application.world.lock:
        moto_api_backend.reset()
        application.world.reset()
    return {}


def _stop_server(application: Application) -> dict[str, Any]:
    """End the server, after this answer."""
    threading.Timer(0.05, application.stop).start()
    return {}


ORDERS: dict[str, Callable[..., dict[str, Any]]] = {
    "script": _set_stages,
    "fault": _set_fault,
    "expire": _expire_key,
    "cluster": _create_cluster,
    "calls": _list_calls,
    "reset": _reset_world,
    "stop": _stop_server,
}
