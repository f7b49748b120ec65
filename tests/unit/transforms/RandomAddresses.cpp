// RandomAddresses.cpp - see RandomAddresses.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/transforms/RandomAddresses.h"
#include <random>
#include <vector>

namespace tessera {
namespace {

// All tiles are of one shape, so that everything combines with everything.
constexpr const char *kInts = "tensor<4x8xi32>", *kBools = "tensor<4x8xi1>", *kPointers = "tensor<4x8x!tile.ptr<i32>>";
constexpr const char *kBlock = "!tile.block_ptr<tensor<4x8xi32>>";

class Generator {
public:
  explicit Generator(uint32_t seed) : rng_(seed) {}

  std::string run() {
    line("%pid = tile.program_id 0");
    scalars_ = {"%pid", "%n"};
    for (int i = 0; i < 4; ++i)
      constant();
    offsets_.push_back(indices());
    for (int i = 0; i < 12; ++i)
      step();
    return "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16}, %out: !tile.ptr<i32> "
           "{tile.name = "
           "\"out\"}, %n: i32 {tile.name = \"n\"}) {\n" +
           body_ + "  return\n}\n";
  }

private:
  unsigned pick(unsigned n) { return rng_() % n; }
  std::string fresh() { return "%v" + std::to_string(next_++); }
  void line(const std::string &text) { body_ += std::string(indent_, ' ') + text + "\n"; }
  std::string let(const std::string &text) {
    std::string name = fresh();
    line(name + " = " + text);
    return name;
  }
  const std::string &any(const std::vector<std::string> &from) {
    return from[pick(static_cast<unsigned>(from.size()))];
  }

  void constant() { scalars_.push_back(number(static_cast<int>(pick(200)) - 40)); }
  std::string number(int value, const char *type = "i32") {
    return let("arith.constant " + std::to_string(value) + " : " + type);
  }
  std::string tile(int value) {
    return let("arith.constant dense<" + std::to_string(value) + "> : " + std::string(kInts));
  }
  std::string splat(const std::string &scalar) { return let("tile.splat " + scalar + " : (i32) -> " + kInts); }

  // rows * a + columns * b, built from aranges.
  std::string indices() {
    unsigned start = pick(2) * 8;
    std::string r = let("tile.arange 0 to 4 : tensor<4xi32>"), c = let("tile.arange " + std::to_string(start) + " to " +
                                                                       std::to_string(start + 8) + " : tensor<8xi32>");
    return grid(r, c);
  }
  std::string grid(const std::string &r, const std::string &c) {
    std::string rows = let("tile.expand_dims " + r + " axis = 1 : (tensor<4xi32>) -> tensor<4x1xi32>");
    std::string columns = let("tile.expand_dims " + c + " axis = 0 : (tensor<8xi32>) -> tensor<1x8xi32>");
    std::string stride = let("tile.splat " + any(scalars_) + " : (i32) -> tensor<4x1xi32>");
    std::string scaled = let("arith.muli " + rows + ", " + stride + " : tensor<4x1xi32>");
    std::string a = let("tile.broadcast " + scaled + " : (tensor<4x1xi32>) -> " + kInts);
    std::string b = let("tile.broadcast " + columns + " : (tensor<1x8xi32>) -> " + kInts);
    return let("arith.addi " + a + ", " + b + " : " + kInts);
  }

  void scalarStep() {
    static const char *ops[] = {"addi", "subi", "muli", "minsi", "maxsi", "divsi", "remsi", "andi"};
    const char *op = ops[pick(8)];
    std::string rhs =
        std::string(op).find("si") == std::string::npos || op[0] == 'm' ? any(scalars_) : number(1 + pick(20));
    scalars_.push_back(let("arith." + std::string(op) + " " + any(scalars_) + ", " + rhs + " : i32"));
  }
  void offsetStep() {
    static const char *ops[] = {"addi", "subi", "muli", "minsi", "maxsi"};
    std::string rhs = pick(2) ? splat(any(scalars_)) : any(offsets_);
    offsets_.push_back(let("arith." + std::string(ops[pick(5)]) + " " + any(offsets_) + ", " + rhs + " : " + kInts));
  }

