# test_compile.py - compile(), compiled kernels, errors, the cache on disk
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import pickle
import subprocess
import sys
import time

import numpy as np
import pytest

import tessera
import tessera.language as tl
from tessera import knobs
from tessera.backends.compiler import GPUTarget
from tessera.compiler import ASTSource, CompilationError, CompileTimeAssertionFailure, UnsupportedLanguageConstruct
from tessera.compiler.errors import Place
from tessera.runtime.driver import driver

from kernels import add_kernel


@pytest.fixture
def cache(tmp_path):
    with knobs.cache.scope():
        knobs.cache.dir = str(tmp_path / "cache")
        yield tmp_path / "cache"


def source(**changes):
    given = {"signature": {"x": "*fp32", "y": "*fp32", "out": "*fp32", "n": "i32", "BLOCK": "constexpr"},
             "constexprs": {"BLOCK": 64}, "attrs": {(0, ): [["tt.divisibility", 16]]}}
    return ASTSource(add_kernel, **{**given, **changes})


def test_compile_and_launch(cache):
    compiled = tessera.compile(source())
    x, y, out = np.random.rand(64).astype(np.float32), np.ones(64, np.float32), np.zeros(64, np.float32)
    # The form without the parameters that are declared constexpr, and what is neither. Each twice: the second launch knows the form.
    for _ in range(2):
        compiled[(1, 1, 1)](x, y, out, 64, 64)
        assert np.array_equal(out, x + y)
        compiled[(1, 1, 1)](y, y, out, 64)
        assert np.array_equal(out, y + y)
    for count in (3, 6):
        with pytest.raises(TypeError, match=rf"add_kernel: .* all 5 parameters in order, or the 4 .*; {count} were given"):
            compiled[(1, 1, 1)](*[x, y, out, 64, 64, 64][:count])
    assert compiled.name == compiled.metadata.name == "add_kernel"
    assert compiled.metadata.num_warps == 4 and compiled.metadata.shared == 1 and compiled.metadata.target.backend == "cpu"
    assert compiled.mutated_args == ("out", )
    assert compiled.hash == tessera.compile(source()).hash != tessera.compile(source(constexprs={"BLOCK": 32})).hash


def test_stages(cache):
    compiled = tessera.compile(source())
    assert "source" in compiled.asm and "ttir" in compiled.asm and "sass" not in compiled.asm
    assert compiled.asm["source"].startswith("def add_kernel(")
    assert "tile." in compiled.asm["ttir"] and "define " in compiled.asm["llir"] and ".size" in compiled.asm["asm"]
    assert compiled.asm["artifact"] == compiled.kernel
    with pytest.raises(KeyError, match="there are"):
        compiled.asm["sass"]


def test_cross_compile_for_an_older_processor(cache):
    compiled = tessera.compile(source(), target=GPUTarget("cpu", "x86-64-v2", 0))
    assert compiled.metadata.target.arch == "x86-64-v2"
    assert "zmm" not in compiled.asm["asm"] and "ymm" not in compiled.asm["asm"]


def test_unknown_target(cache):
    with pytest.raises(RuntimeError, match="nonesuch"):
        tessera.compile(source(), target=GPUTarget("nonesuch", "v1", 0))


def test_second_process_compiles_nothing(cache):
    code = """
import numpy as np, tessera
from tessera import knobs
from kernels import add_kernel
hits = []
knobs.compilation.listener = lambda *, cache_hit, **kwargs: hits.append(cache_hit)
x = np.ones(64, np.float32)
out = np.zeros(64, np.float32)
add_kernel[(1,)](x, x, out, 64, BLOCK=64)
assert out[0] == 2
from tessera import _tessera
print(hits)
"""
    here = os.path.dirname(__file__)
    environment = {**os.environ, "TESSERA_CACHE_DIR": str(cache),
                   "PYTHONPATH": os.pathsep.join((here, os.environ["PYTHONPATH"]))}
    runs = [subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True) for _ in range(2)]
    assert [r.stdout.strip() for r in runs] == ["[False]", "[True]"], runs[0].stderr + runs[1].stderr


