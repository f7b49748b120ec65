# errors.py - the base of every error of the package
# SPDX-License-Identifier: Apache-2.0


class TritonError(Exception):
    """What all errors of this package derive from, by the name that programs catch."""


TesseraError = TritonError
