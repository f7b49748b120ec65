# nvidia - names of NVIDIA's backend that programs import
# SPDX-License-Identifier: Apache-2.0
