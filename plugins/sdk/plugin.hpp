// plugin.hpp - write a Tessera plugin in C++: include this, derive, and end one file with TSR_PLUGIN
//
// SPDX-License-Identifier: Apache-2.0
//
//   TSR_PLUGIN("acme", "1.0.0", AcmeTarget, AcmeCompiler, AcmeDriver)
//
// emits the note and the negotiate function, the only two symbols that the library exports. A role that the library lacks is
// `void`: a compiler library says TSR_PLUGIN(…, AcmeTarget, AcmeCompiler, void), its driver library
// TSR_PLUGIN(…, void, void, AcmeDriver) or, to answer runs_on without loading the compiler, (…, AcmeTarget, void, AcmeDriver).
// Name and version are string literals and equal in both. docs/howto/add-a-backend.md walks through one. C++17.
//
// Define before including: TSR_PLUGIN_VENDOR ("Acme Inc."), TSR_PLUGIN_RANK (order for `native`), TSR_PLUGIN_IR_MIN and
// TSR_PLUGIN_IR_MAX (TSR_IR_VERSION of the bytecode read).
#pragma once

#include "plugins/sdk/Compiler.hpp"
#include "plugins/sdk/Driver.hpp"
#include "plugins/sdk/Error.hpp"
#include "plugins/sdk/Target.hpp"

#ifndef TSR_PLUGIN_VENDOR
#define TSR_PLUGIN_VENDOR ""
#endif
#ifndef TSR_PLUGIN_RANK
#define TSR_PLUGIN_RANK 100
#endif
#ifndef TSR_PLUGIN_IR_MIN
#define TSR_PLUGIN_IR_MIN TSR_IR_VERSION(0, 0)
#endif
#ifndef TSR_PLUGIN_IR_MAX
#define TSR_PLUGIN_IR_MAX TSR_IR_VERSION(0, 1)
#endif

#if defined(__SANITIZE_ADDRESS__)
#define TSR_SDK_ASAN TSR_SANITIZE_ADDRESS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TSR_SDK_ASAN TSR_SANITIZE_ADDRESS
#endif
#endif
#ifndef TSR_SDK_ASAN
#define TSR_SDK_ASAN 0u
#endif
#if defined(__SANITIZE_THREAD__)
#define TSR_SDK_TSAN TSR_SANITIZE_THREAD
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSR_SDK_TSAN TSR_SANITIZE_THREAD
#endif
#endif
#ifndef TSR_SDK_TSAN
#define TSR_SDK_TSAN 0u
#endif

// A sanitizer must not put a red zone behind the note: it would lie in the middle of the segment of notes.
#if defined(__clang__)
#define TSR_SDK_PLAIN_BYTES __attribute__((no_sanitize("address")))
#else
#define TSR_SDK_PLAIN_BYTES
#endif

