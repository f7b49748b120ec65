// MovementTest.cpp - conversions, shared tensors, memory and atomics of random layouts, on the host; what their code costs
//
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Builder.h"
#include "core/bytecode/LayoutData.h"
#include "core/bytecode/Verifier.h"
#include "core/codegen/simt/Emitter.h"
#include "core/layout/Conversion.h"
#include "tests/simt/HostLaneTarget.h"
#include "tests/simt/RunOnSimt.h"
#include "tests/unit/layout/Samples.h"

#include "gtest/gtest.h"

#include <cstring>

using namespace tessera;
using layout::LinearLayout;
using layout::Vectors;
using tbc::AttrId;
using tbc::Builder;
using tbc::Elem;
using tbc::Opcode;
using tbc::Type;
using tbc::ValueId;

namespace {

// A LAYOUT kernel over tiles of one shape.
struct Kernel {
  tbc::Module m;
  Builder b{m};
  std::vector<int64_t> shape;
  ValueId out = tbc::kNone;

  Kernel(std::vector<int64_t> s, Elem pointee, unsigned warps) : shape(std::move(s)) {
    m.level = tbc::Level::Layout;
    m.options = {{"num_warps", warps}};
    b.beginKernel("k");
    out = b.param("out", Builder::ptr(pointee));
  }
  tbc::LayoutId layout(const LinearLayout &l) {
    m.layouts.push_back(tbc::toLayoutData(l));
    return static_cast<tbc::LayoutId>(m.layouts.size() - 1);
  }
  Type tile(Elem e, tbc::LayoutId l) const {
    Type t = Builder::tensor(shape, e);
    t.layout = l;
    return t;
  }
  // The row-major numbers of the elements, as `e`.
  ValueId numbers(Elem e, tbc::LayoutId l) {
    ValueId v = b.op(Opcode::Arange, {}, tile(Elem::I32, l),
                     {tbc::intAttr(AttrId::Start, 0), tbc::intAttr(AttrId::End, shape[0])});
    if (e == Elem::I1)
      return b.op(Opcode::CmpI,
                  {b.op(Opcode::AndI, {v, b.constInt(tile(Elem::I32, l), 5)}, tile(Elem::I32, l)),
                   b.constInt(tile(Elem::I32, l), 4)},
                  tile(Elem::I1, l), {tbc::intAttr(AttrId::Predicate, static_cast<int64_t>(tbc::CmpI::Eq))});
    Opcode code = e == Elem::I64 ? Opcode::ExtSI : e == Elem::F32 ? Opcode::SIToFP : Opcode::TruncI;
    return e == Elem::I32 ? v : b.op(code, {v}, tile(e, l));
  }
  ValueId pointers(Elem e, tbc::LayoutId l) {
    Type t = Builder::ptrTensor(shape, e);
    t.layout = l;
    return b.op(Opcode::AddPtr, {b.op(Opcode::Splat, {out}, t), numbers(Elem::I32, l)}, t);
  }
  tbc::Attrs width(int64_t n) { return {tbc::intAttr(AttrId::Axis, 0), tbc::intAttr(AttrId::Width, n)}; }
  std::string run(std::vector<uint8_t> &buffer) {
    b.endKernel();
    auto errors = tbc::verifyModule(m);
    if (!errors.empty())
      return tbc::verifyErrorText(m, errors);
    std::vector<std::vector<uint8_t>> buffers;
    buffers.push_back(std::move(buffer));
    std::vector<uint64_t> args = {reinterpret_cast<uint64_t>(buffers[0].data())};
    std::string why = simt::lanesOfTheHost()(m, {1, 1, 1}, args, buffers);
    buffer = std::move(buffers[0]);
    return why;
  }
};

template <typename T> std::vector<uint8_t> numbersInMemory(size_t n, T (*at)(size_t)) {
  std::vector<uint8_t> bytes(n * sizeof(T));
  for (size_t i = 0; i < n; ++i) {
    T v = at(i);
    std::memcpy(&bytes[i * sizeof(T)], &v, sizeof(T));
  }
  return bytes;
}

std::vector<uint8_t> expected(Elem e, size_t n) {
  switch (e) {
  case Elem::I1:
    return numbersInMemory<uint8_t>(n, [](size_t i) { return static_cast<uint8_t>((i & 5) == 4); });
  case Elem::I8:
    return numbersInMemory<uint8_t>(n, [](size_t i) { return static_cast<uint8_t>(i); });
  case Elem::I16:
    return numbersInMemory<uint16_t>(n, [](size_t i) { return static_cast<uint16_t>(i); });
  case Elem::I64:
    return numbersInMemory<uint64_t>(n, [](size_t i) { return static_cast<uint64_t>(i); });
  case Elem::F32:
    return numbersInMemory<float>(n, [](size_t i) { return static_cast<float>(i); });
  default:
    return numbersInMemory<uint32_t>(n, [](size_t i) { return static_cast<uint32_t>(i); });
  }
}

constexpr Elem kElems[] = {Elem::I1, Elem::I8, Elem::I16, Elem::I32, Elem::I64, Elem::F32};

// A layout to which a warp can bring `source` without others: every register of every lane takes what some register of the
// warp holds.
LinearLayout withinWarp(std::mt19937 &rng, const LinearLayout &source, unsigned registers, bool plain, bool inLane) {
  unsigned from = source.inBits(layout::kRegister), lanes = source.inBits(layout::kLane),
           warps = source.inBits(layout::kWarp), inWarp = from + lanes;
  while (true) {
    Vectors moves; // packed inputs of the source
    if (inLane) {  // every lane finds its elements in itself, in registers that depend on the lane
      for (unsigned i = 0; i < registers + lanes; ++i)
        moves.push_back((rng() & ((uint64_t(1) << from) - 1)) |
                        (i < registers ? 0 : uint64_t(1) << (from + i - registers)));
    } else if (plain) {
      for (unsigned i = 0; i < registers + lanes; ++i)
        moves.push_back(i < inWarp ? uint64_t(1) << i : 0);
      std::shuffle(moves.begin(), moves.end(), rng);
    } else {
      for (unsigned i = 0; i < registers + lanes; ++i)
        moves.push_back(rng() & ((uint64_t(1) << inWarp) - 1));
    }
    if (layout::rankOf(moves) != inWarp)
      continue;
    Vectors columns;
    for (uint64_t move : moves)
      columns.push_back(source.applyPacked(move));
    for (unsigned w = 0; w < warps; ++w)
      columns.push_back(source.applyPacked((uint64_t(1) << (inWarp + w)) |
                                           (plain ? 0 : rng() & ((uint64_t(1) << (inLane ? from : inWarp)) - 1))));
    return LinearLayout({{"register", registers}, {"lane", lanes}, {"warp", warps}, {"block", 0}}, source.outs(),
                        columns);
  }
}

struct Cost {
  unsigned shuffles = 0, loads = 0, stores = 0, widest = 0; // widest access, bits
};

struct CountingTarget final : simt::HostLaneTarget {
  using simt::HostLaneTarget::HostLaneTarget;
  Cost cost;
  V shuffle(llvm::IRBuilderBase &b, V value, V source) override { // shuffleXor is one of these on the host
    ++cost.shuffles;
    return HostLaneTarget::shuffle(b, value, source);
  }
  V loadGlobal(llvm::IRBuilderBase &b, llvm::Type *type, V pointer, V predicate, V other, unsigned align,
               codegen::simt::AccessHints hints) override {
    ++cost.loads;
    cost.widest =
        std::max<unsigned>(cost.widest, static_cast<unsigned>(type->getPrimitiveSizeInBits().getFixedValue()));
    return HostLaneTarget::loadGlobal(b, type, pointer, predicate, other, align, hints);
  }
  void storeGlobal(llvm::IRBuilderBase &b, V value, V pointer, V predicate, unsigned align,
                   codegen::simt::AccessHints hints) override {
    ++cost.stores;
    cost.widest = std::max<unsigned>(cost.widest,
                                     static_cast<unsigned>(value->getType()->getPrimitiveSizeInBits().getFixedValue()));
    HostLaneTarget::storeGlobal(b, value, pointer, predicate, align, hints);
  }
};

Cost count(const Kernel &k) {
  llvm::LLVMContext context;
  llvm::Module out("kernel", context);
  const simt::HostLaneOptions options;
  CountingTarget target(options);
  codegen::simt::EmitResult r = codegen::simt::emitKernel(out, k.m, k.m.functions[0], target, "k");
  EXPECT_FALSE(r.error) << r.error->what;
  return target.cost;
}

} // namespace

