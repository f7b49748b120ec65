// Seeds.cpp - writes the seed corpus: each kernel of the samples alone, as bytes and as text
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Text.h"
#include "core/bytecode/Writer.h"
#include "tests/lib/EveryOp.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace tessera;

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: bytecode_fuzz_seeds DIRECTORY\n");
    return 2;
  }
  std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory);
  auto put = [&](const std::string &name, std::string_view bytes) {
    std::ofstream(directory / name, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  };
  for (const tbc::Module &all : {samples::everyTileOp(), samples::everyLayoutOp()})
    for (const tbc::Function &f : all.functions) {
      tbc::Module one = all;
      one.functions = {f};
      // Through the writer, which leaves out what this kernel does not use.
      auto written = tbc::writeModule(one);
      if (!written) {
        std::fprintf(stderr, "%s\n", written.error.c_str());
        return 1;
      }
      put(f.name + ".tbc", {reinterpret_cast<const char *>(written.bytes.data()), written.bytes.size()});
      put(f.name + ".txt", tbc::print(one));
    }
  return 0;
}
