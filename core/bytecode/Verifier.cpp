// Verifier.cpp - structure: ids, dominance, terminators; the types are VerifyOps.cpp's
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Verifier.h"

#include "core/bytecode/VerifyOps.h"

#include <algorithm>
#include <set>

namespace tessera::tbc {

namespace {
bool isTerminator(Opcode c) { return c == Opcode::Return || c == Opcode::Yield || c == Opcode::Condition; }

class Verifier {
public:
  Verifier(const Module &m, size_t limit)
      : m_(m), limit_(limit), visible_(m.valueTypes.size(), 0), defined_(m.valueTypes.size(), 0) {}

  std::vector<VerifyError> run() {
    if (!tables())
      return std::move(errors_);
    std::set<std::string_view> names;
    for (const Function &f : m_.functions) {
      kernel_ = f.name;
      if (f.name.empty())
        fail("a kernel needs a name");
      if (!names.insert(f.name).second)
        fail("two kernels have this name");
      function(f);
    }
    return std::move(errors_);
  }

private:
  void fail(std::string message, LocId loc = kNone) {
    if (errors_.size() < limit_)
      errors_.push_back({std::move(message), kernel_, loc});
  }
  void failOp(const Op &op, std::string message) {
    const OpInfo *info = opInfo(op.code);
    std::string name = info ? std::string(info->name) : "#" + std::to_string(static_cast<unsigned>(op.code));
    fail("op `" + name + "`: " + std::move(message), op.loc);
  }
  bool full() const { return errors_.size() >= limit_; }

  bool tables();
  void function(const Function &f);
  void besideRoles(const Region &body);
  void region(const Region &r, const Op *owner, size_t index, unsigned depth);
  void op(const Op &op, unsigned depth);
  bool define(ValueId v, std::vector<ValueId> &scope, const Op *op);

