// TileOps.cpp - dot, reductions, scans and the like: who holds what decides who may compute what
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/device/Program.h"
#include "plugins/mock/device/Scalar.h"

#include <algorithm>

namespace tessera::mock {

using tbc::AttrId;
using tbc::Op;
using tbc::Opcode;

bool Program::executeTile(const Op &op) {
  switch (op.code) {
  case Opcode::Dot:
    executeDot(op);
    return true;
  case Opcode::Reduce:
    executeReduce(op);
    return true;
  case Opcode::Scan:
    executeScan(op);
    return true;
  case Opcode::MapElementwise:
    executeMapElementwise(op);
    return true;
  case Opcode::Sort:
  case Opcode::Gather:
  case Opcode::Histogram:
    executeRearranging(op);
    return true;
  default:
    return false;
  }
}

namespace {

// What one warp, or one thread, holds of an operand, by element.
struct Held {
  std::vector<uint64_t> bits;
  std::vector<uint8_t> there;
};

Held heldBy(const TileValue &v, unsigned firstThread, unsigned threads) {
  Held h;
  size_t n = static_cast<size_t>(v.type->numElements());
  h.bits.resize(n);
  h.there.resize(n);
  for (unsigned t = firstThread; t < firstThread + threads; ++t)
    for (unsigned r = 0; r < v.map->registers(); ++r) {
      size_t cell = size_t(t) * v.map->registers() + r;
      if (v.states[cell] == CellState::Defined) {
        h.bits[v.map->element(t, r)] = v.bits[cell];
        h.there[v.map->element(t, r)] = 1;
      }
    }
  return h;
}

int64_t product(const std::vector<int64_t> &v, size_t first, size_t last) {
  int64_t n = 1;
  for (size_t i = first; i < last; ++i)
    n *= v[i];
  return n;
}

} // namespace

// A matrix instruction works on what its warp holds; the plain form on what each thread holds itself, or with scratch the block.
void Program::executeDot(const Op &op) {
  const TileValue &a = value(op.operands[0]), &b = value(op.operands[1]), &c = value(op.operands[2]);
  if (a.product || b.product)
    fail(op, "reads the result of a product that was not awaited");
  const std::vector<int64_t> &shape = c.type->shape;
  size_t rank = shape.size();
  int64_t n = shape[rank - 1], m = shape[rank - 2], k = a.type->shape[rank - 1];
  int64_t instruction = op.intAttr(AttrId::Instruction);
  if (instruction > 1)
    fail(op, "matrix instruction " + std::to_string(instruction) + " does not take its operands from registers");
  // Of a tile of fewer rows or columns the instruction's others are nobody's.
  if (instruction == 1 && (a.type->elem != tbc::Elem::F16 || b.type->elem != tbc::Elem::F16 ||
                           c.type->elem != tbc::Elem::F32 || (m > 16 && m % 16) || (n > 16 && n % 16) || k % 16))
    fail(op, "the matrix instruction is 16x16x16 of f16 onto f32");
  bool integer = tbc::isInteger(c.type->elem);
  TileValue out = make(module_.typeOf(op.results[0]));
  if (out.map != c.map)
    fail(op, "the result has another layout than the accumulator");
  bool buffered = !instruction && op.find(AttrId::Bytes);
  if (buffered)
    useScratch(op, true);
  unsigned group = instruction ? kLanes : buffered ? out.map->threads() : 1;
  for (unsigned first = 0; first < out.map->threads(); first += group) {
    Held ha = heldBy(a, first, group), hb = heldBy(b, first, group);
    for (unsigned t = first; t < first + group; ++t)
      for (unsigned r = 0; r < out.map->registers(); ++r) {
        int64_t e = out.map->element(t, r), col = e % n, row = e / n % m, batch = e / (n * m);
        CellState state = CellState::Defined;
        uint64_t start = read(c, t, r, op, state);
        double sum = integer ? 0 : scalarToDouble(c.type->elem, start);
        auto whole = static_cast<uint64_t>(integer ? scalarToInt(c.type->elem, start) : 0);
        for (int64_t i = 0; i < k; ++i) {
          auto ea = static_cast<size_t>((batch * m + row) * k + i), eb = static_cast<size_t>((batch * k + i) * n + col);
          if (!ha.there[ea] || !hb.there[eb])
            fail(op, std::string(instruction ? "warp " + std::to_string(first / kLanes)
                                             : "lane " + std::to_string(t % kLanes) + " of warp " +
                                                   std::to_string(t / kLanes)) +
                         " holds no defined element " + std::to_string(ha.there[ea] ? eb : ea) + " of operand " +
                         (ha.there[ea] ? "b" : "a"));
          if (integer)
            whole += static_cast<uint64_t>(scalarToInt(a.type->elem, ha.bits[ea])) *
                     static_cast<uint64_t>(scalarToInt(b.type->elem, hb.bits[eb]));
          else if (c.type->elem == tbc::Elem::F64)
            sum += scalarToDouble(a.type->elem, ha.bits[ea]) * scalarToDouble(b.type->elem, hb.bits[eb]);
          else // products and sums of single precision, as the instruction does
            sum = static_cast<float>(sum) + static_cast<float>(scalarToDouble(a.type->elem, ha.bits[ea])) *
                                                static_cast<float>(scalarToDouble(b.type->elem, hb.bits[eb]));
        }
        size_t cell = size_t(t) * out.map->registers() + r;
        out.bits[cell] =
            integer ? whole & (tbc::elemBits(c.type->elem) == 64 ? ~uint64_t(0)
                                                                 : (uint64_t(1) << tbc::elemBits(c.type->elem)) - 1)
                    : scalarFromDouble(c.type->elem, sum);
        out.states[cell] = state;
      }
  }
  set(op.results[0], std::move(out));
}

// Each thread first reduces what it holds, then lanes, then warps: the order in which a device would combine, and another
// one than the interpreter's, so that a region which is not associative shows.
void Program::executeReduce(const Op &op) {
  size_t n = op.operands.size();
  std::vector<TileValue> inputs;
  std::vector<std::vector<uint64_t>> bits(n);
  std::vector<std::vector<CellState>> states(n);
  for (size_t i = 0; i < n; ++i) {
    inputs.push_back(value(op.operands[i]));
    gatherTile(inputs[i], op, bits[i], states[i]);
  }
  const std::vector<int64_t> &shape = inputs[0].type->shape;
  auto axis = static_cast<size_t>(op.intAttr(AttrId::Axis));
  int64_t extent = shape[axis], inner = product(shape, axis + 1, shape.size()), outer = product(shape, 0, axis);
  const RegisterMap &map = *inputs[0].map;
  // Where each element's first copy is: the order of combination.
  std::vector<uint32_t> place(bits[0].size());
  for (unsigned t = 0; t < map.threads(); ++t)
    for (unsigned r = 0; r < map.registers(); ++r)
      if (map.isFirstCopy(t, r))
        place[map.element(t, r)] = t * map.registers() + r;
  bool crossesWarps = false;
  std::vector<std::vector<uint64_t>> outBits(n, std::vector<uint64_t>(static_cast<size_t>(outer * inner)));
  std::vector<std::vector<CellState>> outStates(n, std::vector<CellState>(static_cast<size_t>(outer * inner)));
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      std::vector<size_t> elements;
      for (int64_t x = 0; x < extent; ++x)
        elements.push_back(static_cast<size_t>((o * extent + x) * inner + i));
      std::sort(elements.begin(), elements.end(), [&](size_t p, size_t q) { return place[p] < place[q]; });
      crossesWarps |=
          place[elements.front()] / (kLanes * map.registers()) != place[elements.back()] / (kLanes * map.registers());
      std::vector<TileValue> accumulated;
      for (size_t e : elements) {
        std::vector<TileValue> args;
        for (int side = 0; side < 2; ++side)
          for (size_t j = 0; j < n; ++j) {
            if (side == 0 && !accumulated.empty()) {
              args.push_back(accumulated[j]);
              continue;
            }
            TileValue v = make(module_.typeOf(op.regions[0].args[static_cast<size_t>(side) * n + j]));
            v.bits[0] = bits[j][e];
            v.states[0] = states[j][e];
            args.push_back(std::move(v));
          }
        if (accumulated.empty())
          accumulated.assign(args.begin() + static_cast<ptrdiff_t>(n), args.end());
        else
          accumulated = runRegion(op.regions[0], args);
      }
      for (size_t j = 0; j < n; ++j) {
        outBits[j][static_cast<size_t>(o * inner + i)] = accumulated[j].bits[0];
        outStates[j][static_cast<size_t>(o * inner + i)] = accumulated[j].states[0];
      }
    }
  useScratch(op, crossesWarps);
  for (size_t j = 0; j < n; ++j) {
    TileValue out = make(module_.typeOf(op.results[j]));
    scatterTile(out, outBits[j], outStates[j]);
    set(op.results[j], std::move(out));
  }
}

