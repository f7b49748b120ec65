// Expressions.cpp - expressions read and written; their machine
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/image/Expressions.h"

#include <algorithm>
#include <cstring>

namespace tessera::nvidia {

static ExpressionOp opOf(uint64_t word) { return static_cast<ExpressionOp>(word & 0xff); }

void appendName(std::vector<uint64_t> &words, const std::string &kernel) {
  size_t at = words.size();
  words.push_back(kernel.size());
  words.resize(words.size() + (kernel.size() + 7) / 8);
  std::memcpy(words.data() + at + 1, kernel.data(), kernel.size());
}

void appendExpression(std::vector<uint64_t> &words, const Expression &code) {
  words.push_back(code.size());
  words.insert(words.end(), code.begin(), code.end());
}

bool takeName(WordCursor &cursor, const std::string &kernel) {
  uint64_t length = cursor.take();
  if (length > cursor.words.size_bytes())
    return cursor.ok = false;
  std::span<const uint64_t> text = cursor.take((length + 7) / 8);
  return cursor.ok && length == kernel.size() && std::memcmp(text.data(), kernel.data(), length) == 0;
}

static bool checkExpression(std::span<const uint64_t> code, uint64_t argumentBytes) {
  uint32_t depth = 0;
  for (size_t i = 0; i < code.size(); ++i) {
    uint64_t operand = code[i] >> 8;
    switch (opOf(code[i])) {
    case ExpressionOp::Argument: {
      uint64_t bytes = operand & 0xff, offset = operand >> 8;
      if ((bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) || offset > argumentBytes ||
          bytes > argumentBytes - offset)
        return false;
      ++depth;
      break;
    }
    case ExpressionOp::Constant:
      if (++i >= code.size())
        return false;
      ++depth;
      break;
    case ExpressionOp::SignExtend:
    case ExpressionOp::ZeroExtend:
      if (depth < 1 || operand < 1 || operand > 64)
        return false;
      break;
    case ExpressionOp::Add:
    case ExpressionOp::Sub:
    case ExpressionOp::Mul:
    case ExpressionOp::DivS:
    case ExpressionOp::MinS:
    case ExpressionOp::MaxS:
    case ExpressionOp::And:
    case ExpressionOp::Or:
    case ExpressionOp::Xor:
    case ExpressionOp::Shl:
    case ExpressionOp::ShrS:
    case ExpressionOp::ShrU:
    case ExpressionOp::DivU:
    case ExpressionOp::RemS:
    case ExpressionOp::RemU:
    case ExpressionOp::LessS:
      if (depth < 2)
        return false;
      --depth;
      break;
    default:
      return false;
    }
    if (depth > kMaxExpressionStack)
      return false;
  }
  return depth == 1;
}

bool takeExpression(WordCursor &cursor, uint64_t argumentBytes, Expression &code) {
  std::span<const uint64_t> words = cursor.take(cursor.take());
  if (!cursor.ok || !checkExpression(words, argumentBytes))
    return false;
  code.assign(words.begin(), words.end());
  return true;
}

// Sizes that are known make loads instead of calls.
static int64_t argumentAt(uint64_t operand, const uint8_t *arguments) {
  const uint8_t *at = arguments + (operand >> 8);
  auto as = [at](auto value) {
    std::memcpy(&value, at, sizeof value);
    return static_cast<int64_t>(value);
  };
  switch (operand & 0xff) {
  case 8:
    return as(int64_t());
  case 4:
    return as(int32_t());
  case 2:
    return as(int16_t());
  default:
    return as(int8_t());
  }
}

int64_t evaluate(std::span<const uint64_t> code, const uint8_t *arguments) {
  uint64_t stack[kMaxExpressionStack + 1];
  uint64_t *top = stack; // one past
  for (size_t i = 0; i < code.size(); ++i) {
    uint64_t operand = code[i] >> 8;
    ExpressionOp op = opOf(code[i]);
    if (op == ExpressionOp::Constant) {
      *top++ = code[++i];
      continue;
    }
    if (op == ExpressionOp::Argument) {
      *top++ = static_cast<uint64_t>(argumentAt(operand, arguments));
      continue;
    }
    if (op == ExpressionOp::SignExtend || op == ExpressionOp::ZeroExtend) {
      unsigned shift = static_cast<unsigned>(64 - operand);
      top[-1] <<= shift;
      top[-1] = op == ExpressionOp::SignExtend ? static_cast<uint64_t>(static_cast<int64_t>(top[-1]) >> shift)
                                               : top[-1] >> shift;
      continue;
    }
    uint64_t b = *--top, &a = top[-1];
    auto sa = static_cast<int64_t>(a), sb = static_cast<int64_t>(b);
    switch (op) {
    case ExpressionOp::Add:
      a += b;
      break;
    case ExpressionOp::Sub:
      a -= b;
      break;
    case ExpressionOp::Mul:
      a *= b;
      break;
    case ExpressionOp::DivS:
      a = sb == 0 || (sa == INT64_MIN && sb == -1) ? 0 : static_cast<uint64_t>(sa / sb);
      break;
    case ExpressionOp::RemS:
      a = sb == 0 || sb == -1 ? 0 : static_cast<uint64_t>(sa % sb);
      break;
    case ExpressionOp::DivU:
      a = b == 0 ? 0 : a / b;
      break;
    case ExpressionOp::RemU:
      a = b == 0 ? 0 : a % b;
      break;
    case ExpressionOp::ShrU:
      a = b < 64 ? a >> b : 0;
      break;
    case ExpressionOp::MinS:
      a = static_cast<uint64_t>(std::min(sa, sb));
      break;
    case ExpressionOp::MaxS:
      a = static_cast<uint64_t>(std::max(sa, sb));
      break;
    case ExpressionOp::And:
      a &= b;
      break;
    case ExpressionOp::Or:
      a |= b;
      break;
    case ExpressionOp::Xor:
      a ^= b;
      break;
    case ExpressionOp::LessS:
      a = sa < sb ? ~uint64_t(0) : 0;
      break;
    case ExpressionOp::ShrS:
      a = static_cast<uint64_t>(sa >> std::min<uint64_t>(b, 63));
      break;
    default:
      a = b < 64 ? a << b : 0;
      break;
    }
  }
  return static_cast<int64_t>(stack[0]);
}

} // namespace tessera::nvidia
