// Specialization.h - which facts about the arguments of a launch a kernel is compiled for
//
// SPDX-License-Identifier: Apache-2.0
//
// Triton's rules: an integer 1 becomes a constant; integers and addresses that 16 divides say so; None and constexpr
// arguments become constants; types follow the values where no annotation forces them. Two launches with equal keys run the same
// compiled kernel.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tessera::runtime {

// What the kernel's signature says about a parameter.
struct ParameterRule {
  std::string type; // of an annotation: "i64", "fp16", "*fp32", "u1"; empty: none
  bool isConstexpr = false;
  bool specialize = true;          // false: do_not_specialize (neither 1 nor divisibility)
  bool specializeAlignment = true; // false: do_not_specialize_on_alignment (1 still is a constant)
};

// What the caller passes.
struct CallValue {
  enum Kind : uint8_t { None, Bool, Int, UInt, Float, Pointer, Constexpr };
  Kind kind = None;
  int64_t i = 0;        // Bool, Int
  uint64_t u = 0;       // UInt: for values from 2^63 on; Pointer: the address
  std::string text;     // Pointer: element type, "fp16"; Constexpr: its value as source text
  bool isConst = false; // Pointer: the kernel may only read

  static CallValue boolean(bool v) { return {Bool, v, 0, {}, false}; }
  static CallValue integer(int64_t v) { return {Int, v, 0, {}, false}; }
  static CallValue unsignedInteger(uint64_t v) { return {UInt, 0, v, {}, false}; }
  static CallValue number() { return {Float, 0, 0, {}, false}; }
  static CallValue pointer(uint64_t address, std::string elem, bool isConst = false) {
    return {Pointer, 0, address, std::move(elem), isConst};
  }
  static CallValue constant(std::string text) { return {Constexpr, 0, 0, std::move(text), false}; }
};

struct SpecializedParameter {
  std::string type;     // "i32", "*fp16", "*kfp16" (read-only), or "constexpr"
  std::string constant; // of a constexpr: "1", "None", "128"
  bool divisibleBy16 = false;
  bool operator==(const SpecializedParameter &) const = default;
};

SpecializedParameter specializeParameter(const ParameterRule &rule, const CallValue &value);

// Unambiguous text: "i32:D,*fp16,=1:1". Constants are quoted by their length, so no constant can imitate another key.
std::string specializationKey(std::span<const SpecializedParameter> parameters);

} // namespace tessera::runtime
