# test_aot.py - kernels compiled ahead of time into C, linked, called
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
import tessera
from tessera.tools import compile as aot
from tessera.tools import link as linker

KERNEL = """
import tessera
import tessera.language as tl

@tessera.jit
def axpy(x, y, n, a, stride, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    place = i * stride
    tl.store(y + place, a * tl.load(x + place, mask=i < n) + tl.load(y + place, mask=i < n), mask=i < n)
"""

MAIN = """
#include "axpy.h"
#include <stdio.h>
int main(void) {
  enum { N = 1000 };
  static float x[2 * N] __attribute__((aligned(64))), y[2 * N] __attribute__((aligned(64)));
  int algo, stride;
  for (algo = 0; algo < axpy_get_num_algos(); ++algo)
    for (stride = 1; stride <= 2; ++stride) {
      int i, bad = 0;
      for (i = 0; i < 2 * N; ++i) { x[i] = (float)i; y[i] = 1; }
      tsr_status status = axpy(NULL, x, y, N, 0.1f, stride, algo);
      if (status) { printf("%s: %s\\n", tsr_status_name(status), tsr_error_message()); continue; }
      for (i = 0; i < 2 * N; ++i) {
        float want = i % stride == 0 && i / stride < N ? 0.1f * (float)i + 1 : 1, d = y[i] - want;
        bad += d > 1e-4f * want || -d > 1e-4f * want;
      }
      printf("algo %d stride %d: %d wrong\\n", algo, stride, bad);
    }
  printf("%d %d\\n", axpy(NULL, x, y, N, 0, 1, -1), axpy_default(NULL, x, y, 0, 0, 1));
  unload_axpy();
  return 0;
}
"""


def library_folder():
    place = pathlib.Path(tessera.__file__).parent / "lib"
    assert (place / "libtessera.so").exists(), place
    return place.resolve()


def header_folder():
    packaged = pathlib.Path(tessera.__file__).parent / "include"
    return packaged if packaged.exists() else pathlib.Path(__file__).resolve().parent.parent.parent / "runtime/api"


def compile_variant(folder, signature, block):
    subprocess.run([sys.executable, "-m", "tessera.tools.compile", "kernels.py", "-n", "axpy", "-s", signature, "-g",
                    f"(n + {block - 1}) / BLOCK, 1, 1"], cwd=folder, check=True, capture_output=True, text=True)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: the tools write C, which only a C compiler can use")
def test_compile_link_call(tmp_path):
    (tmp_path / "kernels.py").write_text(KERNEL)
    for block in (128, 256):
        compile_variant(tmp_path, f"*fp32:16, *fp32:16, i32, fp32, i32:1, {block}", block)
        compile_variant(tmp_path, f"*fp32, *fp32, i32, fp32, i32, {block}", block)
    headers = sorted(str(p) for p in tmp_path.glob("axpy.*.h"))
    assert len(headers) == 4
    subprocess.run([sys.executable, "-m", "tessera.tools.link", *headers, "-o", str(tmp_path / "axpy")], check=True, capture_output=True)
    (tmp_path / "main.c").write_text(MAIN)
    libraries = library_folder()
    sources = [str(p) for p in tmp_path.glob("*.c")]
    subprocess.run(["cc", "-std=c11", "-Wall", "-Werror", "-pedantic", *sources, f"-I{header_folder()}", f"-L{libraries}", "-ltessera",
                    f"-Wl,-rpath,{libraries}", "-o", "axpy"], cwd=tmp_path, check=True)
    done = subprocess.run([str(tmp_path / "axpy")], capture_output=True, text=True)
    assert done.stdout.splitlines() == [f"algo {a} stride {s}: 0 wrong" for a in (0, 1) for s in (1, 2)] + ["-1 0"]


@pytest.mark.parametrize("signature, grid, text", [
    ("*fp32, *fp32, i32", "1, 1, 1", "has 3 entries, 'axpy' has 6 parameters: x, y, n, a, stride, BLOCK"),
    ("*fp32:8, *fp32, i32, fp32, i32, 64", "1, 1, 1", "Only 1 and 16 are valid hints, got 8 for 'x'"),
    ("*fp32, *fp32, i32, float, i32, 64", "1, 1, 1", "'float' of parameter 'a' is neither a type nor a constant"),
    ("*fp32, *fp32, i32, fp32, i32, 64", "1, 1", "the grid has 2 entries")])
def test_what_does_not_fit_is_said(tmp_path, capsys, signature, grid, text):
    (tmp_path / "kernels.py").write_text(KERNEL)
    assert aot.main([str(tmp_path / "kernels.py"), "-n", "axpy", "-s", signature, "-g", grid, "-o", str(tmp_path / "out")]) == 1
    assert text in capsys.readouterr().err
    assert not list(tmp_path.glob("out*"))


def test_signatures_split_outside_of_brackets_and_quotes():
    assert aot.split_signature('*fp32:16, (1, 2), "a,b", tensordesc<fp16[4, 8]>') == ["*fp32:16", "(1, 2)", '"a,b"', "tensordesc<fp16[4, 8]>"]


def test_link_refuses_foreign_headers(tmp_path, capsys):
    (tmp_path / "a.h").write_text("int a(void);\n")
    assert linker.main([str(tmp_path / "a.h"), "-o", str(tmp_path / "out")]) == 1
    assert "was not made by tessera.tools.compile" in capsys.readouterr().err
    assert linker.main([str(tmp_path / "missing.h"), "-o", str(tmp_path / "out")]) == 1