namespace tessera::sdk::detail {

constexpr uint32_t roles(bool compiler, bool driver) {
  return (compiler ? TSR_ROLE_COMPILER : 0u) | (driver ? TSR_ROLE_DRIVER : 0u);
}

template <unsigned N> constexpr void copyText(char (&to)[N], const char *from) {
  for (unsigned i = 0; i + 1 < N && from[i]; ++i)
    to[i] = from[i];
}
// Constant, so that the note is in the file and not made by an initialiser.
constexpr tsr_elf_note makeNote(const char *name, const char *version, uint32_t roleMask, uint32_t irMin,
                                uint32_t irMax) {
  tsr_elf_note n{};
  n.namesz = sizeof n.owner;
  n.descsz = sizeof n.desc;
  n.type = TSR_NOTE_TYPE;
  copyText(n.owner, TSR_NOTE_OWNER);
  copyText(n.desc.magic, TSR_NOTE_MAGIC);
  n.desc.size = sizeof n.desc;
  n.desc.abi_major = TSR_ABI_MAJOR;
  n.desc.abi_minor = TSR_ABI_MINOR;
  n.desc.ir_min = roleMask & TSR_ROLE_COMPILER ? irMin : 0;
  n.desc.ir_max = roleMask & TSR_ROLE_COMPILER ? irMax : 0;
  n.desc.roles = roleMask;
  n.desc.sanitizer = TSR_SDK_ASAN | TSR_SDK_TSAN;
  copyText(n.desc.name, name);
  copyText(n.desc.version, version);
  copyText(n.desc.abi_build, TSR_ABI_BUILD);
  return n;
}

template <typename T, typename C, typename D>
tsr_status negotiate(tsr_negotiate *io, const tsr_elf_note &note, const char *vendor, uint32_t rank) noexcept {
  static std::string reason;
  return guard(nullptr, [&]() -> tsr_status {
    if (!io || io->h.size < FirstSize<tsr_negotiate>::value)
      return TSR_E_TOO_OLD;
    const tsr_host_api *h = io->host;
    io->api = nullptr;
    io->plugin_minor = TSR_ABI_MINOR;
    io->ir_min = note.desc.ir_min;
    io->ir_max = note.desc.ir_max;
    if (!h || h->h.size < FirstSize<tsr_host_api>::value || view(h->abi_build) != TSR_ABI_BUILD) {
      reason = std::string(note.desc.name) + " " + note.desc.version +
               " was built for plugin ABI " TSR_ABI_BUILD ", this host has " +
               (h && h->h.size >= FirstSize<tsr_host_api>::value ? std::string(view(h->abi_build))
                                                                 : std::string("an older one"));
      io->reason = str(reason);
      return TSR_E_TOO_OLD;
    }
    if ((note.desc.roles & TSR_ROLE_COMPILER) && h->ir_max < note.desc.ir_min) {
      reason = "this host writes older bytecode than " + std::string(note.desc.name) + " reads";
      io->reason = str(reason);
      return TSR_E_TOO_OLD;
    }
    host() = h;
    static const std::string buildId = ownBuildId();
    static const tsr_plugin_api api = [&] {
      tsr_plugin_api a{};
      a.h.size = sizeof a;
      a.name = str(note.desc.name);
      a.vendor = str(vendor);
      a.version = str(note.desc.version);
      a.build_id = str(buildId);
      a.rank = rank;
      a.target = TargetTable<T>::table();
      a.compiler = CompilerTable<C>::table();
      a.driver = ChosenDriver<D>::table();
      a.last_error = ChosenDriver<D>::lastError;
      return a;
    }();
    io->api = &api;
    return TSR_OK;
  });
}

} // namespace tessera::sdk::detail

#define TSR_PLUGIN(pluginName, pluginVersion, TargetClass, CompilerClass, DriverClass)                                 \
  extern "C" {                                                                                                         \
  __attribute__((visibility("default"))) extern const tsr_elf_note tsr_plugin_note_v0;                                 \
  __attribute__((visibility("default"))) tsr_status tsr_plugin_negotiate_v0(tsr_negotiate *io);                        \
  }                                                                                                                    \
  TSR_SDK_PLAIN_BYTES __attribute__((used, section(".note.tessera"), aligned(4)))                                      \
  const tsr_elf_note tsr_plugin_note_v0 = ::tessera::sdk::detail::makeNote(                                            \
      pluginName, pluginVersion,                                                                                       \
      ::tessera::sdk::detail::roles(!std::is_void_v<CompilerClass>, !std::is_void_v<DriverClass>), TSR_PLUGIN_IR_MIN,  \
      TSR_PLUGIN_IR_MAX);                                                                                              \
  static_assert(sizeof(pluginName) <= 32 && sizeof(pluginVersion) <= 32, "name or version is longer than 31 bytes");   \
  tsr_status tsr_plugin_negotiate_v0(tsr_negotiate *io) {                                                              \
    return ::tessera::sdk::detail::negotiate<TargetClass, CompilerClass, DriverClass>(                                 \
        io, tsr_plugin_note_v0, TSR_PLUGIN_VENDOR, TSR_PLUGIN_RANK);                                                   \
  }
