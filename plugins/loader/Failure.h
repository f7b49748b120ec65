// Failure.h - why a plugin or a target could not be had, and a result that may be one
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/support/Diagnostic.h"

#include <optional>
#include <string>
#include <utility>

namespace tessera::plugin {

// An environment error: no caret, but an id of the catalogue, one sentence, and what to do (empty: the catalogue's advice).
struct Failure {
  DiagId id = DiagId::PluginFailed;
  std::string message;
  std::string help;

  Diagnostic diagnostic() const {
    Diagnostic d;
    d.id = id;
    d.severity = diagSeverity(id);
    d.message = message;
    d.help = help;
    return d;
  }
};

// A value, or the failure that took its place.
template <typename T> class Expected {
public:
  Expected(T value) : value_(std::move(value)) {}
  Expected(Failure failure) : failure_(std::move(failure)) {}
  explicit operator bool() const { return value_.has_value(); }
  T &operator*() { return *value_; }
  const T &operator*() const { return *value_; }
  T *operator->() { return &*value_; }
  const T *operator->() const { return &*value_; }
  // Only where there is no value.
  const Failure &failure() const { return failure_; }

private:
  std::optional<T> value_;
  Failure failure_;
};

} // namespace tessera::plugin
