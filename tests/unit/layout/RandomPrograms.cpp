// RandomPrograms.cpp - see RandomPrograms.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/layout/RandomPrograms.h"

#include <algorithm>
#include <random>
#include <vector>

namespace tessera {
namespace {

using Shape = std::vector<int64_t>;
struct Tile {
  std::string name;
  Shape shape;
  int64_t elements() const {
    int64_t n = 1;
    for (int64_t d : shape)
      n *= d;
    return n;
  }
};

std::string typeOf(const Shape &shape, const std::string &element = "i32") {
  std::string text = "tensor<";
  for (int64_t d : shape)
    text += std::to_string(d) + "x";
  return text + element + ">";
}

class Generator {
public:
  explicit Generator(uint32_t seed) : rng_(seed) {}
  std::string run();

private:
  unsigned pick(unsigned n) { return rng_() % n; }
  std::string fresh() { return "%v" + std::to_string(next_++); }
  void line(const std::string &text) { body_ += std::string(indent_, ' ') + text + "\n"; }
  const Tile &any() { return tiles_[pick(static_cast<unsigned>(tiles_.size()))]; }
  Tile add(Shape shape) {
    tiles_.push_back({fresh(), std::move(shape)});
    return tiles_.back();
  }
  void unary(const std::string &op, const Tile &from, const Shape &to, const std::string &attributes = "") {
    Tile t = add(to);
    line(t.name + " = tile." + op + " " + from.name + attributes + " : (" + typeOf(from.shape) + ") -> " + typeOf(to));
  }
  Tile flatAddresses(const std::string &base, int64_t n, int64_t offset, bool strided);
  void load();
  void store(const Tile &t);
  void arithmetic();
  void shapeOp();
  void wholeTile();
  void reduction(const Tile &t, bool scan);
  void loop();
  void branch();
  void step();

