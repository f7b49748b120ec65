// NvidiaCompiler.cpp - registers the NVIDIA compiler: bytes to a checked module to PTX to machine code
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Wire.h"
#define TSR_PLUGIN_IR_MAX TSR_IR_VERSION(tessera::tbc::kMajor, tessera::tbc::kMinor)
#define TSR_PLUGIN_VENDOR "The Tessera authors"
#define TSR_PLUGIN_RANK 100
#include "plugins/sdk/plugin.hpp"

#include "backends/nvidia/assemble/Assemble.h"
#include "backends/nvidia/codegen/Compile.h"
#include "core/bytecode/PackedArguments.h"
#include "core/bytecode/Reader.h"
#include "core/bytecode/Verifier.h"
#include "plugins/nvidia/CompilerTarget.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <iterator>
#include <map>
#include <sstream>
#include <thread>

namespace tessera::nvidia {

namespace {

tbc::Module readChecked(const sdk::CompileJob &job) {
  tbc::ReadResult read = tbc::readModule({job.ir, static_cast<size_t>(job.irBytes)});
  if (!read)
    throw sdk::Error(TSR_E_INVALID, read.text());
  std::vector<tbc::VerifyError> errors = tbc::verifyModule(*read.module);
  if (!errors.empty())
    throw sdk::Error(TSR_E_INVALID, tbc::verifyErrorText(*read.module, errors.front()));
  if (read.module->level != tbc::Level::Layout)
    throw sdk::Unsupported("TILE bytecode", "", job.target.canonical());
  if (!job.entry.empty() && std::none_of(read.module->functions.begin(), read.module->functions.end(),
                                         [&](const tbc::Function &f) { return f.name == job.entry; }))
    throw sdk::NotFound("the bytecode has no kernel '" + std::string(job.entry) + "'");
  return std::move(*read.module);
}

bool prints(const tbc::Region &region) {
  return std::any_of(region.ops.begin(), region.ops.end(), [](const tbc::Op &op) {
    return op.code == tbc::Opcode::Print || std::any_of(op.regions.begin(), op.regions.end(), prints);
  });
}

sdk::KernelInfo describe(const tbc::Module &module, const tbc::Function &f) {
  sdk::KernelInfo k;
  k.name = f.name;
  tbc::PackedArguments packed = tbc::packArguments(module, f);
  for (const tbc::PackedArgument &p : packed.arguments) {
    sdk::KernelArg a{p.param->name, p.offset, p.size, TSR_ARG_INT, 0};
    if (p.type->pointer) {
      a.kind = TSR_ARG_POINTER;
      a.flags = p.param->readOnly ? TSR_ARG_READONLY : 0;
    } else if (tbc::isFloat(p.type->elem)) {
      a.kind = TSR_ARG_FLOAT;
      a.flags = p.type->elem == tbc::Elem::BF16 ? TSR_ARG_BFLOAT : 0;
    } else if (p.param->isUnsigned || p.type->elem == tbc::Elem::I1) {
      a.flags = TSR_ARG_UNSIGNED;
    }
    k.args.push_back(std::move(a));
  }
  k.argBytes = packed.bytes;
  k.block[0] = 32 * static_cast<uint32_t>(tbc::blockWarps(module, f));
  k.block[1] = k.block[2] = 1;
  k.cluster[0] = k.cluster[1] = k.cluster[2] = 1;
  k.smemDynamic = static_cast<uint64_t>(module.option("shared_bytes"));
  return k;
}

sdk::Error errorOf(const tbc::Module &module, const CompileResult &r, std::string_view target) {
  sdk::Error e(r.unsupported ? TSR_E_UNSUPPORTED : TSR_E_INTERNAL, r.error + " (target " + std::string(target) + ")");
  if (r.loc < module.locs.size()) {
    const tbc::Loc &l = module.locs[r.loc];
    e.at(l.file < module.files.size() ? module.files[l.file] : std::string(), l.line, l.column);
  }
  return r.op.empty() ? e : e.inOp(r.op);
}

// "fast=/a/fast.bc;other=/b/other.bc" as (name, file).
std::vector<std::pair<std::string, std::string>> namedFiles(const std::string &text) {
  std::vector<std::pair<std::string, std::string>> files;
  std::istringstream rows(text);
  for (std::string row; std::getline(rows, row, ';');)
    if (size_t at = row.find('='); at != std::string::npos)
      files.emplace_back(row.substr(0, at), row.substr(at + 1));
  return files;
}

std::vector<std::string> words(const std::string &text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

bool hasInlineAssembly(const tbc::Region &r) {
  return std::any_of(r.ops.begin(), r.ops.end(), [](const tbc::Op &o) {
    return o.code == tbc::Opcode::InlineAsm || std::any_of(o.regions.begin(), o.regions.end(), hasInlineAssembly);
  });
}

// What an assembler's log says is wrong: "ptxas …, line 54; error   : Not a name of any known instruction" without the place in a file that is gone.
std::string complaints(const std::string &log) {
  std::istringstream lines(log);
  std::string all;
  for (std::string line; std::getline(lines, line);)
    if (size_t at = line.find("error"), colon = line.find(": ", at);
        at != std::string::npos && colon != std::string::npos)
      all += (all.empty() ? "" : "; ") + line.substr(colon + 2);
  return all.empty() ? log : all;
}

// The assembler's error, at the line of the kernel that the line of PTX it names comes from.
sdk::Error refusal(const tbc::Module &module, const std::string &ptx, const std::string &error,
                   const std::string &cpu) {
  bool isTheirs = std::any_of(module.functions.begin(), module.functions.end(),
                              [](const tbc::Function &f) { return hasInlineAssembly(f.body); });
  sdk::Error e(isTheirs ? TSR_E_UNSUPPORTED : TSR_E_INTERNAL,
               Assembler::installed().name() + " refused the " + (isTheirs ? "inline assembly" : "PTX") +
                   " of this kernel for " + cpu + ": " + complaints(error));
  size_t at = error.find("line ");
  unsigned long number = at == std::string::npos ? 0 : std::strtoul(error.c_str() + at + 5, nullptr, 10);
  std::istringstream lines(ptx);
  std::map<unsigned, std::string> files;
  unsigned file = 0, line = 0, column = 0;
  std::string text;
  for (unsigned long i = 1; std::getline(lines, text); ++i) {
    unsigned f = 0, l = 0, c = 0;
    if (std::sscanf(text.c_str(), " .file %u", &f) == 1 &&
        text.find('"') != std::string::npos) // may come after the code
      files[f] = text.substr(text.find('"') + 1, text.rfind('"') - text.find('"') - 1);
    else if (i <= number && std::sscanf(text.c_str(), " .loc %u %u %u", &f, &l, &c) == 3 && l)
      file = f, line = l, column = c;
  }
  if (number && line)
    e.at(files[file], line, column);
  return e;
}

// The oldest PTX that has all the instructions of an architecture's code here (PTX ISA, "Release Notes"): drivers that are older than
// that cannot load it.
unsigned ptxVersionFor(uint32_t number) { return number >= 120 ? 87 : number >= 100 ? 86 : number >= 89 ? 84 : 80; }

} // namespace

class NvidiaCompiler final : public sdk::Compiler {
public:
  void compile(sdk::CompileJob &job) override {
    const Architecture &arch = static_cast<const CompilerTarget &>(job.target).architecture();
    tbc::Module module = readChecked(job);
    CompileOptions options;
    options.entry = std::string(job.entry);
    options.arch.sm = arch.capability->number;
    options.arch.specific = arch.accelerated;
    options.arch.ptxVersion = ptxVersionFor(arch.capability->number);
    options.cpu = "sm_" + std::to_string(arch.capability->number) + (arch.accelerated ? "a" : "");
    options.contract = job.options.flag("fp_fusion", module.option("fp_fusion", 1) != 0);
    options.flush = job.options.flag("flush_subnormals", false);
    options.optLevel = static_cast<int>(job.options.integer("opt", job.optLevel));
    options.lineInfo = job.options.flag("line_info", true);
    options.limits.maxRegisters = static_cast<unsigned>(job.options.integer("maxnreg", module.option("maxnreg")));
    const bool cooperative = job.options.flag("launch_cooperative_grid", false),
               dependent = job.options.flag("launch_pdl", false); // and the source says where it waits
    options.limits.waitsForLast =
        job.options.flag("overlap_launches", true) && !cooperative && !dependent && arch.capability->number >= 90;
    options.libraries.named = namedFiles(job.options.get("extern_libs"));
    options.libraries.device = job.options.get("libdevice");
    if (options.libraries.device.empty())
      options.libraries.device = deviceLibraryPath();
    options.libraries.flushDenormals = job.options.flag("reflect_ftz", true);
    // Decided in the core already; naming them keeps the SDK from calling them unknown.
    for (const char *key : {"num_warps", "num_stages", "num_ctas"})
      (void)job.options.get(key);
    if (int64_t version = job.options.integer("ptx_version", 0))
      options.arch.ptxVersion = static_cast<unsigned>(version);
    options.cancelled = [&] { return job.sink.cancelled(); };
    options.emitLlvm = job.wants(TSR_EMIT_IR_DUMP);
    CompileResult r = nvidia::compile(module, options);
    job.throwIfCancelled();
    if (!r.ok)
      throw errorOf(module, r, job.target.canonical());
    if (options.emitLlvm) {
      job.dump("llvm", r.llvm);
      job.dump("llvm-opt", r.llvmOptimised);
    }
    uint32_t flags = (cooperative ? TSR_LAUNCH_COOPERATIVE : 0) |
                     (dependent || options.limits.waitsForLast ? TSR_LAUNCH_DEPENDENT : 0);
    assembleAndEmit(job, module, arch, r, options, words(job.options.get("ptx_options")), flags);
  }

