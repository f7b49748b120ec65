// Output.h - files that appear whole or not at all
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace tessera::cli {

// Writes the parts one after the other: aside, then renamed, so that a failure leaves no partial file. What is no regular file
// (a device, a pipe, a link) is written in place: a rename would put a file where it was. False with a reason.
bool writeWhole(const std::string &path, std::initializer_list<std::string_view> parts, std::string &error);

} // namespace tessera::cli
