// Messages.h - how a kernel tells the host what it prints and which of its assertions failed
//
// SPDX-License-Identifier: Apache-2.0
//
// The compiler role emits the device side, the driver role fills in the addresses and reads the messages. Words are 64 bits,
// little-endian. A kernel that neither prints nor asserts has none of this in its module.
//
// A module with messages defines two global variables:
//   tsr_messages   16 bytes, 8-aligned, writable, zero: a MessagePort, which the driver writes before the first launch;
//   tsr_texts      bytes, read-only: every text that the messages refer to, by offset. The driver copies it when it loads the
//                  module: after a trap the device's memory cannot be read any more. May be absent where no text is needed.
//
// To send a message of n words a thread
//   1. reads `reserved` of the MessageControl, and `consumed` of the MessageHost (volatile, system scope);
//   2. gives up if reserved + n - consumed > mask + 1: adds 1 to `dropped` of the MessageHost (atomic, relaxed) and goes on;
//   3. takes its place: compare-and-swap of `reserved` from what it read to reserved + n (device scope); again from 1 if it lost;
//   4. writes words 1 to n - 1 at ring[(reserved + i) & mask] (plain stores);
//   5. writes word 0 with release order at system scope.
// The ring is host memory that the device sees, so what was sent is there even after a trap. Assertion messages go before the
// `trap`; a kernel that only ends the thread instead leaves the device usable, and the driver reports the failure as well.
#pragma once

#include <cstdint>

namespace tessera::nvidia {

inline constexpr char kMessagesGlobal[] = "tsr_messages";
inline constexpr char kTextsGlobal[] = "tsr_texts";

// The value of tsr_messages.
struct MessagePort {
  uint64_t control; // address of the MessageControl; 0: nobody listens, send nothing
  uint64_t module;  // goes into word 1 of every message: whose texts it refers to
};

// In device memory, one a device.
struct MessageControl {
  uint64_t reserved; // words taken so far, ever
  uint64_t host;     // device address of the MessageHost
  uint64_t mask;     // words of the ring - 1; a power of two less 1
  uint64_t pad;
};

// In host memory that the device reads and writes. The ring follows it.
struct MessageHost {
  uint64_t consumed; // words that the host has taken out, ever; written by the host
  uint64_t dropped;  // messages that found no room; added to by the device
  uint64_t pad[6];
};
inline constexpr uint64_t kRingOffset = sizeof(MessageHost); // bytes from the MessageHost to word 0 of the ring

// Word 0, from the lowest bit: words of the message (16 bits), MessageKind (8), rank (8), ValueType (8), bits of the value
// (8), 1 for hexadecimal (8), operands of the print (8). Never 0.
enum class MessageKind : uint8_t { Print = 1, Assert = 2 };
enum class ValueType : uint8_t { Signed = 0, Unsigned = 1, Float = 2, Pointer = 3 };
constexpr uint64_t messageHead(MessageKind kind, uint32_t words, uint32_t rank = 0, ValueType type = ValueType::Signed,
                               uint32_t bits = 0, bool hex = false, uint32_t operands = 0) {
  return uint64_t(words) | uint64_t(kind) << 16 | uint64_t(rank) << 24 | uint64_t(type) << 32 | uint64_t(bits) << 40 |
         uint64_t(hex) << 48 | uint64_t(operands) << 56;
}

// What every message has, low half first where a word has two:
//   1  MessagePort.module
//   2  program id x, y
//   3  program id z, number of the operand (from 0)
//   4  offset and bytes of a text: the prefix of a print, the message of an assertion
// Print: 5 the value (floats as 32 or 64 bits, narrower ones extended before; unsigned bits where hexadecimal), then `rank`
// words: a coordinate and the extent of the tile along that dim. A print without operands has no values: operands 0, 5 words.
// Assert: 5 offset and bytes of the file's name, 6 line and column (0: unknown), 7 offset and bytes of the kernel's name.
inline constexpr uint32_t kPrintWords = 6, kPlainPrintWords = 5, kAssertWords = 8;
inline constexpr uint32_t kMaxRank = 32;
inline constexpr uint32_t kMaxMessageWords = kPrintWords + kMaxRank;

} // namespace tessera::nvidia
