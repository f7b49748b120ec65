// Compiler.hpp - the compiler role: bytecode in, an artifact and kernel facts out
//
// SPDX-License-Identifier: Apache-2.0
//
// Derive from Compiler. One object serves the process and is called from several threads at once (set maxConcurrency to
// limit that). It touches no device, no environment variable, no current directory, and gives equal bytes for equal input
// (R9). C++17.
#pragma once

#include "plugins/sdk/Error.hpp"
#include "plugins/sdk/Hash.hpp"
#include "plugins/sdk/Target.hpp"

namespace tessera::sdk {

struct KernelArg {
  std::string name;
  uint32_t offset = 0, size = 0, kind = TSR_ARG_INT, flags = 0;
};

// As tsr_kernel_info.
struct KernelInfo {
  std::string name;
  uint32_t argBytes = 0, argAlign = 8, flags = 0;
  std::vector<KernelArg> args;
  uint32_t block[3] = {0, 0, 0}, cluster[3] = {0, 0, 0};
  uint64_t smemStatic = 0, smemDynamic = 0, scratch = 0;
  uint32_t regs = 0, spills = 0;

  static KernelInfo from(const tsr_kernel_info &raw) {
    KernelInfo k;
    k.name = std::string(view(raw.name));
    k.argBytes = raw.arg_bytes;
    k.argAlign = raw.arg_align;
    k.flags = raw.flags;
    for (uint32_t i = 0; i < raw.n_args; ++i)
      k.args.push_back({std::string(view(raw.args[i].name)), raw.args[i].offset, raw.args[i].size, raw.args[i].kind,
                        raw.args[i].flags});
    std::memcpy(k.block, raw.block, sizeof k.block);
    std::memcpy(k.cluster, raw.cluster, sizeof k.cluster);
    k.smemStatic = raw.smem_static;
    k.smemDynamic = raw.smem_dynamic;
    k.scratch = raw.scratch;
    k.regs = raw.regs;
    k.spills = raw.spills;
    return k;
  }
  // `room` holds what the result points to.
  tsr_kernel_info raw(std::vector<tsr_arg> &room) const {
    room.clear();
    for (const KernelArg &a : args)
      room.push_back({str(a.name), a.offset, a.size, a.kind, a.flags});
    tsr_kernel_info r{};
    r.h.size = sizeof r;
    r.name = str(name);
    r.arg_bytes = argBytes;
    r.arg_align = argAlign;
    r.n_args = static_cast<uint32_t>(room.size());
    r.flags = flags;
    r.args = room.data();
    std::memcpy(r.block, block, sizeof block);
    std::memcpy(r.cluster, cluster, sizeof cluster);
    r.smem_static = smemStatic;
    r.smem_dynamic = smemDynamic;
    r.scratch = scratch;
    r.regs = regs;
    r.spills = spills;
    return r;
  }
};

// Options as text; get() remembers what was asked for, so that the SDK can warn about the rest.
class Options {
public:
  Options(const tsr_kv *kv, uint32_t n) {
    for (uint32_t i = 0; i < n; ++i)
      items_.push_back({std::string(view(kv[i].key)), std::string(view(kv[i].val)), false});
  }
  std::string get(std::string_view key, std::string_view otherwise = {}) const {
    std::string value(otherwise);
    for (const Item &i : items_) // the last one wins
      if (i.key == key) {
        i.used = true;
        value = i.value;
      }
    return value;
  }
  int64_t integer(std::string_view key, int64_t otherwise) const {
    std::string text = get(key);
    if (text.empty())
      return otherwise;
    try {
      size_t used = 0;
      int64_t v = std::stoll(text, &used, 0);
      if (used == text.size())
        return v;
    } catch (const std::exception &) { // said below
    }
    throw Error(TSR_E_INVALID, "option '" + std::string(key) + "' wants a number, not '" + text + "'");
  }
  // "1", "true", "on", "yes" or no value; "0", "false", "off", "no".
  bool flag(std::string_view key, bool otherwise) const {
    for (const Item &i : items_)
      if (i.key == key) {
        std::string t = get(key);
        if (t.empty() || t == "1" || t == "true" || t == "on" || t == "yes")
          return true;
        if (t == "0" || t == "false" || t == "off" || t == "no")
          return false;
        throw Error(TSR_E_INVALID, "option '" + std::string(key) + "' wants 0 or 1, not '" + t + "'");
      }
    return otherwise;
  }
  std::vector<std::string> unused() const {
    std::vector<std::string> keys;
    for (const Item &i : items_)
      if (!i.used)
        keys.push_back(i.key);
    return keys;
  }

private:
  struct Item {
    std::string key, value;
    mutable bool used;
  };
  std::vector<Item> items_;
};

// One compile. Everything it refers to lives until compile() returns.
class CompileJob {
public:
  CompileJob(const tsr_sink *s, const tsr_compile_in &in, void *user,
             tsr_status (*onKernel)(void *, const tsr_kernel_info *))
      : target(detail::object(in.target)), ir(static_cast<const uint8_t *>(in.ir.p)), irBytes(in.ir.n),
        irVersion(in.ir_version), irLevel(in.ir_level ? in.ir_level : TSR_IR_TILE),
        optLevel(in.opt_level ? in.opt_level : 3), entry(view(in.entry)), options(in.opts, in.n_opts), sink(s),
        dumpMask_(in.dump_mask), user_(user), onKernel_(onKernel) {}

