// ArtifactCache.h - compiled kernels on disk, by content hash
//
// SPDX-License-Identifier: Apache-2.0
//
// Safe with any number of processes and on network disks: an entry is written under a name of its own in its folder and then
// renamed, so a reader sees a whole entry or none; there is no lock file and no index. Entries carry their key, length and
// checksum; one that does not fit counts as absent and is removed. Nothing here is ever an error: a cache that cannot be read
// or written is an empty one.
#pragma once

#include "runtime/cache/Hash.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tessera::runtime {

struct CacheUsage {
  uint64_t entries = 0, bytes = 0;
};

// Thread-safe.
class ArtifactCache {
public:
  static constexpr uint64_t kDefaultLimit = uint64_t(2) << 30;

  // The folder is made with the first store (mode 0700: it holds code that will be run). limitBytes 0: the cache is off.
  explicit ArtifactCache(std::string directory, uint64_t limitBytes = kDefaultLimit);

  const std::string &directory() const { return directory_; }
  uint64_t limitBytes() const { return limitBytes_; }

  // The payload stored under the key, or nothing. A hit counts as a use: the entry's time is renewed, at most every 10 minutes.
  std::optional<std::vector<uint8_t>> find(const Digest &key);

  // False: it was not kept (no room, no rights, larger than the limit), which matters to nobody but statistics. Now and then
  // removes the entries that were not used for longest, until four fifths of the limit are left.
  bool store(const Digest &key, std::span<const uint8_t> payload);

  // Walks the folder.
  CacheUsage usage() const;
  // Removes entries and left-over temporary files; the number of entries. Other files in the folder stay.
  uint64_t clear();
  // Removes old entries until at most `bytes` are left, and temporary files older than an hour.
  void trim(uint64_t bytes);

private:
  std::string entryPath(const Digest &key) const;
  std::string directory_;
  uint64_t limitBytes_;
  std::atomic<uint64_t> storedSinceTrim_{0};
};

} // namespace tessera::runtime
