# test_aot_cuda.py - C for cuda.h from the ahead-of-time tools: compiled, linked, and run against a driver that only writes down what it is asked
# SPDX-License-Identifier: Apache-2.0
import pathlib
import shutil
import subprocess

import pytest
import tessera
from tessera.backends.nvidia.driver import include_dirs
from tessera.tools import compile as aot
from tessera.tools import link as linker

KERNEL = """
import tessera
import tessera.language as tl

@tessera.jit
def axpy(x, y, n, a, h, stride, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    place = i * stride
    v = tl.load(x + place, mask=i < n)
    tl.store(y + place, a * v + h + tl.sum(v), mask=i < n)
"""

# Of the driver's interface what the tools' C names (CUDA driver API reference, module and execution control), and a stand-in for it.
CUDA_H = """
#ifndef CUDA_H
#define CUDA_H
#include <stddef.h>
typedef int CUresult;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef unsigned long long CUdeviceptr;
typedef int CUfunction_attribute;
#define CUDA_SUCCESS 0
#define CUDA_ERROR_INVALID_VALUE 1
#define CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES 8
CUresult cuModuleLoadData(CUmodule *module, const void *image);
CUresult cuModuleUnload(CUmodule module);
CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name);
CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value);
CUresult cuLaunchKernel(CUfunction function, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz,
                        unsigned shared, CUstream stream, void **values, void **extra);
#endif
"""
DRIVER = """
#include "cuda.h"
#include <stdio.h>
#include <string.h>
CUresult cuModuleLoadData(CUmodule *module, const void *image) {
  printf("load %s\\n", memcmp(image, "\\177ELF", 4) ? "text" : "ELF");
  *module = (CUmodule)image;
  return CUDA_SUCCESS;
}
CUresult cuModuleUnload(CUmodule module) { printf("unload\\n"); return module ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }
CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  printf("function %s\\n", name);
  *function = (CUfunction)module;
  return CUDA_SUCCESS;
}
CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute a, int v) { printf("attribute\\n"); return f && a && v ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }
CUresult cuLaunchKernel(CUfunction f, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                        CUstream stream, void **v, void **extra) {
  int count = 0;
  while (v[count]) ++count;
  printf("launch %u,%u,%u of %u,%u,%u%s: %llx %llx %d %g %04x", x, y, z, bx, by, bz, f && !stream && !extra ? "" : " wrong", *(CUdeviceptr *)v[0],
         *(CUdeviceptr *)v[1], *(int *)v[2], *(float *)v[3], *(unsigned short *)v[4]);
  if (count > 5) printf(" %d", *(int *)v[5]);
  printf("%s\\n", shared > 1024 ? " much shared memory" : "");
  return CUDA_SUCCESS;
}
"""
MAIN = """
#include "axpy.h"
#include <stdio.h>
int main(void) {
  printf("= %d\\n", axpy(0, 0x1000, 0x2000, 1000, 0.1f, 0x3c00, 1, 0));
  printf("= %d\\n", axpy_default(0, 0x1000, 0x2000, 300, 0.5f, 0, 2));
  printf("= %d\\n", axpy(0, 0x1004, 0x2000, 300, 0.5f, 0, 1, 1));
  printf("= %d\\n", axpy(0, 0x1000, 0x2000, 0, 0.5f, 0, 1, 0));
  printf("= %d of %d\\n", axpy(0, 0x1000, 0x2000, 1, 0, 0, 1, 2), axpy_get_num_algos());
  unload_axpy();
  return 0;
}
"""


@pytest.fixture
def kernels(tmp_path):
    (tmp_path / "kernels.py").write_text(KERNEL)

    def compile_variant(signature, block, *more):
        return aot.main([str(tmp_path / "kernels.py"), "-n", "axpy", "-s", signature, "-g", f"(n + {block - 1}) / BLOCK, 1, 1", "-t", "cuda:90",
                         "-w", "4", "-o", str(tmp_path / "axpy"), *more])

    with tessera.knobs.cache.scope():
        tessera.knobs.cache.dir = str(tmp_path / "cache")
        yield compile_variant


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: the tools write C, which only a C compiler can use")
def test_the_functions_call_the_driver(kernels, tmp_path):
    try:
        assert kernels("*fp32:16, *fp32:16, i32, fp32, fp16, i32:1, 128", 128) == 0
    except RuntimeError as e:
        pytest.skip(f"no NVIDIA plugin: {e}")
    assert kernels("*fp32, *fp32, i32, fp32, fp16, i32, 128", 128) == 0 and kernels("*fp32:16, *fp32, i32, fp32, fp16, i32, 256", 256) == 0
    headers = sorted(str(p) for p in tmp_path.glob("axpy.*.h"))
    assert linker.main([*headers, "-o", str(tmp_path / "axpy")]) == 0
    for name, text in (("cuda.h", CUDA_H), ("driver.c", DRIVER), ("main.c", MAIN)):
        (tmp_path / name).write_text(text)
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    subprocess.run(["cc", *flags, *map(str, tmp_path.glob("*.c")), f"-I{tmp_path}", "-o", "axpy.run"], cwd=tmp_path, check=True)
    lines = subprocess.run([str(tmp_path / "axpy.run")], capture_output=True, text=True, check=True).stdout.splitlines()
    loaded = [line for line in lines if line.startswith("load")]
    assert len(loaded) == 2 and lines.count("function axpy") == 2 and lines.count("unload") == 2
    calls = [line for line in lines if line[0] == "=" or line.startswith("launch")]
    assert calls == ["launch 8,1,1 of 128,1,1: 1000 2000 1000 0.1 3c00", "= 0",         # the variant with most hints: no stride
                     "launch 3,1,1 of 128,1,1: 1000 2000 300 0.5 0000 2", "= 0",        # a stride of 2: the general one
                     "= 1",                                                            # of the second algorithm none fits
                     "= 0", "= 1 of 2"]                                                 # no programs; no such algorithm
    if include_dirs:  # the toolkit's own header
        for source in (*tmp_path.glob("axpy.*.c"), tmp_path / "axpy.c"):
            (tmp_path / "cuda.h").unlink(missing_ok=True)
            subprocess.run(["cc", *flags, "-c", str(source), f"-I{tmp_path}", f"-isystem{include_dirs[0]}", "-o", str(tmp_path / "x.o")], check=True)


def test_interfaces_do_not_mix(kernels, tmp_path, capsys):
    try:
        assert kernels("*fp32, *fp32, i32, fp32, fp16, i32, 128", 128) == 0
    except RuntimeError as e:
        pytest.skip(f"no NVIDIA plugin: {e}")
    assert kernels("*fp32, *fp32, i32, fp32, fp16, i32, 256", 256, "--interface", "tessera") == 0
    headers = sorted(str(p) for p in tmp_path.glob("axpy.*.h"))
    assert any("tsr_status" in pathlib.Path(h).read_text() for h in headers)
    assert linker.main([*headers, "-o", str(tmp_path / "axpy")]) == 1
    assert "some of the headers are for cuda.h" in capsys.readouterr().err
    arguments = [str(tmp_path / "kernels.py"), "-n", "axpy", "-s", "*fp32, *fp32, i32, fp32, fp16, i32, 128", "-g", "1, 1, 1"]
    assert aot.main([*arguments, "-t", "cpu:x86-64-v3", "--interface", "cuda"]) == 1
    assert "--interface cuda is for targets of NVIDIA's" in capsys.readouterr().err
