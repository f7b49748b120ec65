# test_dropin.py - programs that say `import triton`
# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import pytest


def run(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "tessera.triton", *arguments], capture_output=True, text=True, **options)


def test_a_program_with_arguments_and_an_exit_code(tmp_path):
    program = tmp_path / "program.py"
    (tmp_path / "beside.py").write_text("VALUE = 5\n")
    program.write_text("import sys, triton, beside\nprint(triton.__version__, sys.argv[1:], beside.VALUE, __name__)\nsys.exit(3)\n")
    done = run(str(program), "a", "--b")
    assert (done.stdout, done.returncode) == ("3.6.0 ['a', '--b'] 5 __main__\n", 3)


def test_an_exception_is_a_traceback_and_exit_code_1(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("raise ValueError('here')\n")
    done = run(str(program))
    assert done.returncode == 1 and "ValueError: here" in done.stderr and "program.py" in done.stderr


def test_modules_and_code():
    assert run("-c", "import sys, triton; print(triton.cdiv(7, 2), sys.argv)", "x").stdout == "4 ['-c', 'x']\n"
    assert run("-m", "json.tool", "--help").returncode == 0


def test_bad_usage():
    assert run().returncode == 2 and run("-c").returncode == 2
    done = run("/nowhere/at/all.py")
    assert done.returncode == 2 and "no such file: /nowhere/at/all.py" in done.stderr
    assert run("--help").returncode == 0


def test_modules_are_the_same_objects():
    done = run("-c", """
import triton.language as tl, triton.language.core, tessera.language, triton.knobs
from triton.language.extra import libdevice
from triton.language.extra.cuda import libdevice as cuda_libdevice
from triton._utils import canonicalize_dtype
assert tl is tessera.language and triton.language is tl and triton.language.core is tl.core
assert libdevice.exp is cuda_libdevice.exp and tl.__spec__.name == 'tessera.language'
import importlib.metadata, importlib.util
assert importlib.metadata.version('triton') == '3.6.0' and importlib.util.find_spec('triton.language') is not None
assert importlib.util.find_spec('triton.no_such_thing') is None
try:
    triton.no_such_thing
except AttributeError as error:
    print(error)
""")
    assert done.stdout == "module 'triton' has no attribute 'no_such_thing'\n", done.stderr


def test_child_processes_find_it():
    done = run("-c", "import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', "
               "'import triton, triton.language as tl; print(triton.__version__, tl.__name__)'], text=True), end='')")
    assert done.stdout == "3.6.0 tessera.language\n", done.stderr


def test_workers_that_are_handed_the_path_find_it(tmp_path):
    """multiprocessing's spawn and pytest-xdist replace sys.path of a child, and with it what PYTHONPATH said, by that of the parent."""
    program = tmp_path / "program.py"
    program.write_text("""
import multiprocessing

def work(_):
    import triton
    return triton.__version__

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [0]))
""")
    done = run(str(program), timeout=120)
    assert done.stdout == "['3.6.0']\n", done.stderr


def test_install_twice_is_fine_and_too_late_is_an_error(tmp_path):
    (tmp_path / "triton.py").write_text("")
    code = "import tessera.triton as t; t.install(); t.install(); import triton; print(triton.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "3.6.0\n", done.stderr
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import triton, tessera.triton as t; t.install()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "another triton is imported already" in done.stderr and done.returncode == 1


@pytest.mark.parametrize("statement", [
    "from triton._C.libtriton import ir, passes, nvidia, llvm, getenv", "from triton._C.libtriton.linear_layout import LinearLayout",
    "from triton.experimental import gluon", "from triton.experimental.gluon import language as gl",
    "from triton.experimental.gluon.language.nvidia.hopper import tma, mbarrier", "import triton.profiler as proton",
    "import triton.profiler.viewer", "from triton.backends.compiler import GPUTarget, BaseBackend",
    "from triton.backends.driver import DriverBase, GPUDriver", "from triton.errors import TritonError",
    "from triton.tools.tensor_descriptor import TensorDescriptor", "from triton.language.standard import _log2",
    "from triton.language.core import _aggregate, builtin, extern, constexpr_type",
    "from triton.runtime._allocation import NullAllocator", "from triton.knobs import CompileTimes",
    "from triton.language.extra.cuda.utils import num_warps, smid", "from triton.language.extra.cuda.gdc import gdc_wait, gdc_launch_dependents",
    "from triton.language.extra.hip.utils import memrealtime", "import triton.profiler.language as pl; pl.enable_semantic('triton')",
    "from triton.testing import runtime; import triton; assert runtime is triton.runtime",
    "from triton.testing import tl; import triton.language; assert tl is triton.language",
    "from triton.backends.nvidia.driver import library_dirs, libcuda_dirs",
    "from triton.profiler.scope import scope, cpu_timed_scope; import triton.profiler as p; assert p.scope is scope and p.state is not p.scope",
    "import triton.profiler.scope, triton.profiler.state; from triton.profiler import scope, state; scope('a'); state('b')",
    "import triton.profiler.profile; from triton.profiler import profile; profile(lambda: 0)",
    "from triton.profiler.specs import max_flops; assert max_flops('CUDA', '80', 16, 108, 1410000) == 312e12",
    "from triton.profiler.hooks import HookManager, LaunchHook; from triton.profiler.hooks.hook import Hook",
    "from triton.runtime.jit import TRITON_MODULE, DependenciesFinder; assert TRITON_MODULE == 'triton.language'",
    "from triton.compiler.code_generator import CodeGenerator, ast_to_ttir; class_ = type('Mine', (CodeGenerator,), {})",
    "from triton.runtime.interpreter import interpreter_builder, InterpretedFunction"])
def test_import_time_names(statement):
    done = run("-c", statement)
    assert done.returncode == 0, done.stderr


def test_names_that_say_what_is_not_here():
    from tessera.compiler.code_generator import CodeGenerator
    from tessera.profiler.hooks import InstrumentationHook
    from tessera.runtime.interpreter import interpreter_builder
    for use in (CodeGenerator, InstrumentationHook, lambda: interpreter_builder.set_grid_dim(1, 1, 1)):
        with pytest.raises(NotImplementedError):
            use()


def test_dependencies_of_a_source():
    import ast

    import tessera
    from tessera.runtime.jit import DependenciesFinder
    source = "def f(x, n=DEFAULT):\n    y = x + FACTOR\n    return callee(y) + FACTOR\n"

    @tessera.jit
    def callee(x):
        return x

    names = {"FACTOR": 3, "callee": callee, "DEFAULT": 1}

    def find(names, source=source):
        finder = DependenciesFinder("f", names, {}, source)
        finder.visit(ast.parse(source))
        return finder

    finder = find(names)
    assert finder.used_global_vals == {("FACTOR", id(names)): (3, names)}
    assert finder.ret == find(dict(names)).ret != find(names, source.replace("+ FACTOR", "- FACTOR")).ret
    with pytest.raises(RuntimeError, match="Unsupported function referenced"):
        find({**names, "callee": lambda x: x})


def test_names_of_the_nvidia_backend():
    from tessera.backends.nvidia.compiler import sm_arch_from_capability
    from tessera.backends.nvidia.driver import ty_to_cpp
    assert [sm_arch_from_capability(c) for c in (75, 89, 90, 100)] == ["sm_75", "sm_89", "sm_90a", "sm_100a"]
    assert [ty_to_cpp(t) for t in ("*fp16", "i1", "u1", "i64", "u16", "bf16", "fp64", "tensordesc<fp16[64, 64]>")] == [
        "CUdeviceptr", "int8_t", "uint8_t", "int64_t", "uint16_t", "double", "double", "CUtensorMap"]
    for wrong in ("fp8", "i4", "int"):
        with pytest.raises(KeyError):
            ty_to_cpp(wrong)


REGIONS = """
import numpy as np
import triton
import triton.language as tl
import triton.profiler.language as pl
from triton.language.extra.cuda.utils import num_warps


@triton.jit
def kernel(out):
    pl.enter_scope("whole")
    with pl.scope("store"):
        tl.store(out, num_warps() + 41)
    pl.exit_scope("whole")


out = np.zeros(1, np.int32)
kernel[(1, )](out, num_warps=1)
print(out[0])
"""


def test_kernels_that_use_modules_of_triton_below_the_language(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(REGIONS)
    done = run(str(program))
    assert done.stdout == "42\n", done.stderr
