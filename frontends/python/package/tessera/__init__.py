# tessera - tile kernels written in Python, compiled for the host's CPU and for accelerators
# SPDX-License-Identifier: Apache-2.0
"""Write a kernel once, in the language of ``tessera.language``, and launch it on NumPy arrays, torch tensors, or anything
with ``__dlpack__`` or ``data_ptr``:

    import tessera
    import tessera.language as tl

    @tessera.jit
    def double(x, n, BLOCK: tl.constexpr):
        i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        tl.store(x + i, 2 * tl.load(x + i, mask=i < n), mask=i < n)

    double[(tessera.cdiv(n, 1024),)](x, n, BLOCK=1024)

Importing the package loads nothing: names are found when they are used. No thread starts and no device opens before the
first launch.
"""
__version__ = "0.2.0"
__tessera_name__ = "triton"

# Name -> the module that has it.
_WHERE = {}
for _module, _names in {
        "runtime.jit": "jit JITFunction KernelInterface MockTensor TensorWrapper reinterpret",
        "runtime.autotuner": "autotune Autotuner Config heuristics Heuristics",
        "runtime.errors": "OutOfResources InterpreterError",
        "runtime._allocation": "set_allocator",
        "runtime._async_compile": "AsyncCompileMode FutureKernel",
        "compiler": "compile CompilationError",
        "errors": "TritonError TesseraError",
        "language._function": "constexpr_function must_use_result",
        "_host_functions": "cdiv next_power_of_2",
        # Spellings of older documents.
        "language.core": "program_id num_programs arange load store",
}.items():
    for _name in _names.split():
        _WHERE[_name] = _module
_MODULES = frozenset("language runtime compiler backends testing tools knobs errors torch triton profiler experimental".split())

__all__ = """AsyncCompileMode autotune cdiv CompilationError compile Config constexpr_function FutureKernel heuristics
InterpreterError jit JITFunction KernelInterface language MockTensor must_use_result next_power_of_2 OutOfResources reinterpret
runtime set_allocator TensorWrapper TritonError testing tools""".split()


def __getattr__(name):
    from importlib import import_module
    if name in _WHERE:
        value = getattr(import_module(f"tessera.{_WHERE[name]}"), name)
    elif name in _MODULES:
        return import_module(f"tessera.{name}")
    else:
        raise AttributeError(f"module 'tessera' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(_WHERE) | _MODULES)
