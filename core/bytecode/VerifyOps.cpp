// VerifyOps.cpp - counts, attributes and types of every op
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/TypeCheck.h"

#include <algorithm>
#include <map>

namespace tessera::tbc {

namespace {
struct AttrRule {
  const AttrInfo *info;
  bool optional;
};

// The attribute lists of the table, split once.
const std::vector<AttrRule> &rulesOf(Opcode code) {
  static const auto table = [] {
    std::map<Opcode, std::vector<AttrRule>> t;
    for (unsigned n = 0; n < 1024; ++n) {
      const OpInfo *info = opInfo(static_cast<Opcode>(n));
      if (!info)
        continue;
      std::string_view text = info->attributes;
      std::vector<AttrRule> &rules = t[info->code];
      while (!text.empty()) {
        size_t end = std::min(text.find(' '), text.size());
        std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        bool optional = !word.empty() && word.back() == '?';
        if (optional)
          word.remove_suffix(1);
        if (const AttrInfo *a = attrInfoByName(word))
          rules.push_back({a, optional});
      }
    }
    return t;
  }();
  return table.at(code);
}

bool kindMatches(const Attr &a, AttrKind k) {
  switch (k) {
  case AttrKind::Int:
  case AttrKind::Elem:
    return std::holds_alternative<int64_t>(a.value);
  case AttrKind::Float:
    return std::holds_alternative<double>(a.value);
  case AttrKind::Str:
    return std::holds_alternative<std::string>(a.value);
  case AttrKind::Ints:
    return std::holds_alternative<std::vector<int64_t>>(a.value);
  }
  return false;
}

// The least and greatest value of integer attributes that have a range of their own.
struct Range {
  AttrId id;
  int64_t least, greatest;
};
constexpr int64_t kBig = int64_t(1) << 40;
// clang-format off
constexpr Range kRanges[] = {
    {AttrId::AllowReorder, 0, 1}, {AttrId::Rounding, 0, 2},   {AttrId::Cache, 0, 6},     {AttrId::Evict, 0, 2},     {AttrId::Volatile, 0, 1},
    {AttrId::Kind, 0, 9},         {AttrId::Sem, 0, 3},        {AttrId::Scope, 0, 2},     {AttrId::Precision, 0, 5}, {AttrId::MaxImprecise, 0, kBig},
    {AttrId::Reverse, 0, 1},      {AttrId::Descending, 0, 1}, {AttrId::Hex, 0, 1},       {AttrId::NumStages, 0, kBig}, {AttrId::Unroll, 0, kBig},
    {AttrId::NumRounds, 0, 64},   {AttrId::LhsFormat, 0, 4},  {AttrId::RhsFormat, 0, 4}, {AttrId::LhsKPack, 0, 1},  {AttrId::RhsKPack, 0, 1},
    {AttrId::FastMath, 0, 1},     {AttrId::Pack, 0, 64},      {AttrId::HasScales, 0, 3}, {AttrId::Approx, 0, 1},    {AttrId::Start, INT32_MIN, INT32_MAX},
    {AttrId::End, INT32_MIN, int64_t(INT32_MAX) + 1},         {AttrId::Instruction, 0, kBig}, {AttrId::Offset, 0, kBig}, {AttrId::Bytes, 0, kBig}, {AttrId::Width, 0, kBig}, {AttrId::Slots, 0, 1024}, {AttrId::Pending, 0, kBig},
    {AttrId::Pure, 0, 1},          {AttrId::Warps, 0, 1024},
};
// clang-format on
} // namespace

std::string operandName(const Op &op, size_t i) {
  auto pick = [&](std::initializer_list<const char *> names) -> std::string {
    if (i < names.size())
      return std::string("operand `") + names.begin()[i] + "`";
    return "operand " + std::to_string(i);
  };
  switch (op.code) {
  case Opcode::If:
  case Opcode::Assume:
  case Opcode::Condition:
    return pick({"cond"});
  case Opcode::For:
    return pick({"lower", "upper", "step"});
  case Opcode::GridStride:
    return pick({"programs"});
  case Opcode::Select:
    return pick({"cond", "then", "else"});
  case Opcode::AddPtr:
    return pick({"ptr", "offset"});
  case Opcode::Load:
    return pick({"ptr", "mask", "other"});
  case Opcode::Store:
  case Opcode::AtomicRmw:
    return pick({"ptr", "value", "mask"});
  case Opcode::AtomicCas:
    return pick({"ptr", "compare", "value"});
  case Opcode::Assert:
    return pick({"cond", "mask"});
  case Opcode::Dot:
  case Opcode::DotScaled:
    return pick({"a", "b", "c"});
  case Opcode::Gather:
    return pick({"source", "index"});
  case Opcode::Histogram:
    return pick({"values", "mask"});
  case Opcode::Philox:
    return pick({"key lo", "key hi", "c0", "c1", "c2", "c3"});
  case Opcode::SharedStore:
    return pick({"shared tensor", "value"});
  case Opcode::SharedLoad:
  case Opcode::SharedFree:
    return pick({"shared tensor"});
  case Opcode::SharedSlot:
    return pick({"ring", "index"});
  case Opcode::AsyncLoad:
    return pick({"shared tensor", "pointer", "mask"});
  case Opcode::TensorLoad:
    return pick({"shared tensor", "map", "copy barrier", "predicate"});
  case Opcode::TensorStore:
    return pick({"shared tensor", "map"});
  case Opcode::CopyExpect:
  case Opcode::CopyArrive:
    return pick({"copy barrier", "predicate"});
  case Opcode::CopyBarrierWait:
    return pick({"copy barrier", "parity"});
  default:
    return "operand " + std::to_string(i);
  }
}

bool verifyCounts(const Op &op, const OpInfo &info, const FailFn &fail) {
  auto n = static_cast<int64_t>(op.operands.size());
  bool ok = true;
  auto bad = [&](std::string s) {
    fail(std::move(s));
    ok = false;
  };
  if (n < info.minOperands || (info.maxOperands >= 0 && n > info.maxOperands))
    bad("has " + std::to_string(n) + " operands; it takes " + std::to_string(info.minOperands) +
        (info.maxOperands < 0                   ? " or more"
         : info.maxOperands == info.minOperands ? ""
                                                : " to " + std::to_string(info.maxOperands)));
  if (info.results >= 0 && op.results.size() != static_cast<size_t>(info.results))
    bad("has " + std::to_string(op.results.size()) + " results; it gives " + std::to_string(info.results));
  if (op.regions.size() != static_cast<size_t>(info.regions))
    bad("has " + std::to_string(op.regions.size()) + " regions; it takes " + std::to_string(info.regions));
  const auto &rules = rulesOf(op.code);
  for (size_t i = 0; i < op.attrs.size(); ++i) {
    const Attr &a = op.attrs[i];
    auto rule = std::find_if(rules.begin(), rules.end(), [&](const AttrRule &r) { return r.info->id == a.id; });
    const AttrInfo *known = attrInfo(a.id);
    std::string name = known ? std::string(known->name) : "#" + std::to_string(static_cast<unsigned>(a.id));
    if (rule == rules.end()) {
      bad("has an attribute `" + name + "`, which it does not take");
      continue;
    }
    if (!kindMatches(a, rule->info->kind))
      bad("attribute `" + name + "` has a value of the wrong kind");
    for (size_t j = 0; j < i; ++j)
      if (op.attrs[j].id == a.id)
        bad("attribute `" + name + "` is given twice");
    if (const int64_t *v = std::get_if<int64_t>(&a.value))
      for (const Range &r : kRanges)
        if (r.id == a.id && (*v < r.least || *v > r.greatest))
          bad("attribute `" + name + "` is " + std::to_string(*v) + ", outside " + std::to_string(r.least) + " to " +
              std::to_string(r.greatest));
  }
  for (const AttrRule &r : rules)
    if (!r.optional && !op.find(r.info->id))
      bad("lacks the attribute `" + std::string(r.info->name) + "`");
  return ok;
}

unsigned intWidth(Elem e) { return e == Elem::I1 ? 1 : elemBits(e); }

bool TypeCheck::equalTypes(const std::vector<Type> &a, const std::vector<Type> &b, const std::string &what) {
  if (!require(a.size() == b.size(),
               what + ": " + std::to_string(a.size()) + " instead of " + std::to_string(b.size())))
    return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!require(a[i] == b[i], what + ": number " + std::to_string(i) + " is " + typeText(m_, a[i]) + " instead of " +
                                   typeText(m_, b[i])))
      return false;
  return true;
}

