# tessera - tile kernels written in Python
# SPDX-License-Identifier: Apache-2.0
