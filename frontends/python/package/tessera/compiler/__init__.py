# compiler - compiling kernels
# SPDX-License-Identifier: Apache-2.0
from tessera.compiler.compiler import (ASTSource, CompiledKernel, IRSource, LazyDict, compile, get_cache_key, make_backend)
from tessera.compiler.errors import CompilationError, CompileTimeAssertionFailure, UnsupportedLanguageConstruct

__all__ = ["compile", "make_backend", "ASTSource", "IRSource", "CompiledKernel", "CompilationError", "LazyDict", "get_cache_key",
           "CompileTimeAssertionFailure", "UnsupportedLanguageConstruct"]
