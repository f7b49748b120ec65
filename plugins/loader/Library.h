// Library.h - one plugin library in this process: loaded, negotiated with, its tables checked
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/abi/plugin.h"
#include "plugins/loader/Boundary.h"
#include "plugins/loader/ElfNote.h"
#include "plugins/loader/Failure.h"
#include "plugins/loader/Manifest.h"

#include <functional>
#include <memory>
#include <string_view>

namespace tessera::plugin {

inline std::string_view view(tsr_str s) { return s.p ? std::string_view(s.p, s.n) : std::string_view(); }
inline tsr_str str(std::string_view s) { return {s.data(), s.size()}; }

// "UNSUPPORTED"; numbers that the ABI does not name are "INTERNAL (status 12345)" (R6).
std::string statusName(tsr_status status);

enum class Role : uint32_t { Compiler = TSR_ROLE_COMPILER, Driver = TSR_ROLE_DRIVER };
std::string_view roleName(Role role); // "compiler", "driver"

// What this host is, for negotiation.
struct HostFacts {
  std::string version = "0.1.0";
  uint32_t irMin = TSR_IR_VERSION(0, 0), irMax = TSR_IR_VERSION(0, 0xffff); // bytecode that it can write
};

// Where the log lines of all plugins go from now on; an empty function drops them. Called from any thread.
void setPluginLog(std::function<void(int32_t severity, std::string_view component, std::string_view message)> log);

// Immutable once made, and never destroyed: a library stays in the process for its life (R8). Thread-safe.
class Library {
public:
  // Checks the note, lints, loads, negotiates, checks the tables, runs init. `role`: what it is wanted for.
  static Expected<const Library *> load(const Manifest &manifest, Role role, const HostFacts &host);
  // The part of load() that runs no code of the plugin: note and lint. Empty, or why it would be refused.
  static std::string inspect(const Manifest &manifest, Role role, const HostFacts &host, LibraryFacts &facts);

  const tsr_plugin_api &api() const { return *api_; }
  const tsr_target_api *target() const { return api_->target; }
  const tsr_compiler_api *compiler() const { return api_->compiler; }
  const tsr_driver_api *driver() const { return api_->driver; }
  const std::string &name() const { return name_; }
  const std::string &version() const { return version_; }
  const std::string &path() const { return path_; }
  // The note's build id, else the GNU build id in hex; empty where the library has neither.
  const std::string &buildId() const { return buildId_; }
  uint32_t irMin() const { return irMin_; }
  uint32_t irMax() const { return irMax_; }
  // Text of the calling thread's last failed call without a sink; may be empty.
  std::string lastError() const;
  // "plugin cpu: <what>: UNSUPPORTED: <last error>".
  Failure failure(std::string_view what, tsr_status status, DiagId id = DiagId::PluginFailed) const;

private:
  Library() = default;
  std::string negotiate(const HostFacts &host, void *function);
  std::string checkTables(const LibraryFacts &facts) const;

  const tsr_plugin_api *api_ = nullptr;
  std::string name_, version_, path_, buildId_;
  uint32_t irMin_ = 0, irMax_ = 0;
};

// Collects what a plugin says during one call. Not thread-safe: one a call.
class MessageSink {
public:
  MessageSink();
  MessageSink(const MessageSink &) = delete;
  const tsr_sink *raw() const { return &sink_; }

  struct Message {
    int32_t severity = 0;
    std::string text, file, op;
    uint32_t line = 0, column = 0, depth = 0;
  };
  struct Blob {
    uint32_t kind = 0;
    std::string name;
    std::string bytes;
  };
  std::vector<Message> messages;
  std::vector<Blob> blobs;
  std::function<bool()> cancelled;         // empty: never
  uint64_t maxBytes = uint64_t(256) << 20; // emitted in all; beyond it the plugin is told to stop
  // The first error's text; empty: none.
  std::string firstError() const;

private:
  tsr_sink sink_{};
  uint64_t bytes_ = 0;
};

} // namespace tessera::plugin
