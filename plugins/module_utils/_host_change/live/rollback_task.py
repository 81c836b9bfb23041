# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roll the last change of a collector back, or let it stay for good: states `earlier` and `settled` of host_apply.
Private.

`host_task.py` calls this file. A wave changes many hosts, and its gate judges the change later. Until then, the change
is undecided: the host keeps a note of the release to roll back to (`UndecidedChange` in change_notes.py). If the wave
fails, or if an alert fires, `roll_back` starts the earlier release again: `agent: Release 000006 runs again.` If the
wave passes, `let_change_stay` removes the note: `agent: release 000007 stays`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from ..._otelcol.errors import Problem
from ..bundle_form import BEFORE_ALL, CREDENTIALS
from ..host_release import CollectorBundle, unescape_secret
from .credential_mask import build_mask
from .host_store import Store
from .host_task_options import HostTaskOptions
from .installed_program import NO_PROGRAM
from .late_imports import make_host_change
from .machine import Machine


def roll_back(options: HostTaskOptions, machine: Machine, store: Store, *, check_mode: bool) -> dict[str, Any]:
    """Start the release again that ran before, and return the result of the module.

    Raises Problem if another run has changed the collector since, or if the earlier release is not kept.
    """
    current_release = store.releases.find_current()
    earlier_release = _choose_earlier_release(options, store)
    if check_mode:
        return _forecast_rollback(store, current_release, earlier_release)
    # The ports and the health check of the earlier release are not known: they were in the bundle of its own task.
    manifest = store.releases.read_manifest(earlier_release or current_release)
    bundle = CollectorBundle(store.name, metrics_url=str(manifest.get("metrics") or ""))
    mask = build_mask(_read_stored_secrets(store, (earlier_release, current_release)))
    change = make_host_change(machine, store, bundle, NO_PROGRAM, mask)
    outcome = change.roll_back_to(earlier_release)
    result_lines = outcome.notes or [f"Release {current_release} runs."]
    # Of a collector that was never in a wave, it says nothing that its release has passed none.
    has_passed_waves = bool(store.passed_waves.read_all())
    if earlier_release and has_passed_waves and not store.passed_waves.find(earlier_release):
        result_lines = [*result_lines, f"Release {earlier_release} passed no wave."]
    message = f"{store.name}: {' '.join(result_lines)}"
    return {"changed": outcome.is_changed, "release": outcome.release, "msg": message}


def _read_stored_secrets(store: Store, releases: Iterable[str]) -> dict[str, bytes]:
    """Return the credentials of releases, by their paths: the task names the collector alone, and has none of them.

    A release that cannot be read has no credentials here: to undo it may be the way out of just that.
    """
    secrets: dict[str, bytes] = {}
    for release in releases:
        with suppress(OSError):
            for path, file in store.releases.read_files(release).items():
                if path.startswith(CREDENTIALS):
                    secrets[f"{release}/{path}"] = unescape_secret(file.data)
    return secrets


def _choose_earlier_release(options: HostTaskOptions, store: Store) -> str:
    """Return the release to roll back to; empty to undo a first install.

    Raises Problem if the release in use is not the one to undo: another run has changed the collector since.
    """
    current_release = store.releases.find_current()
    wanted_release, undone_release = options.wanted_release, options.undone_release
    asked = f"Take collector {store.name} of this host back"
    if not wanted_release or not undone_release:
        wrong = f"`release` is '{wanted_release}', and `undoes` is '{undone_release}'"
        raise Problem(wrong, asked=asked, fix=f"Name both releases. A first install has `release: {BEFORE_ALL}`.")
    if not current_release or not store.is_own():
        raise Problem("it has no release in use", asked=asked, fix="Deploy it again with `state: present`.")
    wrong = _describe_other_release(options, store, current_release)
    if wrong:
        fix = (
            "Another run has changed this collector since. It stays as it is: run the playbook again to see it judged."
        )
        raise Problem(wrong, asked=asked, fix=fix)
    if wanted_release not in (BEFORE_ALL, *store.releases.list_numbers()):
        fix = "Keep at least 2 releases (`keep`), and deploy the earlier config again."
        raise Problem(f"release {wanted_release} is not kept", asked=asked, fix=fix)
    return "" if wanted_release == BEFORE_ALL else wanted_release


def _describe_other_release(options: HostTaskOptions, store: Store, current_release: str) -> str:
    """Return what is wrong if another run has deployed the release in use; empty if it is one of the task's."""
    undone_release = options.undone_release
    if current_release not in (undone_release, options.wanted_release):
        return f"release {current_release} is in use, and not release {undone_release}, which was to be undone"
    if current_release == undone_release and _is_written_anew(options, store, current_release):
        return f"another release {current_release} than the one that was to be undone is in use"
    return ""


def _is_written_anew(options: HostTaskOptions, store: Store, release: str) -> bool:
    """Whether a release was written at another time than the one that the task means.

    After a collector was removed, or its first install undone, the numbers of releases begin anew.
    """
    return bool(options.undone_mark) and store.releases.find_written_mark(release) != options.undone_mark


def _forecast_rollback(store: Store, current_release: str, earlier_release: str) -> dict[str, Any]:
    """Return the result of check mode. `earlier_release` is empty if a first install is undone."""
    if earlier_release == current_release:
        forecast_text = f"release {current_release} runs"
    elif earlier_release:
        forecast_text = f"release {earlier_release} would run again"
    else:
        forecast_text = "the first install would be undone"
    return {
        "changed": earlier_release != current_release,
        "release": current_release,
        "msg": f"{store.name}: {forecast_text}",
    }


def let_change_stay(options: HostTaskOptions, store: Store, *, check_mode: bool) -> dict[str, Any]:
    """Remove the note of what the last change is rolled back to, and return the result of the module.

    The note stays if another run has deployed the release in use: the wave of that run decides. Only runs read the
    note, so its removal does not count as a change.
    """
    current_release, undone_release = store.releases.find_current(), options.undone_release
    if not current_release:
        result_text = "it has no release in use, so nothing is left to decide"
    elif undone_release and current_release != undone_release:
        result_text = (
            f"release {current_release} of another run is in use, and not release {undone_release}. It stays undecided"
        )
    elif _is_written_anew(options, store, current_release):
        result_text = f"another release {current_release}, of another run, is in use. It stays undecided"
    else:
        result_text = f"release {current_release} stays"
        if store.is_own() and not check_mode:
            store.undecided_change.remove()
    return {"changed": False, "release": current_release, "msg": f"{store.name}: {result_text}"}
