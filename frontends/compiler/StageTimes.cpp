// StageTimes.cpp - laps of a clock, and their JSON
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/StageTimes.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace tessera::compiler {

void StageTimes::end() {
  Clock::time_point now = Clock::now();
  auto took = static_cast<uint64_t>(std::chrono::nanoseconds(now - began_).count());
  for (const auto &[name, ns] : inner_)
    took -= std::min(took, ns);
  if (!current_.empty())
    parts_.emplace_back(std::move(current_), took);
  parts_.insert(parts_.end(), inner_.begin(), inner_.end());
  inner_.clear();
  current_.clear();
  began_ = now;
}

void StageTimes::enter(std::string_view part) {
  end();
  current_ = part;
}

void StageTimes::split(std::string_view json) {
  auto value = llvm::json::parse(llvm::StringRef(json));
  if (!value) {
    llvm::consumeError(value.takeError());
    return;
  }
  const llvm::json::Object *object = value->getAsObject();
  if (!object)
    return;
  // An object's members have no order; the parts of a compile do.
  for (const char *name : {"llvm", "asm", "obj"})
    if (auto ns = object->getInteger(name); ns && *ns >= 0)
      inner_.emplace_back(name, static_cast<uint64_t>(*ns));
}

std::string StageTimes::json() {
  end();
  llvm::json::Array all;
  for (const auto &[name, ns] : parts_)
    all.push_back(llvm::json::Array{name, static_cast<int64_t>(ns)});
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(all));
  return text;
}

} // namespace tessera::compiler