@pytest.mark.parametrize("in_process", [False, True])
def test_listeners_hear_how_long_each_stage_took(cache, monkeypatch, in_process):
    heard = []
    monkeypatch.setattr(tessera.knobs.compilation, "listener", lambda **what: heard.append(what))
    monkeypatch.setattr(tessera.knobs.compilation, "in_process", in_process)
    import time
    began = time.perf_counter()
    tessera.compile(source())
    took = 1e6 * (time.perf_counter() - began)
    times = heard[0]["times"]
    stages = dict(times.lowering_stages)
    assert {"ttir", "llir", "artifact"} <= stages.keys() <= {"target", "ttir", "llir", "artifact", "worker"}, times
    # Every stage took time, and nothing is counted twice.
    assert min(stages["artifact"], stages["ttir"], stages["llir"], times.ir_initialization) > 0
    assert times.store_results > 0 and times.total <= took
    tessera.compile(source())
    assert heard[1]["cache_hit"] and heard[1]["times"].lowering_stages == []


def test_damaged_cache_entry_is_compiled_again(cache):
    tessera.compile(source())
    entries = [p for p in cache.rglob("*") if p.is_file()]
    assert entries
    for entry in entries:
        data = bytearray(entry.read_bytes())
        data[len(data) // 2] ^= 0xFF
        entry.write_bytes(data)
    compiled = tessera.compile(source())
    x, out = np.ones(64, np.float32), np.zeros(64, np.float32)
    compiled[(1, 1, 1)](x, x, out, 64, 64)
    assert out[0] == 2


def test_cache_that_cannot_be_written_is_said_once(tmp_path):
    place = tmp_path / "file"
    place.write_text("not a folder")
    with knobs.cache.scope():
        knobs.cache.dir = str(place)
        with pytest.warns(RuntimeWarning, match="cannot be kept"):
            tessera.compile(source())
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tessera.compile(source(constexprs={"BLOCK": 32}))


@tessera.jit
def inner(x):
    return x + tl.arange(0, 3)


@tessera.jit
def outer(out):
    value = inner(1)
    tl.store(out, value)


def test_error_in_a_called_function():
    with pytest.raises(CompilationError) as caught:
        outer[(1, )](np.zeros(4, np.int32))
    error = caught.value
    assert error.src == outer.src and error.error_message is None
    assert str(error).startswith("at 2:12:\ndef outer(out):\n    value = inner(1)\n            ^")
    assert error.file == __file__ and error.line == outer.source.first_line + 1
    cause = error.__cause__
    assert isinstance(cause, CompilationError) and cause.src == inner.src
    assert "power of 2" in str(cause) and cause.node.lineno == 2
    assert str(cause).startswith("at 2:15:\ndef inner(x):\n    return x + tl.arange(0, 3)\n               ^")


def test_errors_survive_pickling():
    with pytest.raises(CompilationError) as caught:
        outer[(1, )](np.zeros(4, np.int32))
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is type(caught.value) and str(again) == str(caught.value) and again.line == caught.value.line
    assert str(again.__cause__) == str(caught.value.__cause__)


def test_static_assert():

    @tessera.jit
    def kernel(out, N: tl.constexpr):
        tl.static_assert(N == 4, "N must be four")

    kernel[(1, )](np.zeros(4, np.int32), N=4)
    with pytest.raises(CompileTimeAssertionFailure, match="N must be four"):
        kernel[(1, )](np.zeros(4, np.int32), N=5)


def test_unsupported_construct():

    @tessera.jit
    def kernel(out):
        import math

    with pytest.raises(UnsupportedLanguageConstruct):
        kernel[(1, )](np.zeros(4, np.int32))


def test_signature_keys_are_names():
    with pytest.raises(TypeError, match="Signature keys must be string"):
        ASTSource(add_kernel, {0: "*fp32"})


def test_a_parameter_with_a_value_is_a_constant_whatever_its_type():
    typed = {"x": "*fp32", "y": "*fp32", "out": "*fp32", "n": "i32", "BLOCK": "i32"}
    src = source(signature=typed, constexprs={"n": 100, "BLOCK": 64})
    assert typed["BLOCK"] == "i32" and src.hash() == source(signature={**typed, "n": "constexpr", "BLOCK": "constexpr"}, constexprs={"n": 100, "BLOCK": 64}).hash()
    x, y, out = np.arange(128, dtype=np.float32), np.ones(128, np.float32), np.zeros(128, np.float32)
    tessera.compile(src)[(2, 1, 1)](x, y, out, 100, 64)
    assert (out == np.where(np.arange(128) < 100, x + y, 0)).all()


def test_a_failed_compile_leaves_no_kernel_and_can_be_mended():

    @tessera.jit
    def kernel(out):
        tl.store(out, missing_name)

    out = np.zeros(1, np.int32)
    for _ in range(2):
        with pytest.raises(CompilationError, match="missing_name"):
            kernel[(1, )](out)
    kernel._unsafe_update_src(kernel.src.replace("missing_name", "8"))
    kernel[(1, )](out)
    assert out[0] == 8


def test_compiles_run_at_once():
    from concurrent.futures import ThreadPoolExecutor

    def make(i):
        return tessera.compile(source(constexprs={"BLOCK": 2**i}))

    with ThreadPoolExecutor(4) as pool:
        kernels = list(pool.map(make, range(2, 10)))
    assert len({k.hash for k in kernels}) == 8


# A kernel whose compile takes long: the whole of it is unrolled.
@tessera.jit
def long_kernel(out, N: tl.constexpr):
    place = tl.arange(0, 64)
    total = tl.zeros([64], tl.float32)
    for i in tl.static_range(N):
        total += tl.exp(tl.sin(total + i) * tl.cos(total - i)) / (1 + tl.sqrt(tl.abs(total) + i))
    tl.store(out + place, total)


def test_timeout_ends_a_compile(cache, monkeypatch):
    monkeypatch.setenv("TESSERA_COMPILE_TIMEOUT", "0.2")
    with pytest.raises(TimeoutError, match="long_kernel|0.2|took longer"):
        long_kernel[(1, )](np.zeros(64, np.float32), N=4000)


def test_interrupt_ends_a_compile(cache):
    code = """
import os, signal, threading, time
import numpy as np
from test_compile import long_kernel
threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
start = time.monotonic()
try:
    long_kernel[(1,)](np.zeros(64, np.float32), N=20000)
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - start)
"""
    here = os.path.dirname(__file__)
    environment = {**os.environ, "TESSERA_CACHE_DIR": str(cache),
                   "PYTHONPATH": os.pathsep.join((here, os.environ["PYTHONPATH"]))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("interrupted"), done.stderr
    assert float(done.stdout.split()[1]) < 10


@pytest.mark.parametrize("in_process", [False, True])
def test_other_threads_run_during_a_compile(cache, in_process):
    import threading
    import time
    done, ticks = threading.Event(), []

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    with knobs.compilation.scope():
        knobs.compilation.in_process = in_process
        start = time.monotonic()
        long_kernel.warmup(np.zeros(64, np.float32), N=150 + in_process, grid=(1, ))
        end = time.monotonic()
    done.set()
    thread.join()
    # A compile that kept the lock would leave a tick before and one after.
    assert sum(start < t < end for t in ticks) >= 10, f"in {end - start:.3f} s"


def test_in_process(cache):
    with knobs.compilation.scope():
        knobs.compilation.in_process = True
        compiled = tessera.compile(source())
    assert compiled.kernel == tessera.compile(source(), options={"num_warps": 4}).kernel


def test_child_process_compiles_after_a_fork(cache):
    tessera.compile(source())
    child = os.fork()
    if child == 0:
        code = 1
        try:
            compiled = tessera.compile(source(constexprs={"BLOCK": 128}))
            x, out = np.ones(128, np.float32), np.zeros(128, np.float32)
            compiled[(1, 1, 1)](x, x, out, 128, 128)
            code = 0 if out[127] == 2 else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@tessera.jit
def large_kernel(x, N: tl.constexpr):
    place = tl.arange(0, N)[:, None] * N + tl.arange(0, N)[None, :]
    a = tl.load(x + place)
    tl.store(x + place, tl.dot(a, tl.trans(a)))


def test_too_much_shared_memory(cache):
    large = ASTSource(large_kernel, {"x": "*fp32", "N": "constexpr"}, {"N": 256})
    with pytest.raises(tessera.OutOfResources, match="out of resource: shared memory, Required: 524288, Hardware limit: 65536") as caught:
        tessera.compile(large, target=GPUTarget("mock", "mock", 32))
    error = caught.value
    assert (error.required, error.limit, error.name) == (524288, 65536, "shared memory")
    assert ("scratch of tile.dot", "524288 bytes") in error.breakdown, "both operands, walked along k"
    assert isinstance(error.__cause__, CompilationError) and "tl.load(x + place)" in str(error.__cause__)
    assert pickle.loads(pickle.dumps(error)).breakdown == error.breakdown


def test_too_many_threads(cache):
    small = ASTSource(large_kernel, {"x": "*fp32", "N": "constexpr"}, {"N": 16})
    with pytest.raises(tessera.OutOfResources, match="out of resource: threads, Required: 4096, Hardware limit: ") as caught:
        tessera.compile(small, target=GPUTarget("mock", "mock", 32), options={"num_warps": 128})
    assert caught.value.name == "threads" and isinstance(caught.value.__cause__, CompilationError)


def test_keys_contain_compiler_and_plugin():
    from tessera import _tessera
    from tessera.runtime.driver import target_text
    build = _tessera.plugin_build(target_text(driver.active.get_current_target()))
    assert all(name in build for name in ("libtessera_compiler.so:", "libtessera_cpu.so:", "libtessera_cpu_driver.so:"))


# ---- IR in the place of a source -------------------------------------------------------------------------------------


def test_file_of_tile_ir(cache, tmp_path):
    first = tessera.compile(source())
    path = tmp_path / "add.tile"
    path.write_text(first.asm["ttir"])
    assert "%x: !tile.ptr<f32>" in first.asm["ttir"], "parameters go by their names"
    compiled = tessera.compile(str(path))
    assert compiled.name == "add_kernel" and compiled.asm["source"] == first.asm["ttir"]
    x, y, out = np.random.rand(64).astype(np.float32), np.ones(64, np.float32), np.zeros(64, np.float32)
    compiled[(1, 1, 1)](x, y, out, 64)
    assert np.array_equal(out, x + y)
    assert compiled.asm["asm"] and compiled.asm["ttir"].count("tile.load") == 2
    # The key is the text.
    assert tessera.compile(str(path)).hash == compiled.hash
    path.write_text(first.asm["ttir"].replace("arith.addf", "arith.mulf"))
    changed = tessera.compile(path)
    assert changed.hash != compiled.hash
    changed[(1, 1, 1)](x, x, out, 64)
    assert np.array_equal(out, x * x)


def test_file_of_tile_ir_names_its_options(cache, tmp_path):
    target = GPUTarget("mock", "mock", 32)
    path = tmp_path / "add.tile"
    for num_warps in (1, 2):
        path.write_text(tessera.compile(source(), target=target, options={"num_warps": num_warps}).asm["ttir"])
        assert tessera.compile(path, target=target).metadata.num_warps == num_warps


@pytest.mark.parametrize("in_process", [False, True])
def test_bad_tile_ir(cache, tmp_path, in_process):
    path = tmp_path / "bad.tile"
    with knobs.compilation.scope():
        knobs.compilation.in_process = in_process
        path.write_text("func.func @k(%x: !tile.ptr<f32>) {\n  %0 = tile.load %y : (!tile.ptr<f32>) -> f32\n  return\n}\n")
        with pytest.raises(CompilationError, match="use of undeclared SSA value") as caught:
            tessera.compile(path)
        assert caught.value.line == 2 and caught.value.file == str(path) and caught.value.id == "E0222"
        assert "tile.load %y" in str(caught.value)
        path.write_text("func.func @k(%x: i32) {\n  %0 = tile.arange 0 to 3 : tensor<4xi32>\n  return\n}\n")
        with pytest.raises(CompilationError, match="result must hold end - start"):
            tessera.compile(path)
        path.write_text("module {}\n")
        with pytest.raises(CompilationError, match="has one kernel"):
            tessera.compile(path)
        path.write_text('module attributes {tile.level = "layout"} { func.func @k() { return } }\n')
        with pytest.raises(CompilationError, match="has layouts already"):
            tessera.compile(path)
        path.write_text("")
        with pytest.raises(CompilationError):
            tessera.compile(path)
    with pytest.raises(FileNotFoundError):
        tessera.compile(tmp_path / "none.tile")
    (tmp_path / "k.ptx").write_text("")
    with pytest.raises(ValueError, match="files of tile IR end in"):
        tessera.compile(tmp_path / "k.ptx")
    (tmp_path / "k.ttir").write_text("module { tt.func public @k() { tt.return } }")
    with pytest.raises(ValueError, match="this is Triton's IR"):
        tessera.compile(tmp_path / "k.ttir")


def test_ir_override(cache, tmp_path):
    path = tmp_path / "add.ttir"
    path.write_text(tessera.compile(source()).asm["ttir"].replace("arith.addf", "arith.subf"))
    x, y, out = np.random.rand(64).astype(np.float32), np.ones(64, np.float32), np.zeros(64, np.float32)
    overridden = add_kernel[(1, )](x, y, out, 64, BLOCK=64, ir_override=str(path))
    assert np.array_equal(out, x - y) and "arith.subf" in overridden.asm["ttir"]
    add_kernel[(1, )](x, y, out, 64, BLOCK=64)
    assert np.array_equal(out, x + y)
    path.write_text("nothing")
    with pytest.raises(CompilationError) as caught:
        tessera.compile(source(), options={"ir_override": str(path)})
    assert caught.value.file == str(path)
    with pytest.raises(FileNotFoundError):
        tessera.compile(source(), options={"ir_override": str(tmp_path / "none.tile")})


def test_the_ir_of_a_file_and_of_a_function_as_objects(cache, tmp_path):
    from tessera.compiler import IRSource, make_backend
    from tessera.compiler.code_generator import ast_to_ttir
    from tessera.runtime.driver import driver
    path = tmp_path / "add.ttir"
    path.write_text(tessera.compile(source()).asm["ttir"])
    target = driver.active.get_current_target()
    options = make_backend(target).parse_options({})
    module = IRSource(path).make_ir(target, options, {}, {}, None)
    names = []
    module.walk(lambda operation: names.append(operation.get_name()))
    assert "arith.addf" in str(module) and names.count("tt.load") == 3 and names[-1] == "tt.func"
    assert "arith.addf" in str(ast_to_ttir(add_kernel, source(), None, options, {}, {}))


def test_dump_and_override_by_environment(cache, tmp_path):
    with tessera.knobs.compilation.scope(), tessera.knobs.cache.scope():
        tessera.knobs.compilation.dump_ir = True
        tessera.knobs.cache.dump_dir = str(tmp_path / "dump")
        kernel = tessera.compile(source())
        dumped = tmp_path / "dump" / source().hash()
        assert (dumped / "add_kernel.ttir").read_text() == kernel.asm["ttir"]
        assert (dumped / "add_kernel.asm").read_text() == kernel.asm["asm"]
        (tmp_path / "file").write_text("")
        tessera.knobs.cache.dump_dir = str(tmp_path / "file")
        with pytest.warns(UserWarning, match="TRITON_KERNEL_DUMP"):
            tessera.compile(source())
        tessera.knobs.compilation.dump_ir = False
        # What was dumped, edited, takes the kernel's place.
        tessera.knobs.compilation.override = True
        tessera.knobs.cache.override_dir = str(tmp_path / "dump")
        assert tessera.compile(source()).hash != kernel.hash
        (dumped / "add_kernel.ttir").write_text(kernel.asm["ttir"].replace("arith.addf", "arith.subf"))
        assert "arith.subf" in tessera.compile(source()).asm["ttir"]
    assert "arith.addf" in tessera.compile(source()).asm["ttir"]


# ---- what belongs to one target --------------------------------------------------------------------------------------


def test_extern_libs(cache, tmp_path):
    library = tmp_path / "fast.bc"
    library.write_bytes(b"BC")
    for target in (None, GPUTarget("mock", "mock", 32)):
        with pytest.raises(CompilationError, match="links no libraries of bitcode .extern_libs: fast=") as caught:
            tessera.compile(source(), target=target, options={"extern_libs": {"fast": library}})
        assert caught.value.id == "E0405" and caught.value.file.endswith("kernels.py") and caught.value.line
    with pytest.raises(FileNotFoundError):
        tessera.compile(source(), options={"extern_libs": {"fast": tmp_path / "none.bc"}})
    # The device library is the compiler's own.
    assert tessera.compile(source(), options={"extern_libs": {"libdevice": "/nowhere/libdevice.10.bc"}}).kernel


@tl.core.extern
def fast_neg(x, _semantic=None):
    return tl.core.extern_elementwise("fast", "", [x], {(tl.float32, ): ("fast_neg", tl.float32)}, is_pure=True, _semantic=_semantic)


@tl.core.extern
def power(x, y, _semantic=None):
    return tl.core.extern_elementwise("", "", [x, y], {(tl.float32, tl.float32): ("__nv_powf", tl.float32)}, is_pure=True,
                                      _semantic=_semantic)


@tessera.jit
def with_assembly(x, ASM: tl.constexpr):
    value = tl.load(x)
    if ASM:
        value = tl.inline_asm_elementwise("neg.f32 $0, $1;", "=f,f", [value], dtype=tl.float32, is_pure=True, pack=1)
    else:
        value = fast_neg(value)
    tl.store(x, value)


@pytest.mark.parametrize("target, names", [(None, "the CPU"), (GPUTarget("mock", "mock", 32), "mock")])
def test_code_of_a_target(cache, target, names):
    for asm, text, line in ((True, f"{names} takes no inline assembly", 4), (False, f"{names} has no function `fast_neg`", 6)):
        src = ASTSource(with_assembly, {"x": "*fp32", "ASM": "constexpr"}, {"ASM": asm})
        with pytest.raises(CompilationError, match=text) as caught:
            tessera.compile(src, target=target)
        assert caught.value.id == "E0405" and caught.value.node.lineno == line, caught.value


def test_functions_of_the_device_library_are_portable(cache):

    @tessera.jit
    def kernel(x, y):
        lane = tl.arange(0, 4)
        value = tl.load(x + lane)
        tl.store(y + lane, power(value, 2.0))

    x, y = np.arange(4, dtype=np.float32), np.zeros(4, np.float32)
    kernel[(1, )](x, y)
    assert np.allclose(y, x**2)


def test_operands_of_target_code_broadcast(cache):

    @tessera.jit
    def kernel(x, row, out):
        lane = tl.arange(0, 4)
        place = lane[:, None] * 4 + lane[None, :]
        # Axes that are missing lead: row goes along the last axis.
        tl.store(out + place, power(tl.load(row + lane), tl.load(x + place)))
        tl.store(out + 16 + place, power(tl.load(x + place), tl.load(row + lane)))

    x, row = np.random.rand(4, 4).astype(np.float32) + 1, np.arange(1, 5, dtype=np.float32)
    out = np.zeros((2, 4, 4), np.float32)
    kernel[(1, )](x, row, out)
    assert np.allclose(out[0], row**x, rtol=1e-5) and np.allclose(out[1], x**row, rtol=1e-5)


def test_the_caret_stands_under_the_place_on_a_terminal(cache):

    @tessera.jit
    def kernel(p):
        tl.static_print("漢字", "é", unknown)  # noqa: F821

    with pytest.raises(CompilationError) as refused:
        tessera.compile(ASTSource(kernel, {"p": "*fp32"}))
    line, caret = str(refused.value).split("\n")[2:4]
    assert line.index("unknown") == refused.value.node.col_offset and caret == " " * (line.index("unknown") + 2) + "^"
    # Tabs stay tabs; an accent that stands on its letter has no column of its own.
    line = "\tx = \"e\u0301\" + 한"
    error = CompilationError(line, Place(1, line.index("한")), "message")
    assert str(error).split("\n")[2] == "\t" + " " * len('x = "e" + ') + "^"


NAMES = tl.constexpr(("u", 3))


def test_static_print_spells_values_as_triton(cache, capsys):

    @tessera.jit
    def kernel(p, n, B: tl.constexpr):
        x = tl.arange(0, 128)
        tl.static_print("x", x, x[:, None], n, p, B, tl.load(p + x), x.shape, x.dtype, x.type, (x, n, 1), tl.float32, p.dtype, [1, B])

    tessera.compile(ASTSource(kernel, {"p": "*fp32", "n": "i32", "B": "constexpr"}, {"B": 3}))
    # Triton 3.6's line.
    assert capsys.readouterr().out == (
        "x int32[constexpr[128]] int32[constexpr[128], constexpr[1]] int32[] pointer<fp32>[] 3 fp32[constexpr[128]] ['128'] int32 "
        "<['128'], int32> ['int32[constexpr[128]]', 'int32[]', '1'] fp32 pointer<fp32> ['1', '3']\n")


def test_static_print_of_tuples_that_constexprs_hold(cache, capsys):

    @tessera.jit
    def kernel(p, t, T: tl.constexpr):
        q = tl.make_block_ptr(p, (8, 8), (8, 1), (0, 0), (2, 4), (1, 0))
        tl.static_print(NAMES, T, (1, "a"), t, q, [q])

    tessera.compile(ASTSource(kernel, {"p": "*fp32", "t": ("i32", "i32"), "T": "constexpr"}, {"T": (1, "a", (2.5, None))}))
    # Triton 3.6's line: a tuple of the kernel holds values, one of a constexpr is Python's.
    assert capsys.readouterr().out == (
        "('u', 3) (1, 'a', (2.5, None)) ['1', 'a'] ['int32[]', 'int32[]'] pointer<<['2', '4'], fp32>>[] [\"pointer<<['2', '4'], fp32>>[]\"]\n")


def test_static_print_prints_once_a_compile(cache, capsys):

    @tessera.jit
    def kernel(p, B: tl.constexpr):
        tl.static_print("of", B)
        tl.static_assert(B == 3, "no three")
        tl.store(p, B)

    kernel = ASTSource(kernel, {"p": "*fp32", "B": "constexpr"}, {"B": 3}), ASTSource(kernel, {"p": "*fp32", "B": "constexpr"}, {"B": 4})
    compiled = tessera.compile(kernel[0])
    assert capsys.readouterr().out == "of 3\n"
    assert compiled.asm["ttir"] and compiled.asm["llir"] and capsys.readouterr().out == ""  # the compiler runs again for them
    with pytest.raises(CompilationError):
        tessera.compile(kernel[1])
    assert capsys.readouterr().out == "of 4\n"  # what led to the error


def test_an_option_that_does_nothing_is_logged(cache, caplog, recwarn):

    @tessera.jit
    def kernel(p, n):
        for i in tl.range(0, n, warp_specialize=True):
            tl.store(p + i, i)

    with caplog.at_level("INFO", "tessera"):
        tessera.compile(ASTSource(kernel, {"p": "*i32", "n": "i32"}), target=GPUTarget("mock", "mock", 32))
    assert [r.getMessage().split(": ", 1)[1] for r in caplog.records] == ["warp_specialize does nothing here: it has no dot"]
    assert not list(recwarn)


def test_facts_that_programs_divide_by(cache):
    compiled = tessera.compile(source())
    assert compiled.n_regs >= 1 and compiled.metadata.shared >= 1
    compiled._init_handles()
    assert compiled.n_regs >= 1


def test_no_warning_for_options_that_are_the_frontends(cache, recwarn):
    with knobs.compilation.scope():
        knobs.compilation.allow_non_constexpr_globals = True
        tessera.compile(source(constexprs={"BLOCK": 128}))
    assert [str(w.message) for w in recwarn] == []


def test_deprecations_are_python_warnings(cache):

    @tessera.jit
    def kernel(x):
        lane = tl.arange(0, 16)
        value = tl.load(x + lane)
        tl.store(x + lane, tl.where(value, 1.0, 2.0))

    with pytest.warns(UserWarning, match="tl.where with a non-boolean condition is deprecated"):
        tessera.compile(ASTSource(kernel, {"x": "*fp32"}))


def test_device_assert_says_so(cache):

    @tessera.jit
    def kernel(n):
        tl.device_assert(n > 0, "positive")

    with pytest.raises(RuntimeError, match="device-side assert.*positive"):
        kernel[(1, )](-1, debug=True)


def test_a_step_that_turns_out_to_be_negative(cache):

    @tessera.jit
    def kernel(x, n, step):
        total = 0
        for i in range(0, n, step):
            total += i
        tl.store(x, total)

    x = np.zeros(1, np.int32)
    kernel[(1, )](x, 7, 2, debug=True)
    assert x[0] == 12
    for step in (-2, 0):
        with pytest.raises(RuntimeError, match="the step of a range must be greater than 0 where it is known at run time only"):
            kernel[(1, )](x, 7, step, debug=True)


def test_a_step_that_is_not_positive_makes_no_iteration(cache):

    @tessera.jit
    def kernel(x, n, step, wide):
        total, last = 1, 100
        for i in range(0, n, step):
            total += i
            last = i
        tl.store(x, total)
        tl.store(x + 1, last)
        total = 1
        for i in range(tl.full((), 0, tl.int64), wide, step):
            for k in range(0, i, step):
                total += k.to(tl.int32)
        tl.store(x + 2, total)
        k = 7
        for k in range(0, n, step):
            if k > 3:
                break
        tl.store(x + 3, k)

    x = np.zeros(4, np.int32)
    kernel[(1, )](x, 7, 2, 2**40 - 2**40 + 7)
    assert x.tolist() == [13, 6, 1 + 2 + 6, 4]
    for step in (-2, 0):
        kernel[(1, )](x, 7, step, 2**33)
        assert x[:3].tolist() == [1, 100, 1]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_greatest_and_least_of_floats_of_16_bits_by_descriptor(cache, dtype):
    torch = pytest.importorskip("torch")
    from tessera.tools.tensor_descriptor import TensorDescriptor

    @tessera.jit
    def kernel(low, high, x):
        row = tl.program_id(0) % 2 * 4
        at = (tl.program_id(0) * 4 + tl.arange(0, 4))[:, None] * 16 + tl.arange(0, 16)[None, :]
        low.atomic_min([row, 8], tl.load(x + at))
        high.atomic_max([row, 8], tl.load(x + at))

    x = torch.randn(16, 16).to(getattr(torch, dtype))
    x[3, 3] = float("nan")
    low, high = (torch.full((8, 24), number).to(x.dtype) for number in (0.25, -0.25))
    kernel[(4, )](*(TensorDescriptor.from_tensor(t, [4, 16]) for t in (low, high)), x)
    parts = torch.nan_to_num(x.float(), float("inf")).reshape(2, 8, 16), torch.nan_to_num(x.float(), -float("inf")).reshape(2, 8, 16)
    for got, start, want in ((low, 0.25, parts[0].amin(0)), (high, -0.25, parts[1].amax(0))):
        assert torch.equal(got[:, :8].float(), torch.full((8, 8), start))
        assert torch.equal(got[:, 8:].float(), torch.minimum(want, torch.tensor(start)) if start > 0 else torch.maximum(want, torch.tensor(start)))


def test_helpful_message_for_a_plain_global(cache):

    @tessera.jit
    def kernel(x):
        tl.store(x, PLAIN)

    with pytest.raises(CompilationError, match="TRITON_ALLOW_NON_CONSTEXPR_GLOBALS=1") as caught:
        tessera.compile(ASTSource(kernel, {"x": "*fp32"}))
    assert "Note that this is different from annotating" in str(caught.value) and isinstance(caught.value.__cause__, NameError)


PLAIN: tl.constexpr = 42  # an annotation makes no constexpr of it, in Triton neither


def children(pid):
    """The processes that `pid` started and that have not ended."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def test_tools_of_a_compile_end_with_the_program(tmp_path):
    """An assembler is in the group of the worker that started it: here a process that sleeps is."""
    program = tmp_path / "program.py"
    program.write_text("import sys, tessera, tessera.language as tl\n\n@tessera.jit\ndef kernel(p):\n    tl.store(p, 1)\n\n"
                       "tessera.compile(tessera.compiler.ASTSource(kernel, {'p': '*i32'}))\nprint('compiled', flush=True)\nsys.stdin.read()\n")
    environment = {**os.environ, "TESSERA_CACHE_DIR": str(tmp_path / "cache")}
    with subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout.readline() == b"compiled\n"
        workers = children(process.pid)
        assert workers
        with subprocess.Popen(["sleep", "60"], preexec_fn=lambda: os.setpgid(0, os.getpgid(workers[0]))) as tool:
            process.kill()
            assert tool.wait(20) != 0
        process.wait()
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{w}") for w in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(os.path.exists(f"/proc/{w}") for w in workers)
