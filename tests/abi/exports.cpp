// exports.cpp - no shared object of ours shows more than its ABI, and none drags an LLVM in (R11)
// SPDX-License-Identifier: Apache-2.0
#include "plugins/loader/ElfNote.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>

using namespace tessera::plugin;
namespace fs = std::filesystem;

namespace {

// Every shared object of this build, plugins and others.
std::vector<std::string> sharedObjects() {
  std::vector<std::string> list;
  for (const auto &entry : fs::directory_iterator(TESSERA_LIBRARY_DIR))
    if (entry.path().extension() == ".so" && entry.is_regular_file())
      list.push_back(entry.path().string());
  std::sort(list.begin(), list.end());
  return list;
}

bool startsWith(const std::string &s, const char *prefix) { return s.rfind(prefix, 0) == 0; }

TEST(Exports, PluginsShowTheTwoSymbolsAndNothingElse) {
  size_t plugins = 0;
  for (const std::string &path : sharedObjects()) {
    LibraryFacts facts;
    ASSERT_EQ(readLibraryFacts(path, facts), "") << path;
    if (!facts.hasNote)
      continue;
    ++plugins;
    std::vector<std::string> exports = facts.exports;
    std::sort(exports.begin(), exports.end());
    EXPECT_EQ(exports, (std::vector<std::string>{TSR_NEGOTIATE_SYMBOL, TSR_NOTE_SYMBOL})) << path;
    EXPECT_TRUE(lintLibrary(facts).empty()) << path;
    EXPECT_EQ(facts.gnuBuildId.size(), 40u) << path << ": the build id keys the compile cache";
    // Standard C++ is inside: a plugin must not depend on which libstdc++ the host brought.
    for (const std::string &n : facts.needed)
      EXPECT_FALSE(startsWith(n, "libstdc++")) << path << " needs " << n;
  }
  EXPECT_GE(plugins, 2u);
}

TEST(Exports, NoLibraryShowsOrNeedsLlvm) {
  for (const std::string &path : sharedObjects()) {
    LibraryFacts facts;
    ASSERT_EQ(readLibraryFacts(path, facts), "") << path;
    for (const std::string &symbol : facts.exports) {
      bool foreign = symbol.find("4llvm") != std::string::npos || symbol.find("4mlir") != std::string::npos ||
                     startsWith(symbol, "LLVM") || startsWith(symbol, "mlir") || startsWith(symbol, "llvm");
      EXPECT_FALSE(foreign) << path << " exports " << symbol;
    }
    for (const std::string &n : facts.needed)
      EXPECT_FALSE(startsWith(n, "libLLVM") || startsWith(n, "libMLIR") || startsWith(n, "libpython") ||
                   startsWith(n, "libz3"))
          << path << " needs " << n;
  }
}

TEST(Exports, OtherLibrariesShowOnlyNamesOfOurs) {
  for (const std::string &path : sharedObjects()) {
    LibraryFacts facts;
    ASSERT_EQ(readLibraryFacts(path, facts), "") << path;
    if (facts.hasNote)
      continue;
    for (const std::string &symbol : facts.exports)
      EXPECT_TRUE(startsWith(symbol, "tsr_") || startsWith(symbol, "tsc_")) << path << " exports " << symbol;
  }
}

} // namespace