void Program::executeScan(const Op &op) {
  size_t n = op.operands.size();
  std::vector<std::vector<uint64_t>> bits(n);
  std::vector<std::vector<CellState>> states(n);
  for (size_t i = 0; i < n; ++i)
    gatherTile(value(op.operands[i]), op, bits[i], states[i]);
  const std::vector<int64_t> &shape = value(op.operands[0]).type->shape;
  const RegisterMap &map = *value(op.operands[0]).map;
  auto axis = static_cast<size_t>(op.intAttr(AttrId::Axis));
  int64_t extent = shape[axis], inner = product(shape, axis + 1, shape.size()), outer = product(shape, 0, axis);
  bool reverse = op.intAttr(AttrId::Reverse) != 0;
  size_t rows = static_cast<size_t>(outer * inner);
  std::vector<std::vector<uint64_t>> totalBits(n, std::vector<uint64_t>(rows));
  std::vector<std::vector<CellState>> totalStates(n, std::vector<CellState>(rows));
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      std::vector<TileValue> accumulated;
      for (int64_t x = 0; x < extent; ++x) {
        auto e = static_cast<size_t>((o * extent + (reverse ? extent - 1 - x : x)) * inner + i);
        std::vector<TileValue> args = accumulated;
        for (size_t j = 0; j < n; ++j) {
          TileValue v = make(module_.typeOf(op.regions[0].args[n + j]));
          v.bits[0] = bits[j][e];
          v.states[0] = states[j][e];
          args.push_back(std::move(v));
        }
        accumulated = accumulated.empty() ? std::move(args) : runRegion(op.regions[0], args);
        for (size_t j = 0; j < n; ++j) {
          bits[j][e] = accumulated[j].bits[0];
          states[j][e] = accumulated[j].states[0];
        }
      }
      for (size_t j = 0; j < n; ++j) {
        totalBits[j][static_cast<size_t>(o * inner + i)] = accumulated[j].bits[0];
        totalStates[j][static_cast<size_t>(o * inner + i)] = accumulated[j].states[0];
      }
    }
  // The bases of the axis in the warp dim say whether neighbours of the scan sit in other warps.
  bool crossesWarps = false;
  for (unsigned b = 0; b < map.layout().inBits(layout::kWarp); ++b)
    crossesWarps |= map.layout().basis(layout::kWarp, b)[axis] != 0;
  useScratch(op, crossesWarps);
  for (size_t j = 0; j < op.results.size(); ++j) {
    TileValue out = make(module_.typeOf(op.results[j]));
    if (j < n)
      scatterTile(out, bits[j], states[j]);
    else
      scatterTile(out, totalBits[j - n], totalStates[j - n]);
    set(op.results[j], std::move(out));
  }
}

