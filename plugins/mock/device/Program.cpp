// Program.cpp - control flow, cells, dispatch
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/device/Program.h"

#include <algorithm>
#include <set>

namespace tessera::mock {

using tbc::Op;
using tbc::Opcode;

LayoutTables::LayoutTables(const tbc::Module &module, unsigned warps) {
  maps_.resize(module.layouts.size());
  offsets_.resize(module.layouts.size());
  shared_.resize(module.layouts.size());
  std::string why;
  for (const tbc::Type &t : module.types) {
    if (t.kind == tbc::Type::Scalar)
      continue;
    if (t.layout == tbc::kNone || t.layout >= module.layouts.size())
      throw Fault("a tile without a layout reached the device", tbc::kNone);
    const tbc::LayoutData &data = module.layouts[t.layout];
    if (data.outSizes != t.shape)
      throw Fault("a layout is not of its tile's shape", tbc::kNone);
    if (t.isTensor() && !maps_[t.layout] && !(maps_[t.layout] = RegisterMap::make(data, warps, why)))
      throw Fault(why, tbc::kNone);
    if (t.kind == tbc::Type::Shared && offsets_[t.layout].empty()) {
      auto linear = layout::LinearLayout::fromBases(data.inDims, data.outSizes, data.bases, &why);
      if (!linear || !linear->hasIn(layout::kOffset) || !linear->isSurjective() || linear->inBits() > 24)
        throw Fault("a shared tensor's layout is not one from offsets: " + why, tbc::kNone);
      auto &table = offsets_[t.layout];
      table.assign(size_t(1) << linear->outBits(), UINT32_MAX);
      for (uint64_t o = uint64_t(1) << linear->inBits(); o-- > 0;)
        table[linear->applyPacked(o)] = static_cast<uint32_t>(o);
      shared_[t.layout] = std::move(*linear);
    }
  }
}

Program::Program(LaunchState &launch, const int32_t id[3])
    : launch_(launch), module_(launch.module), id_{id[0], id[1], id[2]}, values_(launch.module.valueTypes.size()),
      shared_(static_cast<uint64_t>(launch.module.option("shared_bytes"))) {}

void Program::fail(const Op &op, const std::string &message) const {
  const tbc::OpInfo *info = tbc::opInfo(op.code);
  throw Fault(std::string(info ? info->name : "?") + " in program (" + std::to_string(id_[0]) + ", " +
                  std::to_string(id_[1]) + ", " + std::to_string(id_[2]) + "): " + message,
              op.loc);
}

TileValue Program::make(const tbc::Type &type) const {
  TileValue v;
  v.type = &type;
  v.map = launch_.tables.of(type);
  size_t cells = v.map ? size_t(v.map->threads()) * v.map->registers() : 1;
  v.bits.assign(cells, 0);
  v.states.assign(cells, CellState::Unwritten);
  return v;
}

TileValue &Program::value(tbc::ValueId id) { return values_[id]; }

uint64_t Program::read(const TileValue &v, unsigned thread, unsigned reg, const Op &op, CellState &state) const {
  size_t cell = v.map ? size_t(thread) * v.map->registers() + reg : 0;
  if (v.product)
    fail(op, "reads the result of a product that was not awaited");
  if (v.states.empty() || v.states[cell] == CellState::Unwritten)
    fail(op, "lane " + std::to_string(thread % kLanes) + " of warp " + std::to_string(thread / kLanes) +
                 " reads register " + std::to_string(reg) + " of an operand, which nothing wrote");
  if (v.states[cell] == CellState::Unspecified)
    state = CellState::Unspecified;
  return v.bits[cell];
}

uint64_t Program::scalar(tbc::ValueId id, const Op &op) {
  CellState state = CellState::Defined;
  uint64_t bits = read(value(id), 0, 0, op, state);
  if (state == CellState::Unspecified)
    fail(op, "depends on a value that is not specified (masked off without `other`, or poison)");
  return bits;
}

void Program::gatherTile(const TileValue &v, const Op &op, std::vector<uint64_t> &bits,
                         std::vector<CellState> &states) const {
  size_t n = static_cast<size_t>(v.type->numElements());
  bits.assign(n, 0);
  states.assign(n, CellState::Unwritten);
  for (unsigned t = 0; t < v.map->threads(); ++t)
    for (unsigned r = 0; r < v.map->registers(); ++r) {
      CellState state = CellState::Defined;
      uint64_t b = read(v, t, r, op, state);
      uint32_t e = v.map->element(t, r);
      if (states[e] == CellState::Defined && state == CellState::Defined && bits[e] != b)
        fail(op, "two threads hold different copies of element " + std::to_string(e));
      if (states[e] == CellState::Unwritten || states[e] == CellState::Unspecified) {
        bits[e] = b;
        states[e] = state;
      }
    }
  for (size_t e = 0; e < n; ++e)
    if (states[e] == CellState::Unwritten)
      fail(op, "no register holds element " + std::to_string(e));
}

void Program::scatterTile(TileValue &v, const std::vector<uint64_t> &bits, const std::vector<CellState> &states) const {
  if (!v.map) {
    v.bits[0] = bits[0];
    v.states[0] = states[0];
    return;
  }
  for (unsigned t = 0; t < v.map->threads(); ++t)
    for (unsigned r = 0; r < v.map->registers(); ++r) {
      size_t cell = size_t(t) * v.map->registers() + r;
      v.bits[cell] = bits[v.map->element(t, r)];
      v.states[cell] = states[v.map->element(t, r)];
    }
}

void Program::takeArguments(const std::vector<uint64_t> &args) {
  for (size_t i = 0; i < launch_.function.params.size(); ++i) {
    tbc::ValueId id = launch_.function.params[i].value;
    TileValue v = make(module_.typeOf(id));
    v.bits[0] = args[i];
    v.states[0] = CellState::Defined;
    set(id, std::move(v));
  }
}

// The ops of `ops` in front of `end` that its operands are made of, in order: the launch asks before any program runs, so nothing else may happen.
static std::vector<const Op *> madeOf(const std::vector<Op> &ops, const Op &end) {
  std::set<tbc::ValueId> needed(end.operands.begin(), end.operands.end());
  std::vector<const Op *> found;
  for (size_t i = static_cast<size_t>(&end - ops.data()); i-- > 0;) {
    const Op &op = ops[i];
    if (std::none_of(op.results.begin(), op.results.end(), [&](tbc::ValueId v) { return needed.count(v) != 0; }))
      continue;
    needed.insert(op.operands.begin(), op.operands.end());
    found.push_back(&op);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

int64_t Program::programsAllowed(const std::vector<uint64_t> &args, const Op &gridStride) {
  takeArguments(args);
  for (const Op *op : madeOf(launch_.function.body.ops, gridStride)) {
    if (!op->regions.empty() || op->code == Opcode::AtomicRmw || op->code == Opcode::AtomicCas)
      return 0; // nobody can tell
    execute(*op);
  }
  return static_cast<int64_t>(scalar(gridStride.operands[0], gridStride));
}

void Program::run(const std::vector<uint64_t> &args) {
  takeArguments(args);
  runOps(launch_.function.body);
  checkNothingRuns(launch_.function.body.ops.back());
}

void Program::runOps(const tbc::Region &region) {
  for (const Op &op : region.ops) {
    // A launch that shall be cancelled is asked about now and then, not at every op.
    if ((++steps_ & 1023) == 0 && launch_.cancelled && launch_.cancelled())
      throw Fault("the launch was cancelled", op.loc);
    execute(op);
  }
}

std::vector<TileValue> Program::runRegion(const tbc::Region &region, const std::vector<TileValue> &args) {
  for (size_t i = 0; i < region.args.size(); ++i) {
    values_[region.args[i]] = args[i];
    values_[region.args[i]].type = &module_.typeOf(region.args[i]);
  }
  runOps(region);
  return std::move(yielded_);
}

void Program::execute(const Op &op) {
  switch (op.code) {
  case Opcode::Return:
    return;
  case Opcode::Yield:
  case Opcode::Condition: {
    size_t first = op.code == Opcode::Condition ? 1 : 0;
    if (first)
      condition_ = scalar(op.operands[0], op) & 1;
    std::vector<TileValue> out;
    for (size_t i = first; i < op.operands.size(); ++i)
      out.push_back(value(op.operands[i]));
    yielded_ = std::move(out);
    return;
  }
  case Opcode::If:
    return executeIf(op);
  case Opcode::For:
    return executeFor(op);
  case Opcode::While:
    return executeWhile(op);
  case Opcode::Roles:
    return executeRoles(op);
  case Opcode::Assume:
    if (!(scalar(op.operands[0], op) & 1))
      fail(op, "the assumption does not hold");
    return;
  case Opcode::GridStride: // MockDevice::runGrid
    return;
  case Opcode::Barrier:
    shared_.barrier();
    return;
  default:
    break;
  }
  if (executeMemory(op) || executeAsync(op) || executeTensorCopy(op) || executeMovement(op) || executeTile(op) ||
      executeElementwise(op))
    return;
  fail(op, "this device does not know the op");
}

void Program::executeIf(const Op &op) {
  bool taken = scalar(op.operands[0], op) & 1;
  std::vector<TileValue> out = runRegion(op.regions[taken ? 0 : 1], {});
  for (size_t i = 0; i < op.results.size(); ++i)
    set(op.results[i], std::move(out[i]));
}

// One at a time, the copying role first: it runs ahead as far as its waits let it.
void Program::executeRoles(const Op &op) {
  auto role = [&](size_t i) {
    return [this, &op, i] {
      shared_.play(i);
      runOps(op.regions[i]);
    };
  };
  scalar::Turns turns;
  turns_ = &turns;
  shared_.split();
  turns.run({role(0), role(1)});
  turns_ = nullptr;
}

void Program::executeFor(const Op &op) {
  unsigned bits = tbc::elemBits(module_.typeOf(op.operands[0]).elem);
  bool isSigned = op.intAttr(tbc::AttrId::Signed) != 0;
  auto extend = [&](uint64_t v) -> __int128 {
    if (bits == 64)
      return isSigned ? static_cast<__int128>(static_cast<int64_t>(v)) : static_cast<__int128>(v);
    uint64_t low = v & ((uint64_t(1) << bits) - 1);
    return isSigned && (low >> (bits - 1)) ? static_cast<__int128>(low) - (static_cast<__int128>(1) << bits)
                                           : static_cast<__int128>(low);
  };
  __int128 lower = extend(scalar(op.operands[0], op)), upper = extend(scalar(op.operands[1], op)),
           step = extend(scalar(op.operands[2], op));
  if (step <= 0)
    fail(op, "the step of a loop is not positive");
  std::vector<TileValue> carried;
  for (size_t i = 3; i < op.operands.size(); ++i)
    carried.push_back(value(op.operands[i]));
  for (__int128 i = lower; i < upper; i += step) {
    TileValue iv = make(module_.typeOf(op.regions[0].args[0]));
    iv.bits[0] = static_cast<uint64_t>(i);
    iv.states[0] = CellState::Defined;
    std::vector<TileValue> args{std::move(iv)};
    for (TileValue &c : carried)
      args.push_back(std::move(c));
    carried = runRegion(op.regions[0], args);
  }
  for (size_t i = 0; i < op.results.size(); ++i)
    set(op.results[i], std::move(carried[i]));
}

void Program::executeWhile(const Op &op) {
  std::vector<TileValue> carried;
  for (tbc::ValueId id : op.operands)
    carried.push_back(value(id));
  for (;;) {
    std::vector<TileValue> forwarded = runRegion(op.regions[0], carried);
    if (!condition_) {
      for (size_t i = 0; i < op.results.size(); ++i)
        set(op.results[i], std::move(forwarded[i]));
      return;
    }
    carried = runRegion(op.regions[1], forwarded);
  }
}

void Program::useScratch(const Op &op, bool needed) {
  const tbc::Attr *offset = op.find(tbc::AttrId::Offset);
  int64_t bytes = op.intAttr(tbc::AttrId::Bytes);
  if (!bytes) {
    if (needed)
      fail(op, "values cross warps, but no scratch was planned for it");
    return;
  }
  std::string error;
  if (!shared_.useScratch(offset ? static_cast<uint64_t>(op.intAttr(tbc::AttrId::Offset)) : 0,
                          static_cast<uint64_t>(bytes), error))
    fail(op, error);
}

} // namespace tessera::mock