  std::string externalVersions() override { return Assembler::installed().name(); }

  std::string disassemble(const sdk::Target &, const void *artifact, uint64_t bytes) override {
    std::string_view text(static_cast<const char *>(artifact), bytes);
    if (text.substr(0, 4) != "\x7f"
                             "ELF")
      return std::string(text.substr(0, text.find('\0')));
    std::string why, sass = disassembleCubin(artifact, bytes, why);
    if (sass.empty())
      throw sdk::Error(TSR_E_UNAVAILABLE, why);
    return sass;
  }

private:
  static bool hasLoop(const tbc::Region &region) {
    return std::any_of(region.ops.begin(), region.ops.end(), [](const tbc::Op &op) {
      return op.code == tbc::Opcode::For || op.code == tbc::Opcode::While ||
             std::any_of(op.regions.begin(), op.regions.end(), hasLoop);
    });
  }

  // Whether lanes wait for each other at barriers and each instruction is executed once.
  static bool waitsOnce(const tbc::Module &module, const std::string &ptx) {
    return ptx.find("bar.sync") != std::string::npos && !hasLoop(module.functions[0].body);
  }

  // The loads of tiles inside of loops, by the values of their pointers, and what defines each value; a carried value is what it begins as.
  struct LoopLoads {
    std::map<tbc::ValueId, tbc::ValueId> madeOf;
    std::vector<std::pair<const tbc::Op *, tbc::ValueId>> loads; // the loop, the pointer

