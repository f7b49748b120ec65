// Builder.cpp - writes modules by hand
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Builder.h"

#include "core/bytecode/Infer.h"

namespace tessera::tbc {

Type Builder::scalar(Elem e) { return withElem(Type(), e); }

Type Builder::ptr(Elem pointee, uint8_t addressSpace) {
  Type t = scalar(pointee);
  t.pointer = true;
  t.addressSpace = addressSpace;
  return t;
}

Type Builder::tensor(std::vector<int64_t> shape, Elem e) { return withShape(scalar(e), std::move(shape)); }
Type Builder::ptrTensor(std::vector<int64_t> shape, Elem pointee) { return withShape(ptr(pointee), std::move(shape)); }

void Builder::beginKernel(std::string name) {
  name_ = std::move(name);
  params_.clear();
  kernelLoc_ = loc_;
  stack_.clear();
  stack_.push_back(std::make_unique<Region>());
}

ValueId Builder::param(std::string name, const Type &t, int64_t divisibility, bool readOnly, bool isUnsigned) {
  ValueId v = m_.newValue(t);
  current().args.push_back(v);
  params_.push_back({std::move(name), v, divisibility, readOnly, isUnsigned});
  return v;
}

void Builder::endKernel() {
  append(Opcode::Return, {}, {});
  m_.functions.push_back({name_, kernelLoc_, std::move(params_), std::move(current())});
  stack_.clear();
  params_.clear();
}

void Builder::at(std::string_view file, uint32_t line, uint32_t column) {
  uint32_t f = 0;
  while (f < m_.files.size() && m_.files[f] != file)
    ++f;
  if (f == m_.files.size())
    m_.files.emplace_back(file);
  Loc l{f, line, column, kNone};
  for (loc_ = 0; loc_ < m_.locs.size(); ++loc_)
    if (m_.locs[loc_] == l)
      return;
  m_.locs.push_back(l);
}

Op &Builder::append(Opcode code, Values operands, Attrs attrs) {
  Op &op = current().ops.emplace_back();
  op.code = code;
  op.loc = loc_;
  op.operands = std::move(operands);
  op.attrs = std::move(attrs);
  return op;
}

Values Builder::multi(Opcode code, Values operands, const std::vector<Type> &results, Attrs attrs,
                      std::vector<Region> regions) {
  Op &op = append(code, std::move(operands), std::move(attrs));
  op.regions = std::move(regions);
  for (const Type &t : results)
    op.results.push_back(m_.newValue(t));
  return op.results;
}

ValueId Builder::op(Opcode code, Values operands, Attrs attrs) {
  Op probe;
  probe.code = code;
  probe.operands = operands;
  probe.attrs = attrs;
  auto types = inferResults(m_, probe);
  if (!types)
    return multi(Opcode::Poison, {}, {scalar(Elem::I1)})[0];
  Values results = multi(code, std::move(operands), *types, std::move(attrs));
  return results.empty() ? kNone : results[0];
}

ValueId Builder::op(Opcode code, Values operands, const Type &result, Attrs attrs) {
  return multi(code, std::move(operands), {result}, std::move(attrs))[0];
}

ValueId Builder::constInt(const Type &t, int64_t v) { return op(Opcode::Constant, {}, t, {intAttr(AttrId::Value, v)}); }
ValueId Builder::constFloat(const Type &t, double v) { return op(Opcode::Constant, {}, t, {{AttrId::FloatValue, v}}); }

ValueId Builder::arange(int64_t start, int64_t end) {
  return op(Opcode::Arange, {}, {intAttr(AttrId::Start, start), intAttr(AttrId::End, end)});
}
ValueId Builder::splat(ValueId scalar, std::vector<int64_t> shape) {
  return op(Opcode::Splat, {scalar}, withShape(typeOf(scalar), std::move(shape)));
}
ValueId Builder::programId(int64_t axis) { return op(Opcode::ProgramId, {}, {intAttr(AttrId::Axis, axis)}); }
ValueId Builder::numPrograms(int64_t axis) { return op(Opcode::NumPrograms, {}, {intAttr(AttrId::Axis, axis)}); }
ValueId Builder::cmpi(CmpI p, ValueId a, ValueId b) {
  return op(Opcode::CmpI, {a, b}, {intAttr(AttrId::Predicate, static_cast<int64_t>(p))});
}
ValueId Builder::cmpf(CmpF p, ValueId a, ValueId b) {
  return op(Opcode::CmpF, {a, b}, {intAttr(AttrId::Predicate, static_cast<int64_t>(p))});
}

ValueId Builder::expandDims(ValueId v, int64_t axis) {
  return op(Opcode::ExpandDims, {v}, {intAttr(AttrId::Axis, axis)});
}
ValueId Builder::broadcast(ValueId v, std::vector<int64_t> shape) {
  return op(Opcode::Broadcast, {v}, withShape(typeOf(v), std::move(shape)));
}
ValueId Builder::reshape(ValueId v, std::vector<int64_t> shape) {
  return op(Opcode::Reshape, {v}, withShape(typeOf(v), std::move(shape)));
}
ValueId Builder::transpose(ValueId v, std::vector<int64_t> order) {
  return op(Opcode::Transpose, {v}, {intsAttr(AttrId::Order, std::move(order))});
}
ValueId Builder::convert(Opcode code, ValueId v, Elem to, Attrs attrs) {
  return op(code, {v}, withElem(typeOf(v), to), std::move(attrs));
}

ValueId Builder::load(ValueId p, ValueId mask, ValueId other) {
  Values operands{p};
  if (mask != kNone)
    operands.push_back(mask);
  if (other != kNone)
    operands.push_back(other);
  return op(Opcode::Load, std::move(operands));
}
void Builder::store(ValueId p, ValueId value, ValueId mask) {
  Values operands{p, value};
  if (mask != kNone)
    operands.push_back(mask);
  op(Opcode::Store, std::move(operands));
}
ValueId Builder::atomicRmw(Rmw kind, ValueId p, ValueId value, ValueId mask) {
  Values operands{p, value};
  if (mask != kNone)
    operands.push_back(mask);
  return op(Opcode::AtomicRmw, std::move(operands), {intAttr(AttrId::Kind, static_cast<int64_t>(kind))});
}

Region Builder::region(const std::vector<Type> &args, const Body &body, Opcode terminator) {
  stack_.push_back(std::make_unique<Region>());
  for (const Type &t : args) {
    ValueId v = m_.newValue(t);
    current().args.push_back(v);
  }
  // A copy: the body may grow the region.
  Values given = current().args;
  Values yields = body(given);
  append(terminator, std::move(yields), {});
  Region r = std::move(current());
  stack_.pop_back();
  return r;
}

namespace {
std::vector<Type> typesOf(const Module &m, const Values &vs) {
  std::vector<Type> types;
  for (ValueId v : vs)
    types.push_back(m.typeOf(v));
  return types;
}
} // namespace

Values Builder::forLoop(ValueId lower, ValueId upper, ValueId step, Values inits,
                        const std::function<Values(ValueId, std::span<const ValueId>)> &body) {
  std::vector<Type> results = typesOf(m_, inits), args = results;
  args.insert(args.begin(), typeOf(lower));
  Values operands{lower, upper, step};
  operands.insert(operands.end(), inits.begin(), inits.end());
  std::vector<Region> regions;
  regions.push_back(region(args, [&](std::span<const ValueId> a) { return body(a[0], a.subspan(1)); }));
  return multi(Opcode::For, operands, results, {intAttr(AttrId::Signed, 1)}, std::move(regions));
}

Values Builder::whileLoop(const Values &inits, const Body &before, const Body &after) {
  std::vector<Type> forwarded;
  std::vector<Region> regions;
  regions.push_back(region(
      typesOf(m_, inits),
      [&](std::span<const ValueId> a) {
        Values v = before(a);
        forwarded = typesOf(m_, Values(v.begin() + 1, v.end()));
        return v;
      },
      Opcode::Condition));
  regions.push_back(region(forwarded, after));
  return multi(Opcode::While, inits, forwarded, {}, std::move(regions));
}

Values Builder::ifElse(ValueId cond, const std::vector<Type> &results, const std::function<Values()> &then,
                       const std::function<Values()> &otherwise) {
  std::vector<Region> regions;
  regions.push_back(region({}, [&](std::span<const ValueId>) { return then(); }));
  regions.push_back(region({}, [&](std::span<const ValueId>) { return otherwise(); }));
  return multi(Opcode::If, {cond}, results, {}, std::move(regions));
}

void Builder::ifThen(ValueId cond, const std::function<void()> &then) {
  ifElse(
      cond, {},
      [&] {
        then();
        return Values();
      },
      [] { return Values(); });
}

Values Builder::reduce(const Values &operands, int64_t axis, const Body &combine) {
  Op probe;
  probe.code = Opcode::Reduce;
  probe.operands = operands;
  probe.attrs = {intAttr(AttrId::Axis, axis)};
  auto types = inferResults(m_, probe);
  std::vector<Region> regions;
  regions.push_back(region(combinerArgs(m_, operands, 2), combine));
  return multi(Opcode::Reduce, operands, types ? *types : typesOf(m_, operands), probe.attrs, std::move(regions));
}

ValueId Builder::reduce(ValueId v, int64_t axis, Opcode combine) {
  return reduce(Values{v}, axis, [&](std::span<const ValueId> a) { return Values{op(combine, {a[0], a[1]})}; })[0];
}

Values Builder::scan(const Values &operands, int64_t axis, const Body &combine, bool reverse) {
  Attrs attrs{intAttr(AttrId::Axis, axis)};
  if (reverse)
    attrs.push_back(intAttr(AttrId::Reverse, 1));
  std::vector<Region> regions;
  regions.push_back(region(combinerArgs(m_, operands, 2), combine));
  return multi(Opcode::Scan, operands, typesOf(m_, operands), attrs, std::move(regions));
}

Values Builder::mapElementwise(Values operands, int64_t pack, const std::vector<Elem> &results, const Body &body) {
  std::vector<Type> args, types;
  for (ValueId v : operands)
    for (int64_t p = 0; p < pack; ++p)
      args.push_back(scalarOf(typeOf(v)));
  for (Elem e : results)
    types.push_back(withElem(typeOf(operands[0]), e));
  std::vector<Region> regions;
  regions.push_back(region(args, body));
  return multi(Opcode::MapElementwise, operands, types, {intAttr(AttrId::Pack, pack)}, std::move(regions));
}

} // namespace tessera::tbc
