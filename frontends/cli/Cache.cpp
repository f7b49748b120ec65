// Cache.cpp - compiled kernels from the cache, and `tessera cache`
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Run.h"

#include "runtime/api/tessera.h"
#include "runtime/cache/ArtifactCache.h"

#include <cstring>
#include <iostream>

namespace tessera::cli {

namespace {

// Where the runtime keeps its cache, and how large it may grow; a limit of 0: nowhere. An exit code.
int cachePlace(const Session &session, TsrCacheStats &stats) {
  stats.size = sizeof stats;
  if (tsr_status s = tsr_cache_stats(nullptr, &stats); s < 0)
    return session.report(s == TSR_E_INVALID ? DiagId::BadUsage : DiagId::InternalError, tsr_error_message());
  if (!stats.directory[0])
    stats.limit_bytes = 0;
  return kOk;
}

// Everything that the compiled bytes depend on. The file's text stands for the kernel: a change elsewhere in it costs a compile.
runtime::Digest keyOf(const Session &session, const KernelSource &source, const KernelOptions &options,
                      const std::vector<Binding> &bindings, const std::string &target) {
  runtime::Sha256 hash;
  hash.field("tessera compiled kernel 1");
  hash.field(source.library->buildId());
  hash.field(pluginBuild(target));
  hash.field(options.file); // locations inside the artifact name it
  hash.field(source.text);
  hash.field(source.kernel);
  hash.field(target);
  hash.field(session.anyGlobals ? "any globals" : "");
  for (const Binding &b : bindings) {
    hash.field(b.name);
    hash.field(b.type);
    hash.field(b.value);
    hash.field(std::to_string(b.divisibility));
  }
  for (int n : {options.numWarps, options.numStages, options.numCtas, options.optLevel, options.noFusion ? 1 : 0,
                options.noTensorCopies ? 1 : 0, options.noPointerCopies ? 1 : 0, options.noAutoWarpSpecialize ? 1 : 0,
                options.noGridStride ? 1 : 0, options.debug ? 1 : 0})
    hash.field(std::to_string(n));
  return hash.finish();
}

} // namespace

int compileOrFetch(const Session &session, const KernelSource &source, const RunCommand &command,
                   const std::vector<Binding> &bindings, const std::string &target, std::string &file) {
  const KernelOptions &options = command.kernel;
  TsrCacheStats place{};
  // Whoever wants to see the stages wants a compile.
  if (!command.noCache && options.dumpIr.empty() && !options.timePasses)
    if (int code = cachePlace(session, place))
      return code;
  runtime::ArtifactCache cache(place.limit_bytes ? place.directory : "", place.limit_bytes);
  runtime::Digest key = keyOf(session, source, options, bindings, target);
  if (auto hit = cache.find(key)) {
    file.assign(hit->begin(), hit->end());
    return kOk;
  }
  Compiled compiled;
  if (int code = compileKernel(session, source, options, bindings, target, "artifact", compiled))
    return code;
  const std::string *bytes = compiled.output("artifact");
  if (!bytes)
    return session.report(DiagId::InternalError, "the compile gave no artifact for target '" + target + "'");
  file = *bytes;
  cache.store(key, {reinterpret_cast<const uint8_t *>(file.data()), file.size()});
  return kOk;
}

int cacheStats(const Session &session, bool json) {
  TsrCacheStats stats{};
  if (int code = cachePlace(session, stats))
    return code;
  if (json)
    std::cout << "{\"directory\":\"" << stats.directory << "\",\"entries\":" << stats.entries
              << ",\"bytes\":" << stats.bytes << ",\"limit_bytes\":" << stats.limit_bytes << "}\n";
  else
    std::cout << stats.directory << ": " << stats.entries << " entries, " << stats.bytes << " bytes of at most "
              << stats.limit_bytes << '\n';
  return kOk;
}

int cacheClear(const Session &session) {
  uint64_t removed = 0;
  if (tsr_cache_clear(nullptr, &removed) < 0)
    return session.report(DiagId::CannotWrite, tsr_error_message());
  std::cout << removed << " entries removed\n";
  return kOk;
}

} // namespace tessera::cli