  const Module &m_;
  size_t limit_;
  std::vector<VerifyError> errors_;
  std::string kernel_;
  std::vector<uint8_t> visible_, defined_;
  unsigned scalarDepth_ = 0; // > 0 inside a region over scalars
  bool working_ = false;     // inside the work of roles
};

bool Verifier::tables() {
  for (size_t i = 0; i < m_.layouts.size(); ++i)
    if (std::string e = layoutError(m_.layouts[i]); !e.empty())
      fail("layout " + std::to_string(i) + ": " + e);
  for (size_t i = 0; i < m_.types.size(); ++i)
    if (std::string e = typeError(m_, m_.types[i]); !e.empty())
      fail("type " + std::to_string(i) + ": " + e);
  for (TypeId t : m_.valueTypes)
    if (t >= m_.types.size()) {
      fail("a value has a type out of range");
      break;
    }
  for (size_t i = 0; i < m_.locs.size(); ++i) {
    const Loc &l = m_.locs[i];
    if ((l.file != kNone && l.file >= m_.files.size()) || (l.caller != kNone && l.caller >= m_.locs.size())) {
      fail("location " + std::to_string(i) + ": file or caller out of range");
      break;
    }
  }
  return errors_.empty();
}

bool Verifier::define(ValueId v, std::vector<ValueId> &scope, const Op *op) {
  auto complain = [&](std::string s) { op ? failOp(*op, std::move(s)) : fail(std::move(s)); };
  if (v >= m_.valueTypes.size()) {
    complain("value %" + std::to_string(v) + " is out of range");
    return false;
  }
  if (defined_[v]) {
    complain("value %" + std::to_string(v) + " is defined twice");
    return false;
  }
  defined_[v] = visible_[v] = 1;
  scope.push_back(v);
  if (scalarDepth_ && m_.typeOf(v).kind != Type::Scalar)
    complain("value %" + std::to_string(v) + " is a tensor inside a region over scalars");
  return true;
}

void Verifier::function(const Function &f) {
  if (f.loc != kNone && f.loc >= m_.locs.size())
    fail("the kernel's location is out of range");
  if (f.params.size() != f.body.args.size())
    return fail("parameters and arguments of the body differ in number");
  for (size_t i = 0; i < f.params.size(); ++i) {
    const Param &p = f.params[i];
    if (p.value != f.body.args[i] || p.value >= m_.valueTypes.size())
      return fail("parameter `" + p.name + "` is not argument " + std::to_string(i) + " of the body");
    if (m_.typeOf(p.value).kind != Type::Scalar)
      fail("parameter `" + p.name + "` is not a scalar or a pointer");
    if (p.divisibility < 1)
      fail("parameter `" + p.name + "`: divisibility " + std::to_string(p.divisibility) + " is below 1");
  }
  region(f.body, nullptr, 0, 0);
  besideRoles(f.body);
}

// All lanes of a block whose subgroups take roles do what stands before: nothing that has lanes of its own.
void Verifier::besideRoles(const Region &body) {
  auto roles = std::find_if(body.ops.begin(), body.ops.end(), [](const Op &o) { return o.code == Opcode::Roles; });
  if (roles == body.ops.end())
    return;
  if (body.ops.end() - roles != 2)
    failOp(*roles, "must stand right before `return`");
  auto isTile = [&](ValueId v) { return v < m_.valueTypes.size() && m_.typeOf(v).isTensor(); };
  for (auto o = body.ops.begin(); o != roles; ++o) {
    bool all = o->regions.empty() && std::none_of(o->operands.begin(), o->operands.end(), isTile) &&
               std::none_of(o->results.begin(), o->results.end(), isTile);
    switch (o->code) {
    case Opcode::TensorMap:
    case Opcode::SharedAlloc:
    case Opcode::CopyBarrierInit:
    case Opcode::SharedFence:
    case Opcode::Barrier:
      break;
    default:
      all = all && static_cast<uint16_t>(o->code) < static_cast<uint16_t>(Opcode::Load);
      break;
    }
    if (!all)
      failOp(*o, "stands before `roles`; not every lane of the block can do it");
  }
}

void Verifier::region(const Region &r, const Op *owner, size_t index, unsigned depth) {
  std::string name = "region " + std::to_string(index);
  auto complain = [&](std::string s) { owner ? failOp(*owner, std::move(s)) : fail(std::move(s)); };
  if (depth > kMaxDepth)
    return complain("regions nest deeper than " + std::to_string(kMaxDepth));
  std::vector<ValueId> scope;
  for (ValueId v : r.args)
    define(v, scope, owner);
  Opcode wanted = !owner                                       ? Opcode::Return
                  : owner->code == Opcode::While && index == 0 ? Opcode::Condition
                                                               : Opcode::Yield;
  if (r.ops.empty() || r.ops.back().code != wanted)
    complain(name + " does not end in `" + std::string(opInfo(wanted)->name) + "`");
  for (size_t i = 0; i < r.ops.size() && !full(); ++i) {
    const Op &o = r.ops[i];
    if (isTerminator(o.code) && (i + 1 != r.ops.size() || o.code != wanted))
      failOp(o, "stands where no terminator, or another one, belongs");
    op(o, depth);
    for (ValueId v : o.results)
      define(v, scope, &o);
  }
  for (ValueId v : scope)
    visible_[v] = 0;
}

void Verifier::op(const Op &o, unsigned depth) {
  const OpInfo *info = opInfo(o.code);
  if (!info)
    return failOp(o, "has no number in the table");
  size_t before = errors_.size();
  FailFn failFn = [&](std::string s) { failOp(o, std::move(s)); };
  if (o.loc != kNone && o.loc >= m_.locs.size())
    failOp(o, "its location is out of range");
  if (m_.level == Level::Tile && static_cast<uint16_t>(o.code) >= static_cast<uint16_t>(Opcode::ConvertLayout))
    failOp(o, "exists at LAYOUT level only");
  if (scalarDepth_ && o.code == Opcode::Barrier)
    failOp(o, "a barrier inside a region over scalars");
  for (size_t i = 0; i < o.operands.size(); ++i) {
    ValueId v = o.operands[i];
    if (v >= m_.valueTypes.size() || !visible_[v])
      failOp(o, operandName(o, i) + ": value %" + std::to_string(v) + " is not defined here");
    else if (scalarDepth_ && m_.typeOf(v).kind != Type::Scalar)
      failOp(o, operandName(o, i) + ": a tensor inside a region over scalars");
  }
  for (ValueId v : o.results)
    if (v >= m_.valueTypes.size())
      failOp(o, "result %" + std::to_string(v) + " is out of range");
  verifyCounts(o, *info, failFn);
  if ((o.code == Opcode::Roles || o.code == Opcode::GridStride) && depth)
    failOp(o, "stands in a region; it must stand in the body of a kernel");
  if (o.code == Opcode::CopyArrive && !working_)
    failOp(o, "stands outside of region 1 of `roles`");
  bool overScalars = o.code == Opcode::Reduce || o.code == Opcode::Scan || o.code == Opcode::MapElementwise;
  scalarDepth_ += overScalars;
  for (size_t i = 0; i < o.regions.size() && !full(); ++i) {
    working_ = working_ || (o.code == Opcode::Roles && i == 1);
    region(o.regions[i], &o, i, depth + 1);
    working_ = working_ && o.code != Opcode::Roles;
  }
  scalarDepth_ -= overScalars;
  // A full list tells nothing of this op's counts.
  if (errors_.size() == before && !full())
    verifyTypes(m_, o, failFn);
}
} // namespace

std::string layoutError(const LayoutData &l) {
  bool ok = l.inDims.size() == l.bases.size() && l.outSizes.size() <= kMaxRank && l.inDims.size() <= kMaxRank;
  for (const auto &dim : l.bases) {
    ok = ok && dim.size() <= 32;
    for (const auto &basis : dim) {
      ok = ok && basis.size() == l.outSizes.size();
      for (size_t o = 0; ok && o < basis.size(); ++o)
        ok = basis[o] >= 0 && basis[o] < std::max<int64_t>(l.outSizes[o], 1);
    }
  }
  return ok ? "" : "its bases do not match its dims or leave the tensor";
}

std::string typeError(const Module &m, const Type &t) {
  if (t.kind > Type::Shared || elemBits(t.elem) == 0)
    return "unknown kind or element type";
  if (t.layout != kNone && (t.kind == Type::Scalar || m.level == Level::Tile))
    return "a layout on a scalar, or at TILE level";
  if (t.kind == Type::Scalar)
    return t.shape.empty() ? "" : "a scalar with a shape";
  if (t.shape.empty() || t.shape.size() > kMaxRank)
    return "the rank of a tensor is 1 to " + std::to_string(kMaxRank) + ", not " + std::to_string(t.shape.size());
  int64_t n = 1;
  for (int64_t d : t.shape) {
    if (d < 1 || d > kMaxElements / n)
      return "an extent below 1, or more than " + std::to_string(kMaxElements) + " elements";
    n *= d;
  }
  if (m.level == Level::Tile)
    return t.kind == Type::Shared ? "shared tensors exist at LAYOUT level only" : "";
  if (t.layout >= m.layouts.size())
    return "at LAYOUT level every tensor has a layout";
  return m.layouts[t.layout].outSizes == t.shape ? "" : "its layout is of another shape";
}

std::vector<VerifyError> verifyModule(const Module &module, size_t limit) {
  return Verifier(module, limit ? limit : 1).run();
}

std::string locText(const Module &module, LocId loc) {
  if (loc >= module.locs.size())
    return {};
  const Loc &l = module.locs[loc];
  if (l.file >= module.files.size())
    return {};
  std::string s = module.files[l.file];
  if (l.line)
    s += ":" + std::to_string(l.line);
  if (l.line && l.column)
    s += ":" + std::to_string(l.column);
  return s;
}

std::string verifyErrorText(const Module &module, const VerifyError &error) {
  std::string s = locText(module, error.loc);
  if (!s.empty())
    s += ": ";
  if (!error.kernel.empty())
    s += "kernel `" + error.kernel + "`: ";
  return s + error.message;
}

std::string verifyErrorText(const Module &module, const std::vector<VerifyError> &errors) {
  std::string s;
  for (const VerifyError &e : errors)
    s += (s.empty() ? "" : "\n") + verifyErrorText(module, e);
  return s;
}

} // namespace tessera::tbc