bool TypeCheck::regionArgs(size_t region, const std::vector<Type> &want) {
  std::vector<Type> got;
  for (ValueId v : op_.regions[region].args)
    got.push_back(m_.typeOf(v));
  return equalTypes(got, want, "arguments of region " + std::to_string(region));
}

bool TypeCheck::yields(size_t region, const std::vector<Type> &want, size_t skip) {
  const Op &end = op_.regions[region].ops.back();
  std::vector<Type> got;
  for (size_t i = skip; i < end.operands.size(); ++i)
    got.push_back(m_.typeOf(end.operands[i]));
  return equalTypes(got, want, "values that region " + std::to_string(region) + " gives");
}

void TypeCheck::structure() {
  Type i1 = withElem(Type(), Elem::I1);
  switch (op_.code) {
  case Opcode::If:
    operand(0, in(0) == i1, "it must be i1");
    for (size_t r = 0; r < 2; ++r)
      if (regionArgs(r, {}))
        yields(r, resultTypes());
    return;
  case Opcode::For: {
    if (!operand(0, in(0).kind == Type::Scalar && !in(0).pointer && isInteger(in(0).elem), "it must be an integer") ||
        !same(1, 0) || !same(2, 0))
      return;
    std::vector<Type> carried = operandTypes(3), args = carried;
    args.insert(args.begin(), in(0));
    if (equalTypes(resultTypes(), carried, "results") && regionArgs(0, args))
      yields(0, carried);
    return;
  }
  case Opcode::While:
    if (regionArgs(0, operandTypes(0)) && yields(0, resultTypes(), 1) && regionArgs(1, resultTypes()))
      yields(1, operandTypes(0));
    return;
  case Opcode::Condition:
    operand(0, in(0) == i1, "it must be i1");
    return;
  default:
    return;
  }
}

