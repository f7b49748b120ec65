// BuiltinsDebug.cpp - prints and asserts, on the device and at compile time; what has no target yet
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/HostTypes.h"
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"

namespace tessera::py {

namespace {
Value devicePrint(Visitor &v, Args &a) {
  std::string prefix = v.needString(a[0], "prefix");
  for (char c : prefix)
    if (static_cast<unsigned char>(c) >= 128 || c == 0)
      v.failArgument("device_print prefix must be a string of ASCII characters");
  bool hex = a[2].isAbsent() ? false : v.truth(a[2], "hex");
  llvm::SmallVector<mlir::Value> values;
  int32_t mask = 0;
  for (size_t i = 0; i < a.rest.size(); ++i) {
    Value x = v.toTensor(a.rest[i]);
    if (i < 31 && x.type.elem.isSigned())
      mask |= 1 << i;
    values.push_back(x.ir);
  }
  if (!prefix.starts_with(' '))
    prefix = " " + prefix;
  if (!values.empty() && !prefix.ends_with(' '))
    prefix += prefix.ends_with(':') ? " " : ": ";
  tile::PrintOp::create(v.b, v.loc, prefix, values, hex, mask);
  return Emitter::none();
}

// print("text", values…): as device_print.
Value print(Visitor &v, Args &a) {
  Args b;
  b.byParam.resize(3);
  if (a.rest.empty())
    return Emitter::none();
  size_t first = 0;
  if (a.rest[0].isString()) {
    b.byParam[0] = a.rest[0];
    first = 1;
  } else {
    b.byParam[0] = Emitter::constStr("");
  }
  for (size_t i = first; i < a.rest.size(); ++i) {
    if (a.rest[i].isString()) {
      b.byParam[0] = Emitter::constStr(b.byParam[0].host.str() + " " + a.rest[i].host.str());
      continue;
    }
    b.rest.push_back(a.rest[i]);
  }
  return devicePrint(v, b);
}

Value staticPrint(Visitor &v, Args &a) {
  std::string text;
  std::string sep = a[1].isAbsent() ? " " : v.needString(a[1], "sep");
  for (size_t i = 0; i < a.rest.size(); ++i)
    text += (i ? sep : "") + v.describe(a.rest[i]);
  v.warn(DiagId::StaticPrint, text);
  return Emitter::none();
}

Value staticAssert(Visitor &v, Args &a) {
  auto known = v.staticTruth(a[0]);
  if (!known)
    v.fail(DiagId::NotConstexpr, "Assertion condition could not be determined at compile-time. Make sure that it "
                                 "depends only on `constexpr` values");
  if (!*known) {
    std::string msg = a[1].isNoneOrAbsent() ? "" : v.describe(a[1]);
    v.fail(DiagId::StaticAssertFailed, msg.empty() ? "static assertion failed" : "static assertion failed: " + msg);
  }
  return Emitter::none();
}

Value deviceAssert(Visitor &v, Args &a) {
  if (!v.options.debug)
    return Emitter::none();
  std::string msg = a[1].isNoneOrAbsent() ? "" : v.needString(a[1], "msg");
  if (auto known = v.staticTruth(a[0]); known && *known)
    return Emitter::none();
  Value cond = v.toBool(v.toTensor(a[0]));
  mlir::Value mask;
  if (!a[2].isNoneOrAbsent()) {
    Value m = v.toTensor(a[2]);
    if (!m.type.elem.isBool())
      v.failType("Mask must have boolean scalar type, not " + m.type.elem.str());
    std::tie(cond, m) = v.broadcast(cond, m);
    mask = m.ir;
  }
  tile::AssertOp::create(v.b, v.loc, cond.ir, msg, mask);
  return Emitter::none();
}

Value inlineAsm(Visitor &v, Args &) {
  v.fail(DiagId::NotSupportedYet, "inline assembly is not supported: it fits one vendor's devices only",
         "write the operation with functions of triton.language");
}

const BuiltinDef kRows[] = {
    {"device_print", "prefix *args hex?", devicePrint, kRawErrors},
    {"print", "*args", print, kPlain, "builtins"},
    {"static_print", "*values sep? end? file? flush?", staticPrint},
    {"static_assert", "cond msg?", staticAssert},
    {"device_assert", "cond msg? mask?", deviceAssert},
    {"inline_asm_elementwise", "asm constraints args dtype is_pure pack", inlineAsm},
    {"extern_elementwise", "*args", inlineAsm},
};
} // namespace

BuiltinTable debugBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