void Program::executeMapElementwise(const Op &op) {
  size_t n = op.operands.size();
  auto pack = static_cast<size_t>(std::max<int64_t>(op.intAttr(AttrId::Pack, 1), 1));
  std::vector<std::vector<uint64_t>> bits(n), outBits(op.results.size());
  std::vector<std::vector<CellState>> states(n), outStates(op.results.size());
  for (size_t i = 0; i < n; ++i)
    gatherTile(value(op.operands[i]), op, bits[i], states[i]);
  size_t elements = bits[0].size();
  for (size_t j = 0; j < op.results.size(); ++j) {
    outBits[j].resize(elements);
    outStates[j].resize(elements);
  }
  for (size_t e = 0; e < elements; e += pack) {
    std::vector<TileValue> args;
    for (size_t i = 0; i < n; ++i)
      for (size_t p = 0; p < pack; ++p) {
        TileValue v = make(module_.typeOf(op.regions[0].args[args.size()]));
        v.bits[0] = bits[i][e + p];
        v.states[0] = states[i][e + p];
        args.push_back(std::move(v));
      }
    std::vector<TileValue> out = runRegion(op.regions[0], args);
    for (size_t j = 0; j < op.results.size(); ++j)
      for (size_t p = 0; p < pack; ++p) {
        outBits[j][e + p] = out[j * pack + p].bits[0];
        outStates[j][e + p] = out[j * pack + p].states[0];
      }
  }
  for (size_t j = 0; j < op.results.size(); ++j) {
    TileValue out = make(module_.typeOf(op.results[j]));
    scatterTile(out, outBits[j], outStates[j]);
    set(op.results[j], std::move(out));
  }
}

