# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""iam_service_account_role while answers are lost and calls refused: whatever is left of a run, the next one mends."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from moto.iam.models import iam_backends

from .conftest import CLUSTER, Aws
from .test_iam_service_account_role import ACCOUNT, IDENTITY, NAME, SPANS, XRAY, issuer, live

__all__ = ["issuer"]


def whole(found: Any) -> dict[str, Any]:
    """Return what matters of moto's role."""
    trust = json.loads(found.assume_role_policy_document)["Statement"]
    return {"trust": [item["Sid"] for item in trust], "policies": list(found.policies), "tags": len(found.tags)}


@pytest.mark.parametrize("seed", range(4))
def test_whatever_trouble_comes_the_next_run_makes_it_whole(aws: Aws, seed: int) -> None:
    chance = random.Random(seed)
    account = {"cluster_name": CLUSTER, "namespace": "obs", "service_account": "gateway", "name": NAME}
    wanted = account | {"statements": [SPANS], "managed_policies": [XRAY]} | IDENTITY
    for options in (account | {"statements": [SPANS]}, wanted):
        for _trouble in range(4):
            kind = chance.choice([{"drop": "before"}, {"drop": "after"}, {"code": "Throttling", "status": 400}])
            aws.world.trouble(skip=chance.randrange(12), times=chance.choice([1, 2, 200]), **kind)
            aws.run("iam_service_account_role", **options)
            aws.world.faults.clear()
        assert not aws.run("iam_service_account_role", **options).get("failed")
        assert aws.run("iam_service_account_role", **options)["changed"] is False
    assert whole(live()) == {"trust": ["O11yOpentelemetryPodIdentity"], "policies": ["o11y-opentelemetry"], "tags": 3}
    assert len(aws.world.associations) == 1
    aws.world.trouble(skip=chance.randrange(8), drop="after", times=200)
    aws.run("iam_service_account_role", state="absent", **account)
    aws.world.faults.clear()
    aws.run("iam_service_account_role", state="absent", **account)
    assert NAME not in [role.name for role in iam_backends[ACCOUNT]["aws"].roles.values()]
    assert aws.world.associations == {}
