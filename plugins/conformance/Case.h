// Case.h - one kernel of the kit: bytecode, inputs, and how close the outputs must be to the interpreter's
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Builder.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::conformance {

using tbc::Builder;
using tbc::Elem;
using tbc::Opcode;
using tbc::ValueId;

// How an output is compared. NaN equals NaN of any payload throughout.
struct Tolerance {
  uint32_t ulps = 0;    // units in the last place of the output's type
  bool anyZero = false; // +0 equals -0
};

// A global buffer: parameter of the kernel, in order.
struct Buffer {
  Elem elem = Elem::F32;
  std::vector<uint8_t> bytes; // before the launch
  bool output = false;        // compared afterwards; inputs must come back unchanged
  Tolerance tolerance;
  size_t count() const { return bytes.size() / (tbc::elemBits(elem) / 8); }
};

struct Case {
  std::string name; // "addf/f32/tile": op/types/class
  std::string op;   // what an `unsupported` message must name
  tbc::Module module;
  std::vector<Buffer> buffers;  // first the pointers …
  std::vector<int32_t> scalars; // … then i32 parameters
  uint32_t grid[3] = {1, 1, 1};
};

// ---- values: deterministic, with the edges of the type in front -----------------------------------------------------

enum class Fill : uint8_t {
  Any,      // edges, then random over the whole type (floats: NaN and infinities too)
  Finite,   // floats: finite, of moderate size; integers: random, no edges
  Small,    // integers in [-8, 8], also as floats (f8e4b15: eighths of them): sums and products are exact
  Unit,     // floats in [-1, 1]
  Positive, // floats > 0; integers >= 1
  Shift,    // integers in [0, width + 8]
  Boolean,
  Index,   // integers in [0, limit); each once where there are `limit` of them
  InRange, // floats that any integer of 8 bits holds: conversions that must not overflow
};
std::vector<uint8_t> makeBytes(Elem e, size_t n, Fill fill, uint32_t seed, uint32_t limit = 0);
std::string typeName(Elem e);
bool isNanBits(Elem e, uint64_t bits);
uint64_t loadBits(const uint8_t *p, Elem e);

// The first difference, in words; empty where the output is good.
std::string compareBuffers(const Buffer &shape, const std::vector<uint8_t> &expected, const std::vector<uint8_t> &got);

// ---- building -------------------------------------------------------------------------------------------------------

// Builds one kernel "k": declares buffers as it goes, since parameters come before the body.
class CaseBuilder {
public:
  CaseBuilder(std::string name, std::string op);
  Builder &b() {
    begin();
    return *builder_;
  }
  // Declare everything before the first load. in: a buffer to read; out: zero-filled, compared.
  size_t in(Elem e, size_t n, Fill fill = Fill::Any, uint32_t limit = 0);
  size_t out(Elem e, size_t n, Tolerance t = {});
  size_t inout(Elem e, size_t n, Fill fill, Tolerance t = {}); // read and written
  size_t scalar(int32_t value);                                // an i32 parameter; use param()
  ValueId param(size_t index);                                 // ends the declarations
  // The whole buffer as a tile of `shape` (its product is the buffer's length); an empty shape: element 0 as a scalar.
  ValueId load(size_t buffer, std::vector<int64_t> shape);
  void store(size_t buffer, ValueId value);
  ValueId pointers(size_t buffer, int64_t n); // tensor<n x ptr>
  Case finish();
  Case &raw() { return case_; }

private:
  void begin();
  Case case_;
  std::unique_ptr<Builder> builder_;
  std::vector<ValueId> values_;
  uint32_t seed_ = 1;
};

// Every case of level L1.
std::vector<Case> allCases();
void addElementwiseCases(std::vector<Case> &);
void addConversionCases(std::vector<Case> &);
void addShapeCases(std::vector<Case> &);
void addMemoryCases(std::vector<Case> &);
void addWholeTileCases(std::vector<Case> &);
void addControlCases(std::vector<Case> &);

} // namespace tessera::conformance
