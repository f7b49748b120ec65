// TargetSpec.h - the grammar of --target=
//
// SPDX-License-Identifier: Apache-2.0
//
//   list    := item {"," item}
//   item    := [plugin "/"] arch {":" feature} ["@" key "=" value {"," key "=" value}]
//   feature := name ("+" | "-")
// "native", "host" and "all" are arch words with a meaning of their own. "/" separates the plugin because some vendors'
// names contain ":". A piece behind a comma continues the options where it has "=" and no "@" before it.
#pragma once

#include "plugins/loader/Failure.h"

#include <string_view>
#include <vector>

namespace tessera::plugin {

struct TargetSpec {
  std::string text;   // the item as written
  std::string plugin; // empty: any
  std::string arch;   // without features
  std::string spec;   // with features: what the plugin's parse() takes
  std::vector<std::pair<std::string, std::string>> options;
};

// Failure: UnknownTarget with the place in the text.
Expected<std::vector<TargetSpec>> parseTargetList(std::string_view text);

// `pattern` with * (any text) and ? (any character), the whole of `text`.
bool globMatches(std::string_view pattern, std::string_view text);

} // namespace tessera::plugin
