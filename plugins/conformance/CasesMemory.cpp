// CasesMemory.cpp - loads, stores, masks, atomics
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Case.h"

namespace tessera::conformance {

using namespace tbc;

namespace {

constexpr int64_t kCount = 64;
constexpr Elem kAll[] = {Elem::I1,     Elem::I8,       Elem::I16,        Elem::I32,        Elem::I64,
                         Elem::F8E5M2, Elem::F8E4M3FN, Elem::F8E4M3FNUZ, Elem::F8E5M2FNUZ, Elem::F8E4B15,
                         Elem::F16,    Elem::BF16,     Elem::F32,        Elem::F64};

Case copy(Elem e, int64_t n) {
  CaseBuilder c("load/" + typeName(e) + "/copy" + std::to_string(n), "load");
  size_t a = c.in(e, static_cast<size_t>(n)), o = c.out(e, static_cast<size_t>(n));
  c.store(o, c.load(a, {n}));
  return c.finish();
}

ValueId zeroOf(Builder &b, Elem e) {
  return isFloat(e) ? b.constFloat(Builder::tensor({kCount}, e), 1.0) : b.constInt(Builder::tensor({kCount}, e), 1);
}

// A masked load with `other`, and a masked store; the mask comes from memory, so that nothing can be folded.
Case masked(Elem e) {
  CaseBuilder c("load/" + typeName(e) + "/masked-other", "load");
  size_t k = c.in(Elem::I1, kCount), a = c.in(e, kCount), o = c.out(e, kCount), s = c.inout(e, kCount, Fill::Any);
  ValueId mask = c.load(k, {kCount});
  ValueId v = c.b().load(c.pointers(a, kCount), mask, zeroOf(c.b(), e));
  c.store(o, v);
  c.b().store(c.pointers(s, kCount), v, mask);
  return c.finish();
}

// Addresses past the buffer where the mask is off: a tail of a loop. They must not be touched.
Case tail(int64_t block, int64_t valid) {
  CaseBuilder c("load/f32/tail" + std::to_string(valid) + "of" + std::to_string(block), "load");
  size_t a = c.in(Elem::F32, static_cast<size_t>(valid), Fill::Finite),
         o = c.out(Elem::F32, static_cast<size_t>(valid));
  size_t n = c.scalar(static_cast<int32_t>(valid));
  ValueId from = c.pointers(a, block), to = c.pointers(o, block);
  Builder &b = c.b();
  ValueId mask = b.cmpi(CmpI::Slt, b.arange(0, block), b.splat(c.param(n), {block}));
  ValueId v = b.load(from, mask, b.constFloat(Builder::tensor({block}, Elem::F32), 0));
  b.store(to, b.op(Opcode::AddF, {v, v}), mask);
  return c.finish();
}

// Strided and repeated addresses.
Case gatherLoad(Elem e) {
  CaseBuilder c("load/" + typeName(e) + "/indexed", "load");
  size_t i = c.in(Elem::I32, kCount, Fill::Index, kCount), a = c.in(e, kCount), o = c.out(e, kCount),
         p = c.out(e, kCount);
  ValueId index = c.load(i, {kCount});
  ValueId base = c.pointers(a, 1);
  Builder &b = c.b();
  ValueId pointers = b.op(Opcode::AddPtr, {b.broadcast(base, {kCount}), index});
  ValueId v = b.load(pointers);
  c.store(o, v);
  ValueId to = b.op(Opcode::AddPtr, {b.broadcast(c.pointers(p, 1), {kCount}), index});
  b.store(to, v); // a permutation: no two writes meet
  return c.finish();
}

Case hints() {
  CaseBuilder c("load/f32/hints", "load");
  size_t a = c.in(Elem::F32, kCount), o = c.out(Elem::F32, kCount);
  ValueId from = c.pointers(a, kCount);
  Builder &b = c.b();
  from = b.op(Opcode::Hint, {from}, {intsAttr(AttrId::Divisibility, {16}), intsAttr(AttrId::Contiguity, {kCount})});
  ValueId v = b.op(Opcode::Load, {from}, Builder::tensor({kCount}, Elem::F32),
                   {intAttr(AttrId::Cache, 2), intAttr(AttrId::Evict, 1), intAttr(AttrId::Volatile, 1)});
  ValueId to = c.pointers(o, kCount);
  b.multi(Opcode::Store, {to, v}, {}, {intAttr(AttrId::Cache, 5), intAttr(AttrId::Evict, 2)});
  return c.finish();
}

struct Kind {
  Rmw kind;
  const char *name;
};

Case atomic(Kind k, Elem e, bool contended) {
  CaseBuilder c(std::string("atomic_rmw/") + typeName(e) + "/" + k.name + (contended ? "-one-address" : ""),
                "atomic_rmw");
  Fill fill = isFloat(e) ? Fill::Small : Fill::Any;
  size_t v = c.in(e, kCount, fill), m = c.in(Elem::I1, kCount), target = c.inout(e, contended ? 1 : kCount, fill);
  size_t old = c.out(e, kCount);
  ValueId value = c.load(v, {kCount}), mask = c.load(m, {kCount});
  Builder &b = c.b();
  ValueId pointers = contended ? b.broadcast(c.pointers(target, 1), {kCount}) : c.pointers(target, kCount);
  ValueId before = b.atomicRmw(k.kind, pointers, value, mask);
  if (!contended) // the old value is defined where the mask is on
    b.store(c.pointers(old, kCount), before, mask);
  return c.finish();
}

Case scalarAtomic() {
  CaseBuilder c("atomic_rmw/i32/scalar-programs", "atomic_rmw");
  c.raw().grid[0] = 5;
  c.raw().grid[1] = 3;
  size_t counter = c.inout(Elem::I32, 1, Fill::Small);
  ValueId p = c.b().op(Opcode::ExtractScalar, {c.pointers(counter, 1)});
  Builder &b = c.b();
  b.atomicRmw(Rmw::Add, p, b.op(Opcode::AddI, {b.programId(0), b.i32(1)}));
  return c.finish();
}

Case compareAndSwap(Elem e) {
  CaseBuilder c("atomic_cas/" + typeName(e) + "/tile", "atomic_cas");
  size_t expected = c.in(e, kCount, Fill::Boolean), desired = c.in(e, kCount, Fill::Any),
         target = c.inout(e, kCount, Fill::Boolean), old = c.out(e, kCount);
  ValueId x = c.load(expected, {kCount}), y = c.load(desired, {kCount});
  ValueId before = c.b().op(Opcode::AtomicCas, {c.pointers(target, kCount), x, y});
  c.store(old, before);
  return c.finish();
}

Case barrier() {
  CaseBuilder c("barrier/i32/store-then-load", "barrier");
  size_t a = c.in(Elem::I32, kCount), scratch = c.inout(Elem::I32, kCount, Fill::Any), o = c.out(Elem::I32, kCount);
  ValueId v = c.load(a, {kCount});
  Builder &b = c.b();
  c.store(scratch, v);
  b.multi(Opcode::Barrier, {}, {});
  // Read back in reverse: another lane's value.
  ValueId reversed =
      b.op(Opcode::SubI, {b.constInt(Builder::tensor({kCount}, Elem::I32), kCount - 1), b.arange(0, kCount)});
  ValueId from = b.op(Opcode::AddPtr, {b.broadcast(c.pointers(scratch, 1), {kCount}), reversed});
  c.store(o, b.load(from));
  return c.finish();
}

} // namespace

void addMemoryCases(std::vector<Case> &out) {
  for (Elem e : kAll) {
    out.push_back(copy(e, 64));
    out.push_back(masked(e));
  }
  out.push_back(copy(Elem::F32, 1));
  out.push_back(copy(Elem::I8, 4096));
  out.push_back(copy(Elem::F64, 1024));
  out.push_back(tail(64, 37));
  out.push_back(tail(1024, 1000));
  for (Elem e : {Elem::I8, Elem::F16, Elem::F32, Elem::F64})
    out.push_back(gatherLoad(e));
  out.push_back(hints());
  const Kind kinds[] = {{Rmw::Add, "add"},   {Rmw::Max, "max"},   {Rmw::Min, "min"},
                        {Rmw::UMax, "umax"}, {Rmw::UMin, "umin"}, {Rmw::And, "and"},
                        {Rmw::Or, "or"},     {Rmw::Xor, "xor"},   {Rmw::Xchg, "xchg"}};
  for (const Kind &k : kinds)
    for (Elem e : {Elem::I32, Elem::I64})
      out.push_back(atomic(k, e, false));
  for (Elem e : {Elem::F16, Elem::BF16, Elem::F32, Elem::F64})
    out.push_back(atomic({Rmw::FAdd, "fadd"}, e, false));
  out.push_back(atomic({Rmw::Xchg, "xchg"}, Elem::F32, false));
  out.push_back(atomic({Rmw::Add, "add"}, Elem::I32, true));
  out.push_back(atomic({Rmw::FAdd, "fadd"}, Elem::F32, true));
  out.push_back(scalarAtomic());
  out.push_back(compareAndSwap(Elem::I32));
  out.push_back(compareAndSwap(Elem::I64));
  out.push_back(barrier());
}

} // namespace tessera::conformance
