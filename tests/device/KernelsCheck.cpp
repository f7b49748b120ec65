// KernelsCheck.cpp - random kernels and the conformance kit's kernels on a device, against the interpreter: run by hand
//
// SPDX-License-Identifier: Apache-2.0
//
//   device-kernels-check [--device nvidia] [--random 1000] [--first-seed 0] [--cases] [--threads 8] [--processes 2] [--seconds 200] [--json FILE]
//                        [--dump FOLDER] [--compile-only nvidia/sm_90a]
//
// The product's own way: TILE IR through libtessera_compiler and the plugin, the result through libtessera. Threads generate, interpret and compile;
// processes run, each with the device open for itself: an illegal address ends the device for the process that it happens in, so the kernel that did
// it is known, and the next one runs in a new process. Nothing is compiled twice. Every random kernel comes in three sizes, with 1 to 8 warps, which
// depend on the seed and the size alone. Buffers stand between guards. Prints what failed, with its seed, and which operations on which types ran;
// exit code 0: everything agreed.
#include "core/bytecode/Module.h"
#include "frontends/compiler/tessera_compiler.h"
#include "plugins/conformance/Reference.h"
#include "tests/device/KernelProcess.h"
#include "tests/device/TileText.h"
#include "tests/lib/RandomKernel.h"

#include <CLI/CLI.hpp>
#include <llvm/Support/FormatVariadic.h>
#include <llvm/Support/JSON.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

using namespace tessera;

