// Report.cpp - exclusions and results
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Report.h"

#include "plugins/loader/TargetSpec.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

namespace tessera::conformance {

using Json = nlohmann::ordered_json;

std::string_view outcomeName(Outcome o) {
  switch (o) {
  case Outcome::Passed:
    return "passed";
  case Outcome::Failed:
    return "failed";
  case Outcome::Unsupported:
    return "unsupported";
  case Outcome::Skipped:
    break;
  }
  return "skipped";
}

std::string readExclusions(const std::string &path, std::vector<Exclusion> &out) {
  std::ifstream in(path);
  if (!in)
    return "cannot read " + path;
  Json list = Json::parse(in, nullptr, false);
  if (!list.is_array())
    return path + " is no JSON list";
  for (const Json &row : list) {
    auto text = [&](const char *key) {
      return row.is_object() && row.contains(key) && row[key].is_string() ? row[key].get<std::string>() : std::string();
    };
    Exclusion e;
    e.pattern = text("pattern");
    e.reason = text("reason");
    e.issue = text("issue");
    std::string kind = text("kind");
    if (e.pattern.empty() || e.reason.empty() || (kind != "unsupported" && kind != "expected-fail"))
      return path + ": an entry wants \"pattern\", \"reason\" and \"kind\": \"unsupported\" or \"expected-fail\"";
    e.kind = kind == "unsupported" ? Exclusion::Unsupported : Exclusion::ExpectedFail;
    out.push_back(std::move(e));
  }
  return {};
}

void Report::add(Result r) {
  const Exclusion *rule = nullptr;
  for (const Exclusion &e : exclusions_)
    if (!rule && plugin::globMatches(e.pattern, r.name))
      rule = &e;
  if (rule && r.outcome != Outcome::Skipped) {
    rule->used = true;
    if (r.outcome == Outcome::Passed) {
      r.outcome = Outcome::Failed;
      r.detail = "passes although the exclusions say '" + rule->pattern + "': " + rule->reason + ": remove the entry";
    } else if (rule->kind == Exclusion::Unsupported && r.outcome != Outcome::Unsupported) {
      r.detail = "is excluded as unsupported, but it fails in another way: " + r.detail;
    } else {
      r.outcome = Outcome::Skipped;
      r.detail = "as expected: " + rule->reason;
      ++expected_;
    }
  } else if (r.outcome == Outcome::Unsupported) {
    r.outcome = Outcome::Failed;
    r.detail = "is not supported, and no exclusion says so: " + r.detail;
  }
  results_.push_back(std::move(r));
}

size_t Report::count(Outcome o) const {
  return static_cast<size_t>(
      std::count_if(results_.begin(), results_.end(), [&](const Result &r) { return r.outcome == o; }));
}

std::string Report::text(bool verbose) const {
  std::string out;
  for (const Result &r : results_)
    if (r.outcome == Outcome::Failed || verbose)
      out += std::string(outcomeName(r.outcome)) + "  " + r.name + (r.detail.empty() ? "" : ": " + r.detail) + "\n";
  for (const Exclusion &e : exclusions_)
    if (!e.used)
      out += "note: the exclusion '" + e.pattern + "' matched no case\n";
  return out + std::to_string(count(Outcome::Passed)) + " passed, " + std::to_string(count(Outcome::Failed)) +
         " failed, " + std::to_string(expected_) + " excluded as expected, " +
         std::to_string(count(Outcome::Skipped) - expected_) + " skipped\n";
}

std::string Report::json(const Identity &id) const {
  Json j = {{"plugin", id.plugin}, {"version", id.version}, {"build_id", id.buildId},
            {"abi", id.abi},       {"target", id.target},   {"level", id.level}};
  j["summary"] = {{"passed", count(Outcome::Passed)},
                  {"failed", count(Outcome::Failed)},
                  {"excluded", expected_},
                  {"skipped", count(Outcome::Skipped) - expected_}};
  Json list = Json::array();
  for (const Result &r : results_) {
    Json row = {{"case", r.name}, {"outcome", outcomeName(r.outcome)}};
    if (!r.detail.empty())
      row["detail"] = r.detail;
    list.push_back(std::move(row));
  }
  j["results"] = std::move(list);
  return j.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace tessera::conformance