    void walk(const tbc::Module &module, const tbc::Region &region, const tbc::Op *loop) {
      for (const tbc::Op &op : region.ops) {
        if (!op.results.empty() && !op.operands.empty() && module.typeOf(op.results[0]).pointer &&
            module.typeOf(op.operands[0]).pointer)
          madeOf[op.results[0]] = op.operands[0];
        if (op.code == tbc::Opcode::Load && loop && module.typeOf(op.operands[0]).isTensor())
          loads.emplace_back(loop, op.operands[0]);
        bool counts = op.code == tbc::Opcode::For;
        for (const tbc::Region &inner : op.regions) {
          for (size_t i = counts ? 1 : 0; counts && i < inner.args.size() && i + 2 < op.operands.size(); ++i)
            madeOf[inner.args[i]] = op.operands[i + 2];
          walk(module, inner, counts || op.code == tbc::Opcode::While ? &op : loop);
        }
      }
    }
    tbc::ValueId rootOf(tbc::ValueId v) const {
      for (auto at = madeOf.find(v); at != madeOf.end(); at = madeOf.find(v))
        v = at->second;
      return v;
    }
  };

  // Whether two loops read through one pointer: the second one finds in the cache what the first one read, if not too much has been read since.
  static bool readsTwice(const tbc::Module &module) {
    LoopLoads found;
    found.walk(module, module.functions[0].body, nullptr);
    std::map<tbc::ValueId, const tbc::Op *> loops;
    return std::any_of(found.loads.begin(), found.loads.end(), [&](const auto &load) {
      auto [at, isNew] = loops.try_emplace(found.rootOf(load.second), load.first);
      return !isNew && at->second != load.first;
    });
  }

  static bool usesMatrixUnits(const std::string &ptx) { return ptx.find("mma") != std::string::npos; }