void TypeCheck::creation() {
  switch (op_.code) {
  case Opcode::Constant: {
    if (!require(out().kind != Type::Shared, "a shared tensor has no constants"))
      return;
    bool wantsFloat = !out().pointer && isFloat(out().elem);
    const char *wanted = wantsFloat ? "float_value" : "value", *other = wantsFloat ? "value" : "float_value";
    bool has = op_.find(wantsFloat ? AttrId::FloatValue : AttrId::Value),
         hasOther = op_.find(wantsFloat ? AttrId::Value : AttrId::FloatValue);
    if (!require(has && !hasOther,
                 "a constant of " + typeText(m_, out()) + " has `" + wanted + "` and no `" + other + "`"))
      return;
    int64_t v = op_.intAttr(AttrId::Value);
    if (out().pointer)
      require(v == 0, "the only constant pointer is null");
    else if (!wantsFloat && intWidth(out().elem) < 64)
      require(v >= -(int64_t(1) << (intWidth(out().elem) - 1)) && v < (int64_t(1) << intWidth(out().elem)),
              "value " + std::to_string(v) + " does not fit " + typeText(m_, out()));
    return;
  }
  case Opcode::Arange: {
    int64_t n = op_.intAttr(AttrId::End) - op_.intAttr(AttrId::Start);
    if (require(n >= 1, "end must exceed start"))
      resultShape(withElem(Type(), Elem::I32), {n});
    return;
  }
  case Opcode::Splat:
    operand(0, in(0).kind == Type::Scalar, "it must be a scalar");
    if (require(out().isTensor(), "the result must be a tensor"))
      resultShape(in(0), out().shape);
    return;
  case Opcode::ProgramId:
  case Opcode::NumPrograms:
    axisIn(3);
    result(withElem(Type(), Elem::I32));
    return;
  case Opcode::Philox:
    if (isInt(0) && operand(0, in(0).elem == Elem::I32 || in(0).elem == Elem::I64, "it must be of i32 or i64"))
      for (size_t i = 1; i < 6; ++i)
        same(i, 0);
    for (size_t i = 0; i < 4; ++i)
      result(in(0), i);
    return;
  default:
    return;
  }
}

