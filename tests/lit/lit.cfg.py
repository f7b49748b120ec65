# lit.cfg.py - the pass tests: IR in, IR out, no device
# SPDX-License-Identifier: Apache-2.0
"""A test is a .mlir file with RUN lines. %tessera-opt, FileCheck and not are found without PATH. lit.site.cfg.py of the
build tree names the folders and loads this file."""
import os

import lit.formats

config.name = "tessera"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.tessera_build, "tests", "lit")
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.tessera_build, "bin"), config.llvm_tools, config.environment.get("PATH", "")])
config.substitutions.append(("%tessera-opt", os.path.join(config.tessera_build, "bin", "tessera-opt")))
