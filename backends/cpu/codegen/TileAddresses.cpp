// TileAddresses.cpp - sums of steps, and whether two of their elements meet
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/codegen/TileAddresses.h"

#include <algorithm>

using namespace tessera::tbc;

namespace tessera::cpu {

ValueId pointerRoot(const FunctionFacts &f, ValueId v) {
  for (int guard = 0; guard < 1000; ++guard) {
    const Op *op = f.def[v];
    if (!op) {
      if (f.argRoot[v] == kNone)
        return v;
      v = f.argRoot[v];
      continue;
    }
    switch (op->code) {
    case Opcode::AddPtr:
    case Opcode::Splat:
    case Opcode::Broadcast:
    case Opcode::ExpandDims:
    case Opcode::Reshape:
    case Opcode::Transpose:
    case Opcode::Hint:
    case Opcode::Bitcast:
      v = op->operands[0];
      continue;
    default:
      return kNone;
    }
  }
  return kNone;
}

bool sameValue(const FunctionFacts &f, ValueId a, ValueId b, int depth) {
  if (a == b)
    return true;
  const Op *x = f.def[a], *y = f.def[b];
  if (!x || !y || depth > 16 || x->code != y->code || x->operands.size() != y->operands.size() ||
      x->attrs != y->attrs || !x->regions.empty() || x->code == Opcode::Load || x->results.size() != 1 ||
      f.module->valueTypes[a] != f.module->valueTypes[b] ||
      !(isInline(*f.module, *x) || (unsigned(x->code) >= 16 && unsigned(x->code) <= unsigned(Opcode::Hint))))
    return false;
  for (size_t i = 0; i < x->operands.size(); ++i)
    if (!sameValue(f, x->operands[i], y->operands[i], depth + 1))
      return false;
  return true;
}

static bool keepsElements(Opcode code) {
  return code == Opcode::ExpandDims || code == Opcode::Broadcast || code == Opcode::Reshape ||
         code == Opcode::Transpose || code == Opcode::Hint;
}

ValueId scalarOfAll(const FunctionFacts &f, ValueId v) {
  while (const Op *op = f.def[v]) {
    if (op->code == Opcode::Splat)
      return op->operands[0];
    if (!keepsElements(op->code))
      return kNone;
    v = op->operands[0];
  }
  return kNone;
}

std::optional<int64_t> constantOfAll(const FunctionFacts &f, ValueId v) {
  for (const Op *op = f.def[v]; op; op = f.def[op->operands[0]]) {
    if (op->code == Opcode::Constant)
      return isInteger(f.module->typeOf(op->results[0]).elem) ? std::optional(op->intAttr(AttrId::Value))
                                                              : std::nullopt;
    if (op->code != Opcode::Splat && op->code != Opcode::ExtSI && !keepsElements(op->code))
      break;
  }
  return std::nullopt;
}

using Steps = std::optional<std::vector<AxisStep>>;

static Steps sum(Steps a, const Steps &c) {
  if (!a || !c)
    return std::nullopt;
  for (const AxisStep &step : *c) {
    auto same = std::find_if(a->begin(), a->end(), [&](const AxisStep &s) { return s.axis == step.axis; });
    if (same == a->end())
      a->push_back(step);
    else if (same->scalars == step.scalars)
      same->factor += step.factor;
    else
      return std::nullopt;
  }
  return a;
}

static Steps times(const FunctionFacts &f, Steps a, ValueId by) {
  std::optional<int64_t> factor = constantOfAll(f, by);
  ValueId scalar = scalarOfAll(f, by);
  if (!a || a->empty())
    return a;
  if (!factor && scalar == kNone)
    return std::nullopt;
  for (AxisStep &step : *a) {
    if (factor)
      step.factor *= *factor;
    else
      step.scalars.push_back(scalar);
    std::sort(step.scalars.begin(), step.scalars.end());
  }
  return a;
}

Steps stepsOf(const FunctionFacts &f, ValueId v, int depth) {
  const Op *op = f.def[v];
  if (depth > 32 || !f.module->typeOf(v).isTensor())
    return std::nullopt;
  if (!op) // moved by a scalar from iteration to iteration
    return f.argRoot[v] == kNone ? std::nullopt : stepsOf(f, f.argRoot[v], depth + 1);
  auto operand = [&](size_t i) { return stepsOf(f, op->operands[i], depth + 1); };
  switch (op->code) {
  case Opcode::Constant:
  case Opcode::Splat:
    return std::vector<AxisStep>();
  case Opcode::Arange: {
    AxisStep step;
    step.extent = op->intAttr(AttrId::End) - op->intAttr(AttrId::Start);
    step.range = v;
    return std::vector{step};
  }
  case Opcode::ExtSI:
  case Opcode::Hint:
  case Opcode::Broadcast:
    return operand(0);
  case Opcode::AddPtr:
  case Opcode::AddI:
    return sum(operand(0), operand(1));
  case Opcode::SubI: {
    Steps less = operand(1);
    if (less)
      for (AxisStep &step : *less)
        step.factor = -step.factor;
    return sum(operand(0), less);
  }
  case Opcode::MulI: {
    Steps a = operand(0), c = operand(1);
    if (!a || !c || (!a->empty() && !c->empty()))
      return std::nullopt;
    return c->empty() ? times(f, a, op->operands[1]) : times(f, c, op->operands[0]);
  }
  case Opcode::ExpandDims: {
    Steps a = operand(0);
    if (a)
      for (AxisStep &step : *a)
        step.axis += step.axis >= op->intAttr(AttrId::Axis);
    return a;
  }
  case Opcode::Transpose: {
    Steps a = operand(0);
    const std::vector<int64_t> &order = op->intsAttr(AttrId::Order);
    if (a)
      for (AxisStep &step : *a)
        step.axis = std::find(order.begin(), order.end(), step.axis) - order.begin();
    return a;
  }
  default:
    return std::nullopt;
  }
}

OwnPlaces ownPlaces(const FunctionFacts &f, ValueId pointer, bool isMasked) {
  Steps steps = stepsOf(f, pointer);
  if (!steps)
    return OwnPlaces::No;
  const std::vector<int64_t> &shape = f.module->typeOf(pointer).shape;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    if (shape[axis] > 1 && std::none_of(steps->begin(), steps->end(),
                                        [&](const AxisStep &s) { return s.axis == int64_t(axis) && s.factor != 0; }))
      return OwnPlaces::No;
  if (std::any_of(steps->begin(), steps->end(), [](const AxisStep &s) { return !s.scalars.empty(); }))
    return OwnPlaces::Asked;
  std::sort(steps->begin(), steps->end(),
            [](const AxisStep &a, const AxisStep &c) { return std::abs(a.factor) < std::abs(c.factor); });
  int64_t reach = 0;
  for (const AxisStep &step : *steps) {
    if (step.extent > 1 && std::abs(step.factor) <= reach)
      return isMasked ? OwnPlaces::Asked : OwnPlaces::No;
    reach += std::abs(step.factor) * (step.extent - 1);
  }
  return OwnPlaces::Always;
}

} // namespace tessera::cpu
