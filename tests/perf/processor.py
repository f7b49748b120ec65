# processor.py - compiled kernels run in this process, on memory that NumPy and PyTorch see as well
# SPDX-License-Identifier: Apache-2.0
"""What bench.py needs of libtessera (runtime/api/tessera.h), through ctypes. In one process our kernel and its peer work on the
same inputs, in memory of the same allocator and the same page size, a few milliseconds apart; so neither the placement of
pages nor the drift of a shared machine tells them apart."""
import ctypes
import pathlib
import subprocess

import numpy as np


class Argument(ctypes.Structure):
    class Value(ctypes.Union):
        _fields_ = [("buffer", ctypes.c_void_p), ("i", ctypes.c_int64), ("f", ctypes.c_double)]

    _fields_ = [("kind", ctypes.c_uint32), ("pad", ctypes.c_uint32), ("value", Value)]


class Option(ctypes.Structure):
    _fields_ = [("key", ctypes.c_char_p), ("value", ctypes.c_char_p)]


IS_BUFFER, IS_INT, IS_FLOAT = 1, 3, 5
TYPES = {"float32": "fp32", "float16": "fp16", "float64": "fp64", "int32": "i32", "int8": "i8"}


class Out:
    """An argument that the kernel fills: float32 of this shape."""

    def __init__(self, *shape):
        self.shape = shape


class Kernel:
    """A loaded kernel with its arguments. run() launches it and waits; arrays[i] is argument i where that is an array."""

    def __init__(self, device, handle, grid, arguments, arrays):
        self.device, self.handle, self.arrays = device, handle, arrays
        self.grid = (ctypes.c_int32 * 3)(*grid, *[1] * (3 - len(grid)))
        self.arguments = (Argument * len(arguments))(*arguments)

    def run(self):
        self.device.check(self.device.lib.tsr_kernel_launch(self.handle, None, self.grid, self.arguments, len(self.arguments)))


class Processor:
    """The CPU device with a number of threads. Objects live as long as the process."""

    def __init__(self, folder, threads):
        self.bin = pathlib.Path(folder)
        self.lib = ctypes.CDLL(str(self.bin.parent / "lib" / "libtessera.so"))
        self.lib.tsr_error_message.restype = ctypes.c_char_p
        self.lib.tsr_buffer_host_pointer.restype = ctypes.c_void_p
        self.lib.tsr_buffer_host_pointer.argtypes = [ctypes.c_void_p]
        self.lib.tsr_kernel_launch.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32]
        self.device = ctypes.c_void_p()
        self.handles = {}  # of the arrays that place() made, by address
        option = Option(b"threads", str(threads).encode())
        self.check(self.lib.tsr_device_open(b"cpu", ctypes.byref(option), 1, ctypes.byref(self.device)))

    def check(self, status):
        if status:
            raise RuntimeError(self.lib.tsr_error_message().decode())

    def _buffer(self, shape, dtype):
        dtype = np.dtype(dtype)
        handle, size = ctypes.c_void_p(), int(np.prod(shape)) * dtype.itemsize
        self.check(self.lib.tsr_buffer_create(self.device, ctypes.c_uint64(size), ctypes.byref(handle)))
        bytes_ = (ctypes.c_char * size).from_address(self.lib.tsr_buffer_host_pointer(handle))
        array = np.frombuffer(bytes_, dtype).reshape(shape)
        array.fill(0)  # written once: pages that nobody wrote are all the same page of zeros, and reading them is no traffic
        return handle, array

    def place(self, array):
        """A copy of the array in device memory, which kernel() takes as an argument."""
        handle, copy = self._buffer(array.shape, array.dtype)
        copy[...] = array
        self.handles[copy.ctypes.data] = handle
        return copy

    def kernel(self, source, grid, arguments, defines):
        """source: 'FILE:KERNEL'. arguments: arrays from place(), Out, int, float. Compiled for this processor with the
        specialisation that a launch would give: divisible by 16, equal to 1."""
        types, packed, arrays = [], [], []
        for a in arguments:
            arrays.append(None)
            if isinstance(a, Out):
                a = self.place(np.zeros(a.shape, np.float32))
            if isinstance(a, np.ndarray):
                arrays[-1] = a
                types.append(f"*{TYPES[a.dtype.name]}:16")
                packed.append(Argument(IS_BUFFER, 0, Argument.Value(buffer=self.handles[a.ctypes.data])))
            elif isinstance(a, float):
                types.append("fp32")
                packed.append(Argument(IS_FLOAT, 0, Argument.Value(f=a)))
            elif a == 1:
                types.append("1")  # a constant: no parameter is left of it
            else:
                types.append("i32:16" if a % 16 == 0 else "i32")
                packed.append(Argument(IS_INT, 0, Argument.Value(i=a)))
        command = [str(self.bin / "tessera"), "compile", source, "--target", "native", "-s", ", ".join(types), "-o", "-"]
        for key, value in defines.items():
            command += ["-D", f"{key}={value}"]
        done = subprocess.run(command, capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        module, handle = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.lib.tsr_module_load(self.device, done.stdout, ctypes.c_uint64(len(done.stdout)), ctypes.byref(module)))
        self.check(self.lib.tsr_module_kernel(module, None, ctypes.byref(handle)))
        return Kernel(self, handle, grid, packed, arrays)
