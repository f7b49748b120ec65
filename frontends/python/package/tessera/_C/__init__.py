# _C - import-time names of another implementation's native modules
# SPDX-License-Identifier: Apache-2.0
