// Language.h - the names of triton.language: functions, types, namespaces
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/sema/Value.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::py {

class Visitor;

// The arguments of a builtin, by parameter; what was not given is Absent.
struct Args {
  std::vector<Value> byParam;
  std::vector<Value> rest; // of a variadic parameter
  const Value &operator[](size_t i) const { return byParam[i]; }
  bool has(size_t i) const { return !byParam[i].isAbsent(); }
};

enum BuiltinFlags : uint8_t {
  kPlain = 0,
  kMethod = 1,    // also a method of tensors
  kMustUse = 2,   // a statement that drops the result is an error
  kRawErrors = 4, // takes values that are no tensors
};

// One function of the language. `params`: names in order, `?` behind one that may be missing, `*` before the last one if
// it takes all further positional arguments.
struct BuiltinDef {
  const char *name;
  const char *params;
  Value (*call)(Visitor &, Args &);
  uint8_t flags = kPlain;
  const char *space = "triton.language";
};

// Tables of the areas (one file each), in no order.
struct BuiltinTable {
  const BuiltinDef *rows;
  size_t count;
};
BuiltinTable programBuiltins();    // BuiltinsProgram.cpp
BuiltinTable memoryBuiltins();     // BuiltinsMemory.cpp
BuiltinTable atomicBuiltins();     // BuiltinsAtomic.cpp
BuiltinTable shapeBuiltins();      // BuiltinsShape.cpp
BuiltinTable mathBuiltins();       // BuiltinsMath.cpp
BuiltinTable reduceBuiltins();     // BuiltinsReduce.cpp
BuiltinTable dotBuiltins();        // BuiltinsDot.cpp
BuiltinTable debugBuiltins();      // BuiltinsDebug.cpp
BuiltinTable pythonBuiltins();     // BuiltinsPython.cpp: len, range, … (space "builtins")
BuiltinTable libdeviceBuiltins();  // BuiltinsLibdevice.cpp (space "triton.language.extra.libdevice")
BuiltinTable descriptorBuiltins(); // BuiltinsDescriptor.cpp

// What a dotted path names ("triton.language.load"); null where it names nothing of ours.
std::optional<Value> languageValue(std::string_view path);
// The value of a number that the language names ("triton.language.CONSTEXPR_0").
std::optional<int64_t> languageConstant(std::string_view canonicalPath);
// A name of Python's builtins that kernels may use.
std::optional<Value> pythonBuiltin(std::string_view name);
// Gives arguments of a libdevice function the types of its closest overload and one shape; fails where none fits. Names that
// the device library does not have are left alone.
void matchLibdeviceArguments(class Emitter &e, std::string_view name, std::vector<Value> &args); // LibdeviceTypes.cpp
inline constexpr std::string_view kLibdeviceSpace = "triton.language.extra.libdevice";
// A tensor method.
const BuiltinDef *tensorMethod(std::string_view name);
std::string builtinPath(const BuiltinDef &def);
// "triton.language.sum" of a function of the library.
std::string libraryPath(const JitFunction &function);
// Names of one namespace, for "did you mean".
std::vector<std::string> languageNames(std::string_view space);
// Whether Triton has this name in the namespace and we do not support it.
bool isKnownUnsupported(std::string_view space, std::string_view name);

// dtype.primitive_bitwidth and so on; methods come as Bound values. Null: no such attribute.
std::optional<Value> typeAttribute(const TensorType &type, std::string_view name);

} // namespace tessera::py
