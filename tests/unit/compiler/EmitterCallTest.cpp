// EmitterCallTest.cpp - Python code that works on values of a kernel: builtins with _semantic, aggregates
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/compiler/FakeHost.h"

#include <gtest/gtest.h>

namespace tessera::test {
namespace {

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

class EmitterCall : public ::testing::Test {
protected:
  FakeHost host;
  // A builtin written in Python.
  void builtin(const std::string &name, std::function<V(const std::vector<V> &, const FakeHost::Keywords &)> f) {
    host.globals[name] = host.addObject({.type = name, .what = TSC_OBJECT_BUILTIN, .call = std::move(f)});
  }
  Outcome run(const std::string &body, const std::string &type = "*fp32") {
    std::string text = "def k(p):\n";
    for (size_t at = 0; at < body.size();) {
      size_t end = std::min(body.find('\n', at), body.size());
      text += "    " + body.substr(at, end - at) + "\n";
      at = end + 1;
    }
    return host.compile(host.addFunction({.name = "k", .text = text}), {typed("p", type)});
  }
};

TEST_F(EmitterCall, FunctionsOfTheLanguage) {
  builtin("fetch", [&](auto &args, auto &) {
    EXPECT_EQ(args.at(0).kind, static_cast<uint32_t>(TSC_HOST_RUNTIME));
    EXPECT_EQ(args.at(0).text, "*fp32");
    V offsets = host.emit("triton.language.arange", {V::integerOf(0), V::integerOf(16)});
    EXPECT_EQ(offsets.text, "block<[16],i32>");
    V pointers = host.emit("operator:+", {args.at(0), offsets});
    V mask = host.emit("operator:<", {offsets, V::integerOf(10)});
    V loaded = host.emit("triton.language.load", {pointers}, {{"mask", mask}, {"other", V::realOf(1.5)}});
    EXPECT_EQ(loaded.text, "block<[16],fp32>");
    return host.emit("method:sum", {loaded}, {{"axis", V::integerOf(0)}});
  });
  Outcome r = run("tl.store(p, fetch(p))");
  ASSERT_EQ(r.status, 0) << r.messages();
  EXPECT_TRUE(has(r.tile(), "tile.load") && has(r.tile(), "tile.reduce") && has(r.tile(), "1.500000e+00")) << r.tile();
}

TEST_F(EmitterCall, OperatorsAttributesItems) {
  builtin("check", [&](auto &args, auto &) {
    V x = args.at(0);
    EXPECT_EQ(host.emit("attribute:dtype", {x}).text, "fp32");
    EXPECT_EQ(host.emit("attribute:type", {x}).text, "block<[4,8],fp32>");
    V shape = host.emit("attribute:shape", {x});
    EXPECT_EQ(shape.kind, static_cast<uint32_t>(TSC_HOST_TUPLE));
    EXPECT_EQ(shape.items.at(1).integer, 8);
    V negative = host.emit("operator:-", {x});
    EXPECT_EQ(negative.text, "block<[4,8],fp32>");
    V compared = host.emit("operator:>=", {x, V::realOf(0)});
    EXPECT_EQ(compared.text, "block<[4,8],i1>");
    EXPECT_EQ(host.emit("operator:~", {compared}).text, "block<[4,8],i1>");
    EXPECT_EQ(host.emit("operator:+", {V::integerOf(2), V::integerOf(3)}).integer, 5) << "constants stay constants";
    V cast = host.emit("method:to", {x, V::dtype("fp16")});
    EXPECT_EQ(cast.text, "block<[4,8],fp16>");
    V row = host.emit("triton.language.max", {x, V::integerOf(1)});
    V slice;
    slice.kind = TSC_HOST_SLICE;
    slice.items = {V::none(), V::none(), V::none()};
    EXPECT_EQ(host.emit("operator:[]", {row, V::tuple({slice, V::none()})}).text, "block<[4,1],fp32>");
    V function = host.addFunction({.name = "plus", .text = "def plus(a, b):\n    return a + b\n"});
    EXPECT_EQ(host.emit("operator:()", {function, row, V::integerOf(1)}).text, "block<[4],fp32>");
    V method = host.emit("attribute:max", {x});
    EXPECT_EQ(method.kind, static_cast<uint32_t>(TSC_HOST_RUNTIME));
    EXPECT_EQ(host.emit("operator:()", {method, V::integerOf(0)}).text, "block<[8],fp32>");
    return V::tuple({negative, V::integerOf(3)});
  });
  Outcome r = run("a, b = check(tl.zeros((4, 8), tl.float32))\ntl.store(p, b)");
  ASSERT_EQ(r.status, 0) << r.messages();
  EXPECT_TRUE(has(r.tile(), "3.000000e+00")) << r.tile();
}

TEST_F(EmitterCall, ErrorsKeepTheirPlaceAndText) {
  builtin("bad",
          [&](auto &, auto &) { return host.emit("triton.language.arange", {V::integerOf(0), V::integerOf(100)}); });
  Outcome r = run("x = 1\ntl.store(p, 1 + bad())");
  ASSERT_EQ(r.json.size(), 1u) << r.messages();
  EXPECT_TRUE(has(r.text[0], "fake.py:3:21: error[E0204]: arange's range must be a power of 2")) << r.text[0];
  EXPECT_TRUE(has(r.json[0], "\"exception\":\"ValueError\"")) << r.json[0];
  // Caught by the builtin: no error at all.
  builtin("tries", [&](auto &, auto &) {
    try {
      host.emit("triton.language.arange", {V::integerOf(0), V::integerOf(100)});
    } catch (const PyError &e) {
      EXPECT_EQ(e.type, "ValueError");
      EXPECT_TRUE(has(e.message, "must be a power of 2"));
    }
    return V::integerOf(4);
  });
  EXPECT_EQ(run("tl.store(p, tries())").status, 0);
  // Wrapped by it: what it says, at the kernel's line.
  builtin("wraps", [&](auto &, auto &) -> V {
    try {
      return host.emit("triton.language.nothing", {});
    } catch (const PyError &e) {
      throw PyError{"RuntimeError", "wrapped " + e.type};
    }
  });
  EXPECT_TRUE(
      has(run("tl.store(p, wraps())").messages(), "fake.py:2:17: error[E0223]: RuntimeError: wrapped AttributeError"));
}

TEST_F(EmitterCall, ErrorsInsideOfFunctionsThatItCalls) {
  V inner = host.addFunction(
      {.name = "inner", .file = "i.py", .text = "def inner(x):\n    y = x + nope\n    return y\n", .firstLine = 30});
  builtin("outer", [&](auto &args, auto &) { return host.emit("operator:()", {inner, args.at(0)}); });
  Outcome r = run("tl.store(p, outer(tl.load(p)))");
  ASSERT_EQ(r.json.size(), 1u) << r.messages();
  EXPECT_TRUE(has(r.text[0], "i.py:31:13: error[E0202]")) << r.text[0];
  EXPECT_TRUE(has(r.text[0], "fake.py:2:17: note: in the call of inner here")) << r.text[0];
}

TEST_F(EmitterCall, InterruptsPassThrough) {
  builtin("stop", [&](auto &, auto &) -> V { throw PyError{"KeyboardInterrupt", ""}; });
  V inner = host.addFunction({.name = "inner", .text = "def inner(x):\n    return stop()\n"});
  builtin("outer", [&](auto &args, auto &) { return host.emit("operator:()", {inner, args.at(0)}); });
  Outcome r = run("tl.store(p, outer(1))\nx = unknown");
  ASSERT_EQ(r.json.size(), 1u) << r.messages();
  EXPECT_TRUE(has(r.json[0], "E0224")) << r.json[0];
}

TEST_F(EmitterCall, HandlesOfOtherCompilesAreRefused) {
  V stale;
  builtin("keep", [&](auto &args, auto &) {
    stale = args.at(0);
    return V::integerOf(1);
  });
  EXPECT_EQ(run("tl.store(p, keep(tl.load(p)))").status, 0);
  builtin("reuse", [&](auto &, auto &) { return stale; });
  EXPECT_TRUE(has(run("tl.store(p, reuse())").messages(), "a value of another kernel"));
}

TEST_F(EmitterCall, LanguageNamesThatTheHostDefines) {
  host.globals["triton.language.extra.cuda.ticket"] =
      host.addObject({.type = "ticket", .what = TSC_OBJECT_BUILTIN, .call = [&](auto &, auto &) {
                        return host.emit("triton.language.program_id", {V::integerOf(2)});
                      }});
  Outcome r = run("tl.store(p, tl.extra.cuda.ticket())");
  ASSERT_EQ(r.status, 0) << r.messages();
  EXPECT_TRUE(has(r.tile(), "tile.program_id 2")) << r.tile();
  EXPECT_TRUE(has(run("tl.store(p, tl.extra.cuda.nothing())").messages(), "nothing"));
}

TEST_F(EmitterCall, Aggregates) {
  V method = host.addFunction(
      {.name = "total", .text = "def total(self, k):\n    return tl.sum(self.data, 0) * k + self.count\n"});
  V step = host.addFunction({.name = "step", .text = "def step(self):\n    return Pair(self.data + 1, self.count)\n"});
  uint64_t handle = 0;
  auto instance = [&](V data, V count) {
    V v = V::tuple({std::move(data), std::move(count)});
    v.names = {"data", "count"};
    v.handle = handle;
    v.text = "Pair";
    v.flags = TSC_FLAG_AGGREGATE;
    return v;
  };
  V cls = host.addObject(
      {.type = "Pair",
       .what = TSC_OBJECT_AGGREGATE_CLASS,
       .attributes = {{"total", method}, {"step", step}},
       .call = [&](const std::vector<V> &args, const FakeHost::Keywords &) { return instance(args.at(0), args.at(1)); },
       .operations = {{"property width", [&](const std::vector<V> &v) {
                         return host.emit("attribute:shape", {v.at(0).items.at(0)}).items.at(0);
                       }}}});
  handle = cls.handle;
  host.globals["Pair"] = cls;
  Outcome r = run("a = Pair(tl.arange(0, 32), 5)\n"
                  "for i in range(10):\n"
                  "    a = a.step()\n"
                  "tl.store(p, a.total(2) + a.width)");
  ASSERT_EQ(r.status, 0) << r.messages();
  EXPECT_TRUE(has(r.tile(), "iter_args") && has(r.tile(), "tile.reduce")) << r.tile();
  EXPECT_TRUE(has(r.tile(), "constant 37 : i32")) << "the fields count and width are constants\n" << r.tile();
}

} // namespace
} // namespace tessera::test