  std::mt19937 rng_;
  std::vector<Tile> tiles_;
  std::string body_;
  unsigned next_ = 0, indent_ = 2, depth_ = 0;
  int64_t stored_ = 0;
};

// Pointers to n elements from `offset` on, in row-major order (or backwards with stride 3, so that nothing is contiguous).
Tile Generator::flatAddresses(const std::string &base, int64_t n, int64_t offset, bool strided) {
  Shape shape = {n};
  std::string r = fresh(), s = fresh(), o = fresh(), p = fresh(), b = fresh();
  line(r + " = tile.arange 0 to " + std::to_string(n) + " : " + typeOf(shape));
  line(s + " = arith.constant dense<" + std::to_string(strided ? 3 : 1) + "> : " + typeOf(shape));
  std::string m = fresh(), c = fresh();
  line(m + " = arith.muli " + r + ", " + s + " : " + typeOf(shape));
  line(c + " = arith.constant dense<" + std::to_string(offset) + "> : " + typeOf(shape));
  line(o + " = arith.addi " + m + ", " + c + " : " + typeOf(shape));
  line(b + " = tile.splat " + base + " : (!tile.ptr<i32>) -> " + typeOf(shape, "!tile.ptr<i32>"));
  line(p + " = tile.addptr " + b + ", " + o + " : (" + typeOf(shape, "!tile.ptr<i32>") + ", " + typeOf(shape) +
       ") -> " + typeOf(shape, "!tile.ptr<i32>"));
  return {p, shape};
}

void Generator::load() {
  static const Shape shapes[] = {
      {1},     {2},      {32},    {256},    {512},     {4, 8},     {16, 16},     {2, 64},
      {64, 4}, {1, 128}, {32, 1}, {128, 4}, {2, 4, 8}, {4, 1, 16}, {8, 2, 2, 4}, {2, 2, 2, 2, 2, 2, 2}};
  Shape shape = shapes[pick(std::size(shapes))];
  Tile flat{"", {1}};
  int64_t n = Tile{"", shape}.elements();
  Tile p = flatAddresses("%in", n, pick(64) * 4, pick(3) == 0);
  std::string v = fresh();
  line(v + " = tile.load " + p.name + " : (" + typeOf(p.shape, "!tile.ptr<i32>") + ") -> " + typeOf(p.shape));
  tiles_.push_back({v, p.shape});
  if (shape.size() > 1)
    unary("reshape", Tile{v, p.shape}, shape);
}

void Generator::store(const Tile &t) {
  int64_t n = t.elements();
  if (stored_ + n > 4096)
    return;
  Tile p = flatAddresses("%out", n, stored_, false);
  stored_ += n;
  std::string flat = fresh();
  line(flat + " = tile.reshape " + t.name + " : (" + typeOf(t.shape) + ") -> " + typeOf(p.shape));
  line("tile.store " + p.name + ", " + flat + " : (" + typeOf(p.shape, "!tile.ptr<i32>") + ", " + typeOf(p.shape) +
       ") -> ()");
}

void Generator::arithmetic() {
  Tile a = any(), b = a;
  for (int tries = 0; tries < 8; ++tries)
    if (const Tile &t = any(); t.shape == a.shape)
      b = t;
  static const char *ops[] = {"addi", "subi", "muli", "xori", "minsi", "maxui"};
  if (pick(4)) {
    Tile t = add(a.shape);
    line(t.name + " = arith." + ops[pick(std::size(ops))] + " " + a.name + ", " + b.name + " : " + typeOf(a.shape));
    return;
  }
  std::string m = fresh();
  line(m + " = arith.cmpi slt, " + a.name + ", " + b.name + " : " + typeOf(a.shape));
  Tile t = add(a.shape);
  line(t.name + " = arith.select " + m + ", " + a.name + ", " + b.name + " : " + typeOf(a.shape, "i1") + ", " +
       typeOf(a.shape));
}

void Generator::shapeOp() {
  Tile t = any();
  Shape to = t.shape;
  switch (pick(8)) {
  case 0: { // reshape
    int64_t n = t.elements();
    to = {};
    while (n > 1 && to.size() < 4) {
      int64_t d = int64_t(1) << pick(4);
      d = std::min(d, n);
      to.push_back(d);
      n /= d;
    }
    to.push_back(n);
    return unary("reshape", t, to);
  }
  case 1: { // transpose
    std::vector<int64_t> order(t.shape.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = static_cast<int64_t>(i);
    for (size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[pick(static_cast<unsigned>(i))]);
    std::string text;
    for (size_t i = 0; i < order.size(); ++i) {
      to[i] = t.shape[order[i]];
      text += (i ? ", " : "") + std::to_string(order[i]);
    }
    return unary("transpose", t, to, " order = [" + text + "]");
  }
  case 2:
  case 3: { // expand, then broadcast
    if (t.shape.size() > 5)
      return;
    unsigned axis = pick(static_cast<unsigned>(t.shape.size()) + 1);
    to.insert(to.begin() + axis, 1);
    unary("expand_dims", t, to, " axis = " + std::to_string(axis));
    Tile one = tiles_.back();
    if (one.elements() <= 256) {
      to[axis] = 1 << pick(3);
      unary("broadcast", one, to);
    }
    return;
  }
  case 4: { // join
    if (t.elements() > 512 || t.shape.size() > 6)
      return;
    to.push_back(2);
    Tile r = add(to);
    line(r.name + " = tile.join " + t.name + ", " + t.name + " : (" + typeOf(t.shape) + ", " + typeOf(t.shape) +
         ") -> " + typeOf(to));
    return;
  }
  case 5: { // split
    if (t.shape.size() < 2 || t.shape.back() != 2)
      return;
    to.pop_back();
    Tile a = add(to), b = add(to);
    line(a.name + ", " + b.name + " = tile.split " + t.name + " : (" + typeOf(t.shape) + ") -> (" + typeOf(to) + ", " +
         typeOf(to) + ")");
    return;
  }
  case 6: { // cat
    if (t.shape.size() != 1 || t.elements() > 512)
      return;
    to[0] *= 2;
    Tile r = add(to);
    line(r.name + " = tile.cat " + t.name + ", " + t.name + " : (" + typeOf(t.shape) + ", " + typeOf(t.shape) +
         ") -> " + typeOf(to));
    return;
  }
  default:
    return load();
  }
}

void Generator::reduction(const Tile &t, bool scan) {
  unsigned axis = pick(static_cast<unsigned>(t.shape.size()));
  Shape to = t.shape;
  if (!scan)
    to.erase(to.begin() + axis);
  std::string result = to.empty() ? "i32" : typeOf(to);
  std::string r = fresh();
  static const char *ops[] = {"addi", "minsi", "xori"};
  line(r + " = tile." + (scan ? "scan " : "reduce ") + t.name + " axis = " + std::to_string(axis) +
       (scan && pick(2) ? " reverse" : "") + " : (" + typeOf(t.shape) + ") -> " + result + " {");
  line("^bb0(%a: i32, %b: i32):");
  line("  %c = arith." + std::string(ops[pick(std::size(ops))]) + " %a, %b : i32");
  line("  tile.yield %c : i32");
  line("}");
  if (!to.empty()) {
    tiles_.push_back({r, to});
  } else {
    Tile s = add({64});
    line(s.name + " = tile.splat " + r + " : (i32) -> " + typeOf({64}));
  }
}

void Generator::wholeTile() {
  Tile t = any();
  unsigned axis = pick(static_cast<unsigned>(t.shape.size()));
  switch (pick(5)) {
  case 0:
  case 1:
    return reduction(t, false);
  case 2:
    return reduction(t, true);
  case 3:
    return unary("sort", t, t.shape, " axis = " + std::to_string(axis) + (pick(2) ? " descending" : ""));
  default: {
    if (t.shape.size() == 1 && pick(2)) {
      std::string m = fresh(), k = fresh();
      line(k + " = arith.constant dense<15> : " + typeOf(t.shape));
      line(m + " = arith.andi " + t.name + ", " + k + " : " + typeOf(t.shape));
      return unary("histogram", Tile{m, t.shape}, {16});
    }
    std::string m = fresh(), k = fresh();
    line(k + " = arith.constant dense<" + std::to_string(t.shape[axis] - 1) + "> : " + typeOf(t.shape));
    line(m + " = arith.andi " + t.name + ", " + k + " : " + typeOf(t.shape));
    Tile r = add(t.shape);
    line(r.name + " = tile.gather " + t.name + ", " + m + " axis = " + std::to_string(axis) + " : (" + typeOf(t.shape) +
         ", " + typeOf(t.shape) + ") -> " + typeOf(t.shape));
  }
  }
}

void Generator::loop() {
  Tile init = any();
  size_t outside = tiles_.size();
  std::string result = fresh(), carried = fresh(), i = fresh();
  line(result + " = scf.for " + i + " = %c0 to %n step %c1 iter_args(" + carried + " = " + init.name + ") -> (" +
       typeOf(init.shape) + ") : i32 {");
  indent_ += 2;
  tiles_.push_back({carried, init.shape});
  for (unsigned k = pick(4) + 1; k; --k)
    step();
  std::string last = carried;
  for (size_t k = outside; k < tiles_.size(); ++k)
    if (tiles_[k].shape == init.shape)
      last = tiles_[k].name;
  line("scf.yield " + last + " : " + typeOf(init.shape));
  indent_ -= 2;
  line("}");
  tiles_.resize(outside);
  tiles_.push_back({result, init.shape});
}

void Generator::branch() {
  Tile otherwise = any();
  size_t outside = tiles_.size();
  std::string result = fresh();
  line(result + " = scf.if %flag -> (" + typeOf(otherwise.shape) + ") {");
  indent_ += 2;
  tiles_.push_back(otherwise);
  for (unsigned k = pick(3) + 1; k; --k)
    step();
  std::string last = otherwise.name;
  for (size_t k = outside; k < tiles_.size(); ++k)
    if (tiles_[k].shape == otherwise.shape)
      last = tiles_[k].name;
  line("scf.yield " + last + " : " + typeOf(otherwise.shape));
  indent_ -= 2;
  line("} else {");
  line("  scf.yield " + otherwise.name + " : " + typeOf(otherwise.shape));
  line("}");
  tiles_.resize(outside);
  tiles_.push_back({result, otherwise.shape});
}

void Generator::step() {
  unsigned kind = pick(12);
  if (kind < 4)
    arithmetic();
  else if (kind < 8)
    shapeOp();
  else if (kind < 10 || depth_ >= 2)
    wholeTile();
  else {
    ++depth_;
    kind == 10 ? loop() : branch();
    --depth_;
  }
}

std::string Generator::run() {
  line("%c0 = arith.constant 0 : i32");
  line("%c1 = arith.constant 1 : i32");
  line("%flag = arith.cmpi sgt, %n, %c1 : i32");
  load();
  load();
  for (unsigned i = 0; i < 14; ++i)
    step();
  std::vector<Tile> last(tiles_.end() - std::min<size_t>(tiles_.size(), 4), tiles_.end());
  for (const Tile &t : last)
    store(t);
  std::string header = "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: "
                       "!tile.ptr<i32> {tile.name = "
                       "\"out\", tile.divisibility = 16 : i64}, %n: i32 {tile.name = \"n\"}) {\n";
  return header + body_ + "  return\n}\n";
}

} // namespace

std::string randomProgram(uint32_t seed) { return Generator(seed).run(); }

} // namespace tessera
