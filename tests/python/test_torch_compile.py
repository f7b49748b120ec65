# test_torch_compile.py - kernels that PyTorch's Inductor generates, and kernels of programs inside torch.compile, under the drop-in
# SPDX-License-Identifier: Apache-2.0
import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import tessera
import tessera.language as tl
from tessera.backends import backends
from tessera.backends.compiler import GPUTarget
from tessera.compiler import ASTSource
from tessera.runtime.driver import DeviceDriver, driver, target_text

from kernels import add_kernel

# The same program with Inductor compiling in its own process and in workers. Prints the name of each case that was right.
_PROGRAM = r"""
import sys, warnings
import tessera.triton; tessera.triton.install()
import torch, triton, triton.language as tl
import torch.nn.functional as F
import torch._inductor.config as config

config.cpu_backend, config.force_disable_caches, config.compile_threads = "triton", True, int(sys.argv[1])

@triton.jit
def double(x, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + i, 2 * tl.load(x + i, mask=i < n), mask=i < n)

def softmax(x, w):
    return torch.softmax(x @ w, -1), x.cumsum(-1), x.argmax(-1)

def loss(x, w):
    (F.layer_norm(F.gelu(x @ w), (48, )).square().mean() + F.cross_entropy(x @ w, torch.arange(40))).backward()
    grads, x.grad, w.grad = (x.grad, w.grad), None, None
    return grads

def sorted_rows(x, w):
    return torch.sort(x, -1)[0], torch.where(x > 0, x, 0).sum(0), x.var(-1)

def own_kernel(x, w):
    y = x.sin()
    out = torch.empty_like(y)
    double[(triton.cdiv(y.numel(), 128), )](y, out, y.numel(), BLOCK=128)
    return out + y  # y is as it was: only `out` is written

def main():
    from torch._inductor import metrics
    torch.manual_seed(0)
    x, w = torch.randn(40, 64, requires_grad=True), torch.randn(64, 48, requires_grad=True)
    for f in (softmax, loss, sorted_rows, own_kernel):
        before = metrics.generated_kernel_count
        got, want = torch.compile(f)(x, w), f(x, w)
        torch.testing.assert_close(got, want, atol=2e-5, rtol=2e-4)
        assert metrics.generated_kernel_count > before
        print(f.__name__)

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_inductors_kernels_are_right(tmp_path, threads):
    pytest.importorskip("torch")
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    environment = dict(os.environ, TORCHINDUCTOR_CACHE_DIR=str(tmp_path / "inductor"), TRITON_CACHE_DIR=str(tmp_path / "kernels"))
    done = subprocess.run([sys.executable, str(program), str(threads)], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.split() == ["softmax", "loss", "sorted_rows", "own_kernel"]
    assert "assuming every input is mutated" not in done.stderr


def test_a_target_without_an_arch_is_the_machines():
    here = driver.active.get_current_target()
    assert target_text(GPUTarget("cpu", "", 32)) == target_text(here)
    assert target_text(GPUTarget("nosuch", "", 32)) == "nosuch"
    compiled = tessera.compile(_source(), target=GPUTarget("cpu", "", 32))
    x, out = np.ones(8, np.float32), np.zeros(8, np.float32)
    compiled[(1, )](x, x, out, 8, 8)
    assert np.array_equal(out, x + x)


def test_a_backends_drivers_are_one():
    driver_class = backends["cpu"].driver
    assert driver_class() is driver_class() and isinstance(driver_class(), driver_class)
    assert isinstance(driver.active, driver_class) and not isinstance(DeviceDriver("mock"), driver_class)
    assert not isinstance(DeviceDriver("cuda"), driver_class) and driver_class.is_active()
    assert driver_class().get_current_target().backend == "cpu"


def test_looking_at_the_backends_opens_no_device():
    code = ("from tessera.backends import backends; from tessera.runtime.driver import driver; assert list(backends)[0] == 'cpu'; "
            "print(sorted(backends), driver.default.opened_plugin, backends['cpu'].compiler)")
    environment = {k: v for k, v in os.environ.items() if k != "TESSERA_DEVICE"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert " None <class" in done.stdout, done.stderr


def _source():
    return ASTSource(add_kernel, {"x": "*fp32", "y": "*fp32", "out": "*fp32", "n": "i32", "BLOCK": "constexpr"}, {"BLOCK": 8})


def test_a_kernel_of_another_device_than_the_active_one():
    compiled = tessera.compile(_source())
    x, out = np.ones(8, np.float32), np.zeros(8, np.float32)
    driver.set_active(DeviceDriver("mock"))
    try:
        compiled[(1, )](x, x, out, 8, 8)
    finally:
        driver.reset_active()
    assert np.array_equal(out, x + x)


def test_a_pickled_kernel_can_be_launched():
    compiled = tessera.compile(_source())
    x, out = np.ones(8, np.float32), np.zeros(8, np.float32)
    compiled[(1, )](x, x, out, 8, 8)  # it is loaded: the pickle must not be
    for other in (pickle.loads(pickle.dumps(compiled)), copy.deepcopy(compiled)):
        out[:] = 0
        other[(1, )](x, x, out, 8, 8)
        assert np.array_equal(out, x + x)
        assert other.hash == compiled.hash and other.metadata == compiled.metadata
        assert other.asm["ttir"] == compiled.asm["ttir"] and other.kernel == compiled.kernel


# As Inductor does it: its kernels have no name that another process could import.
def test_a_function_without_its_python_object_is_pickled_whole(tmp_path, monkeypatch):
    (tmp_path / "generated.py").write_text("import tessera, tessera.language as tl\n@tessera.jit\ndef double(x, out, BLOCK: tl.constexpr = 8):\n"
                                           "    i = tl.arange(0, BLOCK)\n    tl.store(out + i, 2 * tl.load(x + i))\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from generated import double
    compiled = tessera.compile(ASTSource(double, {"x": "*fp32", "out": "*fp32", "BLOCK": "constexpr"}, {"BLOCK": 8}))
    double.fn = double.__globals__ = double._hash_lock = double.used_global_vals = None
    fields = {**compiled.__dict__, "module": None, "function": None, "run": None}
    del sys.modules["generated"]
    monkeypatch.undo()
    found = pickle.loads(pickle.dumps(fields))
    function = found["src"].fn
    assert function.arg_names == ["x", "out", "BLOCK"] and function.constexprs == [2] and function.src == double.src
    assert function.cache_key == double.cache_key and function.params[2].default == 8
    kernel = type(compiled).__new__(type(compiled))
    kernel.__dict__.update(found)
    x, out = np.ones(8, np.float32), np.zeros(8, np.float32)
    kernel[(1, )](x, out, 8)
    assert np.array_equal(out, 2 * x)
    with pytest.raises(RuntimeError, match="its function was taken off"):
        kernel.asm["ttir"]


@tessera.jit
def accumulate(x, pair, count, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.atomic_add(pair[0] + i, tl.load(x + i) + tl.load(pair[1] + i))


def test_the_ir_of_a_kernel_says_what_it_writes():
    backend = backends["cpu"].compiler(driver.active.get_current_target())
    source = ASTSource(accumulate, {"x": "*fp32", "pair": ("*fp32", "*fp32"), "count": "i32", "BLOCK": "constexpr"}, {"BLOCK": 8})
    from tessera._C.libtriton import ir
    context = ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    options = backend.parse_options({})
    module = source.make_ir(backend.target, options, backend.get_codegen_implementation(options), backend.get_module_map(), context)
    assert module.verify() and "func.func @accumulate" in str(module)
    seen, blocks = [], set()

    def visit(op):
        if op.get_block() is None:
            assert op.get_name() == "tt.func" and op.get_str_attr("sym_name") == "accumulate"
            assert op.get_num_regions() == 1 and {op.get_region(0).id()} == {b.get_parent().id() for b in blocks}
            return
        blocks.add(op.get_block())
        numbers = {op.get_block().get_argument(i).id(): i for i in range(op.get_block().get_num_arguments())}
        assert len(numbers) == 3 and op.get_num_results() == 0
        seen.append((op.get_name(), *(numbers[op.get_operand(i).id()] for i in range(op.get_num_operands()))))

    module.walk(visit)
    assert seen == [("tt.load", 0), ("tt.load", 1), ("tt.store", 1), ("tt.store", 1), ("tt.return", )]


def test_the_type_of_a_value_does_not_depend_on_it():
    from tessera.runtime.jit import mangle_type, native_specialize_impl
    assert [mangle_type(v) for v in (1, 16, 2.0, True, 1 << 40)] == ["i32", "i32", "fp32", "u1", "i64"]
    assert mangle_type(1, specialize=True) == "constexpr"
    assert native_specialize_impl(None, 32, False, True, True) == ("i32", "D")
