// Literals.h - what the text of a literal means, and how Python writes values back
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tessera::py {

// What went wrong in a string literal, and where in its body.
struct EscapeProblem {
  std::string message;
  uint32_t offset = 0, length = 0;
};

// Appends the meaning of `body` (what is between the quotes) to `out`: escapes unless `isRaw`, line ends as '\n'. Text is
// UTF-8, with lone surrogates as three bytes. isFString: '{{' and '}}' are braces. False: see `problem`.
bool decodeStringBody(std::string_view body, bool isRaw, bool isBytes, bool isFString, std::string &out,
                      EscapeProblem &problem);

void appendUtf8(std::string &out, uint32_t codePoint);
// One code point from `s` at `i` (i moves on); an invalid byte gives itself + 0xDC00.
uint32_t readUtf8(std::string_view s, size_t &i);

// Python's repr of a float ("1.0", "1e-05", "inf"), an imaginary number ("2j"), a str and bytes.
std::string floatRepr(double v);
std::string imaginaryRepr(double v);
std::string stringRepr(std::string_view utf8);
std::string bytesRepr(std::string_view bytes);

} // namespace tessera::py