namespace {

using device::Buffers;
constexpr double kLaunchSeconds = 60; // after which a launch counts as one that does not end
constexpr int kStartsInARow = 3;      // processes that find no device, before it is given up

// One kernel, compiled, with what it reads and what it must write.
struct Job {
  std::string name;
  std::optional<uint64_t> seed; // of a random kernel
  unsigned warps = 4;
  tbc::Module module;
  device::Launch launch;
  std::function<std::string(const Buffers &)> compare;
  std::string error, stage; // what went wrong before it could run, and where: "interpreter", "compiler"
  bool isForeign = false;   // no tile IR for it
};

struct Failure {
  std::string name, why, stage; // stage: also "lost" (the device), "run", "result"
  std::optional<uint64_t> seed;
  unsigned warps;
  std::string file; // its tile IR
};

void walk(const tbc::Module &m, const tbc::Region &region, std::set<std::string> &ops, std::set<std::string> &pairs) {
  for (const tbc::Op &op : region.ops) {
    const tbc::OpInfo *info = tbc::opInfo(op.code);
    std::string name(info ? info->name : "?");
    ops.insert(name);
    for (tbc::ValueId v : op.results)
      pairs.insert(name + "/" + std::string(tbc::elemName(m.typeOf(v).elem)));
    for (const tbc::Region &inner : op.regions)
      walk(m, inner, ops, pairs);
  }
}

void setWarps(Job &job, unsigned warps) {
  job.warps = warps;
  for (auto &[key, value] : job.module.options)
    if (key == "num_warps") {
      value = warps;
      return;
    }
  job.module.options.emplace_back("num_warps", warps);
}

tsc_str str(const std::string &s) { return {s.data(), s.size()}; }

// TILE to a compiled kernel file.
void compile(Job &job, const std::string &target) {
  std::optional<std::string> text = tileText(job.module);
  if (!text) {
    job.isForeign = true;
    return;
  }
  tsc_sink sink{};
  sink.size = sizeof sink;
  sink.user = &job;
  sink.diag = [](void *user, uint32_t severity, tsc_str said, tsc_str) {
    if (severity == 0 || severity == 3)
      static_cast<Job *>(user)->error.append(said.p, said.n);
  };
  sink.emit = [](void *user, tsc_str kind, tsc_str, const void *bytes, uint64_t n) {
    if (std::string_view(kind.p, kind.n) == "artifact")
      static_cast<Job *>(user)->launch.artifact.assign(static_cast<const char *>(bytes), n);
  };
  sink.kernel = [](void *, const tsc_kernel_info *) {};
  std::vector<std::string> options = {"file", "kernel.mlir"};
  std::vector<tsc_str> views;
  for (const std::string &o : options)
    views.push_back(str(o));
  std::string emits = "artifact";
  tsc_request request{};
  request.size = sizeof request;
  request.num_options = static_cast<uint32_t>(views.size() / 2);
  request.options = views.data();
  request.target = str(target);
  request.emits = str(emits);
  if (tsc_lower(text->data(), text->size(), &request, &sink) != 0 && job.error.empty())
    job.error = "the compile failed without a word";
  job.stage = "compiler";
}

// Does the memory of this target add f32 as PTX ISA says of atom and red: "atom.add.f32 on global memory flushes subnormal inputs and results to
// sign-preserving zero"? Of f64 and of the narrow types no device does.
bool flushesAtomicSums(const std::string &target) { return target.starts_with("nvidia/"); }

Job randomJob(uint64_t seed, unsigned size, const std::string &target) {
  samples::RandomOptions kind;
  kind.fp8 = false; // conversions straight to f8e4b15 have no tile IR
  kind.elements = 64u << size;
  auto kernel = std::make_shared<samples::RandomKernel>(samples::randomKernel(seed, kind));
  Job job;
  job.name = "random " + std::to_string(seed) + ", " + std::to_string(kind.elements) + " elements";
  job.seed = seed;
  job.module = kernel->module;
  setWarps(job, 1u << (3 * seed + size) % 4);
  job.launch.grid = kernel->grid;
  for (uint64_t s : kernel->scalars)
    job.launch.parameters.emplace_back(false, s);
  job.launch.buffers = kernel->initialBuffers();
  for (size_t i = 0; i < job.launch.buffers.size(); ++i)
    job.launch.parameters.emplace_back(true, i);
  auto expected = std::make_shared<Buffers>(job.launch.buffers);
  job.error = samples::runReference(*kernel, *expected, nullptr, flushesAtomicSums(target));
  job.stage = "interpreter";
  job.compare = [kernel, expected](const Buffers &got) { return samples::compareBuffers(*kernel, *expected, got); };
  return job;
}

Job caseJob(const conformance::Case &c, size_t number) {
  Job job;
  job.name = "case " + c.name;
  job.module = c.module;
  setWarps(job, 1u << number % 4);
  job.launch.grid = {c.grid[0], c.grid[1], c.grid[2]};
  for (const conformance::Buffer &b : c.buffers)
    job.launch.buffers.push_back(b.bytes);
  auto expected = std::make_shared<Buffers>(job.launch.buffers);
  for (size_t i = 0; i < expected->size(); ++i)
    job.launch.parameters.emplace_back(true, i);
  for (int32_t s : c.scalars)
    job.launch.parameters.emplace_back(false, static_cast<uint32_t>(s));
  job.error = conformance::runReference(c, *expected);
  job.stage = "interpreter";
  job.compare = [&c, expected](const Buffers &got) {
    for (size_t i = 0; i < got.size(); ++i)
      if (std::string why = conformance::compareBuffers(c.buffers[i], (*expected)[i], got[i]); !why.empty())
        return why;
    return std::string();
  };
  return job;
}

// What is known so far. Every member locks.
class Report {
public:
  explicit Report(std::string dump) : dump_(std::move(dump)) {}
  void fail(const Job &job, const std::string &stage, const std::string &why) {
    std::lock_guard lock(mutex_);
    Failure f{job.name, why, stage, job.seed, job.warps, {}};
    if (!dump_.empty()) {
      f.file = dump_ + "/" + std::to_string(failures_.size() + 1) + ".mlir";
      std::ofstream(f.file) << "// " << job.name << ", " << job.warps << " warps, grid " << job.launch.grid[0] << " "
                            << job.launch.grid[1] << " " << job.launch.grid[2] << ", " << stage << "\n"
                            << tileText(job.module).value_or("");
    }
    std::printf("FAIL %s, %u warps (%s): %s\n", job.name.c_str(), job.warps, stage.c_str(), why.substr(0, 300).c_str());
    failures_.push_back(std::move(f));
  }
  void pass(const Job &job) {
    std::lock_guard lock(mutex_);
    ++passed_;
    for (const tbc::Function &f : job.module.functions)
      walk(job.module, f.body, ops_, pairs_);
  }
  void skip() {
    std::lock_guard lock(mutex_);
    ++foreign_;
  }
  bool isClean() const { return failures_.empty(); }
  void print(size_t left, double seconds) const {
    std::map<std::string, size_t> stages;
    for (const Failure &f : failures_)
      ++stages[f.stage];
    std::printf(
        "%zu operations, %zu pairs of operation and type ran; %zu kernels have no tile IR, %zu were not reached\n",
        ops_.size(), pairs_.size(), foreign_, left);
    for (const auto &[stage, n] : stages)
      std::printf("failed, %s: %zu\n", stage.c_str(), n);
    std::printf("%zu passed, %zu failed in %.0f s\n", passed_, failures_.size(), seconds);
  }
  // `head`: fields that the caller knows.
  void write(const std::string &path, llvm::json::Object head) const {
    head["passed"] = passed_;
    head["failed"] = failures_.size();
    head["without_tile_ir"] = foreign_;
    llvm::json::Array list;
    for (const Failure &f : failures_) {
      llvm::json::Object o{
          {"name", f.name}, {"stage", f.stage}, {"warps", f.warps}, {"why", llvm::json::fixUTF8(f.why)}};
      if (f.seed)
        o["seed"] = *f.seed;
      if (!f.file.empty())
        o["file"] = f.file;
      list.push_back(std::move(o));
    }
    head["failures"] = std::move(list);
    head["operations"] = llvm::json::Array(ops_);
    head["pairs"] = llvm::json::Array(pairs_);
    std::error_code error;
    llvm::raw_fd_ostream out(path, error);
    out << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(head)));
  }

