# code_generator.py - names that programs import from the module of Triton that turns a function into IR
# SPDX-License-Identifier: Apache-2.0
"""``ast_to_ttir`` gives a function's IR. The front end here is native code: Triton's ``CodeGenerator``, a visitor of Python's trees whose
methods can be replaced, can be named and subclassed, and raises NotImplementedError when it is made."""
from __future__ import annotations

from tessera.compiler.errors import CompilationError, CompileTimeAssertionFailure, UnsupportedLanguageConstruct

__all__ = ["CodeGenerator", "CompilationError", "CompileTimeAssertionFailure", "UnsupportedLanguageConstruct", "ast_to_ttir"]


class CodeGenerator:
    """Triton's visitor of a function's tree: here a name only."""

    def __init__(self, *args, **kwargs):
        raise NotImplementedError("triton.compiler.code_generator.CodeGenerator belongs to Triton's own front end, which visits Python's trees; "
                                  "kernels here are read by native code (ASTSource.make_ir and ast_to_ttir give their IR)")


def ast_to_ttir(fn, src, context=None, options=None, codegen_fns=None, module_map=None, module=None):
    """The IR of the specialised function ``src`` for the device that is active, as ``ASTSource.make_ir`` gives it. Errors: CompilationError and
    its kinds."""
    from tessera.compiler.compiler import make_backend
    from tessera.runtime.driver import driver
    target = driver.active.get_current_target()
    return src.make_ir(target, make_backend(target).parse_options({}) if options is None else options)
