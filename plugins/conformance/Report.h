// Report.h - what the kit found, what was expected to fail, and both as JSON
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tessera::conformance {

enum class Outcome : uint8_t { Passed, Failed, Unsupported, Skipped };
std::string_view outcomeName(Outcome o);

struct Result {
  std::string name; // "L1/addf/f32/tile"
  Outcome outcome = Outcome::Passed;
  std::string detail; // why; empty where it passed
};

// A rule about cases: "unsupported" cases must be refused in the proper way, "expected-fail" cases must fail somehow.
// A case that passes although a rule covers it is a failure, so that the list can only shrink.
struct Exclusion {
  enum Kind : uint8_t { Unsupported, ExpectedFail } kind = Unsupported;
  std::string pattern, reason, issue;
  mutable bool used = false;
};
// JSON: a list of {"pattern", "kind": "unsupported" | "expected-fail", "reason", "issue"}; all but issue are obligatory.
// Gives why the file cannot be used, or nothing.
std::string readExclusions(const std::string &path, std::vector<Exclusion> &out);

struct Identity {
  std::string plugin, version, buildId, abi, target, level;
};

class Report {
public:
  explicit Report(std::vector<Exclusion> exclusions) : exclusions_(std::move(exclusions)) {}
  // Applies the exclusions.
  void add(Result r);
  size_t count(Outcome o) const;
  size_t expectedCount() const { return expected_; }
  bool good() const { return count(Outcome::Failed) == 0; }
  // Failures with their details, then one line of numbers.
  std::string text(bool verbose) const;
  std::string json(const Identity &identity) const;

private:
  std::vector<Exclusion> exclusions_;
  std::vector<Result> results_;
  size_t expected_ = 0;
};

} // namespace tessera::conformance