  // Whether products and exponentials alternate, as in an attention.
  static bool alternates(const std::string &ptx) {
    return usesMatrixUnits(ptx) && ptx.find("ex2.approx") != std::string::npos;
  }

  // Registers of a lane that no number of blocks goes below.
  static constexpr uint32_t kFewestRegisters = 32;

  // How many blocks a multiprocessor should hold where the assembler, left alone, gives a lane registers enough for `blocks`; `blocks` itself: no others.
  // `registers`: as they are given out.
  static uint32_t wantedBlocks(const tbc::Module &module, const std::string &ptx, const Capability &unit,
                               uint32_t threads, uint32_t registers, uint32_t blocks) {
    if (usesMatrixUnits(ptx)) {
      // A loop that loads nothing ahead stands still for every load, which only other blocks fill: as many as two thirds of the registers allow, up to half of the
      // threads (docs/rationale/occupancy.md).
      if (!alternates(ptx) && ptx.find("cp.async") == std::string::npos && hasLoop(module.functions[0].body)) {
        uint32_t fewest = (registers * 2 / 3 + 7) / 8 * 8;
        return std::max(blocks, std::min(65536 / (fewest * threads), unit.threadsOfUnit / 2 / threads));
      }
      // Where products and exponentials alternate, blocks fill each other's waits, up to half of the registers. Two blocks whose products are awaited one by one
      // (C7511) beat one block whose products run on: attention, head 64, 128 x 128, 8 warps, H100: 492 and 371 TFLOP/s full, 446 and 340 causal.
      uint32_t offered = 65536 / (threads * (blocks + 1)) / 8 * 8;
      return alternates(ptx) && offered * 2 >= registers ? blocks + 1 : blocks;
    }
    // Rows that are loaded, exchanged between warps and stored, once: nothing of a block is in flight while it waits at a barrier, and only other blocks
    // fill that. As many as three fifths of the registers allow. A loop keeps its own loads in flight, and what it reads a second time shall still be cached.
    if (waitsOnce(module, ptx)) {
      uint32_t fewest = std::max<uint32_t>((registers * 3 / 5 + 7) / 8 * 8, kFewestRegisters);
      return std::min({65536 / (fewest * threads), unit.threadsOfUnit / threads, unit.blocksOfUnit});
    }
    // Rows that are read again shall still be cached: two blocks, one of which works while the other waits, and no more than come by themselves.
    if (readsTwice(module))
      return std::max<uint32_t>(blocks, 2);
    // Twice the loads in flight are worth more than registers. A loop that loads ahead keeps the values of one iteration beside the addresses of another: half of
    // the threads at once where that takes a third of the registers at most.
    uint32_t half = unit.threadsOfUnit / 2 / threads;
    if (half <= blocks)
      return blocks;
    bool loadsAhead = ptx.find("cp.async") != std::string::npos;
    return loadsAhead && 65536 / (threads * half) / 8 * 8 * 3 >= registers * 2 ? half : blocks + 1;
  }

  static constexpr const char *kOneBlock = ".minnctapersm 1\n";

  // Whether the text may be assembled for more blocks than one: there is one kernel, nobody asked for a number of registers, and no roles trade them, which
  // have an equal share at first.
  static bool isFreeOfLimits(const tbc::Module &module, const std::string &ptx, const CompileOptions &options) {
    size_t at = ptx.find(kOneBlock);
    return module.functions.size() == 1 && at != std::string::npos &&
           ptx.find(kOneBlock, at + 1) == std::string::npos && !options.limits.maxRegisters &&
           ptx.find(".maxnreg") == std::string::npos;
  }

  static uint32_t threadsOf(const tbc::Module &module) {
    return 32 * static_cast<uint32_t>(tbc::blockWarps(module, module.functions.front()));
  }

  // How many blocks the shared memory of a multiprocessor holds.
  static uint64_t blocksByShared(const tbc::Module &module, const Capability &unit) {
    auto shared = static_cast<uint64_t>(module.option("shared_bytes")) + 1024; // [G]: the system keeps 1 KB a block
    return unit.sharedOfUnit / shared;
  }

  // The text, asking for so many blocks a multiprocessor instead of one; 0: for none.
  static std::string textFor(std::string ptx, uint32_t blocks) {
    return ptx.replace(ptx.find(kOneBlock), std::strlen(kOneBlock),
                       blocks ? ".minnctapersm " + std::to_string(blocks) + "\n" : "");
  }

