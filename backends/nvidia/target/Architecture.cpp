// Architecture.cpp - the table of capabilities, names, compatibility
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/target/Architecture.h"

namespace tessera::nvidia {

const std::vector<Capability> &capabilities() {
  static const std::vector<Capability> table = {
      {75, 64 << 10, 64 << 10, 1024, 16, 64, false, "Turing: T4, RTX 20"},
      {80, 163 << 10, 164 << 10, 2048, 32, 64, false, "Ampere: A100"},
      {86, 99 << 10, 100 << 10, 1536, 16, 128, false, "Ampere: A40, RTX 30"},
      {89, 99 << 10, 100 << 10, 1536, 24, 128, false, "Ada: L4, L40, RTX 40"},
      {90, 227 << 10, 228 << 10, 2048, 32, 128, true, "Hopper: H100, H200"},
      {100, 227 << 10, 228 << 10, 2048, 32, 128, true, "Blackwell: B200"},
      {103, 227 << 10, 228 << 10, 2048, 32, 128, true, "Blackwell: B300"},
      {120, 99 << 10, 100 << 10, 1536, 24, 128, true, "Blackwell: RTX 50, RTX PRO"},
  };
  return table;
}

const Capability *findCapability(uint32_t number) {
  for (const Capability &c : capabilities())
    if (c.number == number)
      return &c;
  return nullptr;
}

std::string Architecture::name() const {
  std::string name = (ptx ? "compute_" : "sm_") + std::to_string(capability->number) + (accelerated ? "a" : "");
  return tensorCopies || !atLeast(90) ? name : name + ":" + kTensorCopiesFeature + "-";
}

static std::string knownNumbers() {
  std::string list;
  for (const Capability &c : capabilities())
    list += (list.empty() ? "" : ", ") + std::to_string(c.number) + (c.accelerated ? "[a]" : "");
  return list;
}

std::optional<Architecture> parseArchitecture(std::string_view name, std::string &why) {
  Architecture a;
  std::string_view rest;
  for (std::string_view prefix : {std::string_view("sm_"), std::string_view("compute_")})
    if (name.substr(0, prefix.size()) == prefix) {
      a.ptx = prefix == "compute_";
      rest = name.substr(prefix.size());
    }
  if (rest.empty())
    return std::nullopt;
  if (rest.back() == 'a') {
    a.accelerated = true;
    rest.remove_suffix(1);
  }
  uint32_t number = 0;
  bool digits = !rest.empty() && rest.size() <= 3 && rest.front() != '0';
  for (char c : rest) {
    digits = digits && c >= '0' && c <= '9';
    number = number * 10 + static_cast<uint32_t>(c - '0');
  }
  const std::string spelt(name);
  if (!digits) {
    why = "target '" + spelt + "' is no architecture: sm_ or compute_ and one of " + knownNumbers();
    return std::nullopt;
  }
  a.capability = findCapability(number);
  if (!a.capability) {
    uint32_t least = capabilities().front().number;
    why = number < least ? "target '" + spelt + "' is too old: sm_" + std::to_string(least) +
                               " is the least that this plugin compiles for"
                         : "target '" + spelt + "' is unknown to this plugin: it knows " + knownNumbers();
    return std::nullopt;
  }
  if (a.accelerated && !a.capability->accelerated) {
    why = "target '" + spelt + "' does not exist: " + std::to_string(number) + " has no architecture-specific form";
    return std::nullopt;
  }
  return a;
}

std::string nativeArchitecture(uint32_t major, uint32_t minor, bool tensorCopies) {
  uint32_t number = major * 10 + minor;
  if (const Capability *c = findCapability(number))
    return Architecture{c, c->accelerated, false, tensorCopies}.name();
  const Capability *before = nullptr;
  for (const Capability &c : capabilities())
    if (c.number < number)
      before = &c;
  // Machine code of an earlier minor runs as it is; across majors only PTX does.
  if (before)
    return Architecture{before, false, before->major() != major, tensorCopies}.name();
  return "sm_" + std::to_string(number);
}

Runs runsOn(const Architecture &built, const Architecture &device) {
  const Capability &b = *built.capability, &d = *device.capability;
  const bool alike = built.tensorCopies == device.tensorCopies || !built.atLeast(90);
  if (built.accelerated) {
    if (b.number != d.number)
      return Runs::No;
    return built.ptx || !alike ? Runs::Recompile : Runs::Yes;
  }
  bool runs = built.ptx ? b.number <= d.number : b.major() == d.major() && b.minor() <= d.minor();
  if (!runs)
    return Runs::No;
  return built.ptx == device.ptx && b.number == d.number && !device.accelerated && alike ? Runs::Yes : Runs::Recompile;
}

} // namespace tessera::nvidia
