// KernelTable.h - compiled kernels by what a call amounts to
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/extension/Replay.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace tessera::python {

// A compiled kernel under its key.
struct Entry {
  uint64_t hash;
  std::vector<uint64_t> key;
  std::vector<Reference> kept; // objects whose identity is in the key
  Reference compiled;          // CompiledKernel
  Reference kernel;            // KernelObject
  // Of the call that found this entry last; null: none is recorded, or none can be.
  std::shared_ptr<const Replay> replay;
  unsigned records = 0; // how often one was made
};

// Open addressing; at most half full. Forgets everything when it has grown too far: keys may hold objects that live once.
class Table {
public:
  Entry *find(const CallFacts &facts, uint64_t hash) const {
    if (slots_.empty())
      return nullptr;
    size_t n = facts.key.size();
    for (size_t i = hash;; ++i) {
      Entry *e = slots_[i & (slots_.size() - 1)].get();
      if (!e)
        return nullptr;
      if (e->hash == hash && e->key.size() == n && !std::memcmp(e->key.data(), facts.key.data(), n * 8))
        return e;
    }
  }
  void insert(std::unique_ptr<Entry> entry) {
    if (count_ >= 4096)
      clear();
    if (2 * (count_ + 1) > slots_.size()) {
      std::vector<std::unique_ptr<Entry>> old = std::move(slots_);
      slots_ = std::vector<std::unique_ptr<Entry>>(std::max<size_t>(8, 2 * old.size()));
      for (auto &e : old)
        if (e)
          place(std::move(e));
    }
    ++count_;
    place(std::move(entry));
  }
  void clear() {
    // Destructors of what is let go may call back into this table.
    std::vector<std::unique_ptr<Entry>> old = std::move(slots_);
    slots_.clear();
    count_ = 0;
    last.reset();
  }
  // For the garbage collector: compiled kernels lead back to their function.
  int traverse(visitproc visit, void *arg) const {
    for (const auto &e : slots_) {
      if (!e)
        continue;
      Py_VISIT(e->compiled.get());
      Py_VISIT(e->kernel.get());
      if (int stop = e->replay ? e->replay->traverse(visit, arg) : 0)
        return stop;
      for (const Reference &object : e->kept)
        Py_VISIT(object.get());
    }
    return 0;
  }
  uint64_t epoch = 0;
  std::shared_ptr<const Replay> last; // what the next call is compared with

private:
  void place(std::unique_ptr<Entry> e) {
    size_t i = e->hash;
    while (slots_[i & (slots_.size() - 1)])
      ++i;
    slots_[i & (slots_.size() - 1)] = std::move(e);
  }
  std::vector<std::unique_ptr<Entry>> slots_;
  size_t count_ = 0;
};

inline uint64_t hashOf(const CallFacts &facts) {
  uint64_t h = 0x9e3779b97f4a7c15u;
  const uint64_t *p = facts.key.data();
  for (size_t i = 0, n = facts.key.size(); i < n; ++i) {
    h = (h ^ p[i]) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;
  }
  return h;
}

} // namespace tessera::python