  const Target &target;
  const uint8_t *ir;
  uint64_t irBytes;
  uint32_t irVersion, irLevel; // TSR_IR_VERSION, TSR_IR_TILE or TSR_IR_LAYOUT
  uint32_t optLevel;           // 1 to 3
  std::string_view entry;      // empty: every kernel
  Options options;
  Sink sink;

  bool wants(uint32_t emitKind) const { return (dumpMask_ & TSR_EMIT_BIT(emitKind)) != 0; }
  // Does nothing where the host did not ask for dumps; `text` is only worth building where wants() says so.
  void dump(std::string_view stage, std::string_view text) const {
    if (wants(TSR_EMIT_IR_DUMP))
      sink.emit(TSR_EMIT_IR_DUMP, stage, text.data(), text.size());
  }
  void assembly(std::string_view text) const {
    if (wants(TSR_EMIT_ASM))
      sink.emit(TSR_EMIT_ASM, "asm", text.data(), text.size());
  }
  void object(const void *bytes, uint64_t n) const {
    if (wants(TSR_EMIT_OBJECT))
      sink.emit(TSR_EMIT_OBJECT, "object", bytes, n);
  }
  // How long a part took, by the name of what it makes: "llvm", "asm" (text) or "obj" (machine code).
  void timing(std::initializer_list<std::pair<std::string_view, uint64_t>> nanoseconds) const {
    if (!wants(TSR_EMIT_TIMING))
      return;
    std::string json = "{";
    for (const auto &[part, ns] : nanoseconds)
      json += std::string(json.size() > 1 ? ", \"" : "\"").append(part) + "\": " + std::to_string(ns);
    json += "}";
    sink.emit(TSR_EMIT_TIMING, "codegen", json.data(), json.size());
  }
  void artifact(const void *bytes, uint64_t n) {
    sink.emit(TSR_EMIT_ARTIFACT, entry, bytes, n);
    ++artifacts_;
  }
  void kernel(const KernelInfo &info) {
    std::vector<tsr_arg> room;
    tsr_kernel_info raw = info.raw(room);
    tsr_status s = onKernel_ ? onKernel_(user_, &raw) : TSR_OK;
    if (s < 0)
      throw Error(s, "the host took no more kernels");
  }
  // Call between stages.
  void throwIfCancelled() const { sink.throwIfCancelled(); }
  unsigned artifacts() const { return artifacts_; }

private:
  uint32_t dumpMask_;
  void *user_;
  tsr_status (*onKernel_)(void *, const tsr_kernel_info *);
  unsigned artifacts_ = 0;
};

class Compiler {
public:
  virtual ~Compiler() = default;
  static constexpr uint32_t maxConcurrency = 0; // shadow it; 0: any number
  static constexpr uint32_t flags = 0;          // TSR_COMPILER_*

