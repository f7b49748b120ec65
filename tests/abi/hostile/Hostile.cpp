// Hostile.cpp - a plugin that breaks one rule; which one is HOSTILE_<RULE>, defined by the build
//
// SPDX-License-Identifier: Apache-2.0
//
// Written against the bare C header on purpose: the SDK would not let it.
#include "plugins/abi/plugin.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>

#ifndef HOSTILE_NOTE_NAME
#define HOSTILE_NOTE_NAME "hostile"
#endif
#define EXPORT extern "C" __attribute__((visibility("default"), used))
#define STR(text) tsr_str{text, sizeof(text) - 1}

namespace {

[[maybe_unused]] constexpr tsr_elf_note makeNote() {
  tsr_elf_note n{8, sizeof(tsr_note), TSR_NOTE_TYPE, TSR_NOTE_OWNER, {}};
#ifdef HOSTILE_WRONG_MAGIC
  const char magic[] = "NOTTSR";
#else
  const char magic[] = TSR_NOTE_MAGIC;
#endif
  for (unsigned i = 0; i < sizeof magic; ++i)
    n.desc.magic[i] = magic[i];
  n.desc.size = sizeof(tsr_note);
  n.desc.abi_major = TSR_ABI_MAJOR;
#ifdef HOSTILE_OTHER_MAJOR
  n.desc.abi_major = 7;
#endif
#ifdef HOSTILE_SHORT_NOTE
  n.desc.size = 40;
#endif
  n.desc.ir_max = TSR_IR_VERSION(0, 1);
#ifdef HOSTILE_FUTURE_BYTECODE
  n.desc.ir_min = n.desc.ir_max = TSR_IR_VERSION(5, 0);
#endif
  n.desc.roles = TSR_ROLE_COMPILER;
#if defined(HOSTILE_HALF_EVENTS) || defined(HOSTILE_ABORTS_IN_NEGOTIATE) || defined(HOSTILE_LOOPS_IN_NEGOTIATE)
  n.desc.roles |= TSR_ROLE_DRIVER;
#endif
#ifdef HOSTILE_SANITIZER
  n.desc.sanitizer = 64;
#endif
  const char name[] = HOSTILE_NOTE_NAME, version[] = "1.0";
  for (unsigned i = 0; i < sizeof name; ++i)
    n.desc.name[i] = name[i];
  for (unsigned i = 0; i < sizeof version; ++i)
    n.desc.version[i] = version[i];
#ifdef HOSTILE_OTHER_BUILD
  const char build[] = "0.1-somebody-elses";
#else
  const char build[] = TSR_ABI_BUILD;
#endif
  for (unsigned i = 0; i < sizeof build; ++i)
    n.desc.abi_build[i] = build[i];
  return n;
}

struct Described {
  tsr_target_desc desc;
} described;

tsr_status enumerate(void *, void (*)(void *, tsr_str, tsr_str)) { return TSR_OK; }
tsr_status parse(const tsr_sink *, tsr_str, tsr_target **out) {
#ifdef HOSTILE_THROWS_IN_PARSE
  throw std::runtime_error("from parse");
#endif
  described.desc.h.size = sizeof(tsr_target_desc);
  described.desc.canonical = STR("hostile");
  described.desc.ir_levels = TSR_IR_TILE;
#ifdef HOSTILE_LIES_IN_DESCRIBE
  described.desc.n_caps = 1000000;
#endif
#ifdef HOSTILE_LAYOUT_WITHOUT_LAYOUTS
  described.desc.ir_levels = TSR_IR_LAYOUT;
#endif
  *out = reinterpret_cast<tsr_target *>(&described);
  return TSR_OK;
}
const tsr_target_desc *describe(const tsr_target *) { return &described.desc; }
void release(tsr_target *) {}

tsr_status compile(const tsr_sink *sink, const tsr_compile_in *, void *user,
                   tsr_status (*onKernel)(void *, const tsr_kernel_info *)) {
  tsr_kernel_info k{};
  k.h.size = sizeof k;
  k.name = STR("k");
  tsr_bytes artifact{"bytes", 5};
#if defined(HOSTILE_THROWS_IN_COMPILE)
  throw std::runtime_error("from compile");
#elif defined(HOSTILE_ABORTS_IN_COMPILE)
  std::fprintf(stderr, "LLVM ERROR: Cannot select: a blue logo\n");
  std::abort();
#elif defined(HOSTILE_SEGFAULTS_IN_COMPILE)
  *static_cast<volatile int *>(nullptr) = 1;
#elif defined(HOSTILE_EXITS_IN_COMPILE)
  std::exit(7);
#elif defined(HOSTILE_LOOPS_IN_COMPILE)
  for (volatile int forever = 1; forever;)
    ;
#elif defined(HOSTILE_KILLED_IN_COMPILE)
  std::raise(SIGKILL); // as the system does where memory runs out
#elif defined(HOSTILE_THROWS_IN_A_THREAD)
  std::thread([] { throw std::runtime_error("from a thread"); }).join();
#elif defined(HOSTILE_STATUS_12345)
  return 12345;
#elif defined(HOSTILE_STATUS_MINUS_12345)
  return -12345;
#elif defined(HOSTILE_SILENT_FAILURE)
  return TSR_E_INTERNAL;
#elif defined(HOSTILE_NO_ARTIFACT)
  return onKernel(user, &k);
#elif defined(HOSTILE_TWO_ARTIFACTS)
  sink->emit(sink->user, TSR_EMIT_ARTIFACT, STR(""), artifact);
#elif defined(HOSTILE_WILD_ARGUMENTS)
  tsr_arg wild{STR("x"), 4000000000u, 4000000000u, TSR_ARG_INT, 0};
  k.args = &wild;
  k.n_args = 1;
  k.arg_bytes = 8;
#elif defined(HOSTILE_SHORT_KERNEL)
  k.h.size = 20;
#elif defined(HOSTILE_FLOOD)
  static char big[1 << 20];
  for (uint64_t i = 0; i < (1 << 20); ++i)
    if (tsr_status s = sink->emit(sink->user, TSR_EMIT_REMARK, STR("flood"), {big, sizeof big}); s < 0)
      return s;
#elif defined(HOSTILE_NULL_MESSAGE)
  tsr_diag d{};
  d.h.size = sizeof d;
  d.message = {nullptr, 100};
  sink->diag(sink->user, &d);
  return TSR_E_UNSUPPORTED;
#endif
  if (tsr_status s = sink->emit(sink->user, TSR_EMIT_ARTIFACT, STR(""), artifact); s < 0)
    return s;
  return onKernel(user, &k);
}
tsr_status cacheKey(const tsr_target *, const tsr_kv *, uint32_t, uint8_t *out) {
  std::memset(out, 1, 32);
  return TSR_OK;
}

tsr_status init(const tsr_sink *sink, const tsr_kv *, uint32_t) {
#ifdef HOSTILE_INIT_FAILS
  tsr_diag d{};
  d.h.size = sizeof d;
  d.message = STR("the licence server is on fire");
  sink->diag(sink->user, &d);
  return TSR_E_UNAVAILABLE;
#else
  return TSR_OK;
#endif
}

tsr_target_api targets;
// One byte past the table is not ours to read: a longer table is accepted, its tail ignored (R1).
struct {
  tsr_compiler_api known;
  void *future[4];
} compilers;
[[maybe_unused]] tsr_driver_api drivers;
tsr_plugin_api api;

[[maybe_unused]] void fill() {
  targets.h.size = sizeof targets;
  targets.enumerate = enumerate;
  targets.parse = parse;
  targets.describe = describe;
  targets.release = release;
  compilers.known.h.size = sizeof compilers.known;
  compilers.known.compile = compile;
  compilers.known.cache_key = cacheKey;
#ifdef HOSTILE_LONGER_TABLE
  compilers.known.h.size = sizeof compilers;
  std::memset(compilers.future, 0xff, sizeof compilers.future);
#endif
#ifdef HOSTILE_SHORTER_TABLE
  compilers.known.h.size = TSR_END_OF(tsr_compiler_api, compile); // cache_key is required
#endif
#ifdef HOSTILE_NULL_SLOTS
  compilers.known.compile = nullptr;
  targets.describe = nullptr;
#endif
  api.h.size = sizeof api;
  api.name = STR("hostile");
  api.version = STR("1.0");
  api.init = init;
#ifdef HOSTILE_NULL_TEXT
  api.vendor = {nullptr, 7};
#endif
#ifdef HOSTILE_OTHER_TABLE_NAME
  api.name = STR("somebody");
#endif
  api.target = &targets;
  api.compiler = &compilers.known;
#ifdef HOSTILE_HALF_EVENTS
  // Every slot is the same harmless function but for the three of group event that are missing.
  static auto any = [](uint32_t *) -> tsr_status { return TSR_E_UNAVAILABLE; };
  drivers.probe = any;
  void **slots = reinterpret_cast<void **>(&drivers.probe);
  for (size_t i = 0; i < (sizeof drivers - sizeof(tsr_hdr)) / sizeof(void *); ++i)
    slots[i] = *reinterpret_cast<void **>(&drivers.probe);
  drivers.h.size = sizeof drivers;
  drivers.event_wait = nullptr;
  drivers.event_query = nullptr;
  drivers.event_record = nullptr;
  api.driver = &drivers;
#endif
#ifdef HOSTILE_NO_TARGETS
  api.target = nullptr;
#endif
#ifdef HOSTILE_SHORT_PLUGIN_TABLE
  api.h.size = 24;
#endif
}

} // namespace