void Program::executeRearranging(const Op &op) {
  const TileValue &source = value(op.operands[0]);
  std::vector<uint64_t> bits, out;
  std::vector<CellState> states;
  gatherTile(source, op, bits, states);
  for (CellState s : states)
    if (s != CellState::Defined)
      fail(op, "works on a value that is not specified");
  const tbc::Type &result = module_.typeOf(op.results[0]);
  const std::vector<int64_t> &shape = source.type->shape;
  auto axis = static_cast<size_t>(op.intAttr(AttrId::Axis));
  out.resize(static_cast<size_t>(result.numElements()));
  if (op.code == Opcode::Histogram) {
    std::vector<uint64_t> mask(bits.size(), 1);
    std::vector<CellState> ignored;
    if (op.operands.size() > 1)
      gatherTile(value(op.operands[1]), op, mask, ignored);
    for (size_t e = 0; e < bits.size(); ++e) {
      int64_t bin = scalarToInt(source.type->elem, bits[e]);
      if ((mask[e] & 1) && bin >= 0 && bin < static_cast<int64_t>(out.size()))
        ++out[static_cast<size_t>(bin)];
    }
  } else {
    int64_t inner = product(shape, axis + 1, shape.size());
    if (op.code == Opcode::Gather) {
      const TileValue &indices = value(op.operands[1]);
      std::vector<uint64_t> index;
      std::vector<CellState> ignored;
      gatherTile(indices, op, index, ignored);
      int64_t from = shape[axis], to = indices.type->shape[axis];
      for (size_t e = 0; e < out.size(); ++e) {
        int64_t at = scalarToInt(indices.type->elem, index[e]), o = static_cast<int64_t>(e) / (inner * to),
                i = static_cast<int64_t>(e) % inner;
        if (at < 0 || at >= from)
          fail(op, "gathers index " + std::to_string(at) + " of " + std::to_string(from));
        out[e] = bits[static_cast<size_t>((o * from + at) * inner + i)];
      }
    } else {
      out = bits;
      int64_t extent = shape[axis], outer = product(shape, 0, axis);
      bool isFloat = tbc::isFloat(source.type->elem), descending = op.intAttr(AttrId::Descending) != 0;
      auto before = [&](uint64_t p, uint64_t q) {
        if (!isFloat)
          return descending ? scalarToInt(source.type->elem, q) < scalarToInt(source.type->elem, p)
                            : scalarToInt(source.type->elem, p) < scalarToInt(source.type->elem, q);
        double x = scalarToDouble(source.type->elem, p), y = scalarToDouble(source.type->elem, q);
        return (descending ? y < x : x < y) || (y != y && x == x); // NaN last in either direction
      };
      for (int64_t o = 0; o < outer; ++o)
        for (int64_t i = 0; i < inner; ++i) {
          std::vector<uint64_t> line;
          for (int64_t x = 0; x < extent; ++x)
            line.push_back(bits[static_cast<size_t>((o * extent + x) * inner + i)]);
          std::stable_sort(line.begin(), line.end(), before);
          for (int64_t x = 0; x < extent; ++x)
            out[static_cast<size_t>((o * extent + x) * inner + i)] = line[static_cast<size_t>(x)];
        }
    }
  }
  // Rows that stay in their warp need no scratch; a gather's rows may be wanted elsewhere than they are.
  bool crossesWarps = op.code == Opcode::Histogram && launch_.warps > 1;
  for (unsigned b = 0; b < source.map->layout().inBits(layout::kWarp); ++b)
    crossesWarps |= op.code != Opcode::Histogram && source.map->layout().basis(layout::kWarp, b)[axis] != 0;
  useScratch(op, crossesWarps);
  TileValue fresh = make(result);
  scatterTile(fresh, out, std::vector<CellState>(out.size(), CellState::Defined));
  set(op.results[0], std::move(fresh));
}

} // namespace tessera::mock