  // Calls job.artifact once and job.kernel for each kernel, or throws.
  virtual void compile(CompileJob &job) = 0;
  // Throws what compile would throw, without making code. The slot is NULL unless this is overridden.
  virtual void check(CompileJob &job) { (void)job; }
  // Versions of tools and libraries that the artifact depends on and that are not inside this library.
  virtual std::string externalVersions() { return {}; }
  // Text of an artifact. The slot is NULL unless this is overridden.
  virtual std::string disassemble(const Target &target, const void *artifact, uint64_t bytes) {
    (void)target, (void)artifact, (void)bytes;
    return {};
  }
};

namespace detail {

template <typename C> struct CompilerTable {
  static C &object() {
    static C compiler;
    return compiler;
  }
  static void warnUnused(const CompileJob &job) {
    for (const std::string &key : job.options.unused())
      job.sink.warning("option '" + key + "' is unknown to " + std::string(job.target.canonical()) + ": ignored");
  }
  static tsr_status compile(const tsr_sink *sink, const tsr_compile_in *raw, void *user,
                            tsr_status (*onKernel)(void *, const tsr_kernel_info *)) {
    return guard(sink, [&] {
      Input<tsr_compile_in> in(raw);
      CompileJob job(sink, *in, user, onKernel);
      job.throwIfCancelled();
      if (!(job.target.describe()->ir_levels & job.irLevel))
        throw Unsupported(job.irLevel == TSR_IR_LAYOUT ? "LAYOUT bytecode" : "TILE bytecode", "",
                          job.target.canonical());
      object().compile(job);
      job.throwIfCancelled();
      if (job.artifacts() != 1)
        throw Error(TSR_E_INTERNAL, "compile gave " + std::to_string(job.artifacts()) + " artifacts instead of one");
      warnUnused(job);
    });
  }
  static tsr_status check(const tsr_sink *sink, const tsr_compile_in *raw) {
    return guard(sink, [&] {
      Input<tsr_compile_in> in(raw);
      CompileJob job(sink, *in, nullptr, nullptr);
      object().check(job);
    });
  }
  static tsr_status cacheKey(const tsr_target *t, const tsr_kv *opts, uint32_t n, uint8_t out[32]) {
    return guard(nullptr, [&] {
      static const std::string build = ownBuildId();
      Sha256 h;
      h.add(TSR_ABI_BUILD).add(build).add(sdk::detail::object(t).canonical()).add(object().externalVersions());
      for (uint32_t i = 0; i < n; ++i)
        h.add(view(opts[i].key)).add(view(opts[i].val));
      h.finish(out);
    });
  }
  static tsr_status disassemble(const tsr_sink *sink, const tsr_target *t, tsr_bytes artifact) {
    return guard(sink, [&] {
      std::string text = object().disassemble(sdk::detail::object(t), artifact.p, artifact.n);
      Sink(sink).emit(TSR_EMIT_ASM, "asm", text.data(), text.size());
    });
  }
  static const tsr_compiler_api *table() {
    static const tsr_compiler_api api = [] {
      tsr_compiler_api a{};
      a.h.size = sizeof a;
      a.max_concurrency = C::maxConcurrency;
      a.flags = C::flags;
      a.compile = compile;
      a.cache_key = cacheKey;
      // A member pointer has the class that declares it last: still Compiler means not overridden.
      if (!std::is_same_v<decltype(&C::check), decltype(&Compiler::check)>)
        a.check = check;
      if (!std::is_same_v<decltype(&C::disassemble), decltype(&Compiler::disassemble)>)
        a.disassemble = disassemble;
      return a;
    }();
    return &api;
  }
};
template <> struct CompilerTable<void> {
  static const tsr_compiler_api *table() { return nullptr; }
};

} // namespace detail
} // namespace tessera::sdk