  // Offsets that are inside by construction: the mask keeps the others out.
  std::string inside(const std::string &offset) {
    std::string low = let("arith.cmpi sge, " + offset + ", " + tile(0) + " : " + kInts);
    std::string high = let("arith.cmpi slt, " + offset + ", " + tile(4096) + " : " + kInts);
    return let("arith.andi " + low + ", " + high + " : " + kBools);
  }
  std::string pointers(const std::string &base, const std::string &offset) {
    std::string p = let("tile.splat " + base + " : (!tile.ptr<i32>) -> " + kPointers);
    return addTo(p, offset);
  }
  std::string addTo(const std::string &p, const std::string &offset) {
    return let("tile.addptr " + p + ", " + offset + " : (" + kPointers + ", " + kInts + ") -> " + kPointers);
  }
  std::string load(const std::string &p, const std::string &mask) {
    return let("tile.load " + p + " mask " + mask + " other " + tile(7) + " : (" + kPointers + ", " + kBools + ", " +
               kInts + ") -> " + kInts);
  }
  // p = in + a + b in two steps, checked against the 64-bit sum that the addresses really are.
  void access() {
    std::string a = any(offsets_), b = pick(2) ? splat(any(scalars_)) : any(offsets_);
    auto wide = [&](const std::string &x) { return let("arith.extsi " + x + " : " + kInts + " to tensor<4x8xi64>"); };
    std::string sum = let("arith.addi " + wide(a) + ", " + wide(b) + " : tensor<4x8xi64>");
    auto bound = [&](const char *predicate, int limit) {
      std::string l = let("arith.constant dense<" + std::to_string(limit) + "> : tensor<4x8xi64>");
      return let("arith.cmpi " + std::string(predicate) + ", " + sum + ", " + l + " : tensor<4x8xi64>");
    };
    std::string mask = let("arith.andi " + bound("sge", 0) + ", " + bound("slt", 4096) + " : " + kBools);
    std::string p = addTo(pointers("%in", a), b);
    std::string v = load(p, mask);
    write(v);
    if (pick(2))
      offsets_.push_back(v);
  }
  // Every write has a place of its own.
  void write(const std::string &value) {
    if (slot_ >= 120)
      return;
    std::string r = let("tile.arange 0 to 32 : tensor<32xi32>");
    std::string flat = let("tile.reshape " + r + " : (tensor<32xi32>) -> " + kInts);
    std::string at = let("arith.addi " + flat + ", " + tile(32 * slot_++) + " : " + kInts);
    std::string p = pointers("%out", at);
    line("tile.store " + p + ", " + value + " : (" + kPointers + ", " + kInts + ") -> ()");
  }

