# test_tools.py - descriptors, number formats, disassembly
# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from tessera.tools.disasm import format_sass
from tessera.tools.tensor_descriptor import TensorDescriptor


def test_descriptor_of_an_array():
    d = TensorDescriptor.from_tensor(np.zeros((64, 32), np.float32), [16, 32], padding="nan")
    assert (d.shape, d.strides, d.block_shape, d.padding) == ([64, 32], [32, 1], [16, 32], "nan")


@pytest.mark.parametrize("change, error, text", [
    (dict(strides=[1]), AssertionError, "rank mismatch"), (dict(block_shape=[16]), AssertionError, "rank mismatch"),
    (dict(block_shape=[16, 24]), ValueError, "power of 2"), (dict(strides=[33, 1]), AssertionError, "16-byte aligned"),
    (dict(strides=[32, 2]), AssertionError, "must be contiguous"), (dict(shape=[0, 32]), AssertionError, "must be positive"),
    (dict(padding="one"), AssertionError, "Illegal value"), (dict(base=np.zeros(64 * 32 + 1, np.float32)[1:]), AssertionError, "16-byte"),
    (dict(base=np.zeros((64, 32), np.int32), padding="nan"), AssertionError, "floating point"), (dict(base=object()), TypeError, "no address"),
    (dict(shape=[1] * 6, strides=[4] * 5 + [1], block_shape=[1] * 6), AssertionError, "more than 5")])
def test_descriptors_refuse(change, error, text):
    whole = np.zeros(64 * 32 + 4, np.float32)
    aligned = whole[-(whole.ctypes.data // 4) % 4:]
    good = dict(base=aligned, shape=[64, 32], strides=[32, 1], block_shape=[16, 32])
    TensorDescriptor(**good)
    with pytest.raises(error, match=text):
        TensorDescriptor(**{**good, **change})


def test_fp4_rounds_to_nearest_even():
    torch = pytest.importorskip("torch")
    from tessera.tools.mxfp import MXFP4Tensor
    values = torch.tensor([0.0, 0.25, 0.26, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0, 5.1, 100.0, float("inf"), float("nan"), -0.3, -6.0])
    wanted = torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 6.0, 6.0, 6.0, 6.0, -0.5, -6.0])
    assert torch.equal(MXFP4Tensor(data=values).to(torch.float32), wanted)
    every = MXFP4Tensor(size=(4, 7), device="cpu").random()
    packed = every.to_packed_tensor(1)
    assert packed.shape == (4, 4) and torch.equal(every.unpack_packed_tensor(packed, 1, (4, 7)), every.data)


def test_e8m0_is_a_power_of_two_or_nan():
    torch = pytest.importorskip("torch")
    from tessera.tools.mxfp import MXScaleTensor
    values = torch.tensor([1.0, 1.99, 0.24, 2.0**-127, -1.0, 0.0, float("inf")])
    assert MXScaleTensor(data=values).data.tolist() == [127, 127, 124, 0, 255, 255, 255]
    drawn = MXScaleTensor(size=(100,), device="cpu").random(0.5, 8.0).to(torch.float32)
    assert drawn.min() >= 0.5 and drawn.max() <= 8


SASS = """
\tcode for sm_80
\t\tFunction : kernel
        /*0000*/                   MOV R1, c[0x0][0x28] ;                 /* 0x00000a0000017a02 */
                                                                          /* 0x000fe40000000f00 */
        /*0010*/                   LDG.E R2, [R2.64] ;                    /* 0x0000000402027981 */
                                                                          /* 0x000ea2000c1e1900 */
        /*0020*/                   BRA 0x10;                              /* 0xfffffff000007947 */
                                                                          /* 0x000fc0000383ffff */
"""


def test_sass_with_control_codes_and_labels():
    lines = format_sass(SASS).splitlines()
    assert lines[0] == "Function:kernel" and lines[2] == "L0:" and lines[4].endswith("BRA L0;")
    wait, read, write, yields, stall = lines[3].split("\t")[0].split(":")
    assert (wait, read, write, yields, stall) == ("--", "-", "2", "-", "1")
    assert format_sass(SASS, "other") == ""


BITCODE = """
define float @__nv_half_of(float %x) { ret float %x }
define float @twicef(float %x) { ret float %x }
define double @twice(double %x) { ret double %x }
define i32 @umax3(i32 %a, i32 %b, i32 %c) { ret i32 %a }
define void @nothing(ptr %p) { ret void }
"""


def test_a_module_for_a_library_of_bitcode(tmp_path):
    folder = next((f for f in ("/usr/lib/llvm-22/bin", os.path.dirname(shutil.which("llvm-as") or "")) if os.path.exists(f"{f}/llvm-as")), None)
    if folder is None:
        pytest.skip("no llvm-as")
    from tessera.tools import build_extern
    subprocess.run([f"{folder}/llvm-as", "-o", tmp_path / "mine.bc"], input=BITCODE.encode(), check=True)
    build_extern.build(f"{folder}/llvm-dis", str(tmp_path / "mine.bc"), "mine", str(tmp_path))
    text = (tmp_path / "mine.py").read_text()
    assert text.count("@core.extern") == 4 and "nothing" not in text
    program = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
import triton, triton.language as tl, mine
@triton.jit
def kernel(x):
    tl.store(x, mine.twicef(tl.load(x)))
try:
    triton.compile(triton.compiler.ASTSource(kernel, {{"x": "*fp32"}}))
except triton.CompilationError as error:
    print(error)
"""
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run([sys.executable, "-m", "tessera.triton", str(tmp_path / "program.py")], capture_output=True, text=True)
    assert "has no function `twicef`" in done.stdout, done.stdout + done.stderr


def test_names_of_the_translator_to_gluon():
    from tessera.tools.triton_to_gluon_translater.translator import convert_triton_to_gluon
    with pytest.raises(NotImplementedError, match="not supported"):
        convert_triton_to_gluon([test_names_of_the_translator_to_gluon])
