# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit as the systemd of one host takes it: without settings that it does not know. Private.

`host_release.py` fits the unit of each release. The unit that the controller renders is the same for all hosts. An
older systemd would warn of what it does not know each time that it reads its units. The credentials of a unit are
encrypted if the host has a key for them. For example, systemd 252 with a key takes a unit without `RestartSteps=5`, and
with `LoadCredentialEncrypted=token:…` in place of `LoadCredential=token:…`. Runs on the host: Python 3.8, standard
library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .bundle_form import CREDENTIALS

# Credentials and ProtectProc came with it. Source: NEWS of systemd, "CHANGES WITH 247".
OLDEST_VERSION = 247
# The first version that knows a setting which units of this collection have. Source: NEWS of systemd.
FIRST_VERSION_BY_SETTING = {"RestartSteps": 254, "RestartMaxDelaySec": 254}
# LoadCredentialEncrypted and the command systemd-creds. Source: NEWS of systemd, "CHANGES WITH 250".
FIRST_ENCRYPTING_VERSION = 250
_SETTING = re.compile(r"(?P<name>[A-Za-z]+)\s*=")
# The program may print warnings in lines before this one.
_VERSION = re.compile(r"^systemd (\d+)", re.MULTILINE)
# The name of the setting in `LoadCredential=token:/etc/otelcol/agent/current/credentials/token`: a credential that is a
# file of the release. One from another file of the host stays as it is.
_OWN_CREDENTIAL = re.compile(rf"^LoadCredential(?==[^:\n]+:[^\n]*/current/{CREDENTIALS})", re.MULTILINE)


@dataclass(frozen=True)
class Systemd:
    """The systemd of a host."""

    version: int = 0
    """Such as 252; 0 if nobody knows it."""
    has_key: bool = False
    """Whether its key for credentials is there.

    That key is made by `systemd-creds setup`, or by the first `systemd-creds encrypt` of the host's owner. Without it
    credentials stay as they are: a key that only this collection uses would hide nothing from who reads the disk.
    """

    @property
    def is_too_old(self) -> bool:
        """Whether it lacks what each unit of this collection needs."""
        return 0 < self.version < OLDEST_VERSION

    @property
    def can_encrypt(self) -> bool:
        """Whether credentials are stored encrypted on this host."""
        return self.has_key and self.version >= FIRST_ENCRYPTING_VERSION

    def fit_unit(self, unit: str) -> str:
        """Return the text of a unit as this systemd takes it."""
        # Not by `splitlines`, which ends a line at characters that a value may have.
        text = "\n".join(line for line in unit.split("\n") if not self._is_unknown(line))
        return _OWN_CREDENTIAL.sub("LoadCredentialEncrypted", text) if self.can_encrypt else text

    def _is_unknown(self, line: str) -> bool:
        """Whether this systemd does not know the setting of a line. A systemd of unknown version gets all settings."""
        setting = _SETTING.match(line)
        return bool(setting) and 0 < self.version < FIRST_VERSION_BY_SETTING.get(setting["name"], 0)  # type: ignore[index]


def parse_systemd_version(version_output: str) -> int:
    """Return the version out of what `systemctl --version` says, such as `systemd 252 (252.39-1)`; 0 for other text."""
    match = _VERSION.search(version_output)
    return int(match[1]) if match else 0


def quote_unit_word(text: str) -> str:
    """Return a text as one word of a unit: `"a=50%%"` for `a=50%`.

    A percent sign would begin a specifier. A dollar sign stays, since `Environment=` replaces no variables. Source:
    systemd.exec(5).
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