  // A loop that carries a tile of pointers, a tile of offsets that says where they are, a sum, and sometimes a block
  // pointer.
  void loop() {
    std::string start = any(offsets_), p = pointers("%in", start), zero = tile(0), c0 = number(pick(3)),
                c1 = number(1 + pick(2));
    std::string upper = pick(2) ? "%n" : number(pick(6)),
                moved = pick(3) ? number(static_cast<int>(pick(80)) - 20) : std::string();
    std::string block = makeBlock(), by = number(static_cast<int>(pick(24)) - 6), result = fresh();
    std::vector<std::string> scalars = scalars_, offsets = offsets_;
    std::string o = fresh(), q = fresh(), s = fresh(), b = fresh(), i = fresh(), dead = fresh();
    line(result + ":5 = scf.for " + i + " = " + c0 + " to " + upper + " step " + c1 + " iter_args(" + o + " = " +
         start + ", " + q + " = " + p + ", " + s + " = " + zero + ", " + b + " = " + block + ", " + dead + " = " + c0 +
         ") -> (" + kInts + ", " + kPointers + ", " + kInts + ", " + kBlock + ", i32) : i32 {");
    indent_ += 2;
    ++depth_;
    scalars_.push_back(i);
    // Pointers stay where they are only if the offsets say so too: the same steps, in 32 bits that cannot wrap here.
    std::string small = let("arith.maxsi " + let("arith.minsi " + o + ", " + tile(100000) + " : " + kInts) + ", " +
                            tile(-100000) + " : " + kInts);
    std::string exact = let("arith.cmpi eq, " + small + ", " + o + " : " + kInts);
    std::string mask = let("arith.andi " + inside(o) + ", " + exact + " : " + kBools);
    std::string v = load(q, mask), blockValue = loadBlock(b);
    std::string sum =
        let("arith.addi " + let("arith.addi " + s + ", " + v + " : " + kInts) + ", " + blockValue + " : " + kInts);
    if (pick(2) && depth_ < 3)
      step();
    std::string delta = moved.empty() ? any(offsets) : splat(moved);
    delta = let("arith.remsi " + delta + ", " + tile(50) + " : " + kInts);
    std::string o2 = let("arith.addi " + o + ", " + delta + " : " + kInts), q2 = addTo(q, delta);
    std::string b2 =
        let("tile.advance " + b + ", [" + by + ", " + any(scalars) + "] : (" + kBlock + ", i32, i32) -> " + kBlock);
    std::string dead2 = let("arith.addi " + dead + ", " + c1 + " : i32");
    line("scf.yield " + o2 + ", " + q2 + ", " + sum + ", " + b2 + ", " + dead2 + " : " + kInts + ", " + kPointers +
         ", " + kInts + ", " + kBlock + ", i32");
    indent_ -= 2;
    --depth_;
    line("}");
    scalars_ = std::move(scalars);
    offsets_ = std::move(offsets);
    write(result + "#2");
    if (pick(2))
      write(loadBlock(result + "#3"));
    offsets_.push_back(result + "#0");
  }

  std::string makeBlock() {
    std::string rows = number(static_cast<int>(pick(64)), "i64"), columns = number(static_cast<int>(pick(64)), "i64");
    std::string stride = number(64, "i64"), one = number(1, "i64");
    return let("tile.make_block_ptr %in shape[" + rows + ", " + columns + "] strides[" + stride + ", " + one +
               "] offsets[" + any(scalars_) + ", " + any(scalars_) +
               "] : (!tile.ptr<i32>, i64, i64, i64, i64, i32, i32) -> " + kBlock);
  }
  std::string loadBlock(const std::string &block) {
    return let("tile.load_block " + block + " boundary_check = [0, 1] padding = zero : (" + kBlock + ") -> " + kInts);
  }

  void branch() {
    static const char *predicates[] = {"eq", "ne", "slt", "sle", "sgt", "sge", "ult", "uge"};
    std::string c =
        let("arith.cmpi " + std::string(predicates[pick(8)]) + ", " + any(scalars_) + ", " + any(scalars_) + " : i32");
    std::vector<std::string> scalars = scalars_, offsets = offsets_;
    std::string r = fresh();
    line(r + ":2 = scf.if " + c + " -> (i32, " + kInts + ") {");
    for (int arm = 0; arm < 2; ++arm) {
      indent_ += 2;
      scalarStep();
      offsetStep();
      std::string s = scalars_.back(), o = offsets_.back();
      line("scf.yield " + s + ", " + o + " : i32, " + kInts);
      indent_ -= 2;
      line(arm ? "}" : "} else {");
      scalars_ = scalars;
      offsets_ = offsets;
    }
    scalars_.push_back(r + "#0");
    offsets_.push_back(r + "#1");
    write(r + "#1");
  }

  void step() {
    switch (pick(9)) {
    case 0:
    case 1:
      return scalarStep();
    case 2:
      return offsetStep();
    case 3:
      return constant();
    case 4:
      if (depth_ == 0)
        offsets_.push_back(indices());
      return;
    case 5:
      return branch();
    case 6:
      return loop();
    default:
      return access();
    }
  }

  std::mt19937 rng_;
  std::vector<std::string> scalars_, offsets_;
  std::string body_;
  unsigned next_ = 0, indent_ = 2, depth_ = 0;
  int slot_ = 0;
};

} // namespace

std::string randomAddresses(uint32_t seed) { return Generator(seed).run(); }

} // namespace tessera
