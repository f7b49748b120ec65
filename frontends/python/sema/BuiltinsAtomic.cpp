// BuiltinsAtomic.cpp - atomic read-modify-write and compare-and-swap
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"

namespace tessera::py {

namespace {
using K = ScalarKind;

tile::MemSem semantics(Visitor &v, const Value &x) {
  if (x.isNoneOrAbsent())
    return tile::MemSem::AcqRel;
  std::string s = v.needString(x, "sem");
  if (s == "acquire")
    return tile::MemSem::Acquire;
  if (s == "release")
    return tile::MemSem::Release;
  if (s == "acq_rel")
    return tile::MemSem::AcqRel;
  if (s == "relaxed")
    return tile::MemSem::Relaxed;
  v.failArgument("Memory semantic " + s + " not supported", "acquire, release, acq_rel and relaxed are known");
}
tile::MemScope memoryScope(Visitor &v, const Value &x) {
  if (x.isNoneOrAbsent())
    return tile::MemScope::Gpu;
  std::string s = v.needString(x, "scope");
  if (s == "gpu")
    return tile::MemScope::Gpu;
  if (s == "cta")
    return tile::MemScope::Cta;
  if (s == "sys")
    return tile::MemScope::Sys;
  v.failArgument("Memory semantic " + s + " not supported", "gpu, cta and sys are known");
}

struct Rmw {
  Value ptr, value, mask;
};
Rmw prepare(Visitor &v, Args &a, const std::string &op) {
  Rmw r{a[0], a[1], a[2]};
  if (!r.ptr.isTensor() || !r.ptr.type.elem.isPtr())
    v.failValue("Pointer argument of " + op + " must be a pointer or a block of pointers, not " +
                v.describeType(r.ptr));
  if (r.ptr.type.elem.constPointer)
    v.failValue("Cannot store to a constant pointer");
  DType t = r.ptr.type.elem.pointee();
  if (t.is(K::FP16) && op != "atomic_add")
    v.failValue(op + " does not support fp16");
  if (t.is(K::BF16) && op != "atomic_add")
    v.failValue(op + " does not support bf16");
  if (t.bits() < 16 || t.is(K::Int16) || t.is(K::UInt16))
    v.failValue(op + " does not support " + t.str());
  r.value = r.value.isNumber() ? v.number(r.value, t) : v.toTensor(r.value);
  if (!r.mask.isNoneOrAbsent()) {
    r.mask = v.toTensor(r.mask);
    if (!r.mask.type.elem.isBool())
      v.failValue("Mask must have boolean scalar type, not " + r.mask.type.elem.str());
  }
  if (r.ptr.isBlock()) {
    if (r.mask.isTensor())
      r.mask = v.broadcastTo(v.broadcast(r.ptr, r.mask).second, r.ptr.type.shape);
    r.value = v.broadcastTo(v.broadcast(r.ptr, r.value).second, r.ptr.type.shape);
  } else if (r.value.isBlock() || (r.mask.isTensor() && r.mask.isBlock())) {
    v.failValue("Value argument cannot be block type if pointer argument is not a block",
                "give each element its place: pointer + tl.arange(…)");
  }
  r.value = v.cast(r.value, t);
  return r;
}

Value rmw(Visitor &v, tile::Rmw kind, const Rmw &r, Args &a) {
  mlir::Value old =
      tile::AtomicRmwOp::create(v.b, v.loc, kind, r.ptr.ir, r.value.ir, r.mask.isTensor() ? r.mask.ir : mlir::Value(),
                                semantics(v, a[3]), memoryScope(v, a[4]));
  return Emitter::tensor(old, r.ptr.type.with(r.ptr.type.elem.pointee()));
}

Value atomicAdd(Visitor &v, Args &a) {
  Rmw r = prepare(v, a, "atomic_add");
  return rmw(v, r.value.type.elem.isFloat() ? tile::Rmw::FAdd : tile::Rmw::Add, r, a);
}
template <tile::Rmw Kind> Value atomicBits(Visitor &v, Args &a) {
  const char *name = Kind == tile::Rmw::And ? "atomic_and" : Kind == tile::Rmw::Or ? "atomic_or" : "atomic_xor";
  Rmw r = prepare(v, a, name);
  DType t = r.value.type.elem;
  if (!t.isFloat())
    return rmw(v, Kind, r, a);
  // Of floats these take the bits, as Triton's do on a device.
  DType bits = dtype(t.bits() == 32 ? K::Int32 : K::Int64);
  r.ptr = v.cast(r.ptr, bits.pointerTo(false));
  r.value = v.bitcast(r.value, bits);
  return v.bitcast(rmw(v, Kind, r, a), t);
}
Value atomicXchg(Visitor &v, Args &a) { return rmw(v, tile::Rmw::Xchg, prepare(v, a, "atomic_xchg"), a); }

// Floats: the order of non-negative floats is that of their bits as signed integers; of negative ones the reverse of
// their bits as unsigned integers. Each element takes part in the one that its sign chooses.
template <bool IsMax> Value atomicMinMax(Visitor &v, Args &a) {
  std::string name = IsMax ? "atomic_max" : "atomic_min";
  Rmw r = prepare(v, a, name);
  DType t = r.value.type.elem;
  if (t.isInt())
    return rmw(v,
               IsMax ? (t.isSigned() ? tile::Rmw::Max : tile::Rmw::UMax)
                     : (t.isSigned() ? tile::Rmw::Min : tile::Rmw::UMin),
               r, a);
  if (!t.is(K::FP32) && !t.is(K::FP64))
    v.failType(name + " does not support " + t.str());
  bool wide = t.is(K::FP64);
  DType s = dtype(wide ? K::Int64 : K::Int32), u = dtype(wide ? K::UInt64 : K::UInt32);
  Value bits = v.bitcast(r.value, s);
  Value positive = v.compare(Relation::Ge, bits, v.zeroOf(bits.type)), negative = v.invert(positive);
  if (r.mask.isTensor()) {
    positive = v.binary(BinOpKind::BitAnd, r.mask, positive);
    negative = v.binary(BinOpKind::BitAnd, r.mask, negative);
  }
  Rmw up{v.bitcast(r.ptr, s.pointerTo()), bits, positive},
      down{v.bitcast(r.ptr, u.pointerTo()), v.bitcast(bits, u), negative};
  Value x = rmw(v, IsMax ? tile::Rmw::Max : tile::Rmw::Min, up, a);
  Value y = rmw(v, IsMax ? tile::Rmw::UMin : tile::Rmw::UMax, down, a);
  Value isPositive = v.compare(Relation::Ge, bits, v.zeroOf(bits.type));
  return v.bitcast(v.where(isPositive, x, v.bitcast(y, s)), t);
}

Value atomicCas(Visitor &v, Args &a) {
  Value ptr = a[0];
  if (!ptr.isTensor() || !ptr.type.elem.isPtr())
    v.failValue("Pointer argument of atomic_cas must be a pointer or a block of pointers, not " + v.describeType(ptr));
  DType t = ptr.type.elem.pointee();
  if (t.bits() != 16 && t.bits() != 32 && t.bits() != 64)
    v.failValue("atomic_cas only supports elements with width {16, 32, 64}");
  auto fit = [&](const Value &x) {
    Value y = x.isNumber() ? v.number(x, t) : v.toTensor(x);
    if (!(y.type.elem == t)) {
      if (y.type.elem.bits() != t.bits() || y.type.elem.isFloat() != t.isFloat())
        v.failType("atomic_cas: operands must be of type " + t.str() + ", got " + y.type.elem.str());
      y = v.bitcast(y, t);
    }
    return ptr.isBlock() ? v.broadcastTo(v.broadcast(ptr, y).second, ptr.type.shape) : y;
  };
  Value expected = fit(a[1]), value = fit(a[2]);
  mlir::Value old =
      tile::AtomicCasOp::create(v.b, v.loc, ptr.ir, expected.ir, value.ir, semantics(v, a[3]), memoryScope(v, a[4]));
  // Of the type of what was offered, where that is an integer as wide: int32 for a number beside a pointer to uint32.
  DType offered = a[2].isNumber() ? v.numberType(a[2]) : a[2].type.elem;
  bool relabel = t.isInt() && offered.isInt() && offered.bits() == t.bits();
  return Emitter::tensor(old, ptr.type.with(relabel ? offered : t));
}

constexpr const char *kParams = "pointer val mask? sem? scope?";
const BuiltinDef kRows[] = {
    {"atomic_add", kParams, atomicAdd, kMethod},
    {"atomic_max", kParams, atomicMinMax<true>, kMethod},
    {"atomic_min", kParams, atomicMinMax<false>, kMethod},
    {"atomic_and", kParams, atomicBits<tile::Rmw::And>, kMethod},
    {"atomic_or", kParams, atomicBits<tile::Rmw::Or>, kMethod},
    {"atomic_xor", kParams, atomicBits<tile::Rmw::Xor>, kMethod},
    {"atomic_xchg", kParams, atomicXchg, kMethod},
    {"atomic_cas", "pointer cmp val sem? scope?", atomicCas, kMethod},
};
} // namespace

BuiltinTable atomicBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
