// evaluator_test.cpp - what CPython cannot be asked: laziness, limits, places of errors, foreign and missing things
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/Evaluator.h"
#include "frontends/python/syntax/Parser.h"

#include <gtest/gtest.h>

using namespace tessera;
using namespace tessera::py;

namespace {
struct Wrapped : ForeignObject {
  explicit Wrapped(HostValue v) : value(std::move(v)) {}
  std::string typeName() const override { return "constexpr"; }
  std::string repr() const override { return "constexpr[" + py::repr(value) + "]"; }
  std::optional<HostValue> unwrap() const override { return value; }
  HostValue value;
};
struct Wrapper : ForeignObject {
  std::string typeName() const override { return "type"; }
  std::string repr() const override { return "constexpr"; }
  bool isCallable() const override { return true; }
  std::optional<HostValue> call(Evaluator &, std::vector<HostValue> &args, HostKeywords &) override {
    return HostValue::foreign(std::make_shared<Wrapped>(args.at(0)));
  }
};
struct Host : EvalHost {
  std::optional<HostValue> resolve(std::string_view path) override {
    asked.emplace_back(path);
    if (path == "triton.language.constexpr")
      return HostValue::foreign(std::make_shared<Wrapper>());
    return std::nullopt;
  }
  std::vector<std::string> asked;
};

struct Fixture {
  explicit Fixture(std::string text) : file(std::make_shared<SourceFile>()), evaluator(host) {
    file->name = "m.py";
    file->text = std::move(text);
    tree = parseModule(file, arena, diags);
    EXPECT_FALSE(diags.hasErrors());
    module = std::make_unique<ModuleScope>("m", tree, file, evaluator);
  }
  std::string of(std::string_view name) {
    auto v = module->lookup(name);
    if (v)
      return repr(*v);
    EvalError e = evaluator.takeError();
    return e.type + " at " + std::to_string(e.place.line) + ": " + e.message;
  }
  std::shared_ptr<SourceFile> file;
  Arena arena;
  DiagnosticList diags;
  Host host;
  Evaluator evaluator;
  Module *tree;
  std::unique_ptr<ModuleScope> module;
};

TEST(Evaluator, OnlyWhatIsAskedForRuns) {
  Fixture f("import torch\nA = torch.zeros(3)\nB = 2 * 21\nC = A + 1\n");
  EXPECT_EQ(f.of("B"), "42");
  EXPECT_TRUE(f.host.asked.empty());
  EXPECT_EQ(f.of("torch"), "<torch>");
  EXPECT_EQ(f.of("C"),
            "Unsupported at 2: 'torch.zeros' is not available when compiling without Python, so it cannot be called");
  EXPECT_FALSE(f.module->lookup("missing"));
  EXPECT_FALSE(f.evaluator.hasError()); // no such name is no error
}

TEST(Evaluator, ErrorsHaveAPlaceAndAWay) {
  Fixture f("def inner(x):\n    return x / 0\n\ndef outer(x):\n    return inner(x) + 1\n\nV = outer(3)\n");
  EXPECT_FALSE(f.module->lookup("V"));
  EvalError e = f.evaluator.takeError();
  EXPECT_EQ(e.type, "ZeroDivisionError");
  EXPECT_EQ(e.place.line, 2u);
  EXPECT_EQ(e.place.column, 12u);
  ASSERT_EQ(e.trace.size(), 2u);
  EXPECT_EQ(e.trace[0].place.line, 5u);
  EXPECT_EQ(e.trace[1].place.line, 7u);
}

TEST(Evaluator, RunawaysEnd) {
  Fixture f("def forever():\n    while True:\n        pass\n\ndef deep(n):\n    return deep(n + 1)\n\nA = forever()\nB "
            "= deep(0)\nC = [0] * 10**9\nD = 10 ** 10 ** 10\nE = E1\nE1 = E\n"
            "F = sum(range(10**12))\n");
  f.evaluator.stepLimit = 100000;
  EXPECT_NE(f.of("A").find("too many steps"), std::string::npos) << f.of("A");
  EXPECT_NE(f.of("B").find("recursion depth"), std::string::npos);
  EXPECT_NE(f.of("C").find("too large"), std::string::npos);
  EXPECT_NE(f.of("D").find("too large"), std::string::npos);
  EXPECT_NE(f.of("E").find("in terms of itself"), std::string::npos) << f.of("E");
  EXPECT_NE(f.of("F").find("too many elements"), std::string::npos);
}

TEST(Evaluator, WrappedValuesAreTransparent) {
  Fixture f("import triton.language as tl\nfrom triton.language import constexpr as C\nN = tl.constexpr(4)\nM: "
            "tl.constexpr = 3\n"
            "R = [N * 2, N + N, -N, N == 4, N > 3, [10, 11, 12, 13, 14][N], f'{N:03}', int(N), 1 if N else 0, 'x' * N, "
            "isinstance(N, int), max(N, 2)]\nK = C(N)\n");
  EXPECT_EQ(f.of("N"), "constexpr[4]");
  EXPECT_EQ(f.of("R"), "[8, 8, -4, True, True, 14, '004', 4, 1, 'xxxx', True, 4]");
  ASSERT_TRUE(f.module->annotation("M"));
  EXPECT_FALSE(f.module->annotation("N"));
}

TEST(Evaluator, FunctionsTellWhatTheyAre) {
  Fixture f(
      "import functools\nimport triton\nfrom triton import jit as J\nimport tessera as "
      "t\n@triton.autotune(configs=[undefined()], key=['n'])\n@triton.jit\ndef a(x, B=functools.unknown()): pass\n"
      "@J\ndef b(): pass\n@t.constexpr_function\ndef c(): return 1\n@functools.cache\ndef d(): return a()\nE = d()\n");
  auto *a = f.module->lookup("a")->get<FunctionObject>();
  EXPECT_TRUE(a->isJit);
  EXPECT_EQ(a->decorators, (std::vector<std::string>{"triton.autotune", "triton.jit"}));
  EXPECT_TRUE(f.module->lookup("b")->get<FunctionObject>()->isJit);
  EXPECT_TRUE(f.module->lookup("c")->get<FunctionObject>()->isConstexpr);
  EXPECT_NE(f.of("E").find("'a' is a kernel function"), std::string::npos);
}

TEST(Evaluator, UnknownConditionsDecideOnlyWhatTheyMay) {
  Fixture f("import torch\nfrom odd import check\nif check():\n    from triton import cdiv as f\nelse:\n    from old "
            "import f\nif torch.cuda.is_available():\n    N = 1\nelse:\n    N = 2\n"
            "if check():\n    ONLY = 3\ntry:\n    from nowhere import g\nexcept ImportError:\n    from triton import "
            "cdiv as g\n");
  EXPECT_EQ(f.of("f"), "<built-in function cdiv>");
  EXPECT_EQ(f.of("g"), "<built-in function cdiv>");
  EXPECT_EQ(f.of("ONLY"), "3");
  EXPECT_NE(f.of("N").find("torch.cuda.is_available"), std::string::npos); // never a guess at a number
}

TEST(Evaluator, GivenNamesReplaceTheSource) {
  Fixture f("N = 1\nM = N + 1\n");
  f.module->set("N", HostValue::integer(int64_t(10)));
  f.module->set("EXTRA", HostValue::string("x"));
  EXPECT_EQ(f.of("M"), "11");
  EXPECT_EQ(f.of("EXTRA"), "'x'");
}

// An object that answers for itself and remembers what it was asked.
struct Answering : LiveObject {
  std::vector<std::string> asked;
  std::string typeName() const override { return "Answering"; }
  std::string repr() const override { return "<answering>"; }
  std::optional<HostValue> apply(Evaluator &e, LiveOp op, std::vector<HostValue> operands) override {
    std::string what = std::to_string(static_cast<int>(op));
    for (const HostValue &o : operands)
      what += " " + (liveObject(o) ? "it" : py::repr(o));
    asked.push_back(what);
    switch (op) {
    case LiveOp::Binary:
      if (operands[0].str() == "@")
        return e.raise("ValueError", "no @");
      return HostValue::integer(int64_t(7));
    case LiveOp::Compare:
    case LiveOp::Truth:
    case LiveOp::IsInstance:
      return HostValue::boolean(false);
    case LiveOp::Iterate:
      return HostValue::list({HostValue::integer(int64_t(3)), HostValue::integer(int64_t(4))});
    case LiveOp::Unary:
    case LiveOp::Hash:
    case LiveOp::Length:
      return HostValue::integer(int64_t(9));
    default:
      return HostValue::string("text");
    }
  }
};

TEST(Evaluator, LiveObjectsAnswerForThemselves) {
  Fixture f(R"(
sums = (it + 1, 2 - it, it * it, -it, ~it)
tests = (it == 1, 1 != it, it < 2, 2 >= it, 5 in it, 5 not in it, not it, bool(it), it is it, it is None)
text = (f"{it}", f"{it!r}", f"{it:>4}", str(it), repr(it), "%s" % (it,), "{}".format(it))
items = (list(it), len(it), [x for x in it], sum(it), max(it))
kinds = (isinstance(it, int), isinstance(3, it), isinstance(it, (int, str)))
key = {it: 1}[it]
wrong = it @ 2
)");
  auto object = std::make_shared<Answering>();
  f.module->set("it", HostValue::foreign(object));
  EXPECT_EQ(f.of("sums"), "(7, 7, 7, 9, 9)");
  EXPECT_EQ(object->asked,
            (std::vector<std::string>{"0 '+' it 1", "0 '-' 2 it", "0 '*' it it", "2 '-' it", "2 '~' it"}));
  EXPECT_EQ(f.of("tests"), "(False, True, False, False, False, False, True, False, True, False)");
  EXPECT_EQ(f.of("text"), "('text', 'text', 'text', 'text', 'text', 'text', 'text')");
  EXPECT_EQ(f.of("items"), "([3, 4], 9, [3, 4], 7, 4)");
  EXPECT_EQ(f.of("kinds"), "(False, False, False)");
  EXPECT_EQ(f.of("key"), "1");
  EXPECT_EQ(f.of("wrong"), "ValueError at 8: no @");
}
} // namespace
