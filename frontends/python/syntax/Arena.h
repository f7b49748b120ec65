// Arena.h - memory of one syntax tree: bump allocation, interned names, everything freed at once
//
// SPDX-License-Identifier: Apache-2.0
//
// Nodes are trivially destructible; nothing is freed before the arena. Not thread-safe. Movable, not copyable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace tessera::py {

class Arena {
public:
  Arena() = default;
  Arena(Arena &&) = default;
  Arena &operator=(Arena &&) = default;
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;

  void *allocate(size_t size, size_t align) {
    uintptr_t at = (next_ + align - 1) & ~static_cast<uintptr_t>(align - 1);
    if (at + size > end_ || at < next_) {
      grow(size + align);
      at = (next_ + align - 1) & ~static_cast<uintptr_t>(align - 1);
    }
    next_ = at + size;
    return reinterpret_cast<void *>(at);
  }

  template <class T, class... Args> T *make(Args &&...args) {
    static_assert(std::is_trivially_destructible_v<T>, "the arena runs no destructors");
    return ::new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

  template <class T> std::span<T> copy(const T *from, size_t count) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (count == 0)
      return {};
    T *to = static_cast<T *>(allocate(sizeof(T) * count, alignof(T)));
    std::memcpy(static_cast<void *>(to), from, sizeof(T) * count);
    return {to, count};
  }
  template <class T> std::span<T> copy(const std::vector<T> &from) { return copy(from.data(), from.size()); }

  // A copy of the bytes that lives as long as the arena.
  std::string_view copyText(std::string_view text) {
    std::span<char> s = copy(text.data(), text.size());
    return {s.data(), s.size()};
  }
  // As copyText, and equal texts give the same pointer.
  std::string_view intern(std::string_view text) {
    auto it = names_.find(text);
    if (it != names_.end())
      return *it;
    std::string_view kept = copyText(text);
    names_.insert(kept);
    return kept;
  }

private:
  void grow(size_t atLeast) {
    size_t size = blocks_.empty() ? 16384 : 262144;
    if (size < atLeast)
      size = atLeast;
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
    next_ = reinterpret_cast<uintptr_t>(blocks_.back().get());
    end_ = next_ + size;
  }

  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::unordered_set<std::string_view> names_;
  uintptr_t next_ = 0, end_ = 0;
};

} // namespace tessera::py