private:
  mutable std::mutex mutex_;
  std::string dump_;
  size_t passed_ = 0, foreign_ = 0;
  std::vector<Failure> failures_;
  std::set<std::string> ops_, pairs_;
};

// Between those that compile and those that run.
struct Queue {
  std::mutex mutex;
  std::condition_variable filled, emptied;
  std::deque<Job> jobs;
  size_t next = 0, producing = 0, running = 0;
  bool isGivenUp = false; // nobody runs any more

  std::optional<Job> take() {
    std::unique_lock lock(mutex);
    filled.wait(lock, [&] { return !jobs.empty() || producing == 0; });
    if (jobs.empty())
      return std::nullopt;
    Job job = std::move(jobs.front());
    jobs.pop_front();
    emptied.notify_all();
    return job;
  }
  void put(Job job) {
    std::lock_guard lock(mutex);
    jobs.push_back(std::move(job));
    filled.notify_all();
  }
};

// Runs what is compiled, until nothing is left or no process opens the device any more. process: open already, or nobody's (only compiling).
void serve(Queue &queue, Report &report, device::KernelProcess *process, const std::vector<std::string> &arguments) {
  while (std::optional<Job> job = queue.take()) {
    if (job->isForeign) {
      report.skip();
      continue;
    }
    if (!job->error.empty()) {
      report.fail(*job, job->stage, job->error);
      continue;
    }
    if (process) {
      std::string why;
      for (int i = 0; i < kStartsInARow && !process->isRunning(); ++i)
        why = process->start(arguments);
      if (!process->isRunning()) {
        std::printf("no process opens the device any more: %s\n", why.c_str());
        queue.put(std::move(*job));
        break;
      }
      device::Outcome out = process->run(job->launch, kLaunchSeconds);
      if (!out.why.empty()) {
        report.fail(*job, out.isLost ? "lost" : "run", out.why);
        continue;
      }
      if (std::string difference = job->compare(out.buffers); !difference.empty()) {
        report.fail(*job, "result", difference);
        continue;
      }
    }
    report.pass(*job);
  }
  std::lock_guard lock(queue.mutex);
  if (--queue.running == 0) {
    queue.isGivenUp = true;
    queue.emptied.notify_all();
  }
}

} // namespace

