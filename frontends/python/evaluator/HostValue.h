// HostValue.h - a Python value that is known at compile time
//
// SPDX-License-Identifier: Apache-2.0
//
// Semantic analysis holds constexpr values in this type. Small values are inline; the rest is shared and, as in Python,
// lists, dicts and instances are references. What only semantic analysis understands (a dtype, `tl.constexpr`, a
// jit function's handle, a live Python object in the in-process path) is a ForeignObject that it defines itself.
// Not thread-safe.
#pragma once

#include "frontends/python/syntax/Ast.h"
#include "frontends/python/syntax/BigInt.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tessera::py {

class Evaluator;
class HostValue;
using HostKeywords = std::vector<std::pair<std::string, HostValue>>;

enum class HostKind : uint8_t {
  None,
  Ellipsis,
  NotImplemented,
  Bool,
  Int,
  Float,
  Str, // values
  Tuple,
  List,
  Dict,
  Set,
  Range,
  Slice,       // containers
  Function,    // a `def` or lambda of user source: FunctionObject
  Builtin,     // len, math.sqrt, str.join bound to its string
  BoundMethod, // function + self
  Class,       // user class or builtin type (int, str, …): ClassObject
  Instance,    // of a user class: InstanceObject
  Opaque,      // something of a module that is not here: OpaqueObject, a dotted path
  Foreign,     // semantic analysis's own: ForeignObject
};

struct HostObject {
  virtual ~HostObject() = default;
};

class HostValue {
public:
  HostValue() = default; // None
  static HostValue none() { return {}; }
  static HostValue boolean(bool v);
  static HostValue integer(int64_t v);
  static HostValue integer(const BigInt &v);
  static HostValue real(double v);
  static HostValue string(std::string v);
  static HostValue tuple(std::vector<HostValue> elements);
  static HostValue list(std::vector<HostValue> elements);
  static HostValue object(HostKind kind, std::shared_ptr<HostObject> object);
  static HostValue foreign(std::shared_ptr<struct ForeignObject> object);
  static HostValue ellipsis() { return HostValue(HostKind::Ellipsis); }
  static HostValue notImplemented() { return HostValue(HostKind::NotImplemented); }

  HostKind kind() const { return kind_; }
  bool isNone() const { return kind_ == HostKind::None; }
  bool isBool() const { return kind_ == HostKind::Bool; }
  bool isInt() const { return kind_ == HostKind::Int; } // not bool
  bool isIntOrBool() const { return isInt() || isBool(); }
  bool isFloat() const { return kind_ == HostKind::Float; }
  bool isStr() const { return kind_ == HostKind::Str; }
  bool isTuple() const { return kind_ == HostKind::Tuple; }
  bool isList() const { return kind_ == HostKind::List; }
  bool isForeign() const { return kind_ == HostKind::Foreign; }

  // Each accessor needs the matching kind (asserted), except where it says otherwise.
  bool boolValue() const;
  std::optional<int64_t> toI64() const;   // Int or Bool that fits, else null (any kind)
  BigInt bigInt() const;                  // Int or Bool
  double floatValue() const;              // Float
  std::optional<double> toDouble() const; // Int, Bool, Float; else null
  const std::string &str() const;
  std::vector<HostValue> &elements() const;                                     // Tuple, List: do not change a tuple's
  template <class T> T *get() const { return static_cast<T *>(object_.get()); } // the object, by its struct below
  const std::shared_ptr<HostObject> &shared() const { return object_; }

  // Python's `is`: same object, or equal None/bool/small value of the same kind.
  bool isSame(const HostValue &o) const;

private:
  explicit HostValue(HostKind k) : kind_(k) {}
  HostKind kind_ = HostKind::None;
  union {
    int64_t int_ = 0; // Bool, Int without object
    double float_;
  };
  std::shared_ptr<HostObject> object_; // Int beyond 64 bits: a BigIntObject
};

struct BigIntObject : HostObject {
  BigInt value;
};
struct StrObject : HostObject {
  std::string value; // UTF-8
};
struct SequenceObject : HostObject { // Tuple, List
  std::vector<HostValue> elements;
  // NamedTuple instances are Tuples with these two.
  HostValue cls;
  std::vector<std::string> fieldNames;
};
struct DictObject : HostObject { // insertion order; Set has keys only
  std::vector<std::pair<HostValue, HostValue>> entries;
  std::multimap<size_t, size_t> index; // hash -> entry; kept by the evaluator
};
struct RangeObject : HostObject {
  int64_t start = 0, stop = 0, step = 1;
  int64_t size() const;
};
struct SliceObject : HostObject {
  HostValue lower, upper, step;
};

// Variables of one activation of a function (or of a module), linked to where the function was defined.
struct Scope {
  std::map<std::string_view, HostValue> names; // interned in the tree's arena
  std::shared_ptr<Scope> parent;               // null: the module's
};

