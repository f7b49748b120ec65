// HostInterfaceTest.cpp - kernels whose names and constants live in a host: every kind of value, every operation
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/compiler/FakeHost.h"

#include <gtest/gtest.h>

namespace tessera::test {
namespace {

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

// A kernel that stores `expression` through its pointer.
V storing(FakeHost &host, const std::string &expression, const std::string &params = "") {
  return host.addFunction(
      {.name = "k", .text = "@triton.jit\ndef k(p" + params + "):\n    tl.store(p, " + expression + ")\n"});
}
// What is stored, as the IR has it: "arith.constant 7 : i32".
std::string stored(FakeHost &host, const std::string &expression, const std::string &type = "*i32",
                   std::vector<Binding> more = {}) {
  std::string params;
  for (const Binding &b : more)
    params += ", " + b.name;
  V kernel = storing(host, expression, params);
  more.insert(more.begin(), typed("p", type));
  Outcome r = host.compile(kernel, more);
  return r.status ? r.messages() : r.tile();
}

TEST(HostInterface, NamesOfTheLanguage) {
  FakeHost host;
  V kernel = host.addFunction({.name = "add", .text = R"(@triton.jit
def add(x, y, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(y + i, tl.load(x + i, mask=m) + 1, mask=m)
)"});
  Outcome r = host.compile(kernel, {typed("x", "*fp32", 16), typed("y", "*fp32", 16), typed("n", "i32"),
                                    constant("BLOCK", V::integerOf(64))});
  ASSERT_EQ(r.status, 0) << r.messages();
  EXPECT_TRUE(has(r.tile(), "func.func @add")) << r.tile();
  EXPECT_TRUE(has(r.tile(), "tensor<64xf32>")) << r.tile();
  EXPECT_EQ(host.asked, std::vector<std::string>{"tl"}) << "each name once a function";
  EXPECT_EQ(host.emitter, nullptr) << "told of the end";
}

TEST(HostInterface, EveryKindOfConstant) {
  FakeHost host;
  auto value = [&](const std::string &expression, V v, const std::string &type = "*i32") {
    return stored(host, expression, type, {constant("C", std::move(v))});
  };
  EXPECT_TRUE(has(value("C", V::integerOf(7)), "constant 7 : i32"));
  EXPECT_TRUE(has(value("C", V::big("18446744073709551615"), "*u64"), "constant -1 : i64"));
  EXPECT_TRUE(has(value("C % 1000", V::big("-100000000000000000007")), "constant 993 : i32"));
  EXPECT_TRUE(has(value("C", V::realOf(0.5), "*fp32"), "5.000000e-01 : f32"));
  EXPECT_TRUE(has(value("1 if C else 2", V::boolean(true)), "constant 1 : i32"));
  EXPECT_TRUE(has(value("1 if C is None else 2", V::none()), "constant 1 : i32"));
  EXPECT_TRUE(has(value("1 if C == 'abc' else 2", V::str("abc")), "constant 1 : i32"));
  EXPECT_TRUE(has(value("len(C) + C[0] + C[-1]", V::tuple({V::integerOf(4), V::integerOf(5)})), "constant 11 : i32"));
  EXPECT_TRUE(has(value("C[1] + len(C)", V::list({V::integerOf(4), V::integerOf(5)})), "constant 7 : i32"));
  V dict = V::dict({V::str("a"), V::integerOf(3), V::integerOf(8), V::integerOf(9)});
  EXPECT_TRUE(has(value("C['a'] + C[8]", dict), "constant 12 : i32"));
  EXPECT_TRUE(has(value("tl.load(p).to(C) + C.primitive_bitwidth", V::dtype("i8")), "i8"));
  EXPECT_TRUE(has(value("C.value + 1", V::constexprOf(V::integerOf(20))), "constant 21 : i32"));
  EXPECT_TRUE(has(value("C(p)", V::language("triton.language.load")), "tile.load"));
  V pair = V::tuple({V::integerOf(4), V::integerOf(5)});
  V slice;
  slice.kind = TSC_HOST_SLICE;
  slice.items = {V::integerOf(1), V::none(), V::none()};
  EXPECT_TRUE(has(stored(host, "T[C][0]", "*i32",
                         {constant("T", V::list({V::integerOf(1), V::integerOf(6)})), constant("C", slice)}),
                  "constant 6 : i32"));
}

TEST(HostInterface, TypesInText) {
  FakeHost host;
  for (const char *type : {"i1",      "i8",      "i16",      "i32",      "i64",   "u8",     "u16",
                           "u32",     "u64",     "fp16",     "bf16",     "fp32",  "fp64",   "fp8e5",
                           "fp8e4nv", "fp8e4b8", "fp8e5b16", "fp8e4b15", "*fp32", "*kfp32", "block<[16,32],fp32>"}) {
    std::string back;
    V echo = host.addObject({.type = "echo",
                             .what = TSC_OBJECT_CONSTEXPR_FUNCTION,
                             .call = [&](const std::vector<V> &args, const FakeHost::Keywords &) {
                               back = args.at(0).text;
                               return V::integerOf(1);
                             }});
    std::string r = stored(host, "F(C)", "*i32", {constant("F", echo), constant("C", V::dtype(type))});
    EXPECT_TRUE(has(r, "constant 1 : i32")) << r;
    EXPECT_EQ(back, type);
  }
  EXPECT_TRUE(has(stored(host, "C", "*i32", {constant("C", V::dtype("float33"))}), "`float33` is no type"));
}

TEST(HostInterface, OperationsOfObjectsInBothOrders) {
  FakeHost host;
  std::vector<std::string> seen;
  auto number = [&](const std::string &name, const V &result) {
    return std::pair<std::string, std::function<V(const std::vector<V> &)>>(name,
                                                                            [&, name, result](const std::vector<V> &v) {
                                                                              seen.push_back(name);
                                                                              (void)v;
                                                                              return result;
                                                                            });
  };
  V o = host.addObject({.type = "Money",
                        .attributes = {{"cents", V::integerOf(99)}},
                        .operations = {number("binary +", V::integerOf(10)), number("binary *", V::integerOf(11)),
                                       number("compare <", V::boolean(true)), number("compare ==", V::boolean(true)),
                                       number("compare in", V::boolean(true)), number("unary -", V::integerOf(12)),
                                       number("truth", V::boolean(false)), number("item", V::integerOf(13)),
                                       number("str", V::str("99 cents")), number("repr", V::str("Money(99)")),
                                       number("format", V::str("0099")), number("len", V::integerOf(14)),
                                       number("isinstance", V::boolean(true)), number("hash", V::integerOf(5)),
                                       number("iterate", V::list({V::integerOf(1), V::integerOf(2)}))}});
  auto value = [&](const std::string &e) { return stored(host, e, "*i32", {constant("C", o)}); };
  EXPECT_TRUE(has(value("C + 1"), "constant 10 : i32"));
  EXPECT_TRUE(has(value("1 + C"), "constant 10 : i32"));
  EXPECT_TRUE(has(value("2 * C"), "constant 11 : i32"));
  EXPECT_TRUE(has(value("1 if C < 3 else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("1 if 3 < C else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("1 if C == 3 else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("1 if C != 3 else 2"), "constant 2 : i32"));
  EXPECT_TRUE(has(value("1 if 3 in C else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("1 if C is C else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("-C"), "constant 12 : i32"));
  EXPECT_TRUE(has(value("1 if not C else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("1 if C else 2"), "not objects of type Money")) << value("1 if C else 2");
  EXPECT_TRUE(has(value("C[4]"), "constant 13 : i32"));
  EXPECT_TRUE(has(value("C.cents"), "constant 99 : i32"));
  EXPECT_TRUE(has(value("len(C)"), "constant 14 : i32"));
  EXPECT_TRUE(has(value("1 if isinstance(C, int) else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("1 if f'{C}' == '99 cents' else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("1 if f'{C!r}' == 'Money(99)' else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("1 if f'{C:04}' == '0099' else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("{0: 1}[0]"), "unsupported AST node type: Dict"));
  EXPECT_TRUE(has(value("C - 1"), "unsupported operand type(s) for -: 'Money' and 'int'"));
  EXPECT_TRUE(has(value("C.euros"), "'Money' object has no attribute 'euros'"));
  EXPECT_TRUE(has(value("C(1)"), "cannot be called"));
  V unpack = host.addFunction({.name = "k", .text = "def k(p, C):\n    a, b = C\n    tl.store(p, a + b)\n"});
  Outcome r = host.compile(unpack, {typed("p", "*i32"), constant("C", o)});
  EXPECT_TRUE(has(r.tile(), "constant 3 : i32")) << r.messages();
}

TEST(HostInterface, NumbersByInheritance) {
  FakeHost host;
  V red = host.addObject({.type = "Color",
                          .attributes = {{"name", V::str("RED")}, {"value", V::integerOf(16)}},
                          .plain = {V::integerOf(16)}});
  auto value = [&](const std::string &e) { return stored(host, e, "*i32", {constant("C", red)}); };
  EXPECT_TRUE(has(value("C + 1"), "constant 17 : i32"));
  EXPECT_TRUE(has(value("C"), "constant 16 : i32"));
  EXPECT_TRUE(has(value("1 if C == 16 else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("1 if C.name == 'RED' else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("tl.sum(tl.arange(0, C), 0)"), "tile.arange 0 to 16"));
  EXPECT_TRUE(has(value("tl.load(p) + C"), "arith.addi"));
}

TEST(HostInterface, GlobalsThatKernelsMayNotUse) {
  FakeHost host;
  host.globals["N"] = V::integerOf(3);
  host.globals["M"] = V::integerOf(4).asConstexpr();
  host.globals["W"] = V::constexprOf(V::integerOf(5));
  host.globals["helper"] = host.addObject({.type = "helper", .what = TSC_OBJECT_FUNCTION});
  host.globals["thing"] = host.addObject({.type = "Thing"});
  host.globals["module"] =
      host.addObject({.type = "module", .what = TSC_OBJECT_MODULE, .attributes = {{"K", V::integerOf(6)}}});
  std::string r = stored(host, "N");
  EXPECT_TRUE(has(r, "Cannot access global variable N from within @jit'ed function")) << r;
  EXPECT_TRUE(has(r, "fake.py:3:17")) << r;
  EXPECT_TRUE(has(stored(host, "M"), "constant 4 : i32"));
  EXPECT_TRUE(has(stored(host, "W"), "constant 5 : i32"));
  EXPECT_TRUE(has(stored(host, "module.K"), "constant 6 : i32"));
  EXPECT_TRUE(has(stored(host, "helper(1)"), "Unsupported function referenced: <helper object>"));
  EXPECT_TRUE(has(stored(host, "thing.x"), "Cannot access global variable thing"));
  EXPECT_TRUE(has(stored(host, "modul.K"), "did you mean `module`?"));
  V kernel = storing(host, "N");
  Outcome ok = host.compile(kernel, {typed("p", "*i32")}, "tile", {{"allow_non_constexpr_globals", "1"}});
  EXPECT_TRUE(has(ok.tile(), "constant 3 : i32")) << ok.messages();
  Outcome bad = host.compile(storing(host, "helper(1)"), {typed("p", "*i32")});
  ASSERT_EQ(bad.json.size(), 1u);
  EXPECT_TRUE(has(bad.json[0], "\"exception\":\"RuntimeError\"")) << bad.json[0];
}

TEST(HostInterface, FunctionsDefaultsAndNestedCalls) {
  FakeHost host;
  V inner = host.addFunction(
      {.name = "inner",
       .file = "other.py",
       .text = "@triton.jit\ndef inner(x, scale=3, *, shift, bias=2):\n    return x * scale + shift + bias\n",
       .firstLine = 41,
       .defaults = {V::integerOf(30)},
       .kwDefaults = {[] {
                        V v;
                        v.flags = TSC_FLAG_ABSENT;
                        return v;
                      }(),
                      V::integerOf(20)}});
  V apply = host.addFunction({.name = "apply",
                              .text = "def apply(f, x, g=None):\n    return f(x, shift=1)\n",
                              .defaults = {V::tuple({inner, V::integerOf(1)})}});
  host.globals["inner"] = inner;
  host.globals["apply"] = apply;
  std::string r = stored(host, "inner(tl.load(p), shift=1)");
  EXPECT_TRUE(has(r, "constant 30 : i32")) << r;
  EXPECT_TRUE(has(r, "constant 21 : i32")) << r; // shift and bias
  r = stored(host, "apply(inner, tl.load(p))");
  EXPECT_TRUE(has(r, "constant 30 : i32")) << r;
  r = stored(host, "apply(F, tl.load(p))", "*i32", {constant("F", inner)});
  EXPECT_TRUE(has(r, "constant 30 : i32")) << r;
  r = stored(host, "inner(tl.load(p))");
  EXPECT_TRUE(has(r, "missing required argument 'shift'")) << r;
  EXPECT_TRUE(has(r, "fake.py:3:17")) << r;
  // An error inside is placed in the inner function's file.
  V broken = host.addFunction(
      {.name = "broken", .file = "other.py", .text = "def broken(x):\n    return x + missing\n", .firstLine = 71});
  host.globals["broken"] = broken;
  Outcome bad = host.compile(storing(host, "broken(1)"), {typed("p", "*i32")});
  ASSERT_EQ(bad.json.size(), 1u);
  EXPECT_TRUE(has(bad.text[0], "other.py:72:16: error[E0202]: `missing` is not defined")) << bad.text[0];
  EXPECT_TRUE(has(bad.text[0], "fake.py:3:17: note: in the call of broken here")) << bad.text[0];
}

TEST(HostInterface, NoinlineTakesScalars) {
  FakeHost host;
  host.globals["f"] = host.addFunction({.name = "f", .text = "def f(x):\n    return x\n", .flags = 1});
  EXPECT_TRUE(has(stored(host, "f(tl.load(p))"), "tile.load"));
  EXPECT_TRUE(has(stored(host, "f(tl.arange(0, 4))"),
                  "Function f is marked noinline, but was called with non-scalar argument"));
}

TEST(HostInterface, ParsedOnceUnderOneKey) {
  FakeHost host;
  FakeHost::Function f{.name = "k", .text = "def k(p):\n    tl.store(p, 1)\n", .key = "key-of-one"};
  V kernel = host.addFunction(f);
  EXPECT_EQ(host.compile(kernel, {typed("p", "*i32")}).status, 0);
  f.text = "def k(p):\n    tl.store(p, 2)\n"; // a key that lies is found out
  Outcome r = host.compile(host.addFunction(f), {typed("p", "*i32")});
  EXPECT_TRUE(has(r.tile(), "constant 2 : i32")) << r.tile();
}

TEST(HostInterface, PlacesAreTheFiles) {
  FakeHost host;
  V kernel = host.addFunction({.name = "k",
                               .text = "@triton.jit\ndef k(p):\n    x = 1\n\n    tl.store(p, nope)\n",
                               .firstLine = 100,
                               .columnOffset = 8});
  Outcome r = host.compile(kernel, {typed("p", "*i32")});
  ASSERT_EQ(r.json.size(), 1u) << r.messages();
  EXPECT_TRUE(has(r.text[0], "fake.py:104:25:")) << r.text[0];
  EXPECT_TRUE(has(r.text[0], " 104 |             tl.store(p, nope)\n")) << r.text[0];
  const std::string &json = r.json[0];
  const char *context =
      "\"context\":\"        @triton.jit\\n        def k(p):\\n            x = 1\\n\\n            tl.store(p, "
      "nope)\"";
  for (const char *part : {"\"id\":\"E0202\"", "\"exception\":\"NameError\"",
                           "\"line\":104,\"column\":25,\"end_line\":104,\"end_column\":29", "\"function\":\"k\"",
                           "\"first_line\":100", context})
    EXPECT_TRUE(has(json, part)) << part << "\n" << json;
}

TEST(HostInterface, SyntaxErrorsWhenOpening) {
  FakeHost host;
  V kernel = host.addFunction({.name = "k", .text = "def k(p):\n    x = = 1\n", .firstLine = 7});
  Outcome r = host.compile(kernel, {typed("p", "*i32")});
  EXPECT_EQ(r.status, TSC_USER_ERROR);
  ASSERT_FALSE(r.json.empty());
  EXPECT_TRUE(has(r.json[0], "\"line\":8")) << r.json[0];
  EXPECT_TRUE(has(r.json[0], "\"exception\":\"SyntaxError\"")) << r.json[0];
  V none = host.addFunction({.name = "k", .text = "x = lambda p: p\n"});
  EXPECT_EQ(host.compile(none, {}).status, TSC_USER_ERROR);
  // And in a function that is only called.
  host.globals["bad"] = kernel;
  Outcome called = host.compile(storing(host, "bad(1)"), {typed("p", "*i32")});
  EXPECT_EQ(called.status, TSC_USER_ERROR);
  EXPECT_TRUE(has(called.messages(), "fake.py:8:9")) << called.messages();
}

TEST(HostInterface, ConstexprFunctionsAndExceptions) {
  FakeHost host;
  auto function = [&](std::function<V(const std::vector<V> &, const FakeHost::Keywords &)> f) {
    return host.addObject({.type = "f", .what = TSC_OBJECT_CONSTEXPR_FUNCTION, .call = std::move(f)});
  };
  host.globals["twice"] = function([](auto &args, auto &kw) {
    return V::integerOf(args.at(0).integer * 2 + (kw.contains("plus") ? kw.at("plus").integer : 0));
  });
  host.globals["fails"] = function([](auto &, auto &) -> V { throw PyError{"ValueError", "no such thing"}; });
  host.globals["silent"] = function([](auto &, auto &) -> V { throw PyError{"StopIteration", ""}; });
  host.globals["sees"] = function(
      [](auto &args, auto &) { return V::boolean(args.at(0).kind == TSC_HOST_RUNTIME && args.at(0).text == "fp32"); });
  EXPECT_TRUE(has(stored(host, "twice(4, plus=1)"), "constant 9 : i32"));
  EXPECT_TRUE(has(stored(host, "1 if sees(tl.load(p)) else 2", "*fp32"), "1.000000e+00 : f32"));
  Outcome r = host.compile(storing(host, "1 + fails(1)"), {typed("p", "*i32")});
  ASSERT_EQ(r.json.size(), 1u);
  EXPECT_TRUE(has(r.text[0], "fake.py:3:21: error[E0223]: ValueError: no such thing")) << r.text[0];
  EXPECT_TRUE(has(r.json[0], "\"exception\":\"ValueError\"")) << r.json[0];
  EXPECT_TRUE(has(stored(host, "silent()"), "error[E0223]: StopIteration\n"));
  // A function that the host says is one to call.
  V flagged = host.addFunction({.name = "odd", .text = "", .flags = 2});
  host.globals["odd"] = flagged;
  EXPECT_TRUE(has(stored(host, "odd(1)"), "cannot be called"));
}

TEST(HostInterface, CallChainInJson) {
  FakeHost host;
  host.globals["deep"] = host.addFunction(
      {.name = "deep", .file = "d.py", .text = "def deep(x):\n    return fails(x)\n", .firstLine = 10});
  host.globals["mid"] =
      host.addFunction({.name = "mid", .file = "m.py", .text = "def mid(x):\n    return deep(x)\n", .firstLine = 20});
  host.globals["fails"] =
      host.addObject({.type = "fails", .what = TSC_OBJECT_CONSTEXPR_FUNCTION, .call = [](auto &, auto &) -> V {
                        throw PyError{"KeyError", "'k'"};
                      }});
  Outcome r = host.compile(storing(host, "mid(1)"), {typed("p", "*i32")});
  ASSERT_EQ(r.json.size(), 1u);
  const std::string &j = r.json[0];
  size_t first = j.find("\"notes\":[{\"kind\":\"call\",\"message\":\"in the call of deep "
                        "here\",\"file\":\"m.py\",\"line\":21,\"column\":12");
  size_t second = j.find(
      "{\"kind\":\"call\",\"message\":\"in the call of mid here\",\"file\":\"fake.py\",\"line\":3,\"column\":17");
  EXPECT_NE(first, std::string::npos) << j;
  EXPECT_NE(second, std::string::npos) << j;
  EXPECT_LT(first, second);
  EXPECT_TRUE(has(j, "\"exception\":\"KeyError\"")) << j;
  EXPECT_TRUE(has(j, "\"function\":\"mid\"")) << j;
}

TEST(HostInterface, SeveralErrorsInOneRun) {
  FakeHost host;
  host.globals["fails"] =
      host.addObject({.type = "fails", .what = TSC_OBJECT_CONSTEXPR_FUNCTION, .call = [](auto &, auto &) -> V {
                        throw PyError{"ValueError", "no"};
                      }});
  V kernel =
      host.addFunction({.name = "k", .text = "def k(p):\n    a = fails()\n    b = unknown\n    tl.store(p, a + b)\n"});
  Outcome r = host.compile(kernel, {typed("p", "*i32")});
  EXPECT_EQ(r.json.size(), 2u) << r.messages();
}

TEST(HostInterface, InterruptsEndTheCompile) {
  FakeHost host;
  host.globals["stop"] =
      host.addObject({.type = "stop", .what = TSC_OBJECT_CONSTEXPR_FUNCTION, .call = [](auto &, auto &) -> V {
                        throw PyError{"KeyboardInterrupt", ""};
                      }});
  V kernel = host.addFunction({.name = "k", .text = "def k(p):\n    a = stop()\n    b = unknown\n"});
  Outcome r = host.compile(kernel, {typed("p", "*i32")});
  EXPECT_EQ(r.status, TSC_USER_ERROR);
  ASSERT_EQ(r.json.size(), 1u) << r.messages();
  EXPECT_TRUE(has(r.json[0], "\"id\":\"E0224\"")) << r.json[0];
  EXPECT_TRUE(has(r.json[0], "\"exception\":\"KeyboardInterrupt\"")) << r.json[0];
  EXPECT_EQ(host.emitter, nullptr);
  // In a compile that asks the host nothing: between statements.
  int polls = 0;
  host.onPoll = [&]() -> int32_t {
    if (++polls == 2)
      throw PyError{"KeyboardInterrupt", ""};
    return 0;
  };
  V loop = host.addFunction({.name = "k",
                             .text = "def k(p):\n    for i in tl.static_range(60000):\n        for j in "
                                     "tl.static_range(60000):\n            tl.store(p + j, i)\n"});
  Outcome stopped = host.compile(loop, {typed("p", "*i32")});
  EXPECT_EQ(stopped.status, TSC_USER_ERROR);
  EXPECT_TRUE(has(stopped.messages(), "E0224")) << stopped.messages();
  EXPECT_EQ(polls, 2);
}

TEST(HostInterface, NamedTuplesKeepClassAndFields) {
  FakeHost host;
  V cls = host.addObject({.type = "Point",
                          .what = TSC_OBJECT_NAMED_TUPLE_CLASS,
                          .attributes = {{"norm", V{}}, {"dims", V::integerOf(2)}}});
  auto point = [&](V x, V y) {
    V v = V::tuple({std::move(x), std::move(y)});
    v.names = {"x", "y"};
    v.handle = cls.handle;
    v.text = "Point";
    return v;
  };
  V norm = host.addFunction({.name = "norm", .text = "def norm(self, k):\n    return self.x * self.x + self.y * k\n"});
  V shift = norm;
  shift.flags = TSC_FLAG_BOUND;
  V full = host.addObject({.type = "Point",
                           .what = TSC_OBJECT_NAMED_TUPLE_CLASS,
                           .attributes = {{"norm", norm}, {"dims", V::integerOf(2)}, {"free", shift}},
                           .call =
                               [&](const std::vector<V> &args, const FakeHost::Keywords &kw) {
                                 return point(args.at(0), args.size() > 1 ? args.at(1) : kw.at("y"));
                               },
                           .operations = {{"isinstance", [&](const std::vector<V> &v) {
                                             return V::boolean(v.at(0).handle == cls.handle);
                                           }}}});
  cls = full;
  host.globals["Point"] = full;
  auto value = [&](const std::string &e) {
    return stored(host, e, "*i32", {constant("C", point(V::integerOf(3), V::integerOf(4)))});
  };
  EXPECT_TRUE(has(value("C.x + C.y"), "constant 7 : i32"));
  EXPECT_TRUE(has(value("C.dims"), "constant 2 : i32"));
  EXPECT_TRUE(has(value("Point(tl.load(p), y=5).y"), "constant 5 : i32"));
  EXPECT_TRUE(has(value("Point(tl.load(p), 5).x"), "tile.load"));
  EXPECT_TRUE(has(value("Point(tl.load(p), 5).norm(2)"), "arith.muli"));
  EXPECT_TRUE(has(value("C.free(C, 2)"), "constant 17 : i32")) << value("C.free(C, 2)");
  EXPECT_TRUE(has(value("1 if isinstance(Point(tl.load(p), 5), Point) else 2"), "constant 1 : i32"));
  EXPECT_TRUE(has(value("C.z"), "has no attribute `z`"));
}

TEST(HostInterface, TuplesAsParameters) {
  FakeHost host;
  V cls = host.addObject({.type = "Args", .what = TSC_OBJECT_NAMED_TUPLE_CLASS});
  V kernel = host.addFunction(
      {.name = "k", .text = "def k(t, n):\n    tl.store(t.out, t.scale * n + t.rest[1] + t.rest[0])\n"});
  V names = V::tuple({V::none(), V::integerOf(6), V::tuple({V::integerOf(9), V::none()})});
  names.names = {"out", "scale", "rest"};
  names.handle = cls.handle;
  names.text = "Args";
  Binding t{"t", "(*i32:16, constexpr, (constexpr, i32:16))", names, true, 0};
  Outcome r = host.compile(kernel, {t, typed("n", "i32")});
  ASSERT_EQ(r.status, 0) << r.messages();
  EXPECT_TRUE(has(r.tile(), "tile.name = \"t.0\"")) << r.tile();
  EXPECT_TRUE(has(r.tile(), "tile.name = \"t.2.1\"")) << r.tile();
  EXPECT_TRUE(has(r.tile(), "tile.name = \"n\"")) << r.tile();
  EXPECT_TRUE(has(r.tile(), "constant 6 : i32")) << r.tile();
  EXPECT_TRUE(has(r.tile(), "constant 9 : i32")) << r.tile();
  size_t divisible = 0;
  for (size_t at = 0; (at = r.tile().find("tile.divisibility", at)) != std::string::npos; ++at)
    ++divisible;
  EXPECT_EQ(divisible, 2u) << r.tile();
  for (const char *bad : {"(i32", "(i32,)x", "(i33)", "(constexpr)", "()()"}) {
    Outcome wrong = host.compile(kernel, {typed("t", bad), typed("n", "i32")});
    EXPECT_EQ(wrong.status, TSC_USER_ERROR) << bad;
    EXPECT_TRUE(has(wrong.messages(), "E0221")) << wrong.messages();
  }
}

TEST(HostInterface, ParamsOfAFunction) {
  FakeHost host;
  V kernel = host.addFunction(
      {.name = "k",
       .text = "def k(x, n: 'i64', B: tl.constexpr = 4, *, É: tl.core.constexpr[int], w=1):\n    pass\n",
       .columnOffset = 4});
  tsc_host callbacks = host.callbacks();
  tsc_source *source = tsc_source_open_function(&callbacks, kernel.handle, nullptr);
  ASSERT_TRUE(source);
  std::string seen;
  tsc_source_params(source, {}, nullptr, &seen, [](void *user, const tsc_param *p) {
    auto &s = *static_cast<std::string *>(user);
    s += std::string(p->name.p, p->name.n) + ":" + std::string(p->annotation.p, p->annotation.n) +
         (p->is_constexpr ? "!" : "") + (p->has_default ? "=" : "") + ";";
  });
  EXPECT_EQ(seen, "x:;n:'i64';B:tl.constexpr!=;É:tl.core.constexpr[int]!;w:=;");
  std::string kernels;
  tsc_source_kernels(source, &kernels, [](void *user, tsc_str name, uint32_t line) {
    *static_cast<std::string *>(user) += std::string(name.p, name.n) + "@" + std::to_string(line);
  });
  EXPECT_EQ(kernels, "k@1");
  tsc_source_close(source);
}

TEST(HostInterface, AnotherNameForTheKernel) {
  FakeHost host;
  V kernel = storing(host, "1");
  tsc_host callbacks = host.callbacks();
  tsc_source *source = tsc_source_open_function(&callbacks, kernel.handle, nullptr);
  ASSERT_TRUE(source);
  std::string tile;
  tsc_sink sink{};
  sink.size = sizeof sink;
  sink.user = &tile;
  sink.emit = [](void *user, tsc_str, tsc_str name, const void *bytes, uint64_t n) {
    *static_cast<std::string *>(user) =
        std::string(name.p, name.n) + "|" + std::string(static_cast<const char *>(bytes), n);
  };
  tsc_binding p{};
  p.name = {"p", 1};
  p.type = {"*i32", 4};
  tsc_request request{};
  request.size = sizeof request;
  request.num_bindings = 1;
  request.bindings = &p;
  request.emits = {"tile", 4};
  request.kernel = {"k_0d1d", 6};
  EXPECT_EQ(tsc_compile(source, &request, &sink), 0);
  EXPECT_TRUE(tile.starts_with("k_0d1d|") && has(tile, "func.func @k_0d1d")) << tile;
  tsc_source_close(source);
}

TEST(HostInterface, WhichPointersAreWritten) {
  FakeHost host;
  V kernel = host.addFunction({.name = "k", .text = R"(def k(a, b, c, d, n):
    acc = tl.zeros((16,), tl.float32)
    pa = a + tl.arange(0, 16)
    pd = d + tl.arange(0, 16)
    for i in range(n):
        acc += tl.load(pa)
        tl.store(pd, acc)
        pa += 16
        pd += 16
    tl.store(c + tl.arange(0, 16), acc + tl.load(b))
)"});
  Outcome r = host.compile(
      kernel, {typed("a", "*fp32"), typed("b", "*fp32"), typed("c", "*fp32"), typed("d", "*fp32"), typed("n", "i32")});
  ASSERT_EQ(r.status, 0) << r.messages();
  EXPECT_EQ(r.argFlags, (std::map<std::string, uint32_t>{{"a", 1}, {"b", 1}, {"c", 0}, {"d", 0}, {"n", 0}}));
}

} // namespace
} // namespace tessera::test
