// PluginCompiler.cpp - one compile over the C ABI, with everything that may go wrong turned into a Diagnostic
// SPDX-License-Identifier: Apache-2.0
#include "plugins/host/PluginCompiler.h"

#include <condition_variable>
#include <mutex>

namespace tessera::plugin {

namespace {

// A tsr_compile_in with what it points to.
struct RawRequest {
  tsr_compile_in in{};
  std::vector<tsr_kv> options;

  RawRequest(const PluginTarget &target, const CompileRequest &r) {
    for (const auto &[key, value] : r.options)
      options.push_back({str(key), str(value)});
    in.h.size = sizeof in;
    in.target = target.handle();
    in.ir = {r.bytecode.data(), r.bytecode.size()};
    in.ir_version = r.irVersion;
    in.ir_level = r.irLevel;
    in.opt_level = r.optLevel;
    in.dump_mask = r.dumpMask;
    in.entry = str(r.entry);
    in.opts = options.data();
    in.n_opts = static_cast<uint32_t>(options.size());
  }
};

DiagId errorId(tsr_status status) {
  switch (status) {
  case TSR_E_UNSUPPORTED:
    return DiagId::TargetCannot;
  case TSR_E_INVALID:
  case TSR_E_TOO_NEW:
  case TSR_E_TOO_OLD:
    return DiagId::BadBytecode;
  case TSR_E_OOM_HOST:
  case TSR_E_OOM_DEVICE:
    return DiagId::OutOfMemory;
  default:
    return DiagId::PluginFailed;
  }
}

SourcePlace placeOf(const MessageSink::Message &m, const CompileRequest &r) {
  SourcePlace p;
  p.line = m.line;
  p.column = m.column;
  for (const auto &known : r.sources) // several may be parts of one file
    if (known && known->name == m.file && (!p.file || known->line(p.line).data()))
      p.file = known;
  if (!p.file && !m.file.empty()) {
    auto file = std::make_shared<SourceFile>();
    file->name = m.file;
    p.file = file;
  }
  return p;
}

void report(const PluginTarget &target, const CompileRequest &r, const MessageSink &sink, tsr_status status,
            const std::string &hostProblem, const char *what, DiagnosticList &diags) {
  bool error = false;
  Diagnostic pending;
  bool have = false;
  auto flush = [&] {
    if (have)
      diags.add(std::move(pending));
    have = false;
  };
  for (const MessageSink::Message &m : sink.messages) {
    if (m.depth && have) {
      pending.notes.push_back({placeOf(m, r), m.text});
      continue;
    }
    flush();
    if (m.severity == TSR_SEV_DEBUG)
      continue;
    pending = {};
    pending.severity = m.severity == TSR_SEV_ERROR     ? Severity::Error
                       : m.severity == TSR_SEV_WARNING ? Severity::Warning
                                                       : Severity::Note;
    pending.place = placeOf(m, r);
    pending.message =
        "plugin " + target.library().name() + ": " + (m.text.empty() ? "a message without a text" : m.text);
    // An error beside a status of success is the plugin's contradiction: show it, but as a warning.
    if (pending.severity == Severity::Error && status >= 0)
      pending.severity = Severity::Warning;
    pending.id = pending.severity == Severity::Error ? errorId(status) : DiagId::PluginWarning;
    error = error || pending.severity == Severity::Error;
    have = true;
  }
  flush();
  if (!hostProblem.empty()) {
    diags.add(DiagId::PluginFailed, {},
              "plugin " + target.library().name() + ": " + what + " for " + target.info().name + ": " + hostProblem);
  } else if (status < 0 && !error) {
    Failure f = target.library().failure(std::string(what) + " for " + target.info().name, status, errorId(status));
    diags.add(f.id, {}, f.message);
  }
}

} // namespace

tsr_kernel_info CompiledKernel::raw(std::vector<tsr_arg> &room) const {
  room.clear();
  for (const CompiledArg &a : args)
    room.push_back({str(a.name), a.offset, a.size, a.kind, a.flags});
  tsr_kernel_info k{};
  k.h.size = sizeof k;
  k.name = str(name);
  k.arg_bytes = argBytes;
  k.arg_align = argAlign;
  k.n_args = static_cast<uint32_t>(room.size());
  k.flags = flags;
  k.args = room.data();
  std::copy(block.begin(), block.end(), k.block);
  std::copy(cluster.begin(), cluster.end(), k.cluster);
  k.smem_static = smemStatic;
  k.smem_dynamic = smemDynamic;
  k.scratch = scratch;
  k.regs = regs;
  k.spills = spills;
  return k;
}

struct PluginCompiler::Gate {
  std::mutex mutex;
  std::condition_variable free;
  uint32_t running = 0, limit = 0;

