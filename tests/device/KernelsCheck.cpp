// KernelsCheck.cpp - random kernels and the conformance kit's kernels on a device, against the interpreter: run by hand
//
// SPDX-License-Identifier: Apache-2.0
//
//   device-kernels-check [--device nvidia] [--random 1000] [--first-seed 0] [--cases] [--threads 8] [--seconds 200] [--json FILE] [--compile-only nvidia/sm_90a]
//
// The product's own way: TILE IR through libtessera_compiler and the plugin, the result through libtessera. Threads generate, interpret and compile; one
// thread runs. Every random kernel comes in three sizes, with 1 to 8 warps. Buffers stand between guards. A kernel that faults costs the device, which
// is opened again. Prints what failed, with its seed, and which operations on which types ran; exit code 0: everything agreed.
#include "core/bytecode/Module.h"
#include "core/interpreter/Interpreter.h"
#include "frontends/compiler/tessera_compiler.h"
#include "plugins/conformance/Case.h"
#include "runtime/api/tessera.h"
#include "tests/device/TileText.h"
#include "tests/lib/RandomKernel.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

using namespace tessera;

namespace {

using Buffers = std::vector<std::vector<uint8_t>>;
constexpr uint64_t kGuard = 256;
constexpr uint8_t kGuardByte = 0xa5;

// One kernel, compiled, with what it reads and what it must write.
struct Job {
  std::string name;
  tbc::Module module;
  std::array<uint32_t, 3> grid{1, 1, 1};
  // Parameters: numbers and addresses of buffers, in the kernel's order.
  std::vector<std::pair<bool, uint64_t>> parameters; // is a buffer, its index or the number
  Buffers before, want;
  std::function<std::string(const Buffers &)> compare;
  std::string artifact, error;
  bool isForeign = false; // no tile IR for it
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

tsc_str str(const std::string &s) { return {s.data(), s.size()}; }

// TILE to a compiled kernel file.
void compile(Job &job, const std::string &target, unsigned warps) {
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
      static_cast<Job *>(user)->artifact.assign(static_cast<const char *>(bytes), n);
  };
  sink.kernel = [](void *, const tsc_kernel_info *) {};
  std::vector<std::string> options = {"num_warps", std::to_string(warps), "file", "kernel.mlir"};
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
}

Job randomJob(uint64_t seed, unsigned size) {
  samples::RandomOptions kind;
  kind.fp8 = false; // conversions straight to f8e4b15 have no tile IR
  kind.elements = 64u << size;
  auto kernel = std::make_shared<samples::RandomKernel>(samples::randomKernel(seed, kind));
  Job job;
  job.name = "random " + std::to_string(seed) + ", " + std::to_string(kind.elements) + " elements";
  job.module = kernel->module;
  job.grid = kernel->grid;
  for (uint64_t s : kernel->scalars)
    job.parameters.emplace_back(false, s);
  job.before = job.want = kernel->initialBuffers();
  for (size_t i = 0; i < job.before.size(); ++i)
    job.parameters.emplace_back(true, i);
  job.error = samples::runReference(*kernel, job.want);
  auto expected = std::make_shared<Buffers>(job.want);
  job.compare = [kernel, expected](const Buffers &got) { return samples::compareBuffers(*kernel, *expected, got); };
  return job;
}

Job caseJob(const conformance::Case &c) {
  Job job;
  job.name = "case " + c.name;
  job.module = c.module;
  job.grid = {c.grid[0], c.grid[1], c.grid[2]};
  interp::MemoryMap memory;
  std::vector<uint64_t> args;
  for (const conformance::Buffer &b : c.buffers)
    job.before.push_back(b.bytes);
  job.want = job.before;
  for (size_t i = 0; i < job.want.size(); ++i) {
    memory.add(reinterpret_cast<uint64_t>(job.want[i].data()), job.want[i].size(), "p" + std::to_string(i));
    args.push_back(reinterpret_cast<uint64_t>(job.want[i].data()));
    job.parameters.emplace_back(true, i);
  }
  for (int32_t s : c.scalars) {
    args.push_back(static_cast<uint32_t>(s));
    job.parameters.emplace_back(false, static_cast<uint32_t>(s));
  }
  interp::Options options;
  options.checkMemory = true;
  options.memory = &memory;
  interp::Result r = interp::run(c.module, "k", {c.grid[0], c.grid[1], c.grid[2]}, args, options);
  if (!r.ok())
    job.error = renderDiagnostic(r.diagnostics[0], false);
  auto expected = std::make_shared<Buffers>(job.want);
  job.compare = [&c, expected](const Buffers &got) {
    for (size_t i = 0; i < got.size(); ++i)
      if (std::string why = conformance::compareBuffers(c.buffers[i], (*expected)[i], got[i]); !why.empty())
        return why;
    return std::string();
  };
  return job;
}

class Device {
public:
  explicit Device(std::string which) : which_(std::move(which)) {}
  ~Device() { tsr_device_close(device_); }
  bool open() {
    tsr_device_close(device_);
    device_ = nullptr;
    if (tsr_device_open(which_.c_str(), nullptr, 0, &device_) != TSR_OK)
      return false;
    tsr_device_set_print(device_, [](void *, const char *, uint64_t) {}, nullptr);
    TsrDeviceInfo info{};
    info.size = sizeof info;
    tsr_device_describe(device_, &info);
    name = info.name;
    target = std::string(info.plugin) + "/" + info.target;
    return true;
  }
  // What is wrong with the job's results; empty: nothing. lost: the device must be opened again.
  std::string run(const Job &job, bool &lost) {
    lost = false;
    TsrModule *module = nullptr;
    TsrKernel *kernel = nullptr;
    std::vector<TsrBuffer *> buffers;
    Buffers got = job.before;
    auto body = [&]() -> bool {
      if (tsr_module_load(device_, job.artifact.data(), job.artifact.size(), &module) != TSR_OK ||
          tsr_module_kernel(module, nullptr, &kernel) != TSR_OK)
        return false;
      for (const auto &bytes : job.before) {
        std::vector<uint8_t> guarded(bytes.size() + 2 * kGuard, kGuardByte);
        std::copy(bytes.begin(), bytes.end(), guarded.begin() + kGuard);
        TsrBuffer *buffer = nullptr;
        if (tsr_buffer_create(device_, guarded.size(), &buffer) != TSR_OK)
          return false;
        buffers.push_back(buffer);
        if (tsr_buffer_write(buffer, 0, guarded.data(), guarded.size(), nullptr) != TSR_OK)
          return false;
      }
      const TsrKernelInfo *info = tsr_kernel_describe(kernel);
      std::vector<uint8_t> packed(info->arg_bytes);
      for (uint32_t i = 0; i < info->n_parameters && i < job.parameters.size(); ++i) {
        auto [isBuffer, value] = job.parameters[i];
        if (isBuffer)
          value = tsr_buffer_address(buffers[value]) + kGuard;
        std::memcpy(&packed[info->parameters[i].offset], &value, info->parameters[i].size);
      }
      int32_t grid[3] = {static_cast<int32_t>(job.grid[0]), static_cast<int32_t>(job.grid[1]),
                         static_cast<int32_t>(job.grid[2])};
      if (tsr_kernel_launch_packed(kernel, nullptr, grid, packed.data(), packed.size()) != TSR_OK ||
          tsr_device_sync(device_) != TSR_OK)
        return false;
      for (size_t i = 0; i < buffers.size(); ++i) {
        std::vector<uint8_t> guarded(job.before[i].size() + 2 * kGuard);
        if (tsr_buffer_read(buffers[i], 0, guarded.data(), guarded.size(), nullptr) != TSR_OK)
          return false;
        for (size_t at = 0; at < guarded.size(); ++at)
          if ((at < kGuard || at >= guarded.size() - kGuard) && guarded[at] != kGuardByte && outside_.empty())
            outside_ = "buffer " + std::to_string(i) + " was written outside, at byte " +
                       std::to_string(static_cast<int64_t>(at) - static_cast<int64_t>(kGuard));
        got[i].assign(guarded.begin() + kGuard, guarded.end() - kGuard);
      }
      return true;
    };
    outside_.clear();
    std::string why;
    if (!body()) {
      why = tsr_error_message();
      lost = true;
    }
    for (TsrBuffer *b : buffers)
      tsr_buffer_destroy(b);
    tsr_module_unload(module);
    if (why.empty())
      why = outside_.empty() ? job.compare(got) : outside_;
    return why;
  }
  std::string name, target;

private:
  std::string which_, outside_;
  TsrDevice *device_ = nullptr;
};

struct Queue {
  std::mutex mutex;
  std::condition_variable filled, emptied;
  std::deque<Job> jobs;
  size_t next = 0, producing = 0;
};

} // namespace