  static AssembleResult assembleText(const std::string &ptx, uint32_t blocks, const CompileOptions &options,
                                     const std::vector<std::string> &extra = {}) {
    return Assembler::installed().assemble(blocks == 1 ? ptx : textFor(ptx, blocks), options.cpu,
                                           static_cast<unsigned>(std::clamp(options.optLevel, 0, 3)), extra);
  }

  // An assembly for more blocks that is begun beside the first one.
  struct AssemblyAhead {
    uint32_t blocks = 0; // 0: none was begun
    std::future<AssembleResult> result;
  };

  // Bytes of text up to which an assembly with the fewest registers takes hardly longer than with all of them, however much it spills (layer norms of
  // 18 and 32 KB, 48 and 80 registers: 0.04 and 0.05 s, 0.05 and 0.07 with 32; beyond it grows faster).
  static constexpr size_t kSmallText = 32 << 10;

  // What the assembler is likely to give a lane, as it is given out, where nothing limits it. Of 341 attentions and other kernels with products and exponentials that it did
  // not spill for, this says of 297 how many blocks a multiprocessor holds then (docs/rationale/occupancy.md).
  static uint32_t expectedRegisters(uint32_t live) {
    constexpr uint32_t kMostRegisters = 256; // 255, given out eight a lane
    return std::clamp((live * 4 / 5 + 16 + 7) / 8 * 8, kFewestRegisters, kMostRegisters);
  }

  // Where products and exponentials alternate the first assembly is nearly always followed by one for a block more, and each takes as long as all that is before
  // them (an attention of 128 x 64: 0.22 and 0.26 s; 0.29 s together): both at once, for the block behind those that the registers leave that it will probably take.
  // Rows that are exchanged once are mostly tried with the most blocks next (a layer norm of 4096: 103 instead of 150 ms of three assemblies).
  static AssemblyAhead assembleAhead(const tbc::Module &module, const Architecture &arch, const CompileResult &r,
                                     const CompileOptions &options) {
    const std::string &ptx = r.ptx;
    AssemblyAhead ahead;
    const bool products = alternates(ptx),
               rows = ptx.size() <= kSmallText && !usesMatrixUnits(ptx) && waitsOnce(module, ptx);
    if ((!products && !rows) || !isFreeOfLimits(module, ptx, options) || std::thread::hardware_concurrency() < 2 ||
        Assembler::installed().isNone())
      return ahead;
    uint32_t blocks = products ? 65536 / (expectedRegisters(r.liveRegisters) * threadsOf(module)) + 1
                               : wantedBlocks(module, ptx, *arch.capability, threadsOf(module), kFewestRegisters, 1);
    if (blocks == 1 || blocks > blocksByShared(module, *arch.capability))
      return ahead;
    ahead.blocks = blocks;
    ahead.result = std::async(std::launch::async, assembleText, ptx, blocks, options, std::vector<std::string>{});
    return ahead;
  }

  // Bytes that a lane may spill with all registers where another order of its loads is still likely to need fewer of them.
  static constexpr uint64_t kSpilledByOrder = 256;

  // Whether each instruction is executed once, without barriers and products: tiles that are loaded, worked on and stored.
  static bool goesStraight(const tbc::Module &module, const std::string &ptx) {
    return ptx.find("mma") == std::string::npos && ptx.find("bar.sync") == std::string::npos &&
           !hasLoop(module.functions[0].body);
  }

  // The assembler is told that one block a multiprocessor is enough; then it gives a lane what it likes. Where more blocks are worth more than that (see
  // wantedBlocks) it is told so, and the result taken if nothing spills; else one block more is tried. A tile too large to be loaded at once is better left
  // to the assembler alone: it then works on what has come while the rest is under way, where a number of blocks makes it use their registers up.
  static void askForMoreBlocks(const tbc::Module &module, const Architecture &arch, CompileResult &r,
                               AssembleResult &cubin, const CompileOptions &options, AssemblyAhead &ahead) {
    if (!cubin.ok || cubin.kernels.size() != 1 || !isFreeOfLimits(module, r.ptx, options))
      return;
    uint32_t threads = threadsOf(module);
    uint32_t registers =
        (cubin.kernels[0].second.registers + 7) / 8 * 8; // given out eight a lane ([G] register allocation granularity)
    uint32_t blocks = registers ? 65536 / (registers * threads) : 0;
    if (blocks == 0)
      return;
    uint32_t wanted = wantedBlocks(module, r.ptx, *arch.capability, threads, registers, blocks);
    wanted = std::min<uint64_t>(wanted, blocksByShared(module, *arch.capability));
    const uint64_t spilled = cubin.kernels[0].second.spillStores;
    if (wanted > blocks && spilled <= kSpilledByOrder && goesStraight(module, r.ptx) &&
        assembleFor(0, module, r, cubin, options, ahead, 65536 / (blocks + 1) / threads))
      return;
    if (spilled) // with all registers there are; with fewer the assembler takes long to spill more (14 KB: 5 s, then 70)
      return;
    if (wanted > blocks && !assembleFor(wanted, module, r, cubin, options, ahead) && wanted > blocks + 1)
      assembleFor(blocks + 1, module, r, cubin, options, ahead);
  }