void TypeCheck::conversion() {
  if (!require(in(0).kind != Type::Shared && sameShape(in(0), out()) && in(0).layout == out().layout,
               "the result is " + typeText(m_, out()) + ", which is not of the shape of operand 0, " +
                   typeText(m_, in(0))))
    return;
  Elem from = in(0).elem, to = out().elem;
  bool plainOut = !out().pointer;
  auto resultIs = [&](bool ok, const char *rule) { require(ok, "the result is " + typeText(m_, out()) + "; " + rule); };
  switch (op_.code) {
  case Opcode::Bitcast:
    if (in(0).pointer || out().pointer)
      return resultIs(in(0).pointer && out().pointer, "a pointer is only cast to a pointer");
    if ((from == Elem::I1) != (to == Elem::I1))
      return resultIs(false, "i1 shares no bit pattern with another type");
    return resultIs(elemBits(from) == elemBits(to), "the widths must be equal");
  case Opcode::TruncI:
    return isInt(0)
               ? resultIs(plainOut && isInteger(to) && intWidth(to) < intWidth(from), "it must be of narrower integers")
               : void();
  case Opcode::ExtSI:
  case Opcode::ExtUI:
    return isInt(0)
               ? resultIs(plainOut && isInteger(to) && intWidth(to) > intWidth(from), "it must be of wider integers")
               : void();
  case Opcode::SIToFP:
  case Opcode::UIToFP:
    return isInt(0) ? resultIs(plainOut && isFloat(to), "it must be of floats") : void();
  case Opcode::FPToSI:
  case Opcode::FPToUI:
    return isFlt(0) ? resultIs(plainOut && isInteger(to), "it must be of integers") : void();
  case Opcode::FPToFP:
    if (op_.intAttr(AttrId::Rounding) == 2)
      return isFlt(0) ? resultIs(plainOut && isFp8(to), "it must be of 8-bit floats, where the rounding saturates")
                      : void();
    return isFlt(0) ? resultIs(plainOut && isFloat(to), "it must be of floats") : void();
  case Opcode::PtrToInt:
    return isPtr(0) ? resultIs(plainOut && to == Elem::I64, "it must be of i64") : void();
  case Opcode::IntToPtr:
    operand(0, !in(0).pointer && from == Elem::I64, "it must be of i64");
    return resultIs(out().pointer, "it must be a pointer");
  default:
    return;
  }
}

// inline_asm, extern_elementwise: one shape.
void TypeCheck::targetCode() {
  Type scalar;
  const Type &shape = count() ? in(0) : scalar;
  if (!require(!op_.results.empty(), "has no results; it gives 1 or more"))
    return;
  for (size_t i = 0; i < count(); ++i)
    if (!operand(i, in(i).kind != Type::Shared, "it must be no shared tensor") ||
        !operand(i, sameShape(in(i), shape) && in(i).layout == shape.layout, "all operands have one shape"))
      return;
  for (size_t i = 0; i < op_.results.size(); ++i)
    if (!require(sameShape(out(i), shape) && out(i).layout == shape.layout,
                 "result " + std::to_string(i) + " is " + typeText(m_, out(i)) +
                     (count() ? ", which is not of the operands' shape" : "; without operands it must be a scalar")))
      return;
  int64_t pack = std::max<int64_t>(op_.intAttr(AttrId::Pack, 1), 1);
  if (op_.code == Opcode::InlineAsm && shape.isTensor())
    require(shape.numElements() % pack == 0, "pack does not divide the number of elements");
  if (op_.code == Opcode::ExternElementwise)
    require(!op_.strAttr(AttrId::Symbol).empty(), "attribute `symbol` is empty");
}

