// Protocol.h - the messages between a compile worker and whoever started it
//
// SPDX-License-Identifier: Apache-2.0
//
// A stream socket carries frames: 16 bytes of head (u32 magic "TSRW", u16 version, u16 type, u64 bytes that follow), then
// the payload. Numbers are little-endian, texts u64 length and bytes. Each type has a limit for its payload. Neither side
// trusts the other: any bytes are safe to read, and lead to frames or to a reason. Not thread-safe.
#pragma once

#include "frontends/worker/CompilerInterface.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tessera::worker {

inline constexpr uint32_t kMagic = 0x57525354; // "TSRW"
inline constexpr uint16_t kProtocolVersion = 1;
inline constexpr size_t kHeadBytes = 16;
// The socket's number in the worker.
inline constexpr int kWorkerSocket = 3;

enum class MessageType : uint16_t {
  // to the worker
  Lower = 1,
  TargetFacts = 2,
  VetLibrary = 3,
  // from the worker
  Ready = 16, // once, unasked: which protocol, which compiler
  Stage = 17,
  Diag = 18,
  Emit = 19,
  Kernel = 20,
  Facts = 21,
  Done = 22, // the last of a job
};

// The most bytes that a payload of this type may have; 0: no such type.
uint64_t payloadLimit(uint16_t type);

struct Frame {
  MessageType type;
  std::string payload;
};

// Bytes in, frames out.
class FrameReader {
public:
  void feed(std::string_view bytes);
  // The next whole frame. Nothing, for ever, once failed().
  std::optional<Frame> next();
  bool failed() const { return !error_.empty(); }
  const std::string &error() const { return error_; } // why the bytes are no frames
  size_t buffered() const { return buffer_.size() - at_; }

private:
  std::string buffer_;
  size_t at_ = 0;
  std::string error_;
};

// The head of a frame with this payload; the payload follows it.
std::string frameHead(MessageType type, uint64_t bytes);

// Numbers and texts to and from a payload.
class PayloadWriter {
public:
  void u32(uint32_t v) { number(v, 4); }
  void u64(uint64_t v) { number(v, 8); }
  void text(std::string_view s);
  void pairs(const std::vector<std::pair<std::string, std::string>> &list);
  void texts(const std::vector<std::string> &list);
  std::string take() { return std::move(out_); }

private:
  void number(uint64_t v, int bytes);
  std::string out_;
};

// After the first request that the payload cannot meet, everything is 0 or empty and ok() is false.
class PayloadReader {
public:
  explicit PayloadReader(std::string_view payload) : rest_(payload) {}
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t u64() { return number(8); }
  std::string text() { return std::string(view()); }
  std::string_view view(); // valid while the payload is
  std::vector<std::pair<std::string, std::string>> pairs();
  std::vector<std::string> texts();
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); } // nothing missing, nothing left over

private:
  uint64_t number(int bytes);
  // Of things of at least this many bytes; no more than can be there.
  uint64_t count(uint64_t leastBytes);
  std::string_view rest_;
  bool ok_ = true;
};

// ---- the messages ----------------------------------------------------------------------------------------------------
// encode() gives a payload; decode() is empty for a payload that is not exactly one message. `job`: the client's number of
// the job; the worker repeats it.

struct ReadyMessage {
  uint32_t protocol = kProtocolVersion;
  std::string buildId; // of the compiler library that it will open
  std::string encode() const;
  static std::optional<ReadyMessage> decode(std::string_view payload);
};

struct LowerMessage {
  uint64_t job = 0;
  uint32_t colour = 0;
  std::string kernel, target, emits;
  std::vector<std::pair<std::string, std::string>> options;
  std::string tileBytes;
  std::string encode() const;
  static std::optional<LowerMessage> decode(std::string_view payload);
};

struct TargetFactsMessage {
  uint64_t job = 0;
  uint32_t colour = 0;
  std::string target;
  std::vector<std::string> manifests;
  std::string encode() const;
  static std::optional<TargetFactsMessage> decode(std::string_view payload);
};

struct VetLibraryMessage {
  uint64_t job = 0;
  uint32_t colour = 0;
  std::string manifest, role;
  std::string encode() const;
  static std::optional<VetLibraryMessage> decode(std::string_view payload);
};

struct StageMessage {
  uint64_t job = 0;
  std::string stage, plugin;
  std::string encode() const;
  static std::optional<StageMessage> decode(std::string_view payload);
};

struct DiagMessage {
  uint64_t job = 0;
  uint32_t severity = 0;
  std::string text, json;
  std::string encode() const;
  static std::optional<DiagMessage> decode(std::string_view payload);
};

struct EmitMessage {
  uint64_t job = 0;
  std::string kind, name, bytes;
  std::string encode() const;
  static std::optional<EmitMessage> decode(std::string_view payload);
};

struct KernelMessage : KernelRecord {
  uint64_t job = 0;
  std::string encode() const;
  static std::optional<KernelMessage> decode(std::string_view payload);
};

struct FactsMessage { // a tsc_target_info
  uint64_t job = 0;
  uint32_t takesLayouts = 0;
  std::string name, plugin, pluginVersion, pluginBuild, unsupportedFp8;
  std::string encode() const;
  static std::optional<FactsMessage> decode(std::string_view payload);
};

struct DoneMessage {
  uint64_t job = 0;
  uint32_t status = 0;
  std::string encode() const;
  static std::optional<DoneMessage> decode(std::string_view payload);
};

} // namespace tessera::worker