TEST(SimtMovement, ConversionsWithinAWarp) {
  std::mt19937 rng(7);
  unsigned byKind[4] = {};
  for (unsigned round = 0; round < 120; ++round) {
    unsigned warps = round % 3, registers = round / 3 % 4, more = round % 2;
    Elem e = kElems[round % 6];
    std::vector<int64_t> shape = {int64_t(1) << (registers + 5 + warps - (round % 7 == 0))};
    bool plain = round % 4 < 2;
    LinearLayout source = plain && round % 7 ? layout::randomPermuted(rng, shape, registers, 5, warps)
                                             : layout::randomDistributed(rng, shape, registers, 5, warps);
    LinearLayout result = withinWarp(rng, source, registers + more, plain, round % 10 == 9);
    layout::ConversionOptions options;
    options.accessCost = 1u << 20;
    layout::ConversionPlan plan = layout::planConversion(source, result, tbc::elemBits(e), options);
    ASSERT_LE(plan.kind, layout::ConversionPlan::Shuffle);
    ++byKind[plan.kind];
    Kernel k(shape, e, 1u << warps);
    tbc::LayoutId from = k.layout(source), to = k.layout(result);
    k.b.store(k.pointers(e, to), k.b.op(Opcode::ConvertLayout, {k.numbers(e, from)}, k.tile(e, to)));
    std::vector<uint8_t> want = expected(e, static_cast<size_t>(shape[0])), have(want.size(), 0xAA);
    ASSERT_EQ(k.run(have), "") << printLayout(source) << "\n" << printLayout(result);
    ASSERT_EQ(have, want) << printLayout(source) << "\n" << printLayout(result);
    unsigned words = e == Elem::I64 ? 2 : 1;
    EXPECT_LE(count(k).shuffles, plan.kind == layout::ConversionPlan::Shuffle ? plan.rounds * words : 0)
        << printLayout(source) << "\n"
        << printLayout(result);
  }
  EXPECT_GT(byKind[layout::ConversionPlan::Registers], 0u);
  EXPECT_GT(byKind[layout::ConversionPlan::Shuffle], 40u);
}

