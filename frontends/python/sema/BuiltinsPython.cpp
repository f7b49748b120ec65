// BuiltinsPython.cpp - the builtins of Python that kernels may use, and the loop iterators
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/HostTypes.h"
#include "frontends/python/sema/Visitor.h"

#include <cmath>

namespace tessera::py {

namespace {
Value length(Visitor &v, Args &a) {
  if (a[0].isTuple())
    return Emitter::constInt(static_cast<int64_t>(a[0].items().size()));
  if (a[0].isTensor()) {
    if (!a[0].isBlock())
      v.failType("len() of a scalar");
    return Emitter::constInt(a[0].type.shape[0]);
  }
  if (auto h = toHost(a[0]))
    if (auto l = v.host.evaluator().builtin("len"))
      return v.hostResult(v.host.evaluator().call(*l, {*h}));
  v.failType("len() of " + v.describeType(a[0]));
}

Value toList(Visitor &v, Args &a) {
  if (a[0].isAbsent())
    return Emitter::tuple({});
  if (a[0].kind == ValueKind::Range) {
    std::vector<Value> r;
    int64_t step = v.needInt(a[0].items()[2], "step"), stop = v.needInt(a[0].items()[1], "stop");
    for (int64_t i = v.needInt(a[0].items()[0], "start"); step > 0 ? i < stop : i > stop; i += step)
      r.push_back(Emitter::constInt(i));
    return Emitter::tuple(std::move(r));
  }
  return Emitter::tuple(v.items(a[0]));
}

// int(x), float(x), bool(x) of constants.
template <char Which> Value number(Visitor &v, Args &a) {
  const char *name = Which == 'i' ? "int" : Which == 'f' ? "float" : "bool";
  if (a[0].isTensor()) {
    if (Which == 'b')
      return v.toBool(a[0]);
    v.failType(std::string(name) + "() takes values that are known at compile time",
               Which == 'i' ? "use x.to(tl.int32)" : "use x.to(tl.float32)");
  }
  auto h = toHost(a[0]);
  auto f = v.host.evaluator().builtin(name);
  if (!h || !f)
    v.failType(std::string(name) + "() of " + v.describeType(a[0]));
  return v.hostResult(v.host.evaluator().call(*f, {*h}));
}

Value makeRange(Visitor &v, Args &a, bool isStatic) {
  Value r;
  r.kind = ValueKind::Range;
  auto data = std::make_shared<TupleData>();
  bool one = a[1].isNoneOrAbsent();
  data->items = {one ? Emitter::constInt(0) : a[0], one ? a[0] : a[1],
                 a[2].isNoneOrAbsent() ? Emitter::constInt(1) : a[2]};
  if (isStatic) {
    for (const Value &x : data->items)
      if (!x.isConst() || !x.host.isIntOrBool())
        v.fail(DiagId::NotConstexpr, "static_range's arguments must be constexpr integers, not " + v.describeType(x),
               "use tl.range for a loop at run time");
    data->typeName = "static";
  }
  for (size_t i = 3; i < 9; ++i)
    data->items.push_back(i < a.byParam.size() ? a[i] : Value());
  for (size_t i = 3; i < data->items.size(); ++i)
    if (!data->items[i].isNoneOrAbsent() && !data->items[i].isConst())
      v.fail(DiagId::NotConstexpr, "the options of range must be known at compile time");
  r.parts = std::move(data);
  return r;
}
Value staticRange(Visitor &v, Args &a) { return makeRange(v, a, true); }

// The order of kRangeParams is that of Triton; the loop wants flags in bit order.
Value tlRange(Visitor &v, Args &a) {
  Args b;
  b.byParam = {a[0], a[1], a[2], a[3], a[4], a[6], a[7], a[5], a[8]};
  return makeRange(v, b, false);
}
Value conditionOf(Visitor &v, Args &a) {
  v.keepInvariants(a[1].isConst() && v.staticTruth(a[1]).value_or(false));
  return a[0];
}

template <bool IsMax> Value minMax(Visitor &v, Args &a) {
  std::vector<Value> values = a.rest.size() == 1 ? v.items(a.rest[0]) : a.rest;
  if (values.empty())
    v.failArgument(IsMax ? "max() of nothing" : "min() of nothing");
  bool runtime = llvm::any_of(values, [](const Value &x) { return x.isTensor(); });
  if (!runtime) {
    std::vector<HostValue> host;
    for (const Value &x : values) {
      auto h = toHost(x);
      if (!h)
        v.failType("cannot order " + v.describeType(x));
      host.push_back(*h);
    }
    if (host.size() == 1)
      return values[0];
    // Python's answer depends on the order of these; no target's does.
    for (const HostValue &h : host)
      if (h.isFloat() && (std::isnan(h.floatValue()) || (h.floatValue() == 0 && std::signbit(h.floatValue()))))
        v.failArgument(std::string(IsMax ? "max()" : "min()") + " of constants takes neither NaN nor -0.0",
                       std::string("use tl.") + (IsMax ? "maximum" : "minimum") + ", which orders them");
    return v.hostResult(v.host.evaluator().call(*v.host.evaluator().builtin(IsMax ? "max" : "min"), std::move(host)));
  }
  Value r = values[0];
  for (size_t i = 1; i < values.size(); ++i)
    r = v.minMax(IsMax, r, values[i], false);
  return r;
}

bool isInstanceOf(Visitor &v, const Value &x, const Value &cls) {
  if (cls.isTuple())
    return llvm::any_of(cls.items(), [&](const Value &c) { return isInstanceOf(v, x, c); });
  if (x.isConst() && liveObject(x.host) && cls.kind == ValueKind::Builtin &&
      cls.builtin->space != std::string_view("triton.language")) {
    auto r = v.host.evaluator().isInstance(x.host, *toHost(cls));
    if (!r)
      v.hostResult(std::nullopt);
    return *r;
  }
  if (cls.isConst() && liveObject(cls.host)) {
    auto r = v.host.evaluator().isInstance(toHostOrRuntime(x), cls.host);
    if (!r)
      v.hostResult(std::nullopt);
    return *r;
  }
  if (cls.kind == ValueKind::Builtin) {
    std::string_view name = cls.builtin->name;
    if (name == "tensor")
      return x.isTensor();
    if (name == "constexpr")
      return x.isConst();
    if (name == "tuple" || name == "list")
      return x.isTuple();
    if (name == "tensor_descriptor_type" || name == "tensor_descriptor_base_type")
      return descriptorTypeIn(x.host);
    if (name == "dtype")
      return x.isType() && !x.type.block && !constexprTypeIn(x.host);
    if (name == "constexpr_type")
      return constexprTypeIn(x.host);
    if (name == "pointer_type")
      return x.isType() && x.type.elem.isPtr() && !x.type.block;
    if (name == "block_type")
      return x.isType() && x.type.block && !descriptorTypeIn(x.host);
    if (name == "tensor_descriptor" || name == "tensor_descriptor_base")
      return x.kind == ValueKind::Descriptor;
    if (name == "int")
      return x.isConst() && x.host.isIntOrBool();
    if (name == "float")
      return x.isConst() && x.host.isFloat();
    if (name == "bool")
      return x.isConst() && x.host.isBool();
    if (name == "str")
      return x.isString();
    return false;
  }
  if (x.isTuple() && cls.isConst() && cls.host.kind() == HostKind::Class && x.parts->cls.kind() == HostKind::Class) {
    std::vector<HostValue> classes = {x.parts->cls};
    for (size_t i = 0; i < classes.size(); ++i) {
      if (classes[i].isSame(cls.host))
        return true;
      if (classes[i].kind() == HostKind::Class)
        for (const HostValue &base : classes[i].get<ClassObject>()->bases)
          classes.push_back(base);
    }
    return false;
  }
  auto h = toHost(x);
  if (!h || !cls.isConst())
    return false;
  auto r = v.host.evaluator().isInstance(*h, cls.host);
  if (!r)
    v.hostResult(std::nullopt);
  return *r;
}
Value isInstance(Visitor &v, Args &a) { return Emitter::constBool(isInstanceOf(v, a[0], a[1])); }

Value getAttr(Visitor &v, Args &a) {
  std::string name = v.needString(a[1], "the attribute's name");
  if (a[2].isAbsent())
    return v.attribute(a[0], name);
  try {
    return v.attribute(a[0], name);
  } catch (const SemaError &) {
    return a[2];
  }
}
Value hasAttr(Visitor &v, Args &a) {
  std::string name = v.needString(a[1], "the attribute's name");
  try {
    v.attribute(a[0], name);
    return Emitter::constBool(true);
  } catch (const SemaError &) {
    return Emitter::constBool(false);
  }
}
Value slice(Visitor &v, Args &a) {
  Value r;
  r.kind = ValueKind::Slice;
  auto data = std::make_shared<TupleData>();
  bool one = a[1].isAbsent();
  data->items = {one ? Emitter::none() : a[0], one ? a[0] : a[1], a[2].isAbsent() ? Emitter::none() : a[2]};
  r.parts = std::move(data);
  return r;
}
Value strOf(Visitor &v, Args &a) { return Emitter::constStr(a[0].isAbsent() ? "" : v.describe(a[0])); }
Value typeOf(Visitor &v, Args &a) {
  if (a[0].isTensor())
    return v.attribute(Emitter::typeValue(a[0].type), "dtype");
  v.failType("type() is not available in kernels", "use isinstance(x, …)");
}

constexpr const char *kRangeParams = "arg1 arg2? step? num_stages? loop_unroll_factor? disallow_acc_multi_buffer? "
                                     "flatten? warp_specialize? disable_licm?";
const BuiltinDef kRows[] = {
    {"len", "x", length, kPlain, "builtins"},
    {"list", "x?", toList, kPlain, "builtins"},
    {"tuple", "x?", toList, kPlain, "builtins"},
    {"int", "x", number<'i'>, kPlain, "builtins"},
    {"float", "x", number<'f'>, kPlain, "builtins"},
    {"bool", "x", number<'b'>, kPlain, "builtins"},
    {"str", "x?", strOf, kPlain, "builtins"},
    {"type", "x", typeOf, kPlain, "builtins"},
    {"slice", "start stop? step?", slice, kPlain, "builtins"},
    {"range", kRangeParams, tlRange, kPlain, "builtins"},
    {"isinstance", "x cls", isInstance, kPlain, "builtins"},
    {"getattr", "x name default?", getAttr, kPlain, "builtins"},
    {"hasattr", "x name", hasAttr, kPlain, "builtins"},
    {"min", "*args", minMax<false>, kPlain, "builtins"},
    {"max", "*args", minMax<true>, kPlain, "builtins"},
    {"range", kRangeParams, tlRange},
    {"tuple", "args type?", toList},
    {"slice", "start stop? step?", slice},
    {"static_range", "arg1 arg2? step?", staticRange},
    {"condition", "arg1 disable_licm?", conditionOf},
};
} // namespace

BuiltinTable pythonBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
