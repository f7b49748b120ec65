// Expressions.h - numbers that the driver role computes from a launch's arguments
//
// SPDX-License-Identifier: Apache-2.0
//
// An expression is its number of words and so many words of a stack machine over 64-bit integers: the op in the low 8 bits, above them what ExpressionOp says.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tessera::nvidia {

inline constexpr uint32_t kMaxExpressionStack = 16;

enum class ExpressionOp : uint8_t {
  Argument = 1, // bytes << 8 | offset << 16: of the packed arguments, sign-extended
  Constant = 2, // the next word
  Add = 3,
  Sub = 4,
  Mul = 5,
  DivS = 6, // towards zero; 0 where it is not defined
  MinS = 7,
  MaxS = 8,
  And = 9,
  Or = 10,
  Xor = 11,
  Shl = 12,        // 0 from 64 on
  SignExtend = 13, // bits << 8: of the top
  ZeroExtend = 14, // bits << 8
  ShrS = 15,       // the sign from 64 on
  ShrU = 16,       // 0 from 64 on
  DivU = 17,       // 0 where it is not defined, as RemS and RemU
  RemS = 18,       // sign of the dividend
  RemU = 19,
  LessS = 20, // -1 where it holds, else 0
};

// Takes words from the front; `ok` once there were too few.
struct WordCursor {
  std::span<const uint64_t> words;
  bool ok = true;
  uint64_t take() {
    if (words.empty()) {
      ok = false;
      return 0;
    }
    uint64_t w = words.front();
    words = words.subspan(1);
    return w;
  }
  std::span<const uint64_t> take(uint64_t n) {
    if (n > words.size()) {
      ok = false;
      return {};
    }
    std::span<const uint64_t> taken = words.subspan(0, n);
    words = words.subspan(n);
    return taken;
  }
};

using Expression = std::vector<uint64_t>; // without its number of words

// The kernel's name and the expression as words of a global variable.
void appendName(std::vector<uint64_t> &words, const std::string &kernel);
void appendExpression(std::vector<uint64_t> &words, const Expression &code);
// Whether the name that comes next is the kernel's; false with cursor.ok false where it is malformed.
bool takeName(WordCursor &cursor, const std::string &kernel);
// Checked: evaluate reads nothing beyond the packed arguments and the stack. False: it is malformed.
bool takeExpression(WordCursor &cursor, uint64_t argumentBytes, Expression &code);
// `code` comes from takeExpression; arguments: the packed bytes.
int64_t evaluate(std::span<const uint64_t> code, const uint8_t *arguments);

} // namespace tessera::nvidia
