# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules that run on Linux hosts share. Private."""

from __future__ import annotations

from textwrap import indent

# What a module gets of one collector. `_host_change/bundle_form.py` has the same as an argument spec.
# The suboptions of a bundle, which is all that a host gets for one collector.
_SUBOPTIONS = r"""
name:
  description: The name of the collector. The unit is C(otelcol-NAME.service).
  type: str
  required: true
files:
  description:
    - The files of a release. C(config.yaml) and C(unit) must be among them. C(tmpfiles) is linked to
      C(/etc/tmpfiles.d).
    - The unit names its files by C(/etc/otelcol/NAME/current/). It says C(@program@) in place of the program.
  type: list
  elements: dict
  suboptions:
    path: {description: Its path below the release., type: str, required: true}
    content: {description: Its text., type: str, required: true}
    mode: {description: "Its mode, in octal digits.", type: str, default: "0644"}
    shown: {description: "The text for differences, for example with secrets masked.", type: str}
program:
  description:
    - The Collector's program. With C(path) alone it is used as it is there.
    - With C(distribution), C(version) and C(architectures) it is installed below C(/opt/otelcol), unless it is
      there.
  type: dict
  suboptions:
    path: {description: A program that is on the host., type: path}
    distribution: {description: "The distribution, for the name of its folder.", type: str}
    version: {description: "The version, for the name of its folder.", type: str}
    architectures:
      description:
        - The file for each architecture of your hosts. It is an archive (tar packed as gzip, xz or bzip2), a deb,
          an rpm, or the program itself. Packages are read, and not installed.
      type: dict
      suboptions:
        amd64: &archive
          description: The file for hosts of this architecture.
          type: dict
          suboptions:
            sha256: {description: The SHA-256 of the file., type: str, required: true}
            file: {description: "A file on the controller, which is copied if the host needs it.", type: path}
            path: {description: A file on the host., type: path}
            url: {description: "A URL, from which the host downloads the file.", type: str}
            member: {description: "The path of the program in the archive, or its name in a package.", type: str}
        arm64: *archive
credentials:
  description:
    - Secrets, as files with mode 0600 in the folder C(credentials) of a release, for C(LoadCredential).
    - With systemd 250 or newer and a key for credentials (C(systemd-creds setup)), the files are encrypted, and
      the unit has C(LoadCredentialEncrypted) instead.
  type: list
  elements: dict
  suboptions:
    name: {description: The name of the credential., type: str, required: true}
    content: {description: The secret., type: str}
    path: {description: "A file on the host that has the secret, instead of C(content).", type: path}
ports:
  description: The ports that the collector opens.
  type: list
  elements: dict
  suboptions:
    number: {description: The port., type: int, required: true}
    protocol: {description: The protocol., type: str, choices: [tcp, udp], default: tcp}
    address: {description: The address on which it listens; empty for every one., type: str, default: ""}
metrics:
  description: The URL of the collector's own metrics. Without it only the process is watched.
  type: str
  default: ""
health: {description: The URL that answers if the collector is healthy., type: str, default: ""}
state:
  description: The state folder of the unit, C(/var/lib/otelcol/NAME), or empty if it has none.
  type: str
  default: ""
ready_seconds:
  description: How long to wait until the collector runs, listens and is healthy.
  type: float
  default: 30
watch_seconds:
  description: How long to compare the collector's metrics with those before the change.
  type: float
  default: 0
keep: {description: How many releases to keep., type: int, default: 3}
services:
  description:
    - Services of the host whose SDKs send to the collector. Each gets the drop-in C(50-o11y-otel.conf) with its
      variables. Without this option the collector has none, and drop-ins that were written for it are removed.
    - A service of another owner stays as it is, but for this file.
  type: list
  elements: dict
  suboptions:
    unit: {description: "The name of the unit, such as C(shop.service).", type: str, required: true}
    variables:
      description: Variables that begin with C(OTEL_). C(@host_id@) in a value stands for the id of the host.
      type: dict
      required: true
    restart:
      description: Whether the service may be restarted, if it runs without its variables.
      type: bool
      default: false
"""
_DEPTH = 6 * " "  # of the suboptions of an option


class ModuleDocFragment:
    """Attributes and requirements of modules that run on a host with the Python that is there, and its collectors."""

    DOCUMENTATION = r"""
attributes:
  check_mode: {description: "Changes nothing in check mode, and predicts the changes.", support: full}
  diff_mode: {description: "Returns the difference, also in check mode.", support: full}
  platform: {description: Supported operating systems., support: full, platforms: linux}
requirements:
  - python >= 3.8 on the host
  - systemd 247 or newer on the host
"""

    # Composed, so they are annotated: ansible-test reads plain assignments of this class as texts.
    BUNDLE: str = r"""
options:
  bundle:
    description: The collector. With O(state=absent) only its O(bundle.name) counts.
    type: dict
    required: true
    suboptions:
""" + indent(_SUBOPTIONS, _DEPTH)

    BUNDLES: str = r"""
options:
  bundles:
    description:
      - The collectors of the host, as RV(o11y.opentelemetry.host_render#module:bundles) returns them.
    type: list
    elements: dict
    required: true
    suboptions:
""" + indent(_SUBOPTIONS, _DEPTH)
