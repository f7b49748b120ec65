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

// What no target of this version takes. Arguments are checked all the same: the message should be about the operation.
[[noreturn]] void targetCannot(Visitor &v, const std::string &what, std::string help) {
  std::string target = v.options.targetName.empty() ? "this target" : "target " + v.options.targetName;
  v.fail(DiagId::TargetCannot, target + " has no " + what, std::move(help));
}

// inline_asm_elementwise(asm, constraints, args, dtype, is_pure, pack)
Value inlineAsm(Visitor &v, Args &a) {
  v.needString(a[0], "asm");
  std::string constraints = v.needString(a[1], "constraints");
  std::vector<Value> args = v.items(a[2]);
  Value all;
  for (Value &x : args) {
    x = v.toTensor(x);
    all = all.isAbsent() ? x : v.broadcast(all, x).first;
  }
  std::vector<Value> types = v.items(a[3]);
  for (const Value &t : types)
    v.needDType(t, "dtype");
  v.truth(a[4], "is_pure");
  int64_t pack = v.needInt(a[5], "pack");
  if (pack < 1)
    v.failArgument("pack must be at least 1, not " + std::to_string(pack));
  if (all.isTensor() && all.type.numel() % pack)
    v.failArgument("pack (" + std::to_string(pack) + ") must divide the number of elements (" +
                   std::to_string(all.type.numel()) + ")");
  // One constraint a register: results first, each begins with "="; "~{…}" names what is clobbered.
  size_t outputs = 0, inputs = 0;
  for (std::string_view rest = constraints; !rest.empty();) {
    std::string_view one = rest.substr(0, std::min(rest.find(','), rest.size()));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    while (!one.empty() && one.front() == ' ')
      one.remove_prefix(1);
    if (one.starts_with('='))
      ++outputs;
    else if (!one.empty() && one.front() != '~')
      ++inputs;
  }
  if (outputs < types.size())
    v.failArgument("the constraints name " + std::to_string(outputs) + " results, and dtype " +
                   std::to_string(types.size()));
  if (inputs < args.size())
    v.failArgument("the constraints name " + std::to_string(inputs) + " operands, and args has " +
                   std::to_string(args.size()));
  targetCannot(v, "inline assembly of this kind",
               "it fits the devices of one vendor: guard it with tl.target_info, or use functions of triton.language");
}

// extern_elementwise(lib_name, lib_path, args, {(types…): (symbol, result)}, is_pure)
Value externElementwise(Visitor &v, Args &a) {
  std::string library = v.needString(a[0], "lib_name");
  std::string given;
  for (const Value &x : v.items(a[2]))
    given += (given.empty() ? "" : ", ") + v.toTensor(x).type.elem.str();
  std::string symbol;
  if (auto table = toHost(a[3]); table && table->kind() == HostKind::Dict)
    for (auto &[types, result] : table->get<DictObject>()->entries) {
      std::string row;
      if (types.kind() == HostKind::Tuple)
        for (const HostValue &t : types.elements()) {
          auto type = fromHost(t);
          row += (row.empty() ? "" : ", ") + (type && type->isType() ? type->type.str() : repr(t));
        }
      if (row == given && result.kind() == HostKind::Tuple && !result.elements().empty())
        symbol = str(result.elements()[0]);
    }
  if (symbol.empty())
    v.failType("input arg type does not match: no entry for (" + given + ")");
  targetCannot(v, "function `" + symbol + "` of library " + library,
               "tl.extra.libdevice has the functions of the device library for every target");
}

// What reads a special register of one vendor.
template <int Which> Value special(Visitor &v, Args &) {
  static constexpr const char *names[] = {"global timer", "number of the multiprocessor", "dependent launch",
                                          "real-time counter"};
  targetCannot(v, names[Which], "guard it with tl.target_info");
}
Value numThreads(Visitor &v, Args &) { return Emitter::constInt(v.options.numWarps * 32); }
Value numWarps(Visitor &v, Args &) { return Emitter::constInt(v.options.numWarps); }

// Regions of the profiler: names for a tool that is not here.
Value profilerMark(Visitor &, Args &) { return Emitter::none(); }
Value profilerScope(Visitor &v, Args &a) {
  v.needString(a[0], "name");
  return *languageValue("triton.profiler.language.scope");
}

constexpr const char *kCuda = "triton.language.extra.cuda", *kHip = "triton.language.extra.hip";
constexpr const char *kProfiler = "triton.profiler.language";

const BuiltinDef kRows[] = {
    {"device_print", "prefix *args hex?", devicePrint, kRawErrors},
    {"print", "*args", print, kPlain, "builtins"},
    {"static_print", "*values sep? end? file? flush?", staticPrint},
    {"static_assert", "cond msg?", staticAssert},
    {"device_assert", "cond msg? mask?", deviceAssert},
    {"inline_asm_elementwise", "asm constraints args dtype is_pure pack", inlineAsm},
    {"extern_elementwise", "lib_name lib_path args arg_type_symbol_dict is_pure", externElementwise},
    {"globaltimer", "", special<0>, kPlain, kCuda},
    {"smid", "", special<1>, kPlain, kCuda},
    {"gdc_wait", "", special<2>, kPlain, kCuda},
    {"gdc_launch_dependents", "", special<2>, kPlain, kCuda},
    {"num_threads", "", numThreads, kPlain, kCuda},
    {"num_warps", "", numWarps, kPlain, kCuda},
    {"memrealtime", "", special<3>, kPlain, kHip},
    {"scope", "name", profilerScope, kPlain, kProfiler},
    {"enter_scope", "name", profilerMark, kPlain, kProfiler},
    {"exit_scope", "name", profilerMark, kPlain, kProfiler},
};
} // namespace

BuiltinTable debugBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