class ModuleScope;
struct FunctionObject : HostObject {
  std::string name;
  const FunctionDef *def = nullptr; // or
  const Lambda *lambda = nullptr;
  ModuleScope *module = nullptr;          // where its globals are; outlives it. Null: the function is the host's own
  std::shared_ptr<const SourceFile> file; // of a function without module
  std::shared_ptr<Scope> closure;         // may be null
  std::vector<HostValue> defaults, kwDefaults;
  // Decorators by their dotted path with imports resolved: "triton.jit", "triton.autotune", "functools.cache". In
  // source order. A path is empty where the decorator is not a dotted name or a call of one.
  std::vector<std::string> decorators;
  bool isJit = false; // @triton.jit, @tessera.jit, @gluon.jit: for semantic analysis, the evaluator refuses to call it
  bool isConstexpr = false; // @triton.constexpr_function
  bool isNoinline = false;  // @triton.jit(noinline=True)
  bool isStatic = false, isClassMethod = false, isProperty = false;
};
struct BuiltinObject : HostObject {
  std::string name;
  // Null: an exception is pending in the evaluator.
  std::optional<HostValue> (*call)(Evaluator &, BuiltinObject &self, std::vector<HostValue> &args,
                                   HostKeywords &keywords) = nullptr;
  HostValue bound; // of methods
};
struct BoundMethodObject : HostObject {
  HostValue self, function;
};
enum class ClassFlavour : uint8_t { Plain, Enum, NamedTuple, Dataclass, Exception, Builtin };
struct ClassObject : HostObject {
  std::string name;
  ClassFlavour flavour = ClassFlavour::Plain;
  bool isFrozen = false, isIntEnum = false;
  std::vector<HostValue> bases;
  std::vector<std::pair<std::string, HostValue>> members; // in order of definition
  std::vector<std::string> fields;                        // NamedTuple, Dataclass: annotated names in order
  const ClassDef *def = nullptr;
  ModuleScope *module = nullptr;
  std::vector<std::string> decorators;                // as in FunctionObject
  const HostValue *find(std::string_view name) const; // here, then in the bases
};
struct InstanceObject : HostObject {
  std::shared_ptr<ClassObject> cls;
  std::vector<std::pair<std::string, HostValue>> fields; // Enum members: name, value
  HostValue *find(std::string_view name);
};
// `torch.float16` where there is no torch: usable as long as nobody looks inside.
struct OpaqueObject : HostObject {
  std::string path; // "triton.language.float32"
};

// What semantic analysis brings in. A null result means "no such thing": the evaluator then raises Python's error.
struct ForeignObject : HostObject {
  virtual std::string typeName() const = 0; // "dtype"
  virtual std::string repr() const = 0;
  virtual std::string str() const { return repr(); }
  virtual std::optional<HostValue> getAttribute(Evaluator &, std::string_view name) { return std::nullopt; }
  virtual bool isCallable() const { return false; }
  virtual std::optional<HostValue> call(Evaluator &, std::vector<HostValue> &args, HostKeywords &keywords) {
    return std::nullopt;
  }
  virtual bool equals(const ForeignObject &o) const { return this == &o; }
  virtual size_t hash() const { return reinterpret_cast<size_t>(this); }
  virtual struct LiveObject *live() { return nullptr; }
  virtual bool truth() const { return true; }
  // isinstance(value, this): null when this is not a class.
  virtual std::optional<bool> isInstance(const HostValue &value) const { return std::nullopt; }
  virtual std::optional<HostValue> getItem(Evaluator &, const HostValue &index) { return std::nullopt; }
  // The plain value that operators, format(), int() and so on see instead of this (tl.constexpr(4) -> 4).
  virtual std::optional<HostValue> unwrap() const { return std::nullopt; }
};

// An object of a running Python: the evaluator hands over every operation in which one takes part. Where unwrap() gives a
// plain value (a number or a text by inheritance), operators use that.
enum class LiveOp : uint8_t { Binary, Compare, Unary, Truth, Repr, Str, Format, IsInstance, Iterate, Hash, Length };
struct LiveObject : ForeignObject {
  // What a kernel that names it as a global may do with it.
  enum class Global : uint8_t { Allowed, NotConstexpr, PlainFunction };
  virtual Global asGlobal() const { return Global::Allowed; }
  virtual bool isAggregateClass() const { return false; }
  LiveObject *live() final { return this; }
  bool isCallable() const override { return true; }
  // Operands as Python orders them; those of Binary, Compare and Unary begin with the operator's text, Format's ends with
  // the specification. One of them is this. Compare, Truth and IsInstance give a bool, Repr, Str and Format a str, Iterate a
  // list, Hash and Length an int. Null: an exception is pending.
  virtual std::optional<HostValue> apply(Evaluator &, LiveOp op, std::vector<HostValue> operands) = 0;
};
inline LiveObject *liveObject(const HostValue &v) { return v.isForeign() ? v.get<ForeignObject>()->live() : nullptr; }

// Python's repr for every kind ("1.0", "'a'", "[1, 2]", "<function f>").
std::string repr(const HostValue &v);
std::string str(const HostValue &v);
// Such a text within a sentence: its first line, at most 60 bytes of it, with "…" for what is left out. An array's text is all of its elements.
std::string abridged(std::string text);
// "int", "NoneType", the class's name.
std::string typeName(const HostValue &v);

} // namespace tessera::py
