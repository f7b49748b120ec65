// ArtifactCache.cpp - entries as files: <directory>/<2 hex digits>/<62 hex digits>.tko
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/ArtifactCache.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <functional>
#include <random>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

namespace tessera::runtime {
namespace {

constexpr char kMagic[8] = {'T', 'S', 'R', 'C', 'A', 'C', 'H', '1'};
constexpr std::string_view kSuffix = ".tko";
constexpr std::string_view kTemporary = ".tmp-";
constexpr time_t kRenewSeconds = 600, kStaleSeconds = 3600;

struct EntryHeader {
  char magic[8];
  uint8_t key[32];
  uint64_t bytes;
  uint64_t checksum;
};

class File {
public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  File(const File &) = delete;
  File &operator=(const File &) = delete;
  int get() const { return fd_; }
  // Network disks report a failed write only here.
  bool close() {
    int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

private:
  int fd_;
};

bool readAll(int fd, void *to, size_t n) {
  auto *p = static_cast<char *>(to);
  while (n) {
    ssize_t got = ::read(fd, p, n);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    p += got;
    n -= static_cast<size_t>(got);
  }
  return true;
}

bool writeAll(int fd, const void *from, size_t n) {
  const auto *p = static_cast<const char *>(from);
  while (n) {
    ssize_t put = ::write(fd, p, n);
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return false;
    p += put;
    n -= static_cast<size_t>(put);
  }
  return true;
}

// The folder and its parents.
bool makeFolder(const std::string &path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST)
    return true;
  if (errno != ENOENT)
    return false;
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos || slash == 0 || !makeFolder(path.substr(0, slash)))
    return false;
  return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST;
}

bool isHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool isEntry(std::string_view name) {
  return name.size() == 62 + kSuffix.size() && name.substr(62) == kSuffix && isHex(name.substr(0, 62));
}

struct Found {
  std::string path;
  uint64_t bytes;
  struct timespec used;
  bool temporary;
};

// Every entry and temporary file of ours. Files that vanish meanwhile are skipped.
void walk(const std::string &directory, const std::function<void(Found)> &visit) {
  auto list = [](const std::string &path, auto each) {
    DIR *dir = ::opendir(path.c_str());
    if (!dir)
      return;
    while (struct dirent *item = ::readdir(dir))
      each(std::string(item->d_name));
    ::closedir(dir);
  };
  list(directory, [&](const std::string &folder) {
    if (folder.size() != 2 || !isHex(folder))
      return;
    list(directory + "/" + folder, [&](const std::string &name) {
      bool temporary = name.rfind(kTemporary, 0) == 0;
      if (!temporary && !isEntry(name))
        return;
      std::string path = directory + "/" + folder + "/" + name;
      struct stat facts;
      if (::lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode))
        visit({path, static_cast<uint64_t>(facts.st_size), facts.st_mtim, temporary});
    });
  });
}

// Unique among threads, processes and the machines that share a disk.
std::string temporaryName() {
  static std::atomic<uint64_t> counter{0};
  static const uint64_t seed = [] {
    uint64_t value = 0;
    try {
      std::random_device device;
      value = uint64_t(device()) << 32 | device();
    } catch (...) {
      struct timespec now;
      clock_gettime(CLOCK_REALTIME, &now);
      value = static_cast<uint64_t>(now.tv_nsec) * 0x9e3779b97f4a7c15ull;
    }
    return value;
  }();
  char text[80];
  std::snprintf(text, sizeof(text), "%.*s%016llx-%ld-%llu", static_cast<int>(kTemporary.size()), kTemporary.data(),
                static_cast<unsigned long long>(seed), static_cast<long>(::getpid()),
                static_cast<unsigned long long>(counter.fetch_add(1)));
  return text;
}

} // namespace

ArtifactCache::ArtifactCache(std::string directory, uint64_t limitBytes)
    : directory_(std::move(directory)), limitBytes_(directory_.empty() ? 0 : limitBytes) {
  while (directory_.size() > 1 && directory_.back() == '/')
    directory_.pop_back();
}

std::string ArtifactCache::entryPath(const Digest &key) const {
  std::string hex = hexText(key);
  return directory_ + "/" + hex.substr(0, 2) + "/" + hex.substr(2) + std::string(kSuffix);
}