void TypeCheck::elementwise() {
  switch (opClass(op_.code)) {
  case OpClass::IntBinary:
    if (isInt(0) && same(1, 0))
      result(in(0));
    return;
  case OpClass::IntUnary:
    if (isInt(0))
      result(in(0));
    return;
  case OpClass::FloatBinary:
    if (isFlt(0) && same(1, 0))
      result(in(0));
    return;
  case OpClass::FloatUnary:
    if (isFlt(0))
      result(in(0));
    return;
  case OpClass::Conversion:
    return conversion();
  case OpClass::Other:
    break;
  }
  switch (op_.code) {
  case Opcode::InlineAsm:
  case Opcode::ExternElementwise:
    return targetCode();
  case Opcode::Fma:
    if (isFlt(0) && same(1, 0) && same(2, 0))
      result(in(0));
    return;
  case Opcode::CmpI:
  case Opcode::CmpF: {
    bool isI = op_.code == Opcode::CmpI;
    int64_t p = op_.intAttr(AttrId::Predicate);
    require(p >= 0 && p <= (isI ? 9 : 15), "predicate " + std::to_string(p) + " is not one of the table's");
    if ((isI ? isInt(0) : isFlt(0)) && same(1, 0))
      result(withElem(in(0), Elem::I1));
    return;
  }
  case Opcode::Select:
    operand(0, in(0) == withElem(Type(), Elem::I1) || in(0) == withElem(in(1), Elem::I1),
            "it must be i1, a scalar or of the shape of `then`");
    if (operand(1, in(1).kind != Type::Shared, "it must be no shared tensor") && same(2, 1))
      result(in(1));
    return;
  case Opcode::AddPtr:
    if (isPtr(0) && isInt(1)) {
      operand(1, in(1) == withElem(in(0), Elem::I32) || in(1) == withElem(in(0), Elem::I64),
              "it must be of i32 or i64, of the shape of `ptr`");
      result(in(0));
    }
    return;
  case Opcode::Hint: {
    result(in(0));
    size_t rank = std::max<size_t>(in(0).shape.size(), 1);
    for (AttrId id : {AttrId::Divisibility, AttrId::Contiguity, AttrId::Constancy}) {
      const auto &v = op_.intsAttr(id);
      require(v.empty() || v.size() == rank,
              "attribute `" + std::string(attrInfo(id)->name) + "` needs one entry a dim");
      for (int64_t i : v)
        require(i >= 1, "attribute `" + std::string(attrInfo(id)->name) + "` has an entry below 1");
    }
    return;
  }
  case Opcode::Assume:
    operand(0, !in(0).pointer && in(0).elem == Elem::I1, "it must be of i1");
    return;
  case Opcode::GridStride:
    axisIn(3);
    operand(0, !in(0).pointer && !in(0).isTensor() && in(0).elem == Elem::I64, "it must be an i64");
    return;
  default:
    return;
  }
}

void TypeCheck::shapes() {
  const Type &t = in(0);
  if (!require(t.kind != Type::Shared, "operand 0 is a shared tensor"))
    return;
  auto rank = static_cast<int64_t>(t.shape.size());
  std::vector<int64_t> shape = t.shape;
  switch (op_.code) {
  case Opcode::ExpandDims:
    if (isTensor(0) && axisIn(rank + 1)) {
      shape.insert(shape.begin() + op_.intAttr(AttrId::Axis), 1);
      resultShape(t, shape);
    }
    return;
  case Opcode::Broadcast: {
    const auto &to = out().shape;
    bool ok = t.isTensor() && out().isTensor() && to.size() == shape.size();
    for (size_t i = 0; ok && i < shape.size(); ++i)
      ok = shape[i] == to[i] || shape[i] == 1;
    if (require(ok, "cannot broadcast " + typeText(m_, t) + " to " + typeText(m_, out())))
      resultShape(t, to);
    return;
  }
  case Opcode::Reshape:
    if (isTensor(0) && require(out().isTensor() && out().numElements() == t.numElements(),
                               "cannot reshape " + typeText(m_, t) + " to " + typeText(m_, out())))
      resultShape(t, out().shape);
    return;
  case Opcode::Transpose: {
    const auto &order = op_.intsAttr(AttrId::Order);
    std::vector<int64_t> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    bool ok = t.isTensor() && sorted.size() == shape.size();
    for (size_t i = 0; ok && i < sorted.size(); ++i)
      ok = sorted[i] == static_cast<int64_t>(i);
    if (!require(ok, "attribute `order` is not a permutation of the dims of " + typeText(m_, t)))
      return;
    for (size_t i = 0; i < order.size(); ++i)
      shape[i] = t.shape[order[i]];
    resultShape(t, shape);
    return;
  }
  case Opcode::Join:
    if (same(1, 0)) {
      shape.push_back(2);
      resultShape(t, shape);
    }
    return;
  case Opcode::Split:
    if (operand(0, t.isTensor() && shape.back() == 2, "its last dim must be 2")) {
      shape.pop_back();
      resultShape(t, shape, 0);
      resultShape(t, shape, 1);
    }
    return;
  case Opcode::Cat:
    if (operand(0, rank == 1, "it must be of rank 1") && same(1, 0))
      resultShape(t, {shape[0] * 2});
    return;
  case Opcode::ExtractScalar:
    if (operand(0, t.isTensor() && t.numElements() == 1, "it must be a tensor of one element"))
      result(scalarOf(t));
    return;
  default:
    return;
  }
}