// Eight rows of 64 to eight columns: register bits change places with lane bits, two neighbours stay together.
TEST(SimtMovement, NarrowElementsShareAShuffle) {
  auto make = [](Vectors registers, Vectors lanes) {
    registers.insert(registers.end(), lanes.begin(), lanes.end());
    return LinearLayout({{"register", 3}, {"lane", 5}, {"warp", 0}, {"block", 0}},
                        layout::tensorDims(std::vector<int64_t>{256}), registers);
  };
  LinearLayout source = make({1, 2, 4}, {8, 16, 32, 64, 128}), result = make({1, 8, 16}, {2, 4, 32, 64, 128}),
               apart = make({8, 16, 32}, {1, 2, 4, 64, 128});
  auto shuffles = [&](Elem e, const LinearLayout &to) {
    Kernel k({256}, e, 1);
    tbc::LayoutId from = k.layout(source), there = k.layout(to);
    k.b.store(k.pointers(e, there), k.b.op(Opcode::ConvertLayout, {k.numbers(e, from)}, k.tile(e, there)));
    k.b.endKernel();
    return count(k).shuffles;
  };
  // Four pairs of registers; what stays in its lane is not shuffled, and that is one of the four.
  EXPECT_EQ(shuffles(Elem::I32, result), 6u);
  EXPECT_EQ(shuffles(Elem::I16, result) * 2, shuffles(Elem::I32, result));
  EXPECT_EQ(shuffles(Elem::I8, result) * 2, shuffles(Elem::I32, result));
  EXPECT_EQ(shuffles(Elem::I64, result), 2 * shuffles(Elem::I32, result));
  EXPECT_EQ(shuffles(Elem::I16, apart), shuffles(Elem::I32, apart));
}

