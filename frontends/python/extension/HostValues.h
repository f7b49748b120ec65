// HostValues.h - Python objects to compile-time values of the compiler, and back
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/compiler/tessera_compiler.h"
#include "frontends/python/extension/Reference.h"

#include <deque>
#include <unordered_map>
#include <vector>

namespace tessera::python {

inline tsc_str view(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view view(tsc_str s) { return s.p ? std::string_view(s.p, s.n) : std::string_view(); }

// The handles of one compile: an object keeps its number, and lives, until the compile is over.
class Handles {
public:
  uint64_t of(PyObject *object);
  PyObject *object(uint64_t handle) const { // borrowed; null for a number that was never given
    return handle && handle <= objects_.size() ? objects_[handle - 1].get() : nullptr;
  }

private:
  std::vector<Reference> objects_;
  std::unordered_map<PyObject *, uint64_t> numbers_;
};

// Memory behind the values of one answer.
class ValueArena {
public:
  tsc_host_value *values(size_t n);
  tsc_str *texts(size_t n);
  tsc_str text(std::string_view s); // a copy
  void clear();

private:
  std::deque<std::vector<tsc_host_value>> values_;
  std::deque<std::vector<tsc_str>> texts_;
  std::deque<std::string> strings_;
};

// Converts; texts and items live in the arena, objects in the handles. False: an error is set.
bool toHost(PyObject *object, Handles &handles, ValueArena &arena, tsc_host_value &out);
// The object that a value of the compiler stands for. Empty: an error is set.
Reference fromHost(const tsc_host_value &value, const Handles &handles);
// True where a runtime value is anywhere in it.
bool holdsRuntime(const tsc_host_value &value);

// An attribute, or an empty reference without an error.
Reference attribute(PyObject *object, const char *name);
// A name of a module, imported at need and remembered. Borrowed; null: an error is set.
PyObject *importedName(const char *module, const char *name);
// Raises the exception of this name: a builtin one, or one of the package's.
void raiseNamed(std::string_view type, std::string_view message);

} // namespace tessera::python
