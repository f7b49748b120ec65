// Host.h - this Python as the compiler's host: functions by source, globals, operators, user-written builtins
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/extension/HostValues.h"

namespace tessera::python {

struct CompilerLibrary;

// One compile. Made and destroyed with the GIL; the compiler calls back without it, on the thread that compiles.
class HostSession {
public:
  explicit HostSession(const CompilerLibrary &library);
  HostSession(const HostSession &) = delete;
  HostSession &operator=(const HostSession &) = delete;

  const tsc_host *host() const { return &host_; }
  Handles &handles() { return handles_; }
  // The first exception that a callback left: the cause of the compile's error. May be empty.
  PyObject *cause() const { return cause_.get(); }
  bool interrupted() const { return interrupted_; }
  // Runs signal handlers of Python. False: one raised, which is the cause now.
  bool checkSignals();

  // What a user-written builtin does with values of the kernel. Null: an error is set.
  PyObject *emit(std::string_view path, PyObject *arguments, PyObject *keywords);

private:
  static HostSession &of(void *user) { return *static_cast<HostSession *>(user); }
  int32_t function(uint64_t handle, tsc_host_function &out);
  int32_t global(uint64_t function, std::string_view name, tsc_host_value &out);
  int32_t apply(uint32_t op, const tsc_host_value *operands, uint32_t n, const tsc_str *keywords, uint32_t nKeywords,
                tsc_host_value &out);
  Reference call(const tsc_host_value *operands, uint32_t n, const tsc_str *keywords, uint32_t nKeywords);
  Reference semantic();
  void takeError();

  const CompilerLibrary &library_;
  tsc_host host_ = {};
  Handles handles_;
  ValueArena arena_;     // of the last answer
  ValueArena emitArena_; // of operands of emit
  tsc_emitter *emitter_ = nullptr;
  Reference cause_, semantic_;
  std::string errorType_, errorText_;
  bool interrupted_ = false;
  int32_t answered(const Reference &result, tsc_host_value &out);
};

} // namespace tessera::python