// A register bit for a lane bit: of two registers a lane sends one and keeps one, whatever the other bits of the register do.
TEST(SimtMovement, ABitOfTheRegisterForOneOfTheLane) {
  auto make = [](Vectors registers, Vectors lanes, Vectors warps) {
    registers.insert(registers.end(), lanes.begin(), lanes.end());
    registers.insert(registers.end(), warps.begin(), warps.end());
    return LinearLayout({{"register", 3}, {"lane", 5}, {"warp", 1}, {"block", 0}},
                        layout::tensorDims(std::vector<int64_t>{512}), registers);
  };
  const LinearLayout source = make({1, 8, 16}, {2, 4, 32, 64, 128}, {256});
  for (const LinearLayout &result :
       {make({1, 2, 16}, {8, 4, 32, 64, 128}, {256}), make({16, 1, 2}, {8, 4, 32, 64, 128}, {256}),
        make({4, 1, 8}, {2, 16, 32, 64, 128}, {256}), make({1, 24, 2}, {8, 4, 32, 64, 128}, {256})})
    for (Elem e : {Elem::I32, Elem::F32, Elem::I64, Elem::I16}) {
      layout::ConversionPlan plan = layout::planConversion(source, result, tbc::elemBits(e));
      EXPECT_EQ(plan.exchangesBit, e != Elem::I16); // two of which are a word
      Kernel k({512}, e, 2);
      tbc::LayoutId from = k.layout(source), to = k.layout(result);
      k.b.store(k.pointers(e, to), k.b.op(Opcode::ConvertLayout, {k.numbers(e, from)}, k.tile(e, to)));
      std::vector<uint8_t> want = expected(e, 512), have(want.size(), 0xAA);
      ASSERT_EQ(k.run(have), "") << printLayout(result);
      EXPECT_EQ(have, want) << printLayout(result);
      EXPECT_EQ(count(k).shuffles, e == Elem::I64 ? 8u : e == Elem::I16 ? 2u : 4u) << printLayout(result);
    }
}

TEST(SimtMovement, SharedTensors) {
  std::mt19937 rng(11);
  for (unsigned round = 0; round < 60; ++round) {
    unsigned warps = round % 3, registers = 1 + round % 4;
    Elem e = kElems[round % 6];
    std::vector<int64_t> shape = {int64_t(1) << (registers + 5 + warps - round % 2)};
    auto any = [&](bool plain) {
      return plain ? layout::randomPermuted(rng, shape, registers, 5, warps)
                   : layout::randomDistributed(rng, shape, registers, 5, warps);
    };
    LinearLayout writer = any(round % 3 != 0), reader = any(round % 5 != 0);
    LinearLayout shared = round % 7 ? layout::swizzledFor(writer, reader, tbc::elemBits(e), {})
                                    : LinearLayout::rowMajor(layout::kOffset, shape);
    Kernel k(shape, e, 1u << warps);
    uint64_t bytes = tbc::elemBits(e) / 8 * static_cast<uint64_t>(shape[0]);
    k.m.options.push_back({"shared_bytes", static_cast<int64_t>(bytes + 16)});
    tbc::LayoutId from = k.layout(writer), to = k.layout(reader);
    Type buffer = k.tile(e, k.layout(shared));
    buffer.kind = Type::Shared;
    ValueId s = k.b.op(Opcode::SharedAlloc, {}, buffer,
                       {tbc::intAttr(AttrId::Offset, 16), tbc::intAttr(AttrId::Bytes, static_cast<int64_t>(bytes))});
    k.b.multi(Opcode::SharedStore, {s, k.numbers(e, from)}, {});
    k.b.multi(Opcode::Barrier, {}, {});
    k.b.store(k.pointers(e, to), k.b.op(Opcode::SharedLoad, {s}, k.tile(e, to)));
    k.b.multi(Opcode::SharedFree, {s}, {});
    std::vector<uint8_t> want = expected(e, static_cast<size_t>(shape[0])), have(want.size(), 0xAA);
    ASSERT_EQ(k.run(have), "") << printLayout(writer) << "\n" << printLayout(reader);
    ASSERT_EQ(have, want) << printLayout(writer) << "\n" << printLayout(reader) << "\n" << printLayout(shared);
  }
}

