// TensorMaps.cpp - words of tensor maps, read and written; the machine of their numbers
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/image/TensorMaps.h"

#include <algorithm>
#include <cstring>

namespace tessera::nvidia {

namespace {

MapOp opOf(uint64_t word) { return static_cast<MapOp>(word & 0xff); }

// Takes words from the front; `ok` once there were too few.
struct Cursor {
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

bool checkCode(std::span<const uint64_t> code, uint64_t argumentBytes) {
  uint32_t depth = 0;
  for (size_t i = 0; i < code.size(); ++i) {
    uint64_t operand = code[i] >> 8;
    switch (opOf(code[i])) {
    case MapOp::Argument: {
      uint64_t bytes = operand & 0xff, offset = operand >> 8;
      if ((bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) || offset > argumentBytes ||
          bytes > argumentBytes - offset)
        return false;
      ++depth;
      break;
    }
    case MapOp::Constant:
      if (++i >= code.size())
        return false;
      ++depth;
      break;
    case MapOp::SignExtend:
    case MapOp::ZeroExtend:
      if (depth < 1 || operand < 1 || operand > 64)
        return false;
      break;
    case MapOp::Add:
    case MapOp::Sub:
    case MapOp::Mul:
    case MapOp::DivS:
    case MapOp::MinS:
    case MapOp::MaxS:
    case MapOp::And:
    case MapOp::Or:
    case MapOp::Xor:
    case MapOp::Shl:
    case MapOp::ShrS:
    case MapOp::ShrU:
    case MapOp::DivU:
    case MapOp::RemS:
    case MapOp::RemU:
      if (depth < 2)
        return false;
      --depth;
      break;
    default:
      return false;
    }
    if (depth > kMaxMapStack)
      return false;
  }
  return depth == 1;
}

bool readMap(Cursor &c, uint64_t argumentBytes, MapRecipe &map) {
  uint64_t head = c.take();
  map.elem = static_cast<uint8_t>(head);
  map.rank = static_cast<uint8_t>(head >> 8);
  map.nanFill = head >> 16 & 1;
  map.swizzleBytes = static_cast<uint32_t>(head >> 32);
  if (map.rank < 1 || map.rank > kMaxMapRank)
    return false;
  for (uint64_t extent : c.take(map.rank))
    map.box.push_back(static_cast<int64_t>(extent));
  for (uint32_t i = 0; c.ok && i < 2u * map.rank; ++i) {
    std::span<const uint64_t> code = c.take(c.take());
    if (!c.ok || !checkCode(code, argumentBytes))
      return false;
    map.numbers.emplace_back(code.begin(), code.end());
  }
  return c.ok;
}

} // namespace

std::vector<uint64_t> writeMaps(const std::string &kernel, const std::vector<MapRecipe> &maps) {
  std::vector<uint64_t> words{kernel.size()};
  words.resize(1 + (kernel.size() + 7) / 8);
  std::memcpy(words.data() + 1, kernel.data(), kernel.size());
  words.push_back(maps.size());
  for (const MapRecipe &map : maps) {
    words.push_back(uint64_t(map.elem) | uint64_t(map.rank) << 8 | uint64_t(map.nanFill) << 16 |
                    uint64_t(map.swizzleBytes) << 32);
    words.insert(words.end(), map.box.begin(), map.box.end());
    for (const std::vector<uint64_t> &code : map.numbers) {
      words.push_back(code.size());
      words.insert(words.end(), code.begin(), code.end());
    }
  }
  return words;
}

bool readMaps(std::span<const uint64_t> words, const std::string &kernel, uint64_t argumentBytes,
              std::vector<MapRecipe> &maps) {
  maps.clear();
  Cursor c{words};
  while (!c.words.empty()) {
    uint64_t length = c.take();
    if (length > words.size_bytes())
      return false;
    std::span<const uint64_t> text = c.take((length + 7) / 8);
    uint64_t count = c.take();
    if (!c.ok)
      return false;
    bool mine = length == kernel.size() && std::memcmp(text.data(), kernel.data(), length) == 0;
    for (uint64_t i = 0; i < count; ++i) {
      MapRecipe map;
      // Another kernel's arguments may be longer.
      if (!readMap(c, mine ? argumentBytes : UINT32_MAX, map))
        return false;
      if (mine)
        maps.push_back(std::move(map));
    }
  }
  return c.ok;
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
  uint64_t stack[kMaxMapStack + 1];
  uint64_t *top = stack; // one past
  for (size_t i = 0; i < code.size(); ++i) {
    uint64_t operand = code[i] >> 8;
    MapOp op = opOf(code[i]);
    if (op == MapOp::Constant) {
      *top++ = code[++i];
      continue;
    }
    if (op == MapOp::Argument) {
      *top++ = static_cast<uint64_t>(argumentAt(operand, arguments));
      continue;
    }
    if (op == MapOp::SignExtend || op == MapOp::ZeroExtend) {
      unsigned shift = static_cast<unsigned>(64 - operand);
      top[-1] <<= shift;
      top[-1] =
          op == MapOp::SignExtend ? static_cast<uint64_t>(static_cast<int64_t>(top[-1]) >> shift) : top[-1] >> shift;
      continue;
    }
    uint64_t b = *--top, &a = top[-1];
    auto sa = static_cast<int64_t>(a), sb = static_cast<int64_t>(b);
    switch (op) {
    case MapOp::Add:
      a += b;
      break;
    case MapOp::Sub:
      a -= b;
      break;
    case MapOp::Mul:
      a *= b;
      break;
    case MapOp::DivS:
      a = sb == 0 || (sa == INT64_MIN && sb == -1) ? 0 : static_cast<uint64_t>(sa / sb);
      break;
    case MapOp::RemS:
      a = sb == 0 || sb == -1 ? 0 : static_cast<uint64_t>(sa % sb);
      break;
    case MapOp::DivU:
      a = b == 0 ? 0 : a / b;
      break;
    case MapOp::RemU:
      a = b == 0 ? 0 : a % b;
      break;
    case MapOp::ShrU:
      a = b < 64 ? a >> b : 0;
      break;
    case MapOp::MinS:
      a = static_cast<uint64_t>(std::min(sa, sb));
      break;
    case MapOp::MaxS:
      a = static_cast<uint64_t>(std::max(sa, sb));
      break;
    case MapOp::And:
      a &= b;
      break;
    case MapOp::Or:
      a |= b;
      break;
    case MapOp::Xor:
      a ^= b;
      break;
    case MapOp::ShrS:
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
