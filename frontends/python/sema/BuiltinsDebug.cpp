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

// print("text", values…, hex=False): as device_print, which it is in Triton; here the text may be left out, and texts may stand
// among the values.
Value print(Visitor &v, Args &a) {
  if (a[0].isAbsent())
    return Emitter::none();
  Args b;
  b.byParam.resize(3);
  b.byParam[0] = a[0].isString() ? a[0] : Emitter::constStr("");
  b.byParam[2] = a[2];
  if (!a[0].isString())
    b.rest.push_back(a[0]);
  for (const Value &x : a.rest) {
    if (x.isString())
      b.byParam[0] = Emitter::constStr(b.byParam[0].host.str() + " " + x.host.str());
    else
      b.rest.push_back(x);
  }
  return devicePrint(v, b);
}

// A value as Triton prints it: "int32[constexpr[128]]" is a tile, "int32[]" a scalar, "['int32[]', '1']" a tuple of both,
// "(1, 'a')" one that a constexpr holds.
std::string printed(Visitor &v, const Value &x) {
  std::string text;
  if (x.isTensor()) {
    text = x.type.elem.str() + "[";
    for (size_t i = 0; x.type.block && i < x.type.shape.size(); ++i)
      text += (i ? ", constexpr[" : "constexpr[") + std::to_string(x.type.shape[i]) + "]";
    return text + "]";
  }
  if (x.kind == ValueKind::BlockPtr || (x.isType() && x.type.block)) {
    for (int64_t extent : x.type.shape)
      text += (text.empty() ? "'" : ", '") + std::to_string(extent) + "'";
    text = "<[" + text + "], " + x.type.elem.str() + ">";
    if (x.kind == ValueKind::BlockPtr)
      return "pointer<" + text + ">[]";
    return descriptorTypeIn(x.host) ? "tensor_descriptor<" + text + ">" : text;
  }
  if (x.kind == ValueKind::Descriptor)
    return printed(v, descriptorType(x.type));
  if (!x.isTuple())
    return v.describe(x);
  if (x.parts->hostTuple)
    if (auto known = toHost(x))
      return repr(*known);
  for (const Value &item : x.items())
    text += (text.empty() ? "" : ", ") + repr(HostValue::string(printed(v, item)));
  return "[" + text + "]";
}

Value staticPrint(Visitor &v, Args &a) {
  std::string text;
  std::string sep = a[1].isAbsent() ? " " : v.needString(a[1], "sep");
  for (size_t i = 0; i < a.rest.size(); ++i)
    text += (i ? sep : "") + printed(v, a.rest[i]);
  v.warn(DiagId::StaticPrint, text);
  return Emitter::none();
}

Value staticAssert(Visitor &v, Args &a) {
  auto known = v.staticTruth(a[0]);
  if (!known)
    v.fail(DiagId::NotConstexpr,
           "Assertion condition could not be determined at compile-time. Make sure that it "
           "depends only on `constexpr` values",
           "tl.device_assert asserts of values of the run");
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
      v.failValue("Mask must have boolean scalar type, not " + m.type.elem.str());
    std::tie(cond, m) = v.broadcast(cond, m);
    mask = m.ir;
  }
  tile::AssertOp::create(v.b, v.loc, cond.ir, msg, mask);
  return Emitter::none();
}

[[noreturn]] void targetCannot(Visitor &v, const std::string &what, std::string help) {
  std::string target = v.options.targetName.empty() ? "this target" : "target " + v.options.targetName;
  v.fail(DiagId::TargetCannot, target + " has no " + what, std::move(help));
}

// Scalars or tiles of one shape, as code of the target takes them; no type is promoted.
std::vector<Value> sameShapes(Visitor &v, std::vector<Value> args) {
  Value all;
  for (Value &x : args) {
    x = v.toTensor(x);
    all = all.isAbsent() ? x : v.broadcast(all, x).first;
  }
  for (Value &x : args) // axes that are missing lead
    x = v.broadcast(x, all).first;
  return args;
}

std::vector<mlir::Value> irOf(const std::vector<Value> &values) {
  std::vector<mlir::Value> out;
  for (const Value &x : values)
    out.push_back(x.ir);
  return out;
}