// Registers in any order, copies in registers, lanes and warps: the loads and stores are those of a lane's distinct vectors.
TEST(SimtMovement, AccessesAreAsWideAsPromised) {
  std::mt19937 rng(13);
  for (unsigned round = 0; round < 72; ++round) {
    unsigned warps = round % 3, registers = 1 + round % 4, copies = round % 2;
    Elem e = kElems[round % 6];
    unsigned bits = tbc::elemBits(e);
    std::vector<int64_t> shape = {int64_t(1) << (registers + 5 + warps - copies)};
    LinearLayout l = round % 5 ? layout::randomPermuted(rng, shape, registers, 5, warps)
                               : layout::randomDistributed(rng, shape, registers, 5, warps);
    int64_t promised = std::min<int64_t>(int64_t(1) << round % 5, shape[0]);
    Kernel k(shape, e, 1u << warps);
    tbc::LayoutId id = k.layout(l);
    ValueId p = k.pointers(e, id), v = k.b.op(Opcode::Load, {p}, k.tile(e, id), k.width(promised));
    k.b.multi(Opcode::Store, {p, v}, {}, k.width(promised));
    std::vector<uint8_t> memory = expected(e, static_cast<size_t>(shape[0]));
    // The host's buffers are aligned to 16 bytes.
    std::vector<uint8_t> have = memory;
    ASSERT_EQ(k.run(have), "") << printLayout(l);
    EXPECT_EQ(have, memory);
    Cost cost = count(k);
    int64_t vector = l.vectorWidth(layout::kRegister, "dim0", std::min<int64_t>(promised, 128 / bits));
    unsigned distinct = 1u << layout::rankOf(l.columnsOf(layout::kRegister));
    EXPECT_LE(cost.loads, distinct / static_cast<unsigned>(vector)) << printLayout(l);
    EXPECT_EQ(cost.loads, cost.stores);
    EXPECT_LE(cost.widest, std::min<unsigned>(128, static_cast<unsigned>(promised) * bits));
    if (round % 5)
      EXPECT_EQ(cost.widest, static_cast<unsigned>(vector) * bits) << printLayout(l);
  }
}

// Every element is added to once, whoever holds copies; all copies hear the old value.
TEST(SimtMovement, AtomicsOfCopies) {
  std::mt19937 rng(17);
  for (unsigned round = 0; round < 36; ++round) {
    unsigned warps = round % 3, registers = round % 4;
    Elem e = round % 2 ? Elem::I32 : Elem::I64;
    unsigned lost = 1 + round % 3; // bits that only tell copies apart
    std::vector<int64_t> shape = {int64_t(1) << (registers + 5 + warps - lost)};
    LinearLayout l = layout::randomPermuted(rng, shape, registers, 5, warps);
    Kernel k(shape, e, 1u << warps);
    tbc::LayoutId id = k.layout(l);
    tbc::Attrs attrs = {tbc::intAttr(AttrId::Kind, static_cast<int64_t>(tbc::Rmw::Add))};
    if (l.freeMask(layout::kWarp)) {
      auto bytes = shape[0] * tbc::elemBits(e) / 8;
      k.m.options.push_back({"shared_bytes", bytes});
      attrs.push_back(tbc::intAttr(AttrId::Offset, 0));
      attrs.push_back(tbc::intAttr(AttrId::Bytes, bytes));
    }
    ValueId p = k.pointers(e, id), one = k.b.constInt(k.tile(e, id), 1000);
    ValueId old = k.b.op(Opcode::AtomicRmw, {p, one}, k.tile(e, id), attrs);
    // A lane whose copy were wrong would fail here, since every lane asserts what it holds.
    ValueId same = k.b.op(Opcode::CmpI, {old, k.numbers(e, id)}, k.tile(Elem::I1, id),
                          {tbc::intAttr(AttrId::Predicate, static_cast<int64_t>(tbc::CmpI::Eq))});
    k.b.multi(Opcode::Assert, {same}, {}, {tbc::strAttr(AttrId::Message, "a copy has another old value")});
    std::vector<uint8_t> have = expected(e, static_cast<size_t>(shape[0]));
    ASSERT_EQ(k.run(have), "") << printLayout(l);
    std::vector<uint8_t> want =
        e == Elem::I32 ? numbersInMemory<uint32_t>(static_cast<size_t>(shape[0]),
                                                   [](size_t i) { return static_cast<uint32_t>(i + 1000); })
                       : numbersInMemory<uint64_t>(static_cast<size_t>(shape[0]),
                                                   [](size_t i) { return static_cast<uint64_t>(i + 1000); });
    EXPECT_EQ(have, want) << printLayout(l);
  }
}