std::optional<std::vector<uint8_t>> ArtifactCache::find(const Digest &key) {
  if (limitBytes_ == 0)
    return std::nullopt;
  std::string path = entryPath(key);
  // Read, not mapped: a file that another machine truncates must not become a SIGBUS.
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts;
  if (file.get() < 0 || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return std::nullopt;
  EntryHeader header;
  auto size = static_cast<uint64_t>(facts.st_size);
  bool whole = size >= sizeof(header) && readAll(file.get(), &header, sizeof(header)) &&
               std::memcmp(header.magic, kMagic, 8) == 0 && std::memcmp(header.key, key.data(), 32) == 0 &&
               header.bytes == size - sizeof(header);
  std::vector<uint8_t> payload;
  if (whole) {
    payload.resize(header.bytes);
    whole = readAll(file.get(), payload.data(), payload.size()) && checksum64(payload) == header.checksum;
  }
  if (!whole) {
    ::unlink(path.c_str());
    return std::nullopt;
  }
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (facts.st_mtim.tv_sec + kRenewSeconds < now.tv_sec)
    ::futimens(file.get(), nullptr);
  return payload;
}

bool ArtifactCache::store(const Digest &key, std::span<const uint8_t> payload) {
  uint64_t size = sizeof(EntryHeader) + payload.size();
  if (limitBytes_ == 0 || size > limitBytes_)
    return false;
  std::string path = entryPath(key);
  std::string folder = path.substr(0, path.find_last_of('/'));
  std::string aside = folder + "/" + temporaryName();
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  int fd = ::open(aside.c_str(), flags, 0600);
  if (fd < 0 && errno == ENOENT && makeFolder(folder))
    fd = ::open(aside.c_str(), flags, 0600);
  if (fd < 0)
    return false;
  File file(fd);
  EntryHeader header = {};
  std::memcpy(header.magic, kMagic, 8);
  std::memcpy(header.key, key.data(), 32);
  header.bytes = payload.size();
  header.checksum = checksum64(payload);
  bool written = writeAll(fd, &header, sizeof(header)) && writeAll(fd, payload.data(), payload.size());
  written = file.close() && written;
  // No fsync: after a power cut the checksum finds what did not reach the disk, and the entry is made again.
  if (!written || ::rename(aside.c_str(), path.c_str()) != 0) {
    ::unlink(aside.c_str());
    return false;
  }
  // Walking the folder costs milliseconds, so only every 64th process that stores one small entry does it.
  uint64_t stored = storedSinceTrim_.fetch_add(size) + size;
  static std::atomic<uint32_t> dice{static_cast<uint32_t>(::getpid())};
  bool lucky = (dice.fetch_add(1) * 0x9e3779b9u) >> 26 == 0;
  if (lucky || stored > limitBytes_ / 16) {
    storedSinceTrim_.store(0);
    if (usage().bytes > limitBytes_)
      trim(limitBytes_ / 5 * 4);
  }
  return true;
}

CacheUsage ArtifactCache::usage() const {
  CacheUsage total;
  walk(directory_, [&](const Found &f) {
    total.entries += !f.temporary;
    total.bytes += f.bytes;
  });
  return total;
}

uint64_t ArtifactCache::clear() {
  uint64_t removed = 0;
  walk(directory_, [&](const Found &f) { removed += ::unlink(f.path.c_str()) == 0 && !f.temporary; });
  for (int i = 0; i < 256; ++i) {
    char name[4];
    std::snprintf(name, sizeof(name), "/%02x", i);
    ::rmdir((directory_ + name).c_str()); // only where nothing else is in it
  }
  return removed;
}

void ArtifactCache::trim(uint64_t bytes) {
  std::vector<Found> entries;
  uint64_t total = 0;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  walk(directory_, [&](Found f) {
    if (f.temporary) {
      if (f.used.tv_sec + kStaleSeconds < now.tv_sec)
        ::unlink(f.path.c_str());
      return;
    }
    total += f.bytes;
    entries.push_back(std::move(f));
  });
  std::sort(entries.begin(), entries.end(), [](const Found &a, const Found &b) {
    return a.used.tv_sec != b.used.tv_sec ? a.used.tv_sec < b.used.tv_sec : a.used.tv_nsec < b.used.tv_nsec;
  });
  for (const Found &f : entries) {
    if (total <= bytes)
      return;
    ::unlink(f.path.c_str()); // somebody else may have been quicker: gone either way
    total -= f.bytes;
  }
}

} // namespace tessera::runtime
