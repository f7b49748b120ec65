// RunOnSimt.cpp - see RunOnSimt.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/RunOnSimt.h"

#include "tests/simt/Compile.h"
#include "tests/simt/Grid.h"

#include <cstring>

namespace tessera::simt {

static std::string run(const RunOptions &options, const tbc::Module &m, std::array<uint32_t, 3> grid,
                       const std::vector<uint64_t> &args, const std::vector<std::vector<uint8_t>> &buffers) {
  CompileOptions how;
  how.contract = m.option("fp_fusion", 1) != 0;
  how.warpReductions = options.warpReductions;
  CompileResult code = compile(m, how);
  if (!code.error.empty())
    return (code.unsupported ? "unsupported: " + code.op + ": " : std::string("compile: ")) + code.error;
  std::string why;
  std::unique_ptr<LoadedImage> image = LoadedImage::load(code.image.data(), code.image.size(), why);
  if (!image)
    return "load: " + why;
  const tbc::Function &f = m.functions.at(0);
  std::vector<uint8_t> packed;
  for (size_t i = 0; i < f.params.size(); ++i) {
    size_t size = m.typeOf(f.params[i].value).elementBytes(), at = (packed.size() + size - 1) / size * size;
    packed.resize(at + size);
    std::memcpy(packed.data() + at, &args.at(i), size);
  }
  std::vector<uint64_t> aligned(packed.size() / 8 + 1);
  std::memcpy(aligned.data(), packed.data(), packed.size());
  BlockOptions block;
  block.threads = 32 * static_cast<unsigned>(tbc::blockWarps(m, m.functions.at(0)));
  block.sharedBytes = static_cast<uint64_t>(m.option("shared_bytes"));
  block.print = options.print;
  block.holds = [&](const void *address, uint64_t bytes) {
    const auto *at = static_cast<const uint8_t *>(address);
    for (const auto &b : buffers)
      if (at >= b.data() && bytes <= b.size() && at <= b.data() + b.size() - bytes)
        return true;
    return false;
  };
  BlockError error = runGrid(image->find(f.name), aligned.data(), grid.data(), block);
  if (error.message.empty())
    return {};
  return (error.isAssert ? "assert: " + error.file + ":" + std::to_string(error.line) + ": "
                         : std::string("device: ")) +
         error.message;
}

LayoutDevice lanesOfTheHost(RunOptions options) {
  return [options = std::move(options)](
             const tbc::Module &m, std::array<uint32_t, 3> grid, const std::vector<uint64_t> &args,
             const std::vector<std::vector<uint8_t>> &buffers) { return run(options, m, grid, args, buffers); };
}

} // namespace tessera::simt
