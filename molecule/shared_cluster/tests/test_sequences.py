"""Random sequences of two inventories and a third party, as in memory, on a real cluster; all at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from tests import conftest
from tests.support.cluster import PROJECT


def test_neither_inventory_touches_what_the_other_or_a_third_party_made() -> None:
    assert conftest.ROOT == PROJECT, "conftest makes the collection importable"
    from tests.support.inventories import World, play  # noqa: PLC0415
    from tests.support.shared_api import RealApi, run_on_real_api  # noqa: PLC0415
    from tests.support.sharing import NATIVE_PARTS, SEEDS  # noqa: PLC0415

    def sequence(seed: int) -> dict[str, int]:
        counts: dict[str, int] = {}

        def work(api: RealApi) -> None:
            counts.update(play(World(seed, api, api.namespaces, NATIVE_PARTS)))

        run_on_real_api(os.environ["KUBECONFIG"], (f"shared-{seed}", f"shared-{seed}-y"), work)
        return counts

    with ThreadPoolExecutor(len(SEEDS)) as pool:
        for counts in pool.map(sequence, SEEDS):
            assert counts["killed"] and counts["refused"]
