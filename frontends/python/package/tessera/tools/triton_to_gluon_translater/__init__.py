# triton_to_gluon_translater - import-time names of Triton's translator
# SPDX-License-Identifier: Apache-2.0