// The op with results of these elements in the shape of `args`.
std::vector<Value> emitAsm(Visitor &v, const std::vector<Value> &args, const std::string &text,
                           const std::string &constraints, const std::vector<DType> &results, bool isPure,
                           int64_t pack) {
  std::vector<mlir::Type> types;
  std::vector<TensorType> shapes;
  for (DType t : results) {
    shapes.push_back(args.empty() ? scalarType(t) : args[0].type.with(t));
    types.push_back(v.irType(shapes.back()));
  }
  auto op =
      tile::InlineAsmOp::create(v.b, v.loc, types, irOf(args), text, constraints, isPure, static_cast<int32_t>(pack));
  std::vector<Value> out;
  for (size_t i = 0; i < results.size(); ++i)
    out.push_back(Emitter::tensor(op->getResult(i), shapes[i]));
  return out;
}

// inline_asm_elementwise(asm, constraints, args, dtype, is_pure, pack)
Value inlineAsm(Visitor &v, Args &a) {
  std::string text = v.needString(a[0], "asm");
  std::string constraints = v.needString(a[1], "constraints");
  std::vector<Value> args = sameShapes(v, v.items(a[2]));
  std::vector<DType> types;
  for (const Value &t : v.items(a[3]))
    types.push_back(v.needDType(t, "dtype"));
  bool isPure = v.truth(a[4], "is_pure");
  int64_t pack = v.needInt(a[5], "pack");
  if (pack < 1)
    v.failArgument("pack must be at least 1, not " + std::to_string(pack));
  if (!args.empty() && args[0].type.block && args[0].type.numel() % pack)
    v.failArgument("pack (" + std::to_string(pack) + ") must divide the number of elements (" +
                   std::to_string(args[0].type.numel()) + ")");
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
  if (types.empty())
    v.failArgument("dtype names no result: assembly that gives nothing still has one, which may be ignored");
  if (outputs < types.size())
    v.failArgument("the constraints name " + std::to_string(outputs) + " results, and dtype " +
                   std::to_string(types.size()));
  if (inputs < args.size())
    v.failArgument("the constraints name " + std::to_string(inputs) + " operands, and args has " +
                   std::to_string(args.size()));
  std::vector<Value> results = emitAsm(v, args, text, constraints, types, isPure, pack);
  return a[3].isTuple() || !v.asDType(a[3]) ? Emitter::tuple(std::move(results)) : results[0];
}

// The function of tl.extra.libdevice that a symbol of the device library stands for, so that it means the same on every
// target: "__nv_tanhf" is tanh.
std::optional<Value> portableFunction(std::string_view symbol) {
  constexpr std::string_view prefix = "__nv_";
  if (!symbol.starts_with(prefix))
    return std::nullopt;
  std::string name(symbol.substr(prefix.size()));
  for (std::string_view suffix : {"", "f", "ll"}) {
    if (!name.ends_with(suffix))
      continue;
    std::string shorter = name.substr(0, name.size() - suffix.size());
    if (auto found = languageValue("triton.language.extra.libdevice." + shorter))
      return found;
  }
  return std::nullopt;
}

// extern_elementwise(lib_name, lib_path, args, {(types…): (symbol, result)}, is_pure)
Value externElementwise(Visitor &v, Args &a) {
  std::string library = v.needString(a[0], "lib_name"), path = v.needString(a[1], "lib_path");
  std::vector<Value> args = v.items(a[2]);
  std::string given;
  for (Value &x : args) {
    x = v.toTensor(x);
    given += (given.empty() ? "" : ", ") + x.type.elem.str();
  }
  std::string symbol;
  DType result;
  if (auto table = toHost(a[3]); table && table->kind() == HostKind::Dict)
    for (auto &[types, entry] : table->get<DictObject>()->entries) {
      std::string row;
      if (types.kind() == HostKind::Tuple)
        for (const HostValue &t : types.elements()) {
          auto type = fromHost(t);
          row += (row.empty() ? "" : ", ") + (type && type->isType() ? type->type.str() : repr(t));
        }
      if (row != given || entry.kind() != HostKind::Tuple || entry.elements().size() != 2)
        continue;
      symbol = str(entry.elements()[0]);
      auto type = fromHost(entry.elements()[1]);
      result = v.needDType(type ? *type : Value(), "the result's type");
    }
  if (symbol.empty())
    v.failValue("input arg type does not match: no entry for (" + given + ")");
  if (args.empty())
    v.failArgument("args must hold at least one tensor or scalar");
  bool isPure = v.truth(a[4], "is_pure");
  args = sameShapes(v, std::move(args));
  if (library.empty() || library == "libdevice")
    if (auto function = portableFunction(symbol))
      return v.cast(v.call(*function, args, {}), result);
  TensorType type = args[0].type.with(result);
  auto op = tile::ExternElementwiseOp::create(v.b, v.loc, v.irType(type), irOf(args), symbol, library, path, isPure);
  return Emitter::tensor(op.getResult(), type);
}