int main(int argc, char **argv) try {
  // A crash must not take along what was said.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::string which = "nvidia", json, only, dump;
  uint64_t random = 1000, firstSeed = 0;
  bool cases = false;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency()), stride = 1, processes = 2;
  double seconds = 200;
  int64_t endAt = -1;
  int socket = -1;
  CLI::App app("random kernels and the conformance kit's kernels on a device, against the interpreter");
  app.add_option("--device", which, "plugin, or plugin:ordinal");
  app.add_option("--random", random, "random kernels; each in three sizes");
  app.add_option("--first-seed", firstSeed, "seed of the first");
  app.add_flag("--cases", cases, "the conformance kit's kernels too");
  app.add_option("--stride", stride, "every n-th of those")->check(CLI::Range(1, 1000));
  app.add_option("--threads", threads, "that compile")->check(CLI::Range(1, 256));
  app.add_option("--processes", processes, "that run, each with the device open")->check(CLI::Range(1, 64));
  app.add_option("--seconds", seconds, "nothing is started after these");
  app.add_option("--compile-only", only, "a target, as nvidia/sm_90a: no device, everything is only compiled");
  app.add_option("--json", json, "write the result there");
  app.add_option("--dump", dump, "a folder for the tile IR of what fails");
  app.add_option("--end-at", endAt, "a process kills itself at this launch of its own: what a fault does, for tests");
  app.add_option("--serve", socket, "what this program starts itself with")->group("");
  CLI11_PARSE(app, argc, argv);
  if (socket >= 0)
    return device::serveLaunches(which, socket, endAt);
  if (!dump.empty())
    std::filesystem::create_directories(dump);
  const std::vector<std::string> arguments = {"--device", which, "--end-at", std::to_string(endAt), "--serve"};
  std::vector<std::unique_ptr<device::KernelProcess>> runners;
  std::string name = "no device", target = only;
  if (only.empty()) {
    runners.push_back(std::make_unique<device::KernelProcess>());
    if (std::string why = runners[0]->start(arguments); !why.empty()) {
      std::printf("no device: %s\n", why.c_str());
      return 2;
    }
    name = runners[0]->name;
    target = runners[0]->target;
    while (runners.size() < processes)
      runners.push_back(std::make_unique<device::KernelProcess>());
  }
  std::printf("%s, %s\n", name.c_str(), target.c_str());
  std::vector<conformance::Case> kit;
  if (cases)
    kit = conformance::allCases();
  size_t kitRuns = (kit.size() + stride - 1) / stride, total = kitRuns + 3 * random;
  auto began = std::chrono::steady_clock::now();
  auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); };

  Queue queue;
  queue.producing = threads;
  queue.running = std::max<size_t>(1, runners.size());
  Report report(dump);
  std::vector<std::jthread> workers;
  for (unsigned t = 0; t < threads; ++t)
    workers.emplace_back([&] {
      for (;;) {
        size_t at;
        {
          std::unique_lock lock(queue.mutex);
          queue.emptied.wait(lock, [&] { return queue.jobs.size() < 4 * threads || queue.isGivenUp; });
          at = queue.next;
          if (at >= total || spent() > seconds || queue.isGivenUp) {
            --queue.producing;
            queue.filled.notify_all();
            return;
          }
          ++queue.next;
        }
        size_t r = at - kitRuns;
        Job job = at < kitRuns ? caseJob(kit[at * stride], at)
                               : randomJob(firstSeed + r / 3, static_cast<unsigned>(r % 3), target);
        if (job.error.empty())
          compile(job, target);
        queue.put(std::move(job));
      }
    });
  for (size_t i = 1; i < runners.size(); ++i)
    workers.emplace_back([&, i] { serve(queue, report, runners[i].get(), arguments); });
  serve(queue, report, runners.empty() ? nullptr : runners[0].get(), arguments);
  workers.clear();

  size_t left = total - queue.next + queue.jobs.size();
  report.print(left, spent());
  if (!json.empty())
    report.write(json, llvm::json::Object{{"device", name},
                                          {"target", target},
                                          {"first_seed", firstSeed},
                                          {"seeds", random},
                                          {"sizes", 3},
                                          {"cases", kitRuns},
                                          {"not_reached", left},
                                          {"seconds", spent()}});
  return report.isClean() && left == 0 ? 0 : 1;
} catch (const std::exception &error) {
  std::fprintf(stderr, "device-kernels-check: %s\n", error.what());
  return 2;
}