#ifndef HOSTILE_NO_NOTE
extern "C" {
__attribute__((visibility("default"))) extern const tsr_elf_note tsr_plugin_note_v0;
}
__attribute__((used, section(".note.tessera"), aligned(4))) const tsr_elf_note tsr_plugin_note_v0 = makeNote();
#endif

#ifdef HOSTILE_EXTRA_EXPORT
extern "C" {
__attribute__((visibility("default"))) extern int tsr_plugin_negotiate;
int tsr_plugin_negotiate = 1; // close, but not the ABI's
}
#endif

#ifndef HOSTILE_MISSING_SYMBOL
EXPORT tsr_status tsr_plugin_negotiate_v0(tsr_negotiate *io) {
#ifdef HOSTILE_THROWS_IN_NEGOTIATE
  throw 42;
#endif
#ifdef HOSTILE_ABORTS_IN_NEGOTIATE
  std::abort();
#endif
#ifdef HOSTILE_LOOPS_IN_NEGOTIATE
  for (volatile int forever = 1; forever;)
    ;
#endif
#ifdef HOSTILE_REFUSES
  io->reason = STR("this plugin only talks to hosts with a blue logo");
  return TSR_E_TOO_OLD;
#endif
#ifdef HOSTILE_REFUSES_SILENTLY
  return TSR_E_TOO_OLD;
#endif
#ifdef HOSTILE_GIVES_NOTHING
  return TSR_OK;
#endif
  fill();
  io->api = &api;
  return TSR_OK;
}
#endif