void TypeCheck::memory() {
  if (count() == 0) // barrier, print of a prefix
    return;
  Type pointee = withElem(in(0), in(0).elem);
  if (int64_t width = op_.intAttr(AttrId::Width); width > 1 && in(0).isTensor()) {
    auto axis = static_cast<size_t>(op_.intAttr(AttrId::Axis));
    if (!axisIn(static_cast<int64_t>(in(0).shape.size())))
      return;
    require((width & (width - 1)) == 0 && in(0).shape[axis] % width == 0,
            "width " + std::to_string(width) + " is no power of two that divides the extent of dim " +
                std::to_string(axis) + ", " + std::to_string(in(0).shape[axis]));
  } else {
    require(width <= 1 && (!op_.find(AttrId::Axis) || in(0).isTensor()), "a scalar has no axis and no width");
  }
  auto pointeeAt = [&](size_t i) { return operand(i, in(i) == pointee, "it must be " + typeText(m_, pointee)); };
  switch (op_.code) {
  case Opcode::Load:
    if (!isPtr(0) || !result(pointee))
      return;
    if (count() > 1)
      isMask(1, pointee);
    if (count() > 2)
      pointeeAt(2);
    return;
  case Opcode::Store:
    if (isPtr(0) && pointeeAt(1) && count() > 2)
      isMask(2, pointee);
    return;
  case Opcode::AtomicRmw: {
    if (!isPtr(0) || !pointeeAt(1) || !result(pointee))
      return;
    if (count() > 2)
      isMask(2, pointee);
    auto kind = static_cast<Rmw>(op_.intAttr(AttrId::Kind));
    Elem e = pointee.elem;
    bool wide = elemBits(e) >= 32;
    bool takesFloats = kind == Rmw::FAdd || kind == Rmw::Max || kind == Rmw::Min;
    bool ok = isFloat(e) && takesFloats ? !isFp8(e)
              : kind == Rmw::FAdd       ? false
              : kind == Rmw::Xchg       ? wide
                                        : isInteger(e) && wide;
    operand(1, ok, "this kind of atomic does not exist for its elements");
    return;
  }
  case Opcode::AtomicCas:
    if (isPtr(0) && pointeeAt(1) && pointeeAt(2) && result(pointee))
      operand(1, elemBits(pointee.elem) >= 16, "its elements must be of 16, 32 or 64 bits");
    return;
  case Opcode::Print:
    for (size_t i = 0; i < count(); ++i)
      operand(i, in(i).kind != Type::Shared, "it must be no shared tensor");
    return;
  case Opcode::Assert:
    operand(0, in(0).kind != Type::Shared && !in(0).pointer && in(0).elem == Elem::I1, "it must be of i1");
    if (count() > 1)
      same(1, 0);
    return;
  default:
    return;
  }
}

