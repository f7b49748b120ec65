// Protocol.cpp - see Protocol.h
// SPDX-License-Identifier: Apache-2.0
#include "frontends/worker/Protocol.h"

namespace tessera::worker {

namespace {
uint64_t littleEndian(std::string_view bytes) {
  uint64_t v = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    v |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << 8 * i;
  return v;
}
} // namespace

uint64_t payloadLimit(uint16_t type) {
  constexpr uint64_t kSmall = 1 << 16, kText = 16 << 20, kLarge = uint64_t(1) << 30;
  switch (static_cast<MessageType>(type)) {
  case MessageType::Lower:
  case MessageType::Emit:
    return kLarge;
  case MessageType::TargetFacts:
  case MessageType::VetLibrary:
  case MessageType::Diag:
  case MessageType::Kernel:
    return kText;
  case MessageType::Ready:
  case MessageType::Stage:
  case MessageType::Facts:
  case MessageType::Done:
    return kSmall;
  }
  return 0;
}

std::string frameHead(MessageType type, uint64_t bytes) {
  PayloadWriter w;
  w.u32(kMagic);
  w.u32(static_cast<uint32_t>(type) << 16 | kProtocolVersion);
  w.u64(bytes);
  return w.take();
}

void FrameReader::feed(std::string_view bytes) {
  if (failed())
    return;
  if (at_ > buffer_.size() / 2) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  buffer_ += bytes;
}

std::optional<Frame> FrameReader::next() {
  if (failed() || buffered() < kHeadBytes)
    return std::nullopt;
  std::string_view head = std::string_view(buffer_).substr(at_, kHeadBytes);
  uint64_t magic = littleEndian(head.substr(0, 4)), version = littleEndian(head.substr(4, 2));
  auto type = static_cast<uint16_t>(littleEndian(head.substr(6, 2)));
  uint64_t length = littleEndian(head.substr(8, 8));
  auto fail = [&](std::string why) {
    error_ = std::move(why);
    buffer_ = {};
    at_ = 0;
    return std::nullopt;
  };
  if (magic != kMagic)
    return fail("bytes that are no message");
  if (version != kProtocolVersion)
    return fail("a message of protocol version " + std::to_string(version) + ", this is version " +
                std::to_string(kProtocolVersion));
  uint64_t limit = payloadLimit(type);
  if (!limit)
    return fail("a message of the unknown type " + std::to_string(type));
  if (length > limit)
    return fail("a message of " + std::to_string(length) + " bytes; type " + std::to_string(type) + " may have " +
                std::to_string(limit));
  if (buffered() - kHeadBytes < length)
    return std::nullopt;
  Frame frame{static_cast<MessageType>(type), buffer_.substr(at_ + kHeadBytes, length)};
  at_ += kHeadBytes + length;
  if (at_ == buffer_.size()) {
    buffer_.clear();
    at_ = 0;
    // A large message must not keep its room for the life of the worker.
    if (buffer_.capacity() > (1 << 20))
      buffer_.shrink_to_fit();
  }
  return frame;
}

void PayloadWriter::number(uint64_t v, int bytes) {
  for (int i = 0; i < bytes; ++i)
    out_ += static_cast<char>(v >> 8 * i);
}

void PayloadWriter::text(std::string_view s) {
  u64(s.size());
  out_ += s;
}

void PayloadWriter::pairs(const std::vector<std::pair<std::string, std::string>> &list) {
  u64(list.size());
  for (const auto &[key, value] : list) {
    text(key);
    text(value);
  }
}

void PayloadWriter::texts(const std::vector<std::string> &list) {
  u64(list.size());
  for (const std::string &s : list)
    text(s);
}

uint64_t PayloadReader::number(int bytes) {
  if (!ok_ || rest_.size() < static_cast<size_t>(bytes)) {
    ok_ = false;
    return 0;
  }
  uint64_t v = littleEndian(rest_.substr(0, static_cast<size_t>(bytes)));
  rest_.remove_prefix(static_cast<size_t>(bytes));
  return v;
}

std::string_view PayloadReader::view() {
  uint64_t n = u64();
  if (!ok_ || n > rest_.size()) {
    ok_ = false;
    return {};
  }
  std::string_view s = rest_.substr(0, n);
  rest_.remove_prefix(n);
  return s;
}

uint64_t PayloadReader::count(uint64_t leastBytes) {
  uint64_t n = u64();
  if (!ok_ || n > rest_.size() / leastBytes) {
    ok_ = false;
    return 0;
  }
  return n;
}

std::vector<std::pair<std::string, std::string>> PayloadReader::pairs() {
  std::vector<std::pair<std::string, std::string>> list;
  for (uint64_t left = count(16); left && ok_; --left) {
    std::string key = text();
    list.emplace_back(std::move(key), text());
  }
  return list;
}

std::vector<std::string> PayloadReader::texts() {
  std::vector<std::string> list;
  for (uint64_t left = count(8); left && ok_; --left)
    list.push_back(text());
  return list;
}

// ---- the messages ----------------------------------------------------------------------------------------------------

namespace {

// One function a message names its fields in their order; the two directions follow from it.
struct Put {
  PayloadWriter w;
  void operator()(uint32_t v) { w.u32(v); }
  void operator()(uint64_t v) { w.u64(v); }
  void operator()(const std::string &s) { w.text(s); }
  void operator()(const std::vector<std::pair<std::string, std::string>> &l) { w.pairs(l); }
  void operator()(const std::vector<std::string> &l) { w.texts(l); }
  void operator()(const std::vector<KernelMessage::Arg> &l) {
    w.u64(l.size());
    for (const auto &a : l) {
      w.text(a.name);
      for (uint32_t v : {a.offset, a.size, a.kind, a.flags})
        w.u32(v);
    }
  }
};

struct Get {
  PayloadReader r;
  void operator()(uint32_t &v) { v = r.u32(); }
  void operator()(uint64_t &v) { v = r.u64(); }
  void operator()(std::string &s) { s = r.text(); }
  void operator()(std::vector<std::pair<std::string, std::string>> &l) { l = r.pairs(); }
  void operator()(std::vector<std::string> &l) { l = r.texts(); }
  void operator()(std::vector<KernelMessage::Arg> &l) {
    for (uint64_t left = r.u64(); left && r.ok(); --left) {
      KernelMessage::Arg a;
      a.name = r.text();
      for (uint32_t *v : {&a.offset, &a.size, &a.kind, &a.flags})
        *v = r.u32();
      l.push_back(std::move(a));
    }
  }
};

template <typename M, typename F> void fields(M &m, F &f);

template <typename M> std::string encodeMessage(const M &m) {
  Put put;
  fields(const_cast<M &>(m), put);
  return put.w.take();
}

template <typename M> std::optional<M> decodeMessage(std::string_view payload) {
  Get get{PayloadReader(payload)};
  M m;
  fields(m, get);
  if (!get.r.done())
    return std::nullopt;
  return m;
}

#define TSR_MESSAGE(Type, ...)                                                                                         \
  template <typename F> void fieldsOf(Type &m, F &f) {                                                                 \
    auto each = [&](auto &...v) { (f(v), ...); };                                                                      \
    __VA_ARGS__;                                                                                                       \
  }
TSR_MESSAGE(ReadyMessage, each(m.protocol, m.buildId))
TSR_MESSAGE(LowerMessage, each(m.job, m.colour, m.kernel, m.target, m.emits, m.options, m.tileBytes))
TSR_MESSAGE(TargetFactsMessage, each(m.job, m.colour, m.target, m.manifests))
TSR_MESSAGE(VetLibraryMessage, each(m.job, m.colour, m.manifest, m.role))
TSR_MESSAGE(StageMessage, each(m.job, m.stage, m.plugin))
TSR_MESSAGE(DiagMessage, each(m.job, m.severity, m.text, m.json))
TSR_MESSAGE(EmitMessage, each(m.job, m.kind, m.name, m.bytes))
TSR_MESSAGE(KernelMessage, each(m.job, m.name, m.argBytes, m.argAlign, m.flags, m.regs, m.spills, m.numWarps,
                                m.sharedBytes, m.scratchBytes, m.args))
TSR_MESSAGE(FactsMessage,
            each(m.job, m.takesLayouts, m.name, m.plugin, m.pluginVersion, m.pluginBuild, m.unsupportedFp8))
TSR_MESSAGE(DoneMessage, each(m.job, m.status))
#undef TSR_MESSAGE

template <typename M, typename F> void fields(M &m, F &f) { fieldsOf(m, f); }

} // namespace

#define TSR_MESSAGE(Type)                                                                                              \
  std::string Type::encode() const { return encodeMessage(*this); }                                                    \
  std::optional<Type> Type::decode(std::string_view payload) { return decodeMessage<Type>(payload); }
TSR_MESSAGE(ReadyMessage)
TSR_MESSAGE(LowerMessage)
TSR_MESSAGE(TargetFactsMessage)
TSR_MESSAGE(VetLibraryMessage)
TSR_MESSAGE(StageMessage)
TSR_MESSAGE(DiagMessage)
TSR_MESSAGE(EmitMessage)
TSR_MESSAGE(KernelMessage)
TSR_MESSAGE(FactsMessage)
TSR_MESSAGE(DoneMessage)
#undef TSR_MESSAGE

} // namespace tessera::worker