int main(int argc, char **argv) try {
  std::string which = "nvidia", json;
  uint64_t random = 1000, firstSeed = 0;
  bool cases = false;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency()), stride = 1;
  double seconds = 200;
  CLI::App app("random kernels and the conformance kit's kernels on a device, against the interpreter");
  app.add_option("--device", which, "plugin, or plugin:ordinal");
  app.add_option("--random", random, "random kernels; each in three sizes");
  app.add_option("--first-seed", firstSeed, "seed of the first");
  app.add_flag("--cases", cases, "the conformance kit's kernels too");
  app.add_option("--stride", stride, "every n-th of those")->check(CLI::Range(1, 1000));
  app.add_option("--threads", threads, "that compile")->check(CLI::Range(1, 256));
  app.add_option("--seconds", seconds, "nothing is started after these");
  std::string only;
  app.add_option("--compile-only", only, "a target, as nvidia/sm_90a: no device, everything is only compiled");
  app.add_option("--json", json, "write the result there");
  std::string dump;
  app.add_option("--dump", dump, "a folder for the tile IR of what fails");
  CLI11_PARSE(app, argc, argv);
  Device device(which);
  if (!only.empty()) {
    device.target = only;
    device.name = "no device";
  } else if (!device.open()) {
    std::printf("no device: %s\n", tsr_error_message());
    return 2;
  }
  std::printf("%s, %s\n", device.name.c_str(), device.target.c_str());
  std::vector<conformance::Case> kit;
  if (cases)
    kit = conformance::allCases();
  size_t kitRuns = (kit.size() + stride - 1) / stride, total = kitRuns + 3 * random;
  auto began = std::chrono::steady_clock::now();
  auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); };

  Queue queue;
  queue.producing = threads;
  std::vector<std::jthread> workers;
  for (unsigned t = 0; t < threads; ++t)
    workers.emplace_back([&] {
      for (;;) {
        size_t at;
        {
          std::unique_lock lock(queue.mutex);
          queue.emptied.wait(lock, [&] { return queue.jobs.size() < 4 * threads; });
          at = queue.next;
          if (at >= total || spent() > seconds) {
            --queue.producing;
            queue.filled.notify_all();
            return;
          }
          ++queue.next;
        }
        size_t r = at - kitRuns;
        Job job = at < kitRuns ? caseJob(kit[at * stride]) : randomJob(firstSeed + r / 3, static_cast<unsigned>(r % 3));
        if (job.error.empty())
          compile(job, device.target, 1u << at % 4);
        else
          job.error = "interpreter: " + job.error;
        std::lock_guard lock(queue.mutex);
        queue.jobs.push_back(std::move(job));
        queue.filled.notify_all();
      }
    });

  size_t passed = 0, foreign = 0;
  std::vector<std::pair<std::string, std::string>> failures;
  std::set<std::string> ops, pairs;
  while (true) {
    Job job;
    {
      std::unique_lock lock(queue.mutex);
      queue.filled.wait(lock, [&] { return !queue.jobs.empty() || queue.producing == 0; });
      if (queue.jobs.empty())
        break;
      job = std::move(queue.jobs.front());
      queue.jobs.pop_front();
      queue.emptied.notify_all();
    }
    if (job.isForeign) {
      ++foreign;
      continue;
    }
    std::string why = job.error;
    if (why.empty() && only.empty()) {
      bool lost = false;
      why = device.run(job, lost);
      if (lost && !device.open()) {
        failures.emplace_back(job.name, why + "; and the device does not open again: " + tsr_error_message());
        std::printf("FAIL %s: %s\n", job.name.c_str(), failures.back().second.c_str());
        break;
      }
    }
    if (!why.empty()) {
      failures.emplace_back(job.name, why);
      std::printf("FAIL %s: %s\n", job.name.c_str(), why.substr(0, 300).c_str());
      if (!dump.empty())
        std::ofstream(dump + "/" + std::to_string(failures.size()) + ".mlir") << "// " << job.name << "\n"
                                                                              << tileText(job.module).value_or("");
      std::fflush(stdout);
      continue;
    }
    ++passed;
    for (const tbc::Function &f : job.module.functions)
      walk(job.module, f.body, ops, pairs);
  }
  size_t left = 0;
  {
    std::lock_guard lock(queue.mutex);
    left = total - queue.next;
    queue.next = total; // those that still wait find nothing more
    queue.jobs.clear();
    queue.emptied.notify_all();
  }
  workers.clear();
  std::printf(
      "%zu operations, %zu pairs of operation and type ran; %zu kernels have no tile IR, %zu were not reached\n",
      ops.size(), pairs.size(), foreign, left);
  std::printf("%zu passed, %zu failed in %.0f s\n", passed, failures.size(), spent());
  if (!json.empty()) {
    std::ofstream out(json);
    auto list = [&](const std::set<std::string> &items) {
      const char *comma = "";
      for (const std::string &item : items)
        out << comma << '"' << item << '"', comma = ", ";
    };
    out << "{\"device\": \"" << device.name << "\", \"target\": \"" << device.target
        << "\", \"first_seed\": " << firstSeed << ", \"seeds\": " << random << ", \"sizes\": 3, \"passed\": " << passed
        << ", \"failed\": " << failures.size() << ", \"not_reached\": " << left << ",\n \"operations\": [";
    list(ops);
    out << "],\n \"pairs\": [";
    list(pairs);
    out << "]}\n";
  }
  return failures.empty() && left == 0 ? 0 : 1;
} catch (const std::exception &error) {
  std::fprintf(stderr, "device-kernels-check: %s\n", error.what());
  return 2;
}
