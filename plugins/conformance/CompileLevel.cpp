// CompileLevel.cpp - L1: kernels through compiler and driver, against the interpreter
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Kit.h"
#include "plugins/conformance/Reference.h"

#include "core/bytecode/Writer.h"
#include "plugins/loader/TargetSpec.h"

#include <algorithm>
#include <thread>

namespace tessera::conformance {

using namespace plugin;

namespace {

struct Level {
  const PluginCompiler &compiler;
  DeviceSession *device;
  Report &report;

  CompileRequest requestFor(const std::vector<uint8_t> &bytes) const {
    CompileRequest r;
    r.bytecode = bytes;
    r.irVersion = TSR_IR_VERSION(tbc::kMajor, tbc::kMinor);
    // Without contraction + - * / equal the interpreter bit for bit.
    r.options = {{"fp_fusion", "0"}};
    return r;
  }

  static std::string allMessages(const DiagnosticList &diags) {
    std::string text;
    for (const Diagnostic &d : diags.all())
      text += (text.empty() ? "" : "; ") + d.message;
    return text;
  }

  // A refusal is proper where it names the op and the target, so that a user knows what to change.
  Result refusal(const Case &c, tsr_status status, const DiagnosticList &diags) const {
    std::string text = allMessages(diags);
    if (status != TSR_E_UNSUPPORTED)
      return {"L1/" + c.name, Outcome::Failed, "compile: " + statusName(status) + ": " + text};
    if (text.find(compiler.target().info().name) == std::string::npos)
      return {"L1/" + c.name, Outcome::Failed,
              "the refusal does not name the target " + compiler.target().info().name + ": " + text};
    return {"L1/" + c.name, Outcome::Unsupported, text};
  }

  Result run(const Case &c) const {
    Result bad{"L1/" + c.name, Outcome::Failed, {}};
    tbc::WriteResult bytes = tbc::writeModule(c.module);
    if (!bytes) {
      bad.detail = "the kit's own bytecode: " + bytes.error;
      return bad;
    }
    DiagnosticList diags;
    CompileOutput out = compiler.compile(requestFor(bytes.bytes), diags);
    if (!out)
      return refusal(c, out.status, diags);
    if (out.kernels.size() != 1 || out.kernels.front().name != "k") {
      bad.detail = "compile described " + std::to_string(out.kernels.size()) + " kernels, the first '" +
                   out.kernels.front().name + "', instead of one 'k'";
      return bad;
    }
    if (!device)
      return {"L1/" + c.name, Outcome::Passed, {}};
    std::vector<std::vector<uint8_t>> expected, got;
    for (const Buffer &b : c.buffers) {
      expected.push_back(b.bytes);
      got.push_back(b.bytes);
    }
    bad.detail = runReference(c, expected);
    if (!bad.detail.empty()) {
      bad.detail = "the interpreter refuses the kit's kernel: " + bad.detail;
      return bad;
    }
    bad.detail = device->run(c, out, got);
    for (size_t i = 0; i < c.buffers.size() && bad.detail.empty(); ++i) {
      std::string difference = compareBuffers(c.buffers[i], expected[i], got[i]);
      if (!difference.empty())
        bad.detail = (c.buffers[i].output ? "output " : "input ") + std::to_string(i) + ": " + difference;
    }
    return bad.detail.empty() ? Result{"L1/" + c.name, Outcome::Passed, {}} : bad;
  }

  // Equal input, equal bytes; also when several threads compile at once (R7, R9).
  void determinism(const std::vector<Case> &cases) const {
    setCurrentCase("L1/determinism");
    std::string problem;
    size_t checked = 0;
    for (size_t i = 0; i < cases.size() && problem.empty(); i += std::max<size_t>(cases.size() / 12, 1)) {
      std::vector<uint8_t> bytes = tbc::writeModule(cases[i].module).bytes;
      CompileOutput outs[4];
      std::vector<std::thread> threads;
      for (CompileOutput &o : outs)
        threads.emplace_back([&] {
          DiagnosticList diags;
          o = compiler.compile(requestFor(bytes), diags);
        });
      for (std::thread &t : threads)
        t.join();
      for (const CompileOutput &o : outs)
        if (o.status != outs[0].status || o.artifact != outs[0].artifact)
          problem = "two compiles of " + cases[i].name + " give different artifacts";
      checked += outs[0].status == TSR_OK;
    }
    report.add({"L1/determinism",
                checked || !problem.empty() ? (problem.empty() ? Outcome::Passed : Outcome::Failed) : Outcome::Skipped,
                problem});
  }

