// Npy.h - read and write .npy files (NumPy's array format, versions 1 to 3)
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/cli/Output.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tessera::cli {

// An array in memory, C order, little-endian. `descr` as in the file: "<f4", "|b1", "<i8", …
struct NpyArray {
  std::string descr;
  std::vector<int64_t> shape;
  std::vector<unsigned char> bytes;
  int64_t numElements() const;
};

// Reads a file whole. On failure: nullopt, and `error` says what is wrong with which part ("header says 4096 bytes of data,
// the file has 100"). Fortran order is accepted for rank <= 1 only.
std::optional<NpyArray> readNpy(const std::string &path, std::string &error);

// One of the files of a command. False, and `error`, on failure.
bool writeNpy(OutputFiles &files, const std::string &path, const NpyArray &array, std::string &error);

// The kernel type of an element: "<f4" -> "fp32", "|b1" -> "u1", "<u2" -> "u16", …; empty where there is none.
std::string tritonTypeOfDescr(const std::string &descr);
// And back; types NumPy lacks (bf16, fp8) give an unsigned integer or void of the same width: bf16 -> "<u2", fp8* -> "|u1".
std::string descrOfTritonType(const std::string &type);
// Bytes of one element of a Triton scalar type ("fp16" -> 2); 0 for an unknown name.
unsigned bytesOfTritonType(const std::string &type);

} // namespace tessera::cli
