// RunBoth.cpp - see RunBoth.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/layout/RunBoth.h"

#include "core/bytecode/Verifier.h"
#include "core/bytecode/mlir/Convert.h"
#include "core/interpreter/Interpreter.h"
#include "core/pipeline/Context.h"
#include "core/pipeline/Pipeline.h"
#include "core/target/ElementNumber.h"
#include "core/target/GenericTarget.h"
#include "plugins/mock/device/Program.h"

#include "mlir/Parser/Parser.h"
#include <cmath>
#include <cstring>

namespace tessera {
namespace {

using Buffers = std::vector<std::vector<uint8_t>>;

std::string textOf(const DiagnosticList &list) {
  std::string text;
  for (const Diagnostic &d : list.all())
    text += renderDiagnostic(d, false);
  return text;
}

std::vector<uint64_t> argumentsOf(Buffers &buffers, const std::vector<int32_t> &scalars, const BothOptions &options) {
  std::vector<uint64_t> args;
  for (auto &buffer : buffers)
    args.push_back(reinterpret_cast<uint64_t>(buffer.data()));
  if (options.secondAt >= 0)
    args.push_back(args.front() + static_cast<uint64_t>(options.secondAt));
  for (int32_t s : scalars)
    args.push_back(static_cast<uint32_t>(s));
  return args;
}

struct BufferMemory final : mock::GlobalMemory {
  const Buffers &buffers;
  explicit BufferMemory(const Buffers &buffers) : buffers(buffers) {}
  bool holds(uint64_t address, uint64_t bytes) const override {
    for (const auto &b : buffers) {
      auto at = reinterpret_cast<uint64_t>(b.data());
      if (address >= at && address + bytes <= at + b.size())
        return true;
    }
    return false;
  }
};

target::GenericTarget targetOf(const BothOptions &options) {
  target::TargetInfo info = target::GenericTarget::simtInfo();
  if (!options.shuffles)
    info.set(target::Capability::Shuffles, 0);
  if (options.blockTransfers)
    info.set(target::Capability::BlockTransfers, 15);
  if (options.shared)
    info.set(target::Capability::SmemStatic, options.shared);
  if (options.asyncCopies)
    info.set(target::Capability::AsyncCopy, 1 << 2 | 1 << 3 | 1 << 4);
  if (options.tensorCopies) {
    info.set(target::Capability::TensorCopy, 5);
    info.set(target::Capability::TensorCopySwizzles, 32 | 64 | 128);
  }
  if (options.roles) {
    info.set(target::Capability::WarpSpecialize, 1);
    info.set(target::Capability::NamedBarriers, 16);
  }
  std::vector<target::MatrixEntry> menu;
  if (options.matrix) {
    target::MatrixEntry e;
    e.id = "16x16x16";
    e.m = e.nMin = e.nMax = e.k = 16;
    e.lanes = 32;
    e.a = e.b = target::kElemF16;
    e.c = e.d = target::kElemF32;
    menu.push_back(e);
  }
  menu.insert(menu.end(), options.menu.begin(), options.menu.end());
  return target::GenericTarget(info, menu);
}

std::string interpret(const tbc::Module &module, Buffers &buffers, const std::vector<int32_t> &scalars,
                      const BothOptions &both) {
  interp::MemoryMap memory;
  for (size_t i = 0; i < buffers.size(); ++i)
    memory.add(reinterpret_cast<uint64_t>(buffers[i].data()), buffers[i].size(), "buffer " + std::to_string(i));
  interp::Options options;
  options.checkMemory = true;
  options.memory = &memory;
  interp::Result result =
      interp::run(module, module.functions.at(0).name, {both.grid, 1, 1}, argumentsOf(buffers, scalars, both), options);
  return result.ok() ? "" : "interpreter: " + renderDiagnostic(result.diagnostics[0], false);
}

std::string execute(const tbc::Module &module, std::array<uint32_t, 3> grid, const std::vector<uint64_t> &args,
                    const Buffers &buffers, const BothOptions &options) {
  if (options.device)
    return options.device(module, grid, args, buffers);
  unsigned warps = options.warps;
  BufferMemory memory(buffers);
  try {
    mock::LayoutTables tables(module, warps);
    mock::LaunchState launch{module, module.functions.at(0), tables, memory, {}, warps, [](const std::string &) {}, {}};
    for (int d = 0; d < 3; ++d)
      launch.grid[d] = static_cast<int32_t>(grid[d]);
    for (int32_t z = 0; z < launch.grid[2]; ++z)
      for (int32_t y = 0; y < launch.grid[1]; ++y)
        for (int32_t x = 0; x < launch.grid[0]; ++x) {
          int32_t id[3] = {x, y, z};
          mock::Program(launch, id).run(args);
        }
  } catch (const mock::Fault &fault) {
    return std::string("device: ") + fault.what();
  }
  return "";
}

void setWarps(mlir::ModuleOp module, unsigned warps) {
  mlir::Builder builder(module.getContext());
  mlir::NamedAttrList options(module->getAttrOfType<mlir::DictionaryAttr>("tile.options"));
  options.set("num_warps", builder.getI64IntegerAttr(warps));
  module->setAttr("tile.options", options.getDictionary(module.getContext()));
}

int count(const tbc::Region &region, bool (*is)(const tbc::Op &)) {
  int n = 0;
  for (const tbc::Op &op : region.ops) {
    n += is(op);
    for (const tbc::Region &inner : op.regions)
      n += count(inner, is);
  }
  return n;
}

bool isRing(const tbc::Op &op) { return op.code == tbc::Opcode::SharedAlloc && op.intAttr(tbc::AttrId::Slots) > 0; }

bool isTensorCopy(const tbc::Op &op) {
  return op.code == tbc::Opcode::TensorLoad || op.code == tbc::Opcode::TensorStore;
}

bool isLoad(const tbc::Op &op) { return op.code == tbc::Opcode::Load; }
bool areRoles(const tbc::Op &op) { return op.code == tbc::Opcode::Roles; }

bool isCommit(const tbc::Op &op) { return op.code == tbc::Opcode::AsyncCommit; }

bool leavesRunning(const tbc::Op &op) {
  return op.code == tbc::Opcode::DotWait && op.intAttr(tbc::AttrId::Pending) > 0;
}

bool isProduct(const tbc::Op &op) { return op.code == tbc::Opcode::AsyncDot; }

int delayedStores(const tbc::Region &region) {
  int n = 0;
  for (size_t i = 0; i < region.ops.size(); ++i) {
    const tbc::Op *next = i + 1 < region.ops.size() ? &region.ops[i + 1] : nullptr;
    bool ends = next && next->code == tbc::Opcode::TensorStoreWait && next->intAttr(tbc::AttrId::Pending) == 0;
    n += region.ops[i].code == tbc::Opcode::TensorStore && !ends;
    for (const tbc::Region &inner : region.ops[i].regions)
      n += delayedStores(inner);
  }
  return n;
}

// The LAYOUT module; `error` where there is none.
std::optional<tbc::Module> withLayouts(mlir::ModuleOp module, const BothOptions &options, std::string &error) {
  setWarps(module, options.warps);
  DiagnosticList diagnostics;
  target::GenericTarget target = targetOf(options);
  std::optional<tbc::Module> layout;
  if (runLayoutPipeline(module, target, PipelineOptions(), diagnostics))
    layout = toBytecodeModule(module, diagnostics);
  if (!layout)
    error = "layout pipeline: " + textOf(diagnostics);
  else if (auto errors = tbc::verifyModule(*layout); !errors.empty())
    error = "LAYOUT bytecode: " + tbc::verifyErrorText(*layout, errors);
  if (layout && options.copies)
    *options.copies = count(layout->functions.at(0).body, isTensorCopy);
  if (layout && options.rings)
    *options.rings = count(layout->functions.at(0).body, isRing);
  if (layout && options.loads)
    *options.loads = count(layout->functions.at(0).body, isLoad);
  if (layout && options.split)
    *options.split = count(layout->functions.at(0).body, areRoles);
  if (layout && options.groups)
    *options.groups = count(layout->functions.at(0).body, isCommit);
  if (layout && options.running)
    *options.running = count(layout->functions.at(0).body, leavesRunning);
  if (layout && options.delayed)
    *options.delayed = delayedStores(layout->functions.at(0).body);
  if (layout && options.products)
    *options.products = count(layout->functions.at(0).body, isProduct);
  return layout;
}

std::string compare(const Buffers &want, const Buffers &have, double tolerance) {
  for (size_t i = 0; i < want.size(); ++i) {
    if (tolerance < 0) {
      for (size_t at = 0; at < want[i].size(); ++at)
        if (want[i][at] != have[i][at])
          return "buffer " + std::to_string(i) + " differs at byte " + std::to_string(at);
      continue;
    }
    for (size_t at = 0; at + 4 <= want[i].size(); at += 4) {
      float w, h;
      std::memcpy(&w, &want[i][at], 4), std::memcpy(&h, &have[i][at], 4);
      if (!(std::fabs(w - h) <= tolerance * (1 + std::fabs(w))) && !(std::isnan(w) && std::isnan(h)) && w != h)
        return "buffer " + std::to_string(i) + " element " + std::to_string(at / 4) + ": " + std::to_string(h) +
               " instead of " + std::to_string(w);
    }
  }
  return "";
}

} // namespace

target::MatrixEntry groupInstruction(bool group) {
  target::MatrixEntry e;
  e.id = "64xNx16";
  e.m = group ? 64 : 0;
  e.nMin = e.nStep = e.k = 16;
  e.nMax = 64;
  e.lanes = 128;
  e.a = e.b = target::kElemF16;
  e.c = e.d = target::kElemF32;
  e.aSpaces = target::kInRegisters | target::kInShared;
  e.bSpaces = target::kInShared;
  e.flags = target::kMatrixAsync;
  return e;
}

std::string runBoth(const std::string &text, const Buffers &buffers, const std::vector<int32_t> &scalars,
                    const BothOptions &options) {
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
  if (!module)
    return "does not parse:\n" + text;
  DiagnosticList diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> plain = module->clone();
  if (options.tensorCopies) {
    PipelineOptions copies;
    copies.tensorCopyBytes = tensorCopyBytesOf(targetOf(options));
    copies.pointerCopies = true;
    if (!runTilePipeline(*plain, PipelineOptions(), diagnostics) || !runTilePipeline(*module, copies, diagnostics))
      return "tile pipeline: " + textOf(diagnostics);
  }
  std::optional<tbc::Module> tile = toBytecodeModule(*plain, diagnostics);
  if (!tile)
    return "TILE bytecode: " + textOf(diagnostics);
  Buffers want = buffers, have = buffers;
  if (std::string error = interpret(*tile, want, scalars, options); !error.empty())
    return error;

  std::string error;
  std::optional<tbc::Module> layout = withLayouts(*module, options, error);
  if (error.empty())
    error = execute(*layout, {options.grid, 1, 1}, argumentsOf(have, scalars, options), have, options);
  if (!error.empty())
    return error;
  return compare(want, have, options.tolerance);
}

std::string runOnDevice(const tbc::Module &module, std::array<uint32_t, 3> grid, const std::vector<uint64_t> &args,
                        const Buffers &buffers, const BothOptions &options) {
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  DiagnosticList diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> tile = fromBytecodeModule(module, *context, diagnostics);
  if (!tile)
    return "from bytecode: " + textOf(diagnostics);
  std::string error;
  std::optional<tbc::Module> layout = withLayouts(*tile, options, error);
  return error.empty() ? execute(*layout, grid, args, buffers, options) : error;
}

} // namespace tessera