// What reads a special register of one vendor.
struct SpecialRegister {
  std::string_view name, text, constraints; // no text: on no target of today
  ScalarKind type;
};
constexpr SpecialRegister kSpecial[] = {
    {"global timer", "mov.u64 $0, %globaltimer;", "=l", ScalarKind::Int64},
    {"number of the multiprocessor", "mov.u32 $0, %smid;", "=r", ScalarKind::Int32},
    {"real-time counter", "", "", ScalarKind::Int64},
};
template <int Which> Value special(Visitor &v, Args &) {
  const SpecialRegister &r = kSpecial[Which];
  if (r.text.empty() || !v.options.targetName.starts_with("sm_"))
    targetCannot(v, std::string(r.name), "guard it with tl.target_info");
  return emitAsm(v, {}, std::string(r.text), std::string(r.constraints), {dtype(r.type)}, false, 1)[0];
}
bool isHopperOrLater(std::string_view target) {
  return target.starts_with("sm_") && std::atoi(target.data() + 3) >= 90;
}
// Where launches of a stream do not overlap, all that came before has finished, and nothing can start early.
Value dependentLaunch(Visitor &v, const char *text) {
  if (!isHopperOrLater(v.options.targetName))
    return Emitter::none();
  return emitAsm(v, {}, text, "=r", {dtype(ScalarKind::Int32)}, false, 1)[0];
}
Value waitForDependencies(Visitor &v, Args &) { return dependentLaunch(v, "griddepcontrol.wait; // dummy $0"); }
Value launchDependents(Visitor &v, Args &) {
  return dependentLaunch(v, "griddepcontrol.launch_dependents; // dummy $0");
}
// Those of one block; where a target has clusters their warps are one block (docs/rationale/clusters.md).
int64_t warpsOfBlock(Visitor &v) {
  int64_t own = v.options.numWarps;
  bool hasClusters = isHopperOrLater(v.options.targetName);
  return hasClusters && own < 32 ? std::min<int64_t>(own * v.options.numCtas, 32) : own;
}
Value numThreads(Visitor &v, Args &) { return Emitter::constInt(warpsOfBlock(v) * 32); }
Value numWarps(Visitor &v, Args &) { return Emitter::constInt(warpsOfBlock(v)); }

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
    {"print", "prefix? *args hex?", print, kPlain, "builtins"},
    {"static_print", "*values sep? end? file? flush?", staticPrint},
    {"static_assert", "cond msg?", staticAssert},
    {"device_assert", "cond msg? mask?", deviceAssert},
    {"inline_asm_elementwise", "asm constraints args dtype is_pure pack", inlineAsm},
    {"extern_elementwise", "lib_name lib_path args arg_type_symbol_dict is_pure", externElementwise},
    {"globaltimer", "", special<0>, kPlain, kCuda},
    {"smid", "", special<1>, kPlain, kCuda},
    {"gdc_wait", "", waitForDependencies, kPlain, kCuda},
    {"gdc_launch_dependents", "", launchDependents, kPlain, kCuda},
    {"num_threads", "", numThreads, kPlain, kCuda},
    {"num_warps", "", numWarps, kPlain, kCuda},
    {"memrealtime", "", special<2>, kPlain, kHip},
    {"scope", "name", profilerScope, kPlain, kProfiler},
    {"enter_scope", "name", profilerMark, kPlain, kProfiler},
    {"exit_scope", "name", profilerMark, kPlain, kProfiler},
};
} // namespace

BuiltinTable debugBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
