// FakeKernels.cpp - what the kernels of the fake do, and the device side of the message ring
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/nvidia/fake_cuda/FakeKernels.h"

#include "backends/nvidia/driver/Api.h"
#include "backends/nvidia/image/GridStride.h"
#include "backends/nvidia/image/Messages.h"
#include "backends/nvidia/image/TensorMaps.h"

#include <algorithm>
#include <cstring>

using namespace tessera::nvidia;

namespace tessera::fake_cuda {

namespace {

MessagePort portOf(const std::string *global) {
  MessagePort p{};
  std::memcpy(&p, global->data(), sizeof p);
  return p;
}

void send(const MessagePort &port, std::vector<uint64_t> words, bool finish = true) {
  auto *c = reinterpret_cast<MessageControl *>(port.control);
  auto *host = reinterpret_cast<MessageHost *>(c->host);
  auto *ring = reinterpret_cast<uint64_t *>(c->host + kRingOffset);
  if (c->reserved + words.size() - __atomic_load_n(&host->consumed, __ATOMIC_ACQUIRE) > c->mask + 1) {
    __atomic_add_fetch(&host->dropped, 1, __ATOMIC_RELAXED);
    return;
  }
  uint64_t at = c->reserved;
  c->reserved += words.size();
  for (size_t i = 1; i < words.size(); ++i)
    ring[(at + i) & c->mask] = words[i];
  if (finish)
    __atomic_store_n(&ring[at & c->mask], words[0], __ATOMIC_RELEASE);
}

uint64_t pair(uint32_t low, uint32_t high) { return uint64_t(high) << 32 | low; }

// Texts of the tests: "x: " at 0, "x > 0" at 3, "k.py" at 8, the kernel's name at 12.
void assertion(const MessagePort &p) {
  send(p, {messageHead(MessageKind::Assert, kAssertWords), p.module, pair(1, 2), pair(3, 0), pair(3, 5), pair(8, 4),
           pair(7, 5), pair(12, 11)});
}
void print(const MessagePort &p, uint32_t i) {
  send(p, {messageHead(MessageKind::Print, kPrintWords + 1, 1, ValueType::Signed, 32, false, 1), p.module, pair(1, 0),
           pair(0, 0), pair(0, 3), uint64_t(uint32_t(-5)), pair(i, 16)});
}

} // namespace

int runKernel(const std::string &name, const std::vector<char> &arguments, const std::string *port) {
  if (name == "add_one" || name == "mix") {
    uint64_t address = 0;
    uint32_t n = 0;
    std::memcpy(&address, arguments.data(), 8);
    std::memcpy(&n, arguments.data() + 8, 4);
    auto *numbers = reinterpret_cast<uint32_t *>(address);
    if (name == "mix")
      *numbers = *numbers * 3 + n;
    else
      for (uint32_t i = 0; i < n; ++i)
        ++numbers[i];
  } else if (name == "misaligned") {
    return cu::kMisaligned;
  } else if (name == "stop") {
    return cu::kLaunchFailed;
  } else if (name == "fault") {
    return cu::kIllegalAddress;
  } else if (name == "trap_assert" || name == "soft_assert") {
    assertion(portOf(port));
    if (name == "trap_assert")
      return cu::kLaunchFailed;
  } else if (name == "print_two") {
    MessagePort p = portOf(port);
    print(p, 3);
    send(p, {messageHead(MessageKind::Print, kPlainPrintWords), p.module, pair(0, 0), pair(0, 0), pair(8, 4)});
  } else if (name == "print_many") {
    uint32_t n = 0;
    std::memcpy(&n, arguments.data(), 4);
    for (uint32_t i = 0; i < n; ++i)
      print(portOf(port), i % 16);
  } else if (name == "torn_print") {
    MessagePort p = portOf(port);
    send(p, std::vector<uint64_t>(7, pair(9, 9)), false);
    print(p, 4);
    return cu::kLaunchFailed;
  }
  return cu::kSuccess;
}

size_t argumentBytes(const std::string &kernel) {
  return kernel == "add_one"      ? 12
         : kernel == "mix"        ? 12
         : kernel == "copies"     ? 240
         : kernel == "print_many" ? 4
         : kernel == "misaligned" ? 8
                                  : 0;
}

bool parameterAt(const std::string &name, size_t index, size_t &offset, size_t &bytes) {
  bool isMap = name == "copies" && index > 0;
  size_t total = argumentBytes(name);
  offset = isMap ? 112 : index * 8;
  bytes = isMap ? 128 : std::min<size_t>(total - std::min(total, offset), 8);
  return isMap ? index == 1 : offset < total;
}

std::vector<char> argumentsOf(void **extra) {
  std::vector<char> bytes;
  if (extra && extra[0] == cu::launchBufferPointer() && extra[2] == cu::launchBufferSize())
    bytes.assign(static_cast<char *>(extra[1]), static_cast<char *>(extra[1]) + *static_cast<size_t *>(extra[3]));
  return bytes;
}

std::vector<std::string> entriesOf(const std::string &text) {
  std::vector<std::string> names;
  const std::string entry = ".entry ";
  for (size_t at = text.find(entry); at != std::string::npos; at = text.find(entry, at + 1)) {
    size_t from = at + entry.size();
    names.push_back(text.substr(from, text.find('(', from) - from));
  }
  return names;
}

std::map<std::string, std::string> globalsOf(const std::string &text, const Control &control) {
  const std::pair<const char *, std::string> known[] = {
      {kMessagesGlobal, std::string(text.find("short_port") == std::string::npos ? 16 : 8, '\0')},
      {kTextsGlobal, "x: x > 0k.pytrap_assert"},
      {kTensorMapsGlobal, control.tensorMaps},
      {kGridStridesGlobal, control.gridStrides},
  };
  std::map<std::string, std::string> globals;
  for (const auto &[name, value] : known)
    if (text.find(name) != std::string::npos)
      globals[name] = value;
  return globals;
}

} // namespace tessera::fake_cuda
