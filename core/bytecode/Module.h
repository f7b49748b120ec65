// Module.h - a portable bytecode module in memory: plain data, no MLIR, no LLVM
//
// SPDX-License-Identifier: Apache-2.0
//
// This is what a plugin sees of a kernel. Reader.h makes it from bytes, Writer.h makes bytes of it, Verifier.h checks it.
// Value semantics throughout: copying a Module copies everything; nothing is shared and there is no locking. Ids are
// indices into the vectors of the module that holds them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tessera::tbc {

enum class Elem : uint8_t {
#define TSR_ELEM(number, Name, text, bits, since) Name = number,
#include "core/bytecode/Ops.def"
};

enum class AttrId : uint16_t {
#define TSR_ATTR(number, Name, text, Kind, since) Name = number,
#include "core/bytecode/Ops.def"
};

enum class Opcode : uint16_t {
#define TSR_OP(number, Name, text, since, minOperands, maxOperands, results, regions, attributes, summary)             \
  Name = number,
#include "core/bytecode/Ops.def"
};

// Predicates have the numbers of MLIR's arith dialect, so that nobody needs a second table.
enum class CmpI : uint8_t { Eq = 0, Ne, Slt, Sle, Sgt, Sge, Ult, Ule, Ugt, Uge };
enum class CmpF : uint8_t { False = 0, Oeq, Ogt, Oge, Olt, Ole, One, Ord, Ueq, Ugt, Uge, Ult, Ule, Une, Uno, True };
enum class Cache : uint8_t { None = 0, CA, CG, CV, WB, CS, WT };
enum class Evict : uint8_t { Normal = 0, First, Last };
enum class Rmw : uint8_t { Add = 0, FAdd, Max, Min, UMax, UMin, And, Or, Xor, Xchg };
enum class MemSem : uint8_t { AcqRel = 0, Acquire, Release, Relaxed };
enum class MemScope : uint8_t { Gpu = 0, Cta, Sys };
enum class DotPrecision : uint8_t { Default = 0, TF32, TF32x3, IEEE, BF16x3, BF16x6 };
enum class ScaledFormat : uint8_t { E2M1 = 0, E4M3, E5M2, BF16, FP16 };

// Storage bits of an element type in memory (i1: 8).
unsigned elemBits(Elem e);
bool isFloat(Elem e);
bool isInteger(Elem e); // i1 included
bool isFp8(Elem e);
std::string_view elemName(Elem e);

using TypeId = uint32_t;
using ValueId = uint32_t;
using LayoutId = uint32_t;
using LocId = uint32_t;
inline constexpr uint32_t kNone = ~0u;

// A scalar, a pointer, a tensor of either, or a tensor in shared memory.
struct Type {
  enum Kind : uint8_t { Scalar = 0, Tensor = 1, Shared = 2 };
  Kind kind = Scalar;
  bool pointer = false;       // elements are pointers to `elem`
  Elem elem = Elem::I32;      // element type; the pointee where `pointer`
  uint8_t addressSpace = 1;   // of pointers: 1 global, 3 shared
  std::vector<int64_t> shape; // Tensor, Shared: extents, each >= 1; rank >= 1
  LayoutId layout = kNone;    // LAYOUT level: index into Module::layouts
  bool operator==(const Type &o) const {
    return kind == o.kind && pointer == o.pointer && elem == o.elem && addressSpace == o.addressSpace &&
           shape == o.shape && layout == o.layout;
  }
  bool isTensor() const { return kind == Tensor; }
  int64_t numElements() const {
    int64_t n = 1;
    for (int64_t d : shape)
      n *= d;
    return n;
  }
  // Bytes of one element in memory (a pointer: 8).
  unsigned elementBytes() const { return pointer ? 8 : elemBits(elem) / 8; }
};

// A linear layout over GF(2) as data: for each input dim (e.g. "register", "lane", "warp", "block"; "offset") and each of
// its bits, the output index it toggles in every tensor dim. bases[in][bit][out].
struct LayoutData {
  std::vector<std::string> inDims;
  std::vector<int64_t> outSizes; // the tensor's shape
  std::vector<std::vector<std::vector<int32_t>>> bases;
  bool operator==(const LayoutData &) const = default;
};

