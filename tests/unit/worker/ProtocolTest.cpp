// ProtocolTest.cpp - frames and messages: round trips, and any bytes
// SPDX-License-Identifier: Apache-2.0
#include "frontends/worker/Protocol.h"

#include <gtest/gtest.h>
#include <random>

using namespace tessera::worker;

namespace {

const MessageType kTypes[] = {
    MessageType::Lower, MessageType::TargetFacts, MessageType::VetLibrary, MessageType::Ready, MessageType::Stage,
    MessageType::Diag,  MessageType::Emit,        MessageType::Kernel,     MessageType::Facts, MessageType::Done};

LowerMessage sampleLower() {
  return {
      7, 1, "kernel", "x86-64-v3", "asm,artifact", {{"num_warps", "4"}, {"plugin", "/a b"}}, std::string("\0\1\2", 3)};
}
KernelMessage sampleKernel() {
  KernelMessage m;
  m.job = 9;
  m.name = "k";
  m.argBytes = 24;
  m.argAlign = 8;
  m.sharedBytes = uint64_t(1) << 40;
  m.args = {{"x_ptr", 0, 8, 2, 1}, {"n", 8, 4, 0, 0}};
  return m;
}

// Whether a payload is one whole message of its type.
bool decodes(MessageType type, std::string_view p) {
  switch (type) {
  case MessageType::Lower:
    return LowerMessage::decode(p).has_value();
  case MessageType::TargetFacts:
    return TargetFactsMessage::decode(p).has_value();
  case MessageType::VetLibrary:
    return VetLibraryMessage::decode(p).has_value();
  case MessageType::Ready:
    return ReadyMessage::decode(p).has_value();
  case MessageType::Stage:
    return StageMessage::decode(p).has_value();
  case MessageType::Diag:
    return DiagMessage::decode(p).has_value();
  case MessageType::Emit:
    return EmitMessage::decode(p).has_value();
  case MessageType::Kernel:
    return KernelMessage::decode(p).has_value();
  case MessageType::Facts:
    return FactsMessage::decode(p).has_value();
  case MessageType::Done:
    return DoneMessage::decode(p).has_value();
  }
  return false;
}

std::string frame(MessageType type, const std::string &payload) { return frameHead(type, payload.size()) + payload; }

TEST(Protocol, MessagesComeBackWhole) {
  auto lower = LowerMessage::decode(sampleLower().encode());
  ASSERT_TRUE(lower);
  EXPECT_EQ(lower->job, 7u);
  EXPECT_EQ(lower->options, sampleLower().options);
  EXPECT_EQ(lower->tileBytes, sampleLower().tileBytes);
  auto kernel = KernelMessage::decode(sampleKernel().encode());
  ASSERT_TRUE(kernel);
  EXPECT_EQ(kernel->sharedBytes, uint64_t(1) << 40);
  ASSERT_EQ(kernel->args.size(), 2u);
  EXPECT_EQ(kernel->args[1].name, "n");
  EXPECT_EQ(kernel->args[1].offset, 8u);
  FactsMessage facts{3, 1, "sm", "p", "1.0", "abcd", "fp8e4nv"};
  EXPECT_EQ(FactsMessage::decode(facts.encode())->unsupportedFp8, "fp8e4nv");
  EXPECT_EQ(DoneMessage::decode(DoneMessage{3, 4}.encode())->status, 4u);
}

TEST(Protocol, EveryShorterOrLongerPayloadIsRefused) {
  for (const std::string &whole : {sampleLower().encode(), sampleKernel().encode()}) {
    MessageType type = whole == sampleLower().encode() ? MessageType::Lower : MessageType::Kernel;
    ASSERT_TRUE(decodes(type, whole));
    for (size_t n = 0; n < whole.size(); ++n)
      EXPECT_FALSE(decodes(type, std::string_view(whole).substr(0, n))) << n;
    EXPECT_FALSE(decodes(type, whole + '\0'));
  }
}

TEST(Protocol, AListCannotClaimMoreThanThereIs) {
  PayloadWriter w; // a TargetFacts whose list has 2^60 texts
  w.u64(1);
  w.u32(0);
  w.text("t");
  w.u64(uint64_t(1) << 60);
  EXPECT_FALSE(TargetFactsMessage::decode(w.take()));
}

TEST(Frames, ArriveInAnyPieces) {
  std::string stream;
  for (int i = 0; i < 20; ++i)
    stream += frame(MessageType::Stage,
                    StageMessage{uint64_t(i), std::string(static_cast<size_t>(i) * 37, 's'), "p"}.encode());
  for (size_t piece : {1u, 3u, 15u, 16u, 17u, 1000u, 100000u}) {
    FrameReader reader;
    uint64_t next = 0;
    for (size_t at = 0; at < stream.size(); at += piece) {
      reader.feed(std::string_view(stream).substr(at, piece));
      while (auto f = reader.next()) {
        auto m = StageMessage::decode(f->payload);
        ASSERT_TRUE(m);
        EXPECT_EQ(m->job, next);
        EXPECT_EQ(m->stage.size(), next * 37);
        ++next;
      }
    }
    EXPECT_EQ(next, 20u);
    EXPECT_FALSE(reader.failed());
    EXPECT_EQ(reader.buffered(), 0u);
  }
}

TEST(Frames, EveryFieldOfTheHeadIsChecked) {
  auto errorOf = [](const std::string &head) {
    FrameReader reader;
    reader.feed(head);
    EXPECT_FALSE(reader.next());
    return reader.error();
  };
  std::string good = frameHead(MessageType::Done, 12);
  EXPECT_EQ(errorOf(good), "");
  std::string magic = good, version = good, type = good;
  magic[0] = 'X';
  version[4] = 9;
  type[6] = 99;
  EXPECT_EQ(errorOf(magic), "bytes that are no message");
  EXPECT_EQ(errorOf(version), "a message of protocol version 9, this is version 1");
  EXPECT_EQ(errorOf(type), "a message of the unknown type 99");
  // No byte of a payload that is too large is waited for, let alone allocated.
  EXPECT_NE(errorOf(frameHead(MessageType::Done, uint64_t(1) << 50)).find("may have 65536"), std::string::npos);
  for (MessageType t : kTypes)
    EXPECT_NE(errorOf(frameHead(t, payloadLimit(static_cast<uint16_t>(t)) + 1)), "");
}

TEST(Frames, AfterAnErrorNothingComesAnyMore) {
  FrameReader reader;
  reader.feed("this is no frame, by any means");
  EXPECT_FALSE(reader.next());
  reader.feed(frame(MessageType::Done, DoneMessage{1, 0}.encode()));
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.failed());
}

