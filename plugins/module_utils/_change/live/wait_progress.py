# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show for which objects a run waits. Private.

For example, with two Certificates that are not issued yet, and once both are:

    Certificates: waits for Certificate obs/gateway-tls, Certificate obs/agent-tls (20 s)
    Certificates: issued (40 s)
"""

from __future__ import annotations

from ..._otelcol.errors import join_at_most
from ..._otelcol.kube.objects import Manifest, ref
from .session import Session

_MOST_SHOWN = 3


def show_progress(session: Session, subject: str, waiting_objects: list[Manifest], *, done_word: str) -> None:
    """Show the objects that a wait is still for, or `done_word` if none is left. `subject` names the wait."""
    object_texts = [str(ref(manifest)) for manifest in waiting_objects]
    if object_texts:
        session.cluster.progress(subject, f"waits for {join_at_most(_MOST_SHOWN, object_texts)}")
    else:
        session.cluster.progress.tell_done(subject, done_word)