  void cancellation(const Case &c) const {
    setCurrentCase("L1/cancellation");
    std::vector<uint8_t> bytes = tbc::writeModule(c.module).bytes;
    CompileRequest r = requestFor(bytes);
    r.cancelled = [] { return true; };
    DiagnosticList diags;
    CompileOutput out = compiler.compile(r, diags);
    bool good = out.status == TSR_E_CANCELLED && out.artifact.empty();
    report.add({"L1/cancellation", good ? Outcome::Passed : Outcome::Failed,
                good ? std::string()
                     : "a compile that is cancelled from the start gives " + statusName(out.status) +
                           " instead of CANCELLED"});
  }

  // Cut and damaged bytecode: an error with a text, never a crash.
  void damagedBytecode(const Case &c) const {
    setCurrentCase("L1/damaged-bytecode");
    std::vector<uint8_t> whole = tbc::writeModule(c.module).bytes;
    std::string problem;
    uint32_t random = 7;
    for (size_t round = 0; round < 200 && problem.empty(); ++round) {
      std::vector<uint8_t> bytes = whole;
      if (round < 100)
        bytes.resize(whole.size() * round / 100);
      else
        for (int flips = 0; flips < 3; ++flips) {
          random = random * 1664525 + 1013904223;
          bytes[(random >> 8) % bytes.size()] ^= static_cast<uint8_t>(1 + (random >> 3) % 255);
        }
      DiagnosticList diags;
      CompileOutput out = compiler.compile(requestFor(bytes), diags);
      if (round < 100 && out.status >= 0)
        problem = "bytecode cut to " + std::to_string(bytes.size()) + " of " + std::to_string(whole.size()) +
                  " bytes compiles";
      if (out.status < 0 && !diags.hasErrors())
        problem = "a failed compile without an error";
    }
    report.add({"L1/damaged-bytecode", problem.empty() ? Outcome::Passed : Outcome::Failed, problem});
  }

  void unknownEntry(const Case &c) const {
    setCurrentCase("L1/unknown-entry");
    std::vector<uint8_t> bytes = tbc::writeModule(c.module).bytes;
    CompileRequest r = requestFor(bytes);
    r.entry = "no_such_kernel";
    DiagnosticList diags;
    CompileOutput out = compiler.compile(r, diags);
    bool good = out.status < 0 && allMessages(diags).find("no_such_kernel") != std::string::npos;
    if (out.status == TSR_E_UNSUPPORTED) // it compiles nothing at all
      report.add({"L1/unknown-entry", Outcome::Unsupported, allMessages(diags)});
    else
      report.add({"L1/unknown-entry", good ? Outcome::Passed : Outcome::Failed,
                  good ? std::string() : "gives " + statusName(out.status) + ": " + allMessages(diags)});
  }

  void cacheKeys() const {
    setCurrentCase("L1/cache-key");
    auto a = compiler.cacheKey({}), b = compiler.cacheKey({}), c = compiler.cacheKey({{"fp_fusion", "0"}});
    std::string problem;
    if (!a || !b || !c)
      problem = (!a ? a : !b ? b : c).failure().message;
    else if (*a != *b)
      problem = "two keys of the same question differ";
    else if (*a == *c)
      problem = "an option does not change the key";
    report.add({"L1/cache-key", problem.empty() ? Outcome::Passed : Outcome::Failed, problem});
  }
};

} // namespace

void runCompileLevel(Subject &subject, const KitOptions &options, Report &report) {
  if (!subject.compiler || !subject.target) {
    report.add({"L1/compile", Outcome::Skipped, "the plugin has no compiler role"});
    return;
  }
  auto compiler = PluginCompiler::make(subject.target);
  if (!compiler) {
    report.add({"L1/compile", Outcome::Failed, compiler.failure().message});
    return;
  }
  std::unique_ptr<DeviceSession> device;
  std::string why = "the plugin has no driver role";
  if (subject.driver)
    device = DeviceSession::open(*subject.driver, why);
  report.add({"L1/run-on-device", device ? Outcome::Passed : Outcome::Skipped, device ? std::string() : why});
  std::vector<Case> cases = allCases();
  Level level{**compiler, device.get(), report};
  level.cacheKeys();
  if (!(subject.target->info().irLevels & TSR_IR_TILE)) {
    report.add({"L1/kernels", Outcome::Skipped,
                "the target takes LAYOUT bytecode only, the kit's kernels are TILE: device-kernels-check --device " +
                    subject.target->library().name() + " --cases runs them through the compiler library"});
    return;
  }
  level.cancellation(cases.front());
  level.damagedBytecode(cases.front());
  level.unknownEntry(cases.front());
  level.determinism(cases);
  for (size_t i = 0; i < cases.size(); i += options.stride) {
    if (!globMatches(options.filter, "L1/" + cases[i].name))
      continue;
    setCurrentCase("L1/" + cases[i].name);
    report.add(level.run(cases[i]));
  }
}

} // namespace tessera::conformance
