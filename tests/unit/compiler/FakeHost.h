// FakeHost.h - a host without Python, for tests of tsc_host: functions, globals and objects from tables
//
// SPDX-License-Identifier: Apache-2.0
//
// It is strict where a real host may be: what a callback gave is overwritten when the next callback comes.
#pragma once

#include "frontends/compiler/tessera_compiler.h"

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tessera::test {

// A tsc_host_value that owns what it holds.
struct V {
  uint32_t kind = TSC_HOST_NONE, flags = 0;
  int64_t integer = 0;
  double real = 0;
  std::string text;
  uint64_t handle = 0;
  std::vector<V> items; // DICT: key, value, key, value, …
  std::vector<std::string> names;

  static V none() { return {}; }
  static V boolean(bool v);
  static V integerOf(int64_t v);
  static V big(std::string digits);
  static V realOf(double v);
  static V str(std::string s);
  static V tuple(std::vector<V> items);
  static V list(std::vector<V> items);
  static V dict(std::vector<V> keysAndValues);
  static V dtype(std::string s);
  static V constexprOf(V v);
  static V language(std::string path);
  static V function(uint64_t handle);
  V &asConstexpr() {
    flags |= TSC_FLAG_CONSTEXPR;
    return *this;
  }
};

struct PyError {
  std::string type, message;
};

struct Outcome {
  int32_t status = 0;
  std::map<std::string, std::string> outputs;
  std::vector<std::string> json, text; // of the diagnostics
  std::map<std::string, uint32_t> argFlags;
  std::string tile() const { return outputs.contains("tile") ? outputs.at("tile") : std::string(); }
  std::string messages() const {
    std::string s;
    for (const std::string &t : text)
      s += t;
    return s;
  }
};

struct Binding {
  std::string name, type;
  V constant;
  bool hasConstant = false;
  int64_t divisibility = 0;
};
inline Binding typed(std::string name, std::string type, int64_t divisibility = 0) {
  return {std::move(name), std::move(type), {}, false, divisibility};
}
inline Binding constant(std::string name, V v) { return {std::move(name), "", std::move(v), true, 0}; }

class FakeHost {
public:
  using Keywords = std::map<std::string, V>;
  struct Function {
    std::string name = {}, file = "fake.py", text = {};
    uint32_t firstLine = 1, columnOffset = 0, flags = 0;
    std::vector<V> defaults = {}, kwDefaults = {};
    std::string key = {};
  };
  struct Object {
    std::string type = {};
    uint32_t what = TSC_OBJECT_OTHER;
    std::map<std::string, V> attributes = {};
    std::function<V(const std::vector<V> &args, const Keywords &keywords)> call = {};
    // "binary +", "compare ==", "unary -", "item", "truth", "repr", "str", "format", "isinstance", "iterate", "hash", "len"
    std::map<std::string, std::function<V(const std::vector<V> &operands)>> operations = {};
    std::vector<V> plain = {}; // none or one
  };

  FakeHost();
  V addFunction(Function f); // the function as a value
  V addObject(Object o);
  std::map<std::string, V> globals;
  std::vector<std::string> asked; // names that `global` was called with
  std::function<int32_t()> onPoll;

  Outcome compile(const V &kernel, const std::vector<Binding> &bindings, const std::string &emits = "tile",
                  const std::vector<std::pair<std::string, std::string>> &options = {});
  tsc_host callbacks();

  // For use in calls: an operation of the kernel; its failure is the exception that it should be.
  V emit(const std::string &path, const std::vector<V> &operands, const Keywords &keywords = {});

  tsc_emitter *emitter = nullptr;
  unsigned functionCalls = 0;

private:
  template <class F> int32_t guarded(F f);
  int32_t apply(uint32_t op, const std::vector<V> &operands, const Keywords &keywords, tsc_host_value *out);
  tsc_host_value give(const V &v);
  tsc_str keep(const std::string &s);
  void spoil();

  std::map<uint64_t, Function> functions_;
  std::map<uint64_t, Object> objects_;
  uint64_t next_ = 100;
  PyError pending_;
  std::deque<std::string> texts_, errorTexts_;
  std::deque<std::vector<tsc_host_value>> items_;
  std::deque<std::vector<tsc_str>> names_;
};

V ownedCopy(const tsc_host_value &v);

} // namespace tessera::test
