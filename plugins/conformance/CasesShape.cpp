// CasesShape.cpp - ops that move elements without changing them
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Case.h"

namespace tessera::conformance {

using namespace tbc;

namespace {

// Loads a tile of `shape`, lets `body` make another one, stores it flat.
template <typename Body>
Case unary(const std::string &op, const std::string &suffix, Elem e, const std::vector<int64_t> &shape, int64_t results,
           Body &&body) {
  CaseBuilder c(op + "/" + typeName(e) + "/" + suffix, op);
  int64_t n = 1;
  for (int64_t d : shape)
    n *= d;
  size_t a = c.in(e, static_cast<size_t>(n)), o = c.out(e, static_cast<size_t>(results));
  ValueId v = c.load(a, shape);
  c.store(o, body(c.b(), v));
  return c.finish();
}

template <typename Body>
Case binary(const std::string &op, const std::string &suffix, Elem e, const std::vector<int64_t> &shape,
            int64_t results, Body &&body) {
  CaseBuilder c(op + "/" + typeName(e) + "/" + suffix, op);
  int64_t n = 1;
  for (int64_t d : shape)
    n *= d;
  size_t a = c.in(e, static_cast<size_t>(n)), b = c.in(e, static_cast<size_t>(n)),
         o = c.out(e, static_cast<size_t>(results));
  ValueId x = c.load(a, shape), y = c.load(b, shape);
  c.store(o, body(c.b(), x, y));
  return c.finish();
}

Case split(Elem e, const std::vector<int64_t> &shape) {
  CaseBuilder c("split/" + typeName(e) + "/rank" + std::to_string(shape.size()), "split");
  int64_t n = 2;
  for (int64_t d : shape)
    n *= d;
  size_t a = c.in(e, static_cast<size_t>(n)), o = c.out(e, static_cast<size_t>(n / 2)),
         p = c.out(e, static_cast<size_t>(n / 2));
  std::vector<int64_t> whole = shape;
  whole.push_back(2);
  ValueId v = c.load(a, whole);
  Type half = shape.empty() ? Builder::scalar(e) : Builder::tensor(shape, e);
  Values both = c.b().multi(Opcode::Split, {v}, {half, half});
  c.store(o, both[0]);
  c.store(p, both[1]);
  return c.finish();
}

void addForType(std::vector<Case> &out, Elem e) {
  out.push_back(unary("expand_dims", "broadcast-rows", e, {16}, 128,
                      [](Builder &b, ValueId v) { return b.broadcast(b.expandDims(v, 0), {8, 16}); }));
  out.push_back(unary("expand_dims", "broadcast-columns", e, {16}, 128,
                      [](Builder &b, ValueId v) { return b.broadcast(b.expandDims(v, 1), {16, 8}); }));
  out.push_back(
      unary("broadcast", "middle", e, {4, 1, 8}, 128, [](Builder &b, ValueId v) { return b.broadcast(v, {4, 4, 8}); }));
  out.push_back(unary("reshape", "rank4", e, {64}, 64,
                      [](Builder &b, ValueId v) { return b.reshape(b.reshape(v, {2, 4, 2, 4}), {8, 8}); }));
  out.push_back(
      unary("transpose", "rank2", e, {8, 16}, 128, [](Builder &b, ValueId v) { return b.transpose(v, {1, 0}); }));
  out.push_back(
      unary("transpose", "rank3", e, {4, 2, 8}, 64, [](Builder &b, ValueId v) { return b.transpose(v, {2, 0, 1}); }));
  out.push_back(binary("join", "rank1", e, {32}, 64,
                       [](Builder &b, ValueId x, ValueId y) { return b.op(Opcode::Join, {x, y}); }));
  out.push_back(binary("join", "rank2", e, {4, 8}, 64,
                       [](Builder &b, ValueId x, ValueId y) { return b.op(Opcode::Join, {x, y}); }));
  out.push_back(
      binary("cat", "rank1", e, {32}, 64, [](Builder &b, ValueId x, ValueId y) { return b.op(Opcode::Cat, {x, y}); }));
  out.push_back(split(e, {32}));
  out.push_back(split(e, {4, 8}));
}

Case joinScalars() {
  CaseBuilder c("join/f32/scalars", "join");
  size_t a = c.in(Elem::F32, 1, Fill::Finite), b = c.in(Elem::F32, 1, Fill::Finite), o = c.out(Elem::F32, 2);
  ValueId x = c.load(a, {}), y = c.load(b, {});
  c.store(o, c.b().op(Opcode::Join, {x, y}, Builder::tensor({2}, Elem::F32)));
  return c.finish();
}

Case extract(const std::vector<int64_t> &shape) {
  CaseBuilder c("extract_scalar/i32/rank" + std::to_string(shape.size()), "extract_scalar");
  size_t a = c.in(Elem::I32, 1), o = c.out(Elem::I32, 1);
  ValueId v = c.load(a, {1});
  if (shape.size() > 1)
    v = c.b().reshape(v, shape);
  c.store(o, c.b().op(Opcode::ExtractScalar, {v}));
  return c.finish();
}

} // namespace

void addShapeCases(std::vector<Case> &out) {
  for (Elem e : {Elem::I1, Elem::I8, Elem::I64, Elem::F16, Elem::F32})
    addForType(out, e);
  out.push_back(joinScalars());
  out.push_back(split(Elem::F32, {}));
  out.push_back(extract({1}));
  out.push_back(extract({1, 1, 1}));
}

} // namespace tessera::conformance
