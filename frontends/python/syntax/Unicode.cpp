// Unicode.cpp - normalisation, character names and printability, over tables that the build makes
//
// SPDX-License-Identifier: Apache-2.0
// Source: Unicode Standard Annex 15, Unicode Normalization Forms; chapter 3.12, conjoining Jamo behaviour; chapter 4.8, names.
#include "frontends/python/syntax/Unicode.h"

#include "frontends/python/syntax/Literals.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace tessera::py {

namespace {
struct Decomposition {
  uint32_t from, first, count; // of kDecomposed
};
struct CombiningClass {
  uint32_t of;
  uint8_t value;
};
struct Composition {
  uint32_t first, second, to;
};
#include "frontends/python/syntax/UnicodeTables.inc"

constexpr uint32_t kHangul = 0xAC00, kLeading = 0x1100, kVowel = 0x1161, kTrailing = 0x11A7;
constexpr uint32_t kLeadings = 19, kVowels = 21, kTrailings = 28; // trailing 0: none
constexpr uint32_t kSyllables = kLeadings * kVowels * kTrailings;

void decompose(uint32_t c, std::vector<uint32_t> &out) {
  if (c >= kHangul && c < kHangul + kSyllables) {
    uint32_t s = c - kHangul;
    out.push_back(kLeading + s / (kVowels * kTrailings));
    out.push_back(kVowel + s % (kVowels * kTrailings) / kTrailings);
    if (s % kTrailings)
      out.push_back(kTrailing + s % kTrailings);
    return;
  }
  auto it = std::lower_bound(std::begin(kDecompositions), std::end(kDecompositions), c,
                             [](const Decomposition &d, uint32_t v) { return d.from < v; });
  if (it != std::end(kDecompositions) && it->from == c)
    out.insert(out.end(), kDecomposed + it->first, kDecomposed + it->first + it->count);
  else
    out.push_back(c);
}

uint8_t classOf(uint32_t c) {
  auto it = std::lower_bound(std::begin(kClasses), std::end(kClasses), c,
                             [](const CombiningClass &k, uint32_t v) { return k.of < v; });
  return it != std::end(kClasses) && it->of == c ? it->value : 0;
}

uint32_t compose(uint32_t a, uint32_t b) {
  if (a >= kLeading && a < kLeading + kLeadings && b >= kVowel && b < kVowel + kVowels)
    return kHangul + ((a - kLeading) * kVowels + (b - kVowel)) * kTrailings;
  if (a >= kHangul && a < kHangul + kSyllables && (a - kHangul) % kTrailings == 0 && b > kTrailing &&
      b < kTrailing + kTrailings)
    return a + (b - kTrailing);
  auto it = std::lower_bound(
      std::begin(kCompositions), std::end(kCompositions), std::pair(a, b),
      [](const Composition &c, const std::pair<uint32_t, uint32_t> &v) { return std::pair(c.first, c.second) < v; });
  return it != std::end(kCompositions) && it->first == a && it->second == b ? it->to : 0;
}

uint64_t hashOf(std::string_view name) {
  uint64_t h = 0xcbf29ce484222325;
  for (char c : name)
    h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return h;
}

// "HANGUL SYLLABLE " and the short names of its letters.
uint32_t hangulSyllable(std::string_view letters) {
  static constexpr std::string_view leading[] = {"G",  "GG", "N", "D",  "DD", "R", "M", "B", "BB", "S",
                                                 "SS", "",   "J", "JJ", "C",  "K", "T", "P", "H"};
  static constexpr std::string_view vowel[] = {"A",  "AE", "YA", "YAE", "EO", "E",  "YEO", "YE", "O",  "WA", "WAE",
                                               "OE", "YO", "U",  "WEO", "WE", "WI", "YU",  "EU", "YI", "I"};
  static constexpr std::string_view trailing[] = {"",   "G",  "GG", "GS", "N",  "NJ", "NH", "D", "L",  "LG",
                                                  "LM", "LB", "LS", "LT", "LP", "LH", "M",  "B", "BS", "S",
                                                  "SS", "NG", "J",  "C",  "K",  "T",  "P",  "H"};
  for (uint32_t l = 0; l < kLeadings; ++l)
    for (uint32_t v = 0; v < kVowels; ++v)
      for (uint32_t t = 0; t < kTrailings; ++t)
        if (letters.size() == leading[l].size() + vowel[v].size() + trailing[t].size() &&
            letters.starts_with(leading[l]) && letters.substr(leading[l].size()).starts_with(vowel[v]) &&
            letters.ends_with(trailing[t]))
          return kHangul + (l * kVowels + v) * kTrailings + t;
  return 0;
}
} // namespace

std::string normalizedName(std::string_view name) {
  std::vector<uint32_t> text;
  for (size_t i = 0; i < name.size();)
    decompose(readUtf8(name, i), text);
  // Marks in order of their class, behind each starter; equal ones stay in order.
  for (size_t i = 1; i < text.size(); ++i)
    for (size_t k = i; k > 0 && classOf(text[k]) && classOf(text[k - 1]) > classOf(text[k]); --k)
      std::swap(text[k], text[k - 1]);
  std::vector<uint32_t> composed;
  size_t starter = SIZE_MAX;
  for (uint32_t c : text) {
    uint8_t k = classOf(c);
    bool blocked = starter != SIZE_MAX && starter + 1 != composed.size() && classOf(composed.back()) >= k;
    uint32_t joined = starter == SIZE_MAX || blocked ? 0 : compose(composed[starter], c);
    if (joined) {
      composed[starter] = joined;
      continue;
    }
    if (!k)
      starter = composed.size();
    composed.push_back(c);
  }
  std::string out;
  for (uint32_t c : composed)
    appendUtf8(out, c);
  return out;
}

uint32_t namedCharacter(std::string_view name) {
  std::string upper(name);
  for (char &c : upper)
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
  constexpr std::string_view kIdeograph = "CJK UNIFIED IDEOGRAPH-", kSyllable = "HANGUL SYLLABLE ";
  if (std::string_view(upper).starts_with(kSyllable))
    return hangulSyllable(std::string_view(upper).substr(kSyllable.size()));
  if (std::string_view(upper).starts_with(kIdeograph)) {
    uint32_t c = 0;
    std::string_view digits = std::string_view(upper).substr(kIdeograph.size());
    for (char d : digits)
      c = d >= '0' && d <= '9'   ? c * 16 + static_cast<uint32_t>(d - '0')
          : d >= 'A' && d <= 'F' ? c * 16 + static_cast<uint32_t>(d - 'A' + 10)
                                 : 0x110000;
    bool known = (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x20000 && c <= 0x323AF);
    return known && digits.size() <= 5 ? c : 0;
  }
  uint64_t h = hashOf(upper);
  auto it = std::lower_bound(std::begin(kNameHashes), std::end(kNameHashes), h);
  return it != std::end(kNameHashes) && *it == h ? kNamed[it - std::begin(kNameHashes)] : 0;
}

bool isPrintable(uint32_t c) {
  // The table alternates: from kPrintable[0] on yes, from kPrintable[1] on no, …
  return (std::upper_bound(std::begin(kPrintable), std::end(kPrintable), c) - std::begin(kPrintable)) % 2 == 1;
}

} // namespace tessera::py
