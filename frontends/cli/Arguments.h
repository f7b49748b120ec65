// Arguments.h - kernel arguments, grids and signatures as they are spelt on the command line
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/cli/Npy.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tessera::cli {

// One --arg. Spellings: `x.npy`, `*bf16:x.npy` (same bytes, other element type), `*fp32[1024,64]` (fresh, zeroed),
// `i32:7`, `fp32:0.5`, `u1:true`, a bare `7` or `0.5`, `null`.
struct Argument {
  enum Kind { Array, Scalar, Null } kind = Scalar;
  std::string text;       // as given, for messages
  std::string type;       // "*fp32", "i32", …
  bool typeGiven = false; // a bare scalar follows the parameter's annotation
  NpyArray array;         // Array
  uint64_t bits = 0;      // Scalar: little-endian value, sign-extended; floats as the bits of their type
  bool isFloat = false;
  int64_t intValue = 0;
  double floatValue = 0;
};

// False, and `error` (a sentence that names the argument), on failure.
bool parseArgument(const std::string &text, Argument &out, std::string &error);
// Bits of a number as the Triton type `type`: "fp16" rounds to nearest even. False for a type that is no scalar.
bool scalarBits(const std::string &type, const Argument &value, uint64_t &bits);
// The scalar type Triton gives a bare Python int: i32, i64 or u64 by range.
std::string typeOfInt(int64_t value);

// "4", "4,2", "4,2,1" -> three numbers. False for anything else; the sign is the caller's to judge.
bool parseGrid(const std::string &text, std::array<int64_t, 3> &grid, std::string &error);

// One parameter of a --signature: "*fp32:16", "i32", "i32:1" (equal to one), "128" (constexpr value).
struct SignatureEntry {
  std::string name;  // of `NAME=TYPE`; empty where positional
  std::string type;  // "*fp32", "i32"; empty: constexpr
  std::string value; // constexpr text
  int64_t divisibility = 1;
};
bool parseSignature(const std::string &text, std::vector<SignatureEntry> &out, std::string &error);
// Gives a scalar that names no type the one of its entry. False, and `error`, where the argument is not what the entry says.
bool asSignature(const SignatureEntry &entry, Argument &argument, std::string &error);

} // namespace tessera::cli
