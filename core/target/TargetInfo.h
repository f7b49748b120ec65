// TargetInfo.h - what the core knows about a target: its name, its levels, its capabilities
//
// SPDX-License-Identifier: Apache-2.0
//
// Plain data. plugins/host fills it from any plugin; GenericTarget.h makes one without a plugin. Thread-safe to read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tessera::target {

enum class Capability : uint32_t {
#define TSR_CAPABILITY(id, Name, text, unit, meaning) Name = id,
#include "core/target/Capabilities.def"
};

std::string_view capabilityName(Capability c); // "smem_static"; empty for an unknown id
std::string_view capabilityUnit(Capability c);

enum IrLevels : uint32_t { kTileLevel = 1, kLayoutLevel = 2 };

struct TargetInfo {
  std::string name;                          // canonical: what --target= prints and cache keys hold
  std::string family;                        // targets of one family run each other's artifacts when the plugin says so
  uint32_t irMin = 0, irMax = 0;             // bytecode minors that the plugin reads
  uint32_t irLevels = kTileLevel;            // IrLevels mask
  std::map<uint32_t, uint64_t> capabilities; // by id; unknown ids are kept and ignored

  // The value as stated, 0 where absent.
  uint64_t stated(Capability c) const {
    auto it = capabilities.find(static_cast<uint32_t>(c));
    return it == capabilities.end() ? 0 : it->second;
  }
  // The value, or the default where absent.
  uint64_t get(Capability c, uint64_t otherwise) const {
    uint64_t value = stated(c);
    return value ? value : otherwise;
  }
  void set(Capability c, uint64_t value) { capabilities[static_cast<uint32_t>(c)] = value; }
  bool takesLayouts() const { return irLevels & kLayoutLevel; }
  unsigned lanes() const { return static_cast<unsigned>(get(Capability::Lanes, 1)); }
  uint64_t sharedBytes() const; // what a block may use at most
  unsigned maxVectorBits() const { return static_cast<unsigned>(get(Capability::MaxVecBits, 128)); }
};

} // namespace tessera::target
