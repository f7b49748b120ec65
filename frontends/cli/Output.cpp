// Output.cpp - see Output.h
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Output.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace tessera::cli {

namespace {

// A handler, because a blocked signal would go to another thread of the process.
volatile std::sig_atomic_t signalSeen = 0;
void noteSignal(int number) { signalSeen = number; }

constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};
std::array<struct sigaction, kSignals.size()> oldActions;

// How much is written between two looks at signalSeen.
constexpr size_t kChunkBytes = size_t(8) << 20;

int writeParts(std::FILE *out, std::initializer_list<std::string_view> parts) {
  for (std::string_view part : parts)
    for (size_t at = 0; at < part.size(); at += kChunkBytes) {
      std::string_view chunk = part.substr(at, kChunkBytes);
      if (std::fwrite(chunk.data(), 1, chunk.size(), out) != chunk.size())
        return errno;
      if (signalSeen)
        return EINTR;
    }
  return 0;
}

} // namespace

OutputFiles::OutputFiles() {
  signalSeen = 0;
  struct sigaction action = {};
  action.sa_handler = noteSignal;
  for (size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &oldActions[i]);
    if (oldActions[i].sa_handler != SIG_IGN) // as under nohup
      sigaction(kSignals[i], &action, nullptr);
  }
}

OutputFiles::~OutputFiles() {
  for (const auto &[file, path] : aside_)
    std::remove(file.c_str());
  for (size_t i = 0; i < kSignals.size(); ++i)
    sigaction(kSignals[i], &oldActions[i], nullptr);
  if (signalSeen)
    std::raise(signalSeen);
}

bool OutputFiles::write(const std::string &path, std::initializer_list<std::string_view> parts, std::string &error) {
  struct stat there;
  bool inPlace = lstat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode);
  std::string file = inPlace ? path : path + ".tmp" + std::to_string(getpid()) + "." + std::to_string(aside_.size());
  std::FILE *out = std::fopen(file.c_str(), "wb");
  if (!out) {
    error = std::strerror(errno);
    return false;
  }
  if (!inPlace)
    aside_.emplace_back(file, path);
  int failure = writeParts(out, parts);
  if (std::fclose(out) != 0 && !failure)
    failure = errno;
  if (failure)
    error = std::strerror(failure);
  return !failure;
}

bool OutputFiles::finish(std::string &error) {
  if (signalSeen) {
    error = "interrupted: nothing was written";
    return false;
  }
  while (!aside_.empty()) {
    const auto &[file, path] = aside_.front();
    if (std::rename(file.c_str(), path.c_str()) != 0) {
      error = "'" + path + "' cannot be written: " + std::strerror(errno);
      return false;
    }
    aside_.erase(aside_.begin());
  }
  return true;
}

} // namespace tessera::cli