// Mutations of good streams: never a crash (the sanitizer builds run this), and memory in proportion to what was fed.
TEST(Frames, HostileBytesNeverCrash) {
  std::mt19937_64 random(20240607);
  std::vector<std::string> seeds = {frame(MessageType::Lower, sampleLower().encode()),
                                    frame(MessageType::Kernel, sampleKernel().encode()),
                                    frame(MessageType::Facts, FactsMessage{1, 0, "a", "b", "c", "d", "e"}.encode()),
                                    frame(MessageType::Ready, ReadyMessage{1, "abc"}.encode()),
                                    frame(MessageType::Diag, DiagMessage{1, 2, "text", "{}"}.encode())};
  size_t frames = 0, refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string stream = seeds[random() % seeds.size()] + seeds[random() % seeds.size()];
    for (uint64_t flips = random() % 6; flips; --flips) {
      size_t at = random() % stream.size();
      switch (random() % 4) {
      case 0:
        stream[at] = static_cast<char>(random());
        break;
      case 1:
        stream.erase(at, random() % 9);
        break;
      case 2:
        stream.insert(at, std::string(random() % 9, static_cast<char>(random())));
        break;
      default:
        stream[at] = static_cast<char>(0xff);
      }
      if (stream.empty())
        break;
    }
    FrameReader reader;
    size_t piece = 1 + random() % 64;
    for (size_t at = 0; at < stream.size(); at += piece) {
      reader.feed(std::string_view(stream).substr(at, piece));
      while (auto f = reader.next()) {
        ++frames;
        for (MessageType t : kTypes)
          refused += !decodes(t, f->payload);
      }
      ASSERT_LE(reader.buffered(), stream.size());
    }
  }
  EXPECT_GT(frames, 10000u);
  EXPECT_GT(refused, 10000u);
}

} // namespace
