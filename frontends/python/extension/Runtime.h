// Runtime.h - devices, modules, kernels, streams and device memory as Python objects
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/extension/Reference.h"
#include "runtime/api/tessera.h"

namespace tessera::python {

struct DeviceObject {
  PyObject_HEAD;
  TsrDevice *device;
  TsrDeviceInfo info;   // strings belong to the device
  int32_t tensorDevice; // DLPack's number of the kind of device whose tensors kernels here may read; 1: host memory
};

struct ModuleObject {
  PyObject_HEAD;
  PyObject *device;
  TsrModule *module;
};

struct KernelObject {
  PyObject_HEAD;
  PyObject *module; // keeps the kernel alive
  TsrDevice *device;
  TsrKernel *kernel;
  const TsrKernelInfo *info;
  bool hostMemory;                 // the launch returns when the kernel is done
  int64_t lastNanos, lastPrograms; // of the last launch; decide whether the next one lets go of the GIL
};

struct StreamObject {
  PyObject_HEAD;
  PyObject *device;
  TsrStream *stream;
};

extern PyTypeObject *deviceType, *moduleType, *kernelType, *streamType;

// Adds the types to the module.
bool addRuntimeTypes(PyObject *module);

// Sets the exception that fits a failed call of tessera.h. Returns nullptr.
PyObject *raiseRuntime(tsr_status status);

// Launches; without the GIL where the kernel runs for long. `stream` may be null. False: an error is set.
bool launch(KernelObject &kernel, TsrStream *stream, const int32_t grid[3], const TsrArgument *arguments, uint32_t n);
// The same with arguments that are packed, as many bytes as the kernel says.
bool launchPacked(KernelObject &kernel, TsrStream *stream, const int32_t grid[3], const void *arguments);

// Where launches go now. A driver that has several devices, or streams of a framework, answers through its callables.
struct ActiveDevice {
  PyObject *device = nullptr;   // DeviceObject; null: not chosen yet
  PyObject *activate = nullptr; // called without arguments; chooses
  PyObject *refresh = nullptr;  // called before each launch where set: the current device may have changed
  PyObject *stream = nullptr;   // StreamObject or null: the default stream
  // Called without arguments before each launch where set and no stream was chosen: the vendor's handle of the stream on which the program's
  // framework works now.
  PyObject *nativeStream = nullptr;
};
extern ActiveDevice active;
// Borrowed; null with an error.
DeviceObject *activeDevice();
// Where a launch goes: the chosen stream, the framework's, or null for the default stream. False with an error.
bool currentStream(DeviceObject &device, TsrStream *&stream);
// The stream on which frameworks work where the program chose none: the vendor's default one, or null for the device's own. False with an
// error.
bool defaultStream(DeviceObject &device, TsrStream *&stream);
// Borrowed: where the kernel is loaded.
DeviceObject *deviceOf(const KernelObject &kernel);
// The stream with this handle of the vendor's, a Python int. False with an error.
bool wrappedStream(DeviceObject &device, PyObject *native, TsrStream *&stream);

} // namespace tessera::python