// reduce, scan, map_elementwise: tensors of one shape and a region over scalars.
void TypeCheck::combiner() {
  for (size_t i = 0; i < count(); ++i)
    if (!isTensor(i) ||
        !operand(i, in(i).shape == in(0).shape && in(i).layout == in(0).layout, "all operands have one shape"))
      return;
  std::vector<Type> scalars = combinerArgs(m_, op_.operands, 1);
  if (op_.code == Opcode::MapElementwise) {
    int64_t pack = std::max<int64_t>(op_.intAttr(AttrId::Pack, 1), 1);
    require(in(0).numElements() % pack == 0, "pack does not divide the number of elements");
    std::vector<Type> args, given;
    for (const Type &s : scalars)
      args.insert(args.end(), static_cast<size_t>(pack), s);
    for (size_t i = 0; i < op_.results.size(); ++i) {
      if (!require(sameShape(out(i), in(0)) && out(i).layout == in(0).layout,
                   "result " + std::to_string(i) + " is not of the operands' shape"))
        return;
      given.insert(given.end(), static_cast<size_t>(pack), scalarOf(out(i)));
    }
    if (regionArgs(0, args))
      yields(0, given);
    return;
  }
  bool hasTotals = op_.code == Opcode::Scan && op_.results.size() == 2 * count();
  if (!axisIn(static_cast<int64_t>(in(0).shape.size())) ||
      !require(op_.results.size() == count() || hasTotals,
               "has " + std::to_string(op_.results.size()) + " results for " + std::to_string(count()) + " operands"))
    return;
  std::vector<int64_t> shape = in(0).shape;
  shape.erase(shape.begin() + op_.intAttr(AttrId::Axis));
  for (size_t i = 0; i < op_.results.size(); ++i) {
    const Type &source = in(i % count());
    bool isWithoutAxis = op_.code == Opcode::Reduce || i >= count();
    if (isWithoutAxis ? !resultShape(source, shape, i) : !result(source, i))
      return;
  }
  if (regionArgs(0, combinerArgs(m_, op_.operands, 2)))
    yields(0, scalars);
}

void TypeCheck::dot() {
  for (size_t i = 0; i < 3; ++i)
    if (!isTensor(i))
      return;
  product();
}

void TypeCheck::product() {
  for (size_t i = 0; i < 3; ++i)
    if (!operand(i, !in(i).pointer, "it must be of numbers"))
      return;
  const auto &a = in(0).shape, &b = in(1).shape, &c = in(2).shape;
  size_t r = a.size();
  bool ok = (r == 2 || r == 3) && b.size() == r && c.size() == r && a[r - 1] == b[r - 2] && c[r - 2] == a[r - 2] &&
            c[r - 1] == b[r - 1];
  ok = ok && (r == 2 || (a[0] == b[0] && a[0] == c[0]));
  std::string texts = typeText(m_, in(0)) + ", " + typeText(m_, in(1)) + ", " + typeText(m_, in(2));
  if (!require(ok, "the shapes of a, b, c do not fit: " + texts) || !result(in(2)))
    return;
  Elem ea = in(0).elem, eb = in(1).elem, ec = in(2).elem;
  bool integers = ea == Elem::I8 && eb == Elem::I8 && ec == Elem::I32;
  bool floats = isFloat(ea) && isFloat(ec) && !isFp8(ec) && (ea == eb || (isFp8(ea) && isFp8(eb)));
  require(integers || floats, "the elements of a, b, c do not fit: " + texts);
}

