// Module.cpp - the op, attribute and element tables as lookups
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Module.h"

#include <array>
#include <unordered_map>

namespace tessera::tbc {

unsigned elemBits(Elem e) {
  switch (e) {
#define TSR_ELEM(number, Name, text, bits, since)                                                                      \
  case Elem::Name:                                                                                                     \
    return bits;
#include "core/bytecode/Ops.def"
  }
  return 0;
}

std::string_view elemName(Elem e) {
  switch (e) {
#define TSR_ELEM(number, Name, text, bits, since)                                                                      \
  case Elem::Name:                                                                                                     \
    return text;
#include "core/bytecode/Ops.def"
  }
  return "?";
}

bool isFloat(Elem e) { return static_cast<uint8_t>(e) >= 16; }
bool isInteger(Elem e) { return static_cast<uint8_t>(e) < 16; }
bool isFp8(Elem e) { return static_cast<uint8_t>(e) >= 16 && static_cast<uint8_t>(e) < 24; }

TypeId Module::internType(const Type &t) {
  for (size_t i = 0; i < types.size(); ++i)
    if (types[i] == t)
      return static_cast<TypeId>(i);
  types.push_back(t);
  return static_cast<TypeId>(types.size() - 1);
}

int64_t blockWarps(const Module &m, const Function &f) {
  int64_t warps = m.option("num_warps", 4);
  for (const Op &op : f.body.ops)
    if (op.code == Opcode::Roles)
      warps += op.intAttr(AttrId::Warps);
  return warps;
}

static constexpr OpInfo kOps[] = {
#define TSR_OP(number, Name, text, since, minOperands, maxOperands, results, regions, attributes, summary)             \
  {Opcode::Name, text, since, minOperands, maxOperands, results, regions, attributes, summary},
#include "core/bytecode/Ops.def"
};

static constexpr AttrInfo kAttrs[] = {
#define TSR_ATTR(number, Name, text, Kind, since) {AttrId::Name, text, AttrKind::Kind, since},
#include "core/bytecode/Ops.def"
};

const OpInfo *opInfo(Opcode code) {
  static const auto table = [] {
    std::array<const OpInfo *, 512> t{};
    for (const OpInfo &o : kOps)
      t[static_cast<uint16_t>(o.code)] = &o;
    return t;
  }();
  auto n = static_cast<uint16_t>(code);
  return n < table.size() ? table[n] : nullptr;
}

const OpInfo *opInfoByName(std::string_view name) {
  static const auto table = [] {
    std::unordered_map<std::string_view, const OpInfo *> t;
    for (const OpInfo &o : kOps)
      t[o.name] = &o;
    return t;
  }();
  auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

const AttrInfo *attrInfo(AttrId id) {
  for (const AttrInfo &a : kAttrs)
    if (a.id == id)
      return &a;
  return nullptr;
}

const AttrInfo *attrInfoByName(std::string_view name) {
  for (const AttrInfo &a : kAttrs)
    if (a.name == name)
      return &a;
  return nullptr;
}

} // namespace tessera::tbc
