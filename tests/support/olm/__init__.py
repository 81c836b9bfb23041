# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who plays the Operator Lifecycle Manager for tests: its real kinds, catalogs of the tests, a small controller.

    python -m tests.support.olm start FOLDER     definitions, and the controller as a process of its own
    python -m tests.support.olm stop FOLDER      ends it, and takes everything of it away

A catalog is a CatalogSource of type configmap; the key `catalog.json` of its ConfigMap says what it offers and what is
to go wrong (see catalog.py), so that tests steer it by applying another ConfigMap.

What it does not do: dependencies beside those that a version names, several Subscriptions that are resolved together,
copies of versions in other namespaces, rights of operators. Requirements are not checked.
"""
