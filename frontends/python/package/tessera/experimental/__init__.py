# experimental - names of Triton's experimental packages
# SPDX-License-Identifier: Apache-2.0
