// Source.h - what stands behind a tsc_source: the parsed file and its evaluator
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/compiler/tessera_compiler.h"
#include "frontends/python/sema/Sema.h"

#include <mutex>

// Either a file, whose evaluator is lazy and not thread-safe: `mutex` serialises the frontend stage of compiles of one file.
// Or a function of a live host: every compile asks anew, and nothing is shared.
struct tsc_source {
  std::shared_ptr<tessera::SourceFile> file;
  tessera::py::FileHost host;
  tessera::py::ModuleScope *module = nullptr;
  std::mutex mutex;
  tsc_host callbacks{}; // size 0: of a file
  uint64_t function = 0;
  bool isLive() const { return callbacks.size != 0; }
};

namespace tessera::compiler {

inline std::string text(tsc_str s) { return std::string(s.p ? s.p : "", s.p ? s.n : 0); }
inline tsc_str view(std::string_view s) { return {s.data(), s.size()}; }

// Gives every diagnostic to the sink; the status that they amount to.
int32_t deliver(const tsc_sink *sink, const DiagnosticList &list);
// Tells the sink, where it listens, which stage begins. `plugin`: whose code runs in it; empty: the core's.
void enterStage(const tsc_sink *sink, std::string_view stage, std::string_view plugin);
void emit(const tsc_sink *sink, std::string_view kind, std::string_view name, std::string_view bytes);

} // namespace tessera::compiler
