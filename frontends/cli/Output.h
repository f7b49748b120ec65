// Output.h - files that appear whole, all of a command together, or not at all
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tessera::cli {

// The files that a command writes: aside first, and all put in their places by finish(). A failure, or SIGINT, SIGTERM or
// SIGHUP while it exists, leaves none of them; the signal takes effect when it is destroyed. One at a time in a process.
class OutputFiles {
public:
  OutputFiles();
  ~OutputFiles();
  OutputFiles(const OutputFiles &) = delete;
  OutputFiles &operator=(const OutputFiles &) = delete;

  // The parts one after the other. What is no regular file (a device, a pipe, a link) is written in place and at once: a
  // rename would put a file where it was. False with a reason.
  bool write(const std::string &path, std::initializer_list<std::string_view> parts, std::string &error);
  // False with a reason that names the file.
  bool finish(std::string &error);

private:
  std::vector<std::pair<std::string, std::string>> aside_; // where it lies, where it belongs
};

} // namespace tessera::cli