  struct Pass {
    Gate &gate;
    explicit Pass(Gate &g) : gate(g) {
      std::unique_lock lock(g.mutex);
      g.free.wait(lock, [&] { return g.limit == 0 || g.running < g.limit; });
      ++g.running;
    }
    ~Pass() {
      {
        std::lock_guard lock(gate.mutex);
        --gate.running;
      }
      gate.free.notify_one();
    }
  };
};

PluginCompiler::PluginCompiler(std::shared_ptr<const PluginTarget> target)
    : target_(std::move(target)), gate_(new Gate) {
  gate_->limit = target_->library().compiler()->max_concurrency;
}
PluginCompiler::~PluginCompiler() = default;

Expected<std::shared_ptr<const PluginCompiler>> PluginCompiler::make(std::shared_ptr<const PluginTarget> target) {
  if (!target->library().compiler())
    return Failure{DiagId::PluginRefused,
                   "plugin " + target->library().name() + ": this library does not have the compiler role",
                   {}};
  return std::shared_ptr<const PluginCompiler>(new PluginCompiler(std::move(target)));
}

CompileOutput PluginCompiler::compile(const CompileRequest &request, DiagnosticList &diags) const {
  const tsr_compiler_api *api = target_->library().compiler();
  RawRequest raw(*target_, request);
  CompileOutput out;
  MessageSink sink;
  sink.cancelled = request.cancelled;
  struct Kernels {
    CompileOutput *out;
    std::string problem;
  } kernels{&out, {}};
  auto onKernel = [](void *user, const tsr_kernel_info *k) -> tsr_status {
    auto *self = static_cast<Kernels *>(user);
    if (!k || !TSR_COVERS(tsr_kernel_info, k, spills) || !k->name.p || k->n_args > 4096 || (k->n_args && !k->args)) {
      self->problem = "it described a kernel with an impossible struct";
      return TSR_E_INVALID;
    }
    CompiledKernel c;
    c.name = std::string(view(k->name));
    c.argBytes = k->arg_bytes;
    c.argAlign = k->arg_align;
    c.flags = k->flags;
    for (uint32_t i = 0; i < k->n_args; ++i) {
      const tsr_arg &a = k->args[i];
      if (uint64_t(a.offset) + a.size > k->arg_bytes) {
        self->problem = "argument " + std::to_string(i) + " of kernel " + c.name + " lies outside the argument block";
        return TSR_E_INVALID;
      }
      c.args.push_back({std::string(view(a.name)), a.offset, a.size, a.kind, a.flags});
    }
    std::copy(k->block, k->block + 3, c.block.begin());
    std::copy(k->cluster, k->cluster + 3, c.cluster.begin());
    c.smemStatic = k->smem_static;
    c.smemDynamic = k->smem_dynamic;
    c.scratch = k->scratch;
    c.regs = k->regs;
    c.spills = k->spills;
    self->out->kernels.push_back(std::move(c));
    return TSR_OK;
  };
  bool threw = false;
  {
    Gate::Pass pass(*gate_);
    out.status = contain([&] { return api->compile(sink.raw(), &raw.in, &kernels, onKernel); }, &threw);
  }
  size_t artifacts = 0;
  for (MessageSink::Blob &b : sink.blobs) {
    if (b.kind == TSR_EMIT_ARTIFACT) {
      ++artifacts;
      out.artifact = std::move(b.bytes);
    } else {
      out.dumps.push_back(std::move(b));
    }
  }
  std::string problem = threw ? "it threw a C++ exception" : kernels.problem;
  if (problem.empty() && out.status > 0)
    problem = "it answered with " + statusName(out.status);
  if (problem.empty() && out.status == TSR_OK && artifacts != 1)
    problem = "it gave " + std::to_string(artifacts) + " artifacts instead of one";
  if (problem.empty() && out.status == TSR_OK && out.kernels.empty())
    problem = "it described no kernel";
  if (!problem.empty() && out.status >= 0)
    out.status = TSR_E_INTERNAL;
  report(*target_, request, sink, out.status, problem, "compile", diags);
  if (out.status != TSR_OK) {
    out.artifact.clear();
    out.kernels.clear();
  }
  return out;
}

tsr_status PluginCompiler::check(const CompileRequest &request, DiagnosticList &diags) const {
  const tsr_compiler_api *api = target_->library().compiler();
  if (!TSR_HAS(tsr_compiler_api, api, check))
    return TSR_OK;
  RawRequest raw(*target_, request);
  MessageSink sink;
  sink.cancelled = request.cancelled;
  tsr_status s = contain([&] { return api->check(sink.raw(), &raw.in); });
  report(*target_, request, sink, s, {}, "check", diags);
  return s;
}

Expected<std::array<uint8_t, 32>>
PluginCompiler::cacheKey(const std::vector<std::pair<std::string, std::string>> &options) const {
  std::vector<tsr_kv> kv;
  for (const auto &[key, value] : options)
    kv.push_back({str(key), str(value)});
  std::array<uint8_t, 32> key{};
  const Library &library = target_->library();
  tsr_status s = contain([&] {
    return library.compiler()->cache_key(target_->handle(), kv.data(), static_cast<uint32_t>(kv.size()), key.data());
  });
  if (s != TSR_OK)
    return library.failure("cache_key", s);
  return key;
}

std::string PluginCompiler::disassemble(std::string_view artifact, DiagnosticList &diags) const {
  const tsr_compiler_api *api = target_->library().compiler();
  if (!TSR_HAS(tsr_compiler_api, api, disassemble)) {
    diags.add(DiagId::TargetCannot, {}, "plugin " + target_->library().name() + " has no disassembler");
    return {};
  }
  CompileRequest none;
  MessageSink sink;
  tsr_status s =
      contain([&] { return api->disassemble(sink.raw(), target_->handle(), {artifact.data(), artifact.size()}); });
  report(*target_, none, sink, s, {}, "disassemble", diags);
  return s == TSR_OK && !sink.blobs.empty() ? sink.blobs.front().bytes : std::string();
}

} // namespace tessera::plugin