void TypeCheck::dotScaled() {
  int64_t has = op_.intAttr(AttrId::HasScales);
  if (!require(count() == 3 + static_cast<size_t>((has & 1) + (has >> 1)),
               "the number of operands does not match `has_scales`"))
    return;
  for (size_t i = 0; i < count(); ++i)
    if (!isTensor(i) ||
        !operand(i, !in(i).pointer && in(i).shape.size() == in(2).shape.size(), "all operands have the rank of `c`"))
      return;
  size_t r = in(2).shape.size();
  if (!operand(2, (r == 2 || r == 3) && isFloat(in(2).elem), "it must be of floats, of rank 2 or 3") || !result(in(2)))
    return;
  auto format = [&](size_t i) {
    return static_cast<ScaledFormat>(op_.intAttr(i ? AttrId::RhsFormat : AttrId::LhsFormat));
  };
  int64_t k[2], other[2];
  for (size_t i = 0; i < 2; ++i) {
    const Type &t = in(i);
    size_t kDim = i ? r - 2 : r - 1, otherDim = i ? r - 1 : r - 2;
    k[i] = t.shape[kDim];
    other[i] = t.shape[otherDim];
    bool ok = false;
    switch (format(i)) {
    case ScaledFormat::E2M1:
      ok = t.elem == Elem::I8;
      (op_.intAttr(i ? AttrId::RhsKPack : AttrId::LhsKPack) ? k[i] : other[i]) *= 2;
      break;
    case ScaledFormat::E4M3:
      ok = t.elem == Elem::I8 || t.elem == Elem::F8E4M3FN;
      break;
    case ScaledFormat::E5M2:
      ok = t.elem == Elem::I8 || t.elem == Elem::F8E5M2;
      break;
    case ScaledFormat::BF16:
      ok = t.elem == Elem::BF16;
      break;
    case ScaledFormat::FP16:
      ok = t.elem == Elem::F16;
      break;
    }
    if (!operand(i, ok && (r == 2 || t.shape[0] == in(2).shape[0]), "it does not fit its format"))
      return;
  }
  if (!require(k[0] == k[1] && other[0] == in(2).shape[r - 2] && other[1] == in(2).shape[r - 1],
               "the shapes of a, b, c do not fit"))
    return;
  size_t at = 3;
  for (size_t i = 0; i < 2; ++i) {
    if (!(has >> i & 1))
      continue;
    const Type &s = in(at);
    int64_t block = s.elem == Elem::F8E4M3FN ? 16 : 32;
    bool ok = (s.elem == Elem::I8 || s.elem == Elem::F8E4M3FN) && s.shape[r - 2] == other[i] &&
              s.shape[r - 1] == std::max<int64_t>(k[0] / block, 1) && k[0] % block == 0 &&
              (r == 2 || s.shape[0] == in(2).shape[0]);
    operand(at++, ok,
            std::string("it must be the scales of `") + (i ? "b" : "a") + "`, one for " + std::to_string(block) +
                " elements of k");
  }
}

void TypeCheck::tiles() {
  switch (op_.code) {
  case Opcode::Dot:
    return dot();
  case Opcode::DotScaled:
    return dotScaled();
  case Opcode::Sort:
    if (isTensor(0) && operand(0, !in(0).pointer, "it must be of numbers") &&
        axisIn(static_cast<int64_t>(in(0).shape.size())))
      result(in(0));
    return;
  case Opcode::Gather: {
    if (!isTensor(0) || !isTensor(1) || !isInt(1) || !axisIn(static_cast<int64_t>(in(0).shape.size())))
      return;
    bool ok = in(0).shape.size() == in(1).shape.size();
    for (size_t i = 0; ok && i < in(0).shape.size(); ++i)
      ok = static_cast<int64_t>(i) == op_.intAttr(AttrId::Axis) || in(0).shape[i] == in(1).shape[i];
    if (operand(1, ok, "its dims other than axis are not those of `source`"))
      resultShape(in(0), in(1).shape);
    return;
  }
  case Opcode::Histogram:
    if (!isTensor(0) || !isInt(0) || !operand(0, in(0).shape.size() == 1, "it must be of rank 1"))
      return;
    if (count() > 1)
      isMask(1, in(0));
    if (require(out().isTensor() && out().shape.size() == 1, "the result must be of rank 1"))
      resultShape(withElem(Type(), Elem::I32), out().shape);
    return;
  default:
    return combiner();
  }
}

void TypeCheck::run() {
  auto n = static_cast<uint16_t>(op_.code);
  if (n < 16)
    return structure();
  if (n < 32)
    return creation();
  if (n < 160)
    return elementwise();
  if (n < 192)
    return shapes();
  if (n < 224)
    return memory();
  if (n < 256)
    return tiles();
  layouts();
}

void verifyTypes(const Module &m, const Op &op, const FailFn &fail) { TypeCheck(m, op, fail).run(); }

} // namespace tessera::tbc