  // Bytes that a lane may spill for the sake of more blocks: where it waits at barriers, a few words that it stores once and loads once in the first-level cache.
  static constexpr uint32_t kFewSpilled = 16;

  // Assembles anew for so many blocks a multiprocessor (0: it is told none); takes it if nothing spills, or little in a kernel that waits and has no loop,
  // and if a lane has no more registers than `most`.
  static bool assembleFor(uint32_t blocks, const tbc::Module &module, CompileResult &r, AssembleResult &cubin,
                          const CompileOptions &options, AssemblyAhead &ahead, uint32_t most = 255) {
    AssembleResult second =
        blocks && ahead.blocks == blocks ? ahead.result.get() : assembleText(r.ptx, blocks, options);
    if (!second.ok || second.kernels.size() != 1)
      return false;
    const KernelUse &use = second.kernels[0].second;
    uint32_t allowed = waitsOnce(module, r.ptx) ? kFewSpilled : 0;
    if (use.spillStores > allowed || use.spillLoads > allowed || use.stack > allowed || use.registers > most)
      return false;
    second.warnings = std::move(cubin.warnings); // the others are what was chosen
    r.ptx = textFor(std::move(r.ptx), blocks);
    cubin = std::move(second);
    return true;
  }

  void assembleAndEmit(sdk::CompileJob &job, const tbc::Module &module, const Architecture &arch, CompileResult &r,
                       const CompileOptions &options, const std::vector<std::string> &extra, uint32_t flags) {
    AssembleResult cubin;
    cubin.ok = true;
    auto began = std::chrono::steady_clock::now();
    // compute_90 means PTX: the driver makes the machine code where it runs.
    AssemblyAhead ahead;
    if (!arch.ptx) {
      if (extra.empty())
        ahead = assembleAhead(module, arch, r, options);
      cubin = assembleText(r.ptx, 1, options, extra);
    }
    job.throwIfCancelled();
    if (!cubin.cubin.empty() && extra.empty())
      askForMoreBlocks(module, arch, r, cubin, options, ahead);
    auto assembled = static_cast<uint64_t>(std::chrono::nanoseconds(std::chrono::steady_clock::now() - began).count());
    job.assembly(r.ptx); // what was assembled
    if (!cubin.ok)
      throw refusal(module, r.ptx, cubin.error, options.cpu);
    for (const std::string &warning : cubin.warnings)
      job.sink.warning(warning);
    job.timing({{"llvm", r.llvmTime}, {"asm", r.ptxTime}, {"obj", assembled}});
    if (cubin.cubin.empty())
      job.artifact(r.ptx.c_str(), r.ptx.size() + 1);
    else
      job.artifact(cubin.cubin.data(), cubin.cubin.size());
    if (!cubin.cubin.empty())
      job.object(cubin.cubin.data(), cubin.cubin.size());
    for (const tbc::Function &f : module.functions) {
      if (!job.entry.empty() && f.name != job.entry)
        continue;
      sdk::KernelInfo info = describe(module, f);
      info.flags = flags | (prints(f.body) ? TSR_KERNEL_PRINTS : 0);
      for (const auto &[name, use] : cubin.kernels)
        if (name == f.name) {
          info.regs = use.registers;
          info.spills = (use.spillStores + use.spillLoads) / 4;
        }
      job.kernel(info);
    }
  }
};

} // namespace tessera::nvidia

TSR_PLUGIN("nvidia", "0.1.0", tessera::nvidia::CompilerTarget, tessera::nvidia::NvidiaCompiler, void)