// Where an op comes from. `caller` chains inlined calls outwards (kNone at the kernel itself).
struct Loc {
  uint32_t file = kNone;         // index into Module::files
  uint32_t line = 0, column = 0; // 1-based; 0 = unknown
  LocId caller = kNone;
  bool operator==(const Loc &) const = default;
};

struct Attr {
  AttrId id;
  std::variant<int64_t, double, std::string, std::vector<int64_t>> value; // Elem is carried as int64_t
  bool operator==(const Attr &) const = default;
};

struct Op;

// A block of ops with arguments. The last op is the terminator.
struct Region {
  std::vector<ValueId> args;
  std::vector<Op> ops;
};

struct Op {
  Opcode code = Opcode::Poison;
  LocId loc = kNone;
  std::vector<ValueId> operands;
  std::vector<ValueId> results;
  std::vector<Attr> attrs;
  std::vector<Region> regions;

  const Attr *find(AttrId id) const {
    for (const Attr &a : attrs)
      if (a.id == id)
        return &a;
    return nullptr;
  }
  int64_t intAttr(AttrId id, int64_t otherwise = 0) const {
    const Attr *a = find(id);
    const int64_t *v = a ? std::get_if<int64_t>(&a->value) : nullptr;
    return v ? *v : otherwise;
  }
  double floatAttr(AttrId id, double otherwise = 0) const {
    const Attr *a = find(id);
    const double *v = a ? std::get_if<double>(&a->value) : nullptr;
    return v ? *v : otherwise;
  }
  std::string_view strAttr(AttrId id) const {
    const Attr *a = find(id);
    const std::string *v = a ? std::get_if<std::string>(&a->value) : nullptr;
    return v ? std::string_view(*v) : std::string_view();
  }
  const std::vector<int64_t> &intsAttr(AttrId id) const {
    static const std::vector<int64_t> empty;
    const Attr *a = find(id);
    const auto *v = a ? std::get_if<std::vector<int64_t>>(&a->value) : nullptr;
    return v ? *v : empty;
  }
};

// A kernel parameter after specialisation. Parameters that became constants are not here.
struct Param {
  std::string name;
  ValueId value = kNone;
  int64_t divisibility = 1; // integers: divides the value; pointers: divides the address in bytes
  bool readOnly = false;    // pointers: the kernel never writes through it
  bool isUnsigned = false;  // integers: as the source declared it
};

struct Function {
  std::string name;
  LocId loc = kNone;
  std::vector<Param> params;
  Region body; // args = the params' values; ends in `return`
};

enum class Level : uint8_t { Tile = 0, Layout = 1 };

struct Module {
  Level level = Level::Tile;
  std::string producer;
  std::vector<std::string> files;
  std::vector<Loc> locs;
  std::vector<Type> types;
  std::vector<LayoutData> layouts;
  std::vector<TypeId> valueTypes; // by ValueId; every value of every function
  std::vector<Function> functions;
  // Facts for the launch and for LAYOUT targets: "num_warps", "num_stages", "num_ctas", "shared_bytes", "fp_fusion", …
  std::vector<std::pair<std::string, int64_t>> options;

  const Type &typeOf(ValueId v) const { return types[valueTypes[v]]; }
  TypeId internType(const Type &t);
  ValueId newValue(const Type &t) {
    valueTypes.push_back(internType(t));
    return static_cast<ValueId>(valueTypes.size() - 1);
  }
  int64_t option(std::string_view name, int64_t otherwise = 0) const {
    for (const auto &[k, v] : options)
      if (k == name)
        return v;
    return otherwise;
  }
};

// Subgroups of the kernel's block: num_warps, and those that `roles` has beside them.
int64_t blockWarps(const Module &m, const Function &f);

// One row of the op table.
struct OpInfo {
  Opcode code;
  std::string_view name;
  uint32_t since;
  int minOperands, maxOperands, results, regions;
  std::string_view attributes, summary;
};
// nullptr for a number that is not an op.
const OpInfo *opInfo(Opcode code);
const OpInfo *opInfoByName(std::string_view name);

enum class AttrKind : uint8_t { Int, Float, Str, Ints, Elem };
struct AttrInfo {
  AttrId id;
  std::string_view name;
  AttrKind kind;
  uint32_t since;
};
const AttrInfo *attrInfo(AttrId id);
const AttrInfo *attrInfoByName(std::string_view name);

} // namespace tessera::tbc
