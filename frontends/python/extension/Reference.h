// Reference.h - owned references to Python objects, and what every file of the extension needs
// SPDX-License-Identifier: Apache-2.0
//
// The extension is written against the limited API of CPython 3.11, so one build serves every later version. Unless a
// function says otherwise it is called with the GIL held, and a false or null result means that a Python error is set.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string>
#include <string_view>
#include <utility>

namespace tessera::python {

class Reference {
public:
  Reference() = default;
  explicit Reference(PyObject *owned) : object_(owned) {} // takes the reference over
  static Reference borrow(PyObject *object) {
    Py_XINCREF(object);
    return Reference(object);
  }
  Reference(const Reference &other) : object_(other.object_) { Py_XINCREF(object_); }
  Reference(Reference &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Reference &operator=(Reference other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Reference() { Py_XDECREF(object_); }

  PyObject *get() const { return object_; }
  PyObject *release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

private:
  PyObject *object_ = nullptr;
};

// Without the GIL for as long as it lives.
class GilRelease {
public:
  GilRelease() : state_(PyEval_SaveThread()) {}
  ~GilRelease() { PyEval_RestoreThread(state_); }
  GilRelease(const GilRelease &) = delete;
  GilRelease &operator=(const GilRelease &) = delete;

private:
  PyThreadState *state_;
};

// With the GIL, on whatever thread.
class GilHold {
public:
  GilHold() : state_(PyGILState_Ensure()) {}
  ~GilHold() { PyGILState_Release(state_); }
  GilHold(const GilHold &) = delete;
  GilHold &operator=(const GilHold &) = delete;

private:
  PyGILState_STATE state_;
};

// Interned, made at import; never freed.
struct Names {
  PyObject *dataPtr, *dtype, *device, *type, *index, *value, *tesseraKind, *dlpack, *dlpackDevice, *exchange,
      *cudaArray, *arrayInterface, *resolve, *deviceKernel, *launchMetadata, *result, *grid, *warmup, *base, *shape,
      *strides, *blockShape, *padding, *fields, *name, *isCuda;
};
extern Names names;
bool makeNames();

// UTF-8 of a str; empty, with an error set, for anything else. Valid as long as the object.
inline std::string_view utf8(PyObject *text) {
  Py_ssize_t n = 0;
  const char *p = PyUnicode_AsUTF8AndSize(text, &n);
  return p ? std::string_view(p, static_cast<size_t>(n)) : std::string_view();
}
inline Reference text(std::string_view s) {
  return Reference(PyUnicode_DecodeUTF8(s.data(), static_cast<Py_ssize_t>(s.size()), "replace"));
}
inline Reference bytesOf(const void *p, size_t n) {
  return Reference(PyBytes_FromStringAndSize(static_cast<const char *>(p), static_cast<Py_ssize_t>(n)));
}

} // namespace tessera::python
