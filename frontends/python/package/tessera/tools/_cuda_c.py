# _cuda_c.py - C for the driver of NVIDIA's devices: what tools.compile writes where cuda.h is wanted instead of tessera.h
# SPDX-License-Identifier: Apache-2.0
"""The C functions take a ``CUstream``, ``CUdeviceptr`` and scalars by their own types (an fp16 or bf16 scalar as the 16 bits of it),
and give a ``CUresult``. They need libcuda, and a current context, of the device that the kernel was compiled for."""
from __future__ import annotations

import json
import re

_TYPES = {"u1": "int8_t", "i1": "int8_t", "i8": "int8_t", "i16": "int16_t", "i32": "int32_t", "i64": "int64_t", "u8": "uint8_t",
          "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t", "fp16": "uint16_t", "bf16": "uint16_t", "fp32": "float",
          "fp64": "double"}


def c_type(parameter):
    return "CUdeviceptr " if parameter.is_pointer else _TYPES[parameter.type] + " "


def _arguments(parameters):
    return "".join(f", {c_type(p)}{p.name}" for p in parameters if p.passed)


def image_of(compiled):
    """What the driver loads: machine code, or PTX with its terminating zero where no assembler was found."""
    cubin = compiled.asm["cubin"]
    return cubin if cubin[:4] == b"\x7fELF" else compiled.asm["ptx"].encode() + b"\0"


def source(name, header, compiled, parameters, grid, constants, array, about):
    """``array(bytes)`` writes a C initialiser; ``constants`` are declarations for the grid's expressions."""
    ptx = compiled.asm["ptx"]
    threads = re.search(r"\.reqntid (\d+)(?:, (\d+))?(?:, (\d+))?", ptx).groups(default="1")
    # The shared memory of a kernel is either declared with its size, or given at the launch.
    dynamic = compiled.metadata.shared if ".extern .shared" in ptx else 0
    passed = [p for p in parameters if p.passed]
    image = image_of(compiled)
    return f"""/* {header[:-2]}.c - {about}
 * Made by tessera.tools.compile; edits are lost. */
#include "{header}"
#include <stddef.h>

static const unsigned char image[{len(image)}] __attribute__((aligned(64))) = {{
    {array(image)}}};
static CUmodule module;
static CUfunction function;

CUresult load_{name}(void) {{
  CUresult status = CUDA_SUCCESS;
  if (module)
    return status;
  status = cuModuleLoadData(&module, image);
  if (status == CUDA_SUCCESS)
    status = cuModuleGetFunction(&function, module, "{compiled.name}");
  if (status == CUDA_SUCCESS && {dynamic} > 49152)
    status = cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, {dynamic});
  if (status != CUDA_SUCCESS)
    unload_{name}();
  return status;
}}

void unload_{name}(void) {{
  if (module)
    cuModuleUnload(module);
  module = NULL;
  function = NULL;
}}

CUresult {name}(CUstream stream{_arguments(parameters)}) {{
{constants}{"".join(f"  (void){p.name};{chr(10)}" for p in passed)}  CUresult load_status = load_{name}();
  const int64_t launch_grid[3] = {{{grid[0]}, {grid[1]}, {grid[2]}}};
  void *launch_values[] = {{{", ".join([*(f"&{p.name}" for p in passed), "NULL"])}}};
  if (load_status != CUDA_SUCCESS || launch_grid[0] == 0 || launch_grid[1] == 0 || launch_grid[2] == 0)
    return load_status;
  if (launch_grid[0] < 0 || launch_grid[1] < 0 || launch_grid[2] < 0 || launch_grid[0] > INT32_MAX || launch_grid[1] > 65535 ||
      launch_grid[2] > 65535)
    return CUDA_ERROR_INVALID_VALUE;
  return cuLaunchKernel(function, (unsigned)launch_grid[0], (unsigned)launch_grid[1], (unsigned)launch_grid[2], {", ".join(threads)},
                        {dynamic}, stream, launch_values, NULL);
}}
"""


def header(name, parameters, about, directive):
    guard = re.sub(r"\W", "_", name).upper() + "_H"
    return f"""/* {about}
 * Made by tessera.tools.compile; edits are lost.
 * tessera-link: {json.dumps(directive)} */
#ifndef {guard}
#define {guard}

#include <cuda.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

/* Loads the kernel into the current context. Not from two threads at once. */
CUresult load_{name}(void);
void unload_{name}(void);
/* Launches it; loads it where it is not. CUDA_ERROR_INVALID_VALUE for a grid that no device takes. */
CUresult {name}(CUstream stream{_arguments(parameters)});

#ifdef __cplusplus
}}
#endif
#endif
"""
