// Registry.h - the plugins of this process: which there are, why one was skipped, and which one a target means
//
// SPDX-License-Identifier: Apache-2.0
//
//   Registry registry(RegistryOptions::standard(getenv));
//   auto targets = registry.resolve("x86-64-v3");            // reads manifests only; "native" and "host" probe drivers
//   auto library = registry.load(*targets->front().candidate, Role::Compiler);
//
// Search order: manifests given to add() and in RegistryOptions::manifests; TESSERA_PLUGINS instead of what follows, or
// TESSERA_ADD_PLUGINS before it; then every directory of `directories`, files sorted by name. The first manifest of a name
// wins, later ones are recorded as skipped. Thread-safe.
#pragma once

#include "plugins/loader/Library.h"
#include "plugins/loader/TargetSpec.h"

#include <map>
#include <memory>
#include <mutex>

namespace tessera::plugin {

struct RegistryOptions {
  std::vector<std::string> manifests;   // manifest files, or directories of them
  std::vector<std::string> directories; // plugins.d directories; a missing one is no error
  std::vector<std::string> disable;     // patterns of plugin names that are skipped
  std::vector<std::string> select;      // where not empty: only these
  HostFacts host;

  // The standard search order. `lookup` answers for environment variables ("TESSERA_PLUGINS", "TESSERA_ADD_PLUGINS",
  // "TESSERA_PLUGINS_DISABLE", "TESSERA_PLUGINS_SELECT", "XDG_DATA_HOME", "HOME") with NULL where unset, as getenv; it is not
  // asked in a privileged process. Lists are separated by ':' (paths) or ',' (patterns).
  static RegistryOptions standard(const std::function<const char *(const char *)> &lookup);
};

// A manifest that was found, whether it can be used or not.
struct Candidate {
  std::string path;      // of the manifest
  Manifest manifest;     // as far as it could be read
  std::string skipped;   // why not; empty: usable as far as is known
  bool shadowed = false; // skipped because another one has its name
  bool usable() const { return skipped.empty(); }
};

// What one item of --target= means.
struct ResolvedTarget {
  const Candidate *candidate = nullptr;
  std::string spec; // what the plugin's parse() takes
  std::vector<std::pair<std::string, std::string>> options;
  std::string text() const { return candidate->manifest.name + "/" + spec; }
};

class Registry {
public:
  explicit Registry(RegistryOptions options);
  Registry(const Registry &) = delete;

  // A manifest file or a directory of manifests, at any time; comes before all others. Failure: it cannot be used.
  Expected<bool> add(const std::string &path);

  // Every candidate in search order, the skipped ones too. References stay valid for the registry's life.
  std::vector<const Candidate *> candidates() const;
  // Where they are looked for, as a list for messages.
  std::string places() const;
  // The usable plugin of a name, or NULL.
  const Candidate *find(std::string_view name) const;

  // --target=: one or more items. Failures: UnknownTarget with a suggestion, AmbiguousTarget, and for a plugin that the user
  // named: why it cannot be used.
  Expected<std::vector<ResolvedTarget>> resolve(std::string_view targets);
  // Exactly one item.
  Expected<ResolvedTarget> resolveOne(std::string_view target);

  // Loads on first use; afterwards the same library, or the same failure. No other library is touched.
  Expected<const Library *> load(const Candidate &candidate, Role role);

  // What loading would check without running code of the plugin; empty: nothing against it. For `tessera plugins`.
  std::string inspect(const Candidate &candidate, Role role, LibraryFacts &facts) const;
  // How many libraries this registry has loaded so far.
  size_t loadedCount() const;

private:
  void scan(const std::string &path, bool mustExist, std::vector<std::unique_ptr<Candidate>> &into);
  void consider(const std::string &file, std::vector<std::unique_ptr<Candidate>> &into);
  void markShadowed();
  Expected<ResolvedTarget> resolveName(const TargetSpec &spec);
  Expected<ResolvedTarget> resolveDevice(const TargetSpec &spec);
  Failure unknown(const TargetSpec &spec) const;
  Failure unknownPlugin(const TargetSpec &spec) const;

  RegistryOptions options_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Candidate>> candidates_;
  std::vector<std::unique_ptr<Candidate>> replaced_;        // by a later add of the same file
  std::map<std::string, Expected<const Library *>> loaded_; // by library path
};

} // namespace tessera::plugin
