// Output.cpp - see Output.h
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace tessera::cli {

bool writeWhole(const std::string &path, std::initializer_list<std::string_view> parts, std::string &error) {
  struct stat there;
  bool inPlace = lstat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode);
  std::string file = inPlace ? path : path + ".tmp" + std::to_string(getpid());
  std::FILE *out = std::fopen(file.c_str(), "wb");
  if (!out) {
    error = std::strerror(errno);
    return false;
  }
  int failure = 0;
  for (std::string_view part : parts)
    if (!failure && std::fwrite(part.data(), 1, part.size(), out) != part.size())
      failure = errno;
  if (std::fclose(out) != 0 && !failure)
    failure = errno;
  if (!failure && !inPlace && std::rename(file.c_str(), path.c_str()) != 0)
    failure = errno;
  if (!failure)
    return true;
  if (!inPlace)
    std::remove(file.c_str());
  error = std::strerror(failure);
  return false;
}

} // namespace tessera::cli
