// RandomKernelTest.cpp - random kernels of whole-tile, shape, memory and control-flow ops against the interpreter, bit for bit
//
// SPDX-License-Identifier: Apache-2.0
//
// Integers and exactly rounded float arithmetic only, so that every bit must agree. Loads and stores share buffers, so that
// the order of memory accesses is tested too.
#include "backends/cpu/image/Processor.h"
#include "core/bytecode/Builder.h"
#include "tests/unit/cpu/codegen/Oracle.h"
#include "tests/unit/cpu/codegen/Shrink.h"

#include <random>

using namespace tessera::tbc;
using namespace tessera::cpu;

namespace {

constexpr int64_t kWords = 1 << 14;

class Generator {
public:
  Generator(Module &m, unsigned seed) : b(m), m(m), g(seed) {}

  void kernel(int steps) {
    b.beginKernel("k");
    for (int i = 0; i < 2; ++i)
      buffers.push_back(b.param("b" + std::to_string(i), Builder::ptr(Elem::I32), 16));
    floats = b.param("f", Builder::ptr(Elem::F32), 16);
    Pool p;
    p.push_back(b.op(Opcode::AddI, {b.programId(0), b.i32(3)}));
    body(p, steps, 0);
    for (int i = 0; i < 3; ++i)
      store(p);
    b.endKernel();
  }

private:
  using Pool = std::vector<ValueId>;
  int pick(int n) { return int(g() % unsigned(n)); }
  const Type &type(ValueId v) { return m.typeOf(v); }
  bool isTensor(ValueId v) { return type(v).isTensor(); }
  bool isI32(ValueId v) { return type(v).elem == Elem::I32; }

  std::vector<int64_t> shape() {
    std::vector<int64_t> s;
    int64_t n = 1;
    int rank = 1 + pick(3);
    for (int i = 0; i < rank; ++i) {
      int64_t d = int64_t(1) << pick(i == rank - 1 ? 7 : 4);
      while (n * d > 1024)
        d /= 2;
      n *= d;
      s.push_back(d);
    }
    return s;
  }
  ValueId konst(const std::vector<int64_t> &s, int64_t v) { return b.constInt(Builder::tensor(s, Elem::I32), v); }
  // Row-major index times k plus c.
  ValueId index(const std::vector<int64_t> &s, int64_t k, int64_t c) {
    ValueId sum = konst(s, c);
    int64_t stride = k;
    for (size_t d = s.size(); d-- > 0;) {
      ValueId a = b.arange(0, s[d]);
      for (size_t e = 0; e < s.size(); ++e)
        if (e != d)
          a = b.expandDims(a, int64_t(e));
      std::vector<int64_t> one(s.size(), 1);
      one[d] = s[d];
      a = b.op(Opcode::MulI, {a, b.constInt(Builder::tensor(one, Elem::I32), stride)});
      sum = b.op(Opcode::AddI, {sum, b.broadcast(a, s)});
      stride *= s[d];
    }
    return sum;
  }
  ValueId maskOf(const std::vector<int64_t> &s) {
    int64_t n = 1;
    for (int64_t d : s)
      n *= d;
    switch (pick(3)) {
    case 0:
      return b.cmpi(CmpI::Slt, index(s, 1, 0), konst(s, pick(int(n) + 8)));
    case 1: {
      ValueId a = b.arange(0, s.back());
      for (size_t e = 0; e + 1 < s.size(); ++e)
        a = b.expandDims(a, 0);
      std::vector<int64_t> one(s.size(), 1);
      one.back() = s.back();
      return b.broadcast(b.cmpi(pick(2) ? CmpI::Slt : CmpI::Sge, a,
                                b.constInt(Builder::tensor(one, Elem::I32), pick(int(s.back()) + 2))),
                         s);
    }
    default:
      return b.cmpi(CmpI::Ne, b.op(Opcode::AndI, {index(s, 1, 0), konst(s, 1 + pick(3))}), konst(s, 0));
    }
  }
  ValueId load(const std::vector<int64_t> &s) {
    bool f = pick(4) == 0;
    ValueId base = f ? floats : buffers[size_t(pick(2))];
    ValueId i = index(s, 1 + pick(3), pick(2000));
    if (pick(4) == 0)
      i = b.op(Opcode::RemSI, {i, konst(s, 64 + pick(100))});
    ValueId p = b.op(Opcode::AddPtr, {b.splat(base, s), i});
    Type t = Builder::tensor(s, f ? Elem::F32 : Elem::I32);
    if (pick(2))
      return b.load(p);
    ValueId other = f ? b.constFloat(t, 2) : b.constInt(t, pick(100) - 50);
    return b.load(p, maskOf(s), other);
  }
  ValueId tensor(Pool &p) {
    for (int i = 0; i < 6; ++i) {
      ValueId v = p[size_t(pick(int(p.size())))];
      if (isTensor(v))
        return v;
    }
    ValueId v = load(shape());
    p.push_back(v);
    return v;
  }
  ValueId i32Tensor(Pool &p) {
    for (int i = 0; i < 8; ++i) {
      ValueId v = tensor(p);
      if (isI32(v))
        return v;
    }
    std::vector<int64_t> s = shape();
    ValueId v = b.op(Opcode::XorI, {index(s, 3, 1), konst(s, pick(1000))});
    p.push_back(v);
    return v;
  }
  ValueId same(Pool &p, ValueId like) { // another tensor of the type
    for (int i = 0; i < 12; ++i) {
      ValueId v = p[size_t(pick(int(p.size())))];
      if (m.valueTypes[v] == m.valueTypes[like] && v != like)
        return v;
    }
    const Type t = type(like);
    if (t.elem == Elem::F32)
      return b.constFloat(t, 1.5);
    return b.op(Opcode::AddI, {index(t.shape, 1, pick(10)), konst(t.shape, pick(10))});
  }
  void store(Pool &p) {
    ValueId v = tensor(p);
    const Type t = type(v);
    ValueId base = t.elem == Elem::F32 ? floats : buffers[size_t(pick(2))];
    ValueId at = b.op(Opcode::AddPtr, {b.splat(base, t.shape), index(t.shape, 1 + pick(2), pick(3000))});
    b.store(at, v, pick(2) ? maskOf(t.shape) : kNone);
  }
  ValueId scalarI32(Pool &p) {
    for (int i = 0; i < 8; ++i) {
      ValueId v = p[size_t(pick(int(p.size())))];
      if (!isTensor(v) && isI32(v))
        return v;
    }
    return b.i32(pick(20));
  }
  ValueId elementwise(Pool &p) {
    ValueId x = tensor(p);
    ValueId y = same(p, x);
    if (type(x).elem == Elem::F32) {
      static const Opcode ops[] = {Opcode::AddF, Opcode::SubF,    Opcode::MulF,
                                   Opcode::DivF, Opcode::MinNumF, Opcode::MaximumF};
      return b.op(ops[pick(6)], {x, y});
    }
    static const Opcode ops[] = {Opcode::AddI, Opcode::SubI,  Opcode::MulI,  Opcode::XorI,    Opcode::AndI,
                                 Opcode::OrI,  Opcode::MinSI, Opcode::MaxUI, Opcode::MulHiUI, Opcode::ShrSI};
    int k = pick(13);
    if (k < 10)
      return b.op(ops[k], {x, y});
    const std::vector<int64_t> s = type(x).shape;
    if (k == 10)
      return b.op(Opcode::Select, {b.cmpi(CmpI(pick(10)), x, y), x, y});
    if (k == 11)
      return b.op(Opcode::DivSI, {x, b.op(Opcode::OrI, {b.op(Opcode::AndI, {y, konst(s, 127)}), konst(s, 1)})});
    return b.convert(Opcode::SIToFP, b.op(Opcode::AndI, {x, konst(s, 0xffff)}), Elem::F32);
  }
  ValueId reshaped(Pool &p) {
    ValueId x = tensor(p);
    std::vector<int64_t> s = type(x).shape;
    switch (pick(6)) {
    case 0:
      return s.size() < 4 ? b.expandDims(x, pick(int(s.size()) + 1)) : x;
    case 1: {
      bool any = false;
      int64_t n = type(x).numElements();
      for (int64_t &d : s)
        if (d == 1 && n < 512) {
          d = int64_t(1) << (1 + pick(2));
          n *= d;
          any = true;
        }
      return any ? b.broadcast(x, s) : x;
    }
    case 2: {
      std::vector<int64_t> order;
      for (size_t i = 0; i < s.size(); ++i)
        order.push_back(int64_t(i));
      std::shuffle(order.begin(), order.end(), g);
      return b.transpose(x, order);
    }
    case 3: {
      int64_t n = type(x).numElements();
      std::vector<int64_t> t;
      while (n > 1 && t.size() < 3) {
        int64_t d = t.size() == 2 ? n : std::min<int64_t>(n, int64_t(1) << pick(6));
        t.push_back(d);
        n /= d;
      }
      if (n > 1)
        t.back() *= n;
      if (t.empty())
        t.push_back(1);
      return b.reshape(x, t);
    }
    case 4:
      return type(x).numElements() <= 512 && s.size() < 4 ? b.op(Opcode::Join, {x, same(p, x)}) : x;
    default:
      return s.size() == 1 && s[0] <= 512 ? b.op(Opcode::Cat, {x, same(p, x)}) : x;
    }
  }
  void whole(Pool &p) {
    ValueId x = i32Tensor(p);
    std::vector<int64_t> s = type(x).shape;
    int64_t axis = pick(int(s.size()));
    switch (pick(8)) {
    case 0:
    case 1: {
      static const Opcode ops[] = {Opcode::AddI, Opcode::MaxSI, Opcode::MinUI, Opcode::XorI, Opcode::MulI};
      p.push_back(b.reduce(x, axis, ops[pick(5)]));
      return;
    }
    case 2: { // the largest and where
      ValueId i = b.broadcast(
          [&] {
            ValueId a = b.arange(0, s[size_t(axis)]);
            for (size_t e = 0; e < s.size(); ++e)
              if (int64_t(e) != axis)
                a = b.expandDims(a, int64_t(e));
            return a;
          }(),
          s);
      Values r = b.reduce({x, i}, axis, [&](std::span<const ValueId> a) {
        ValueId more = b.cmpi(CmpI::Sgt, a[0], a[2]), equal = b.cmpi(CmpI::Eq, a[0], a[2]);
        ValueId first = b.op(Opcode::OrI, {more, b.op(Opcode::AndI, {equal, b.cmpi(CmpI::Slt, a[1], a[3])})});
        return Values{b.op(Opcode::Select, {first, a[0], a[2]}), b.op(Opcode::Select, {first, a[1], a[3]})};
      });
      p.insert(p.end(), r.begin(), r.end());
      return;
    }
    case 3: {
      Values r = b.scan(
          {x}, axis, [&](std::span<const ValueId> a) { return Values{b.op(Opcode::AddI, {a[0], a[1]})}; },
          pick(2) != 0);
      p.push_back(r[0]);
      return;
    }
    case 4:
      p.push_back(
          b.op(Opcode::Sort, {x}, type(x), {intAttr(AttrId::Axis, axis), intAttr(AttrId::Descending, pick(2))}));
      return;
    case 5: {
      ValueId i = b.op(Opcode::AndI, {same(p, x), konst(s, s[size_t(axis)] - 1)});
      p.push_back(b.op(Opcode::Gather, {x, i}, type(x), {intAttr(AttrId::Axis, axis)}));
      return;
    }
    case 6: {
      ValueId flat = b.reshape(x, {type(x).numElements()});
      p.push_back(b.op(Opcode::Histogram, {b.op(Opcode::AndI, {flat, konst({type(x).numElements()}, 63)})},
                       Builder::tensor({32}, Elem::I32)));
      return;
    }
    default: {
      Values r = b.mapElementwise({x, same(p, x)}, 1, {Elem::I32}, [&](std::span<const ValueId> a) {
        if (pick(2))
          return Values{b.op(Opcode::AddI, {a[0], a[1]})};
        return b.ifElse(
            b.cmpi(CmpI::Slt, a[0], a[1]), {Builder::scalar(Elem::I32)},
            [&] { return Values{b.op(Opcode::SubI, {a[1], a[0]})}; }, [&] { return Values{b.i32(5)}; });
      });
      p.push_back(r[0]);
    }
    }
  }
  void control(Pool &p, int depth) {
    Values inits;
    for (int i = 0, n = 1 + pick(3); i < n; ++i)
      inits.push_back(pick(3) ? tensor(p) : scalarI32(p));
    auto inner = [&](std::span<const ValueId> args) {
      Pool q = p;
      q.insert(q.end(), args.begin(), args.end());
      q.insert(q.end(), args.begin(), args.end());
      body(q, 2 + pick(5), depth + 1);
      Values out;
      for (ValueId v : inits) {
        ValueId y = v;
        for (int k = 0; k < 30; ++k) {
          ValueId c = q[q.size() - 1 - size_t(pick(int(std::min<size_t>(q.size(), 8 + size_t(k)))))];
          if (m.valueTypes[c] == m.valueTypes[v]) {
            y = c;
            break;
          }
        }
        out.push_back(y);
      }
      return out;
    };
    Values r;
    switch (pick(3)) {
    case 0:
      r = b.forLoop(b.i32(0), b.i32(pick(4)), b.i32(1), inits, [&](ValueId i, std::span<const ValueId> a) {
        std::vector<ValueId> args(a.begin(), a.end());
        args.push_back(i);
        return inner(args);
      });
      break;
    case 1: {
      std::vector<Type> types;
      for (ValueId v : inits)
        types.push_back(type(v));
      ValueId c = b.cmpi(CmpI::Slt, scalarI32(p), scalarI32(p));
      r = b.ifElse(c, types, [&] { return inner({}); }, [&] { return inner({}); });
      break;
    }
    default: {
      Values all{b.i32(0)};
      all.insert(all.end(), inits.begin(), inits.end());
      r = b.whileLoop(
          all,
          [&](std::span<const ValueId> a) {
            Values out{b.cmpi(CmpI::Slt, a[0], b.i32(2))};
            out.insert(out.end(), a.begin(), a.end());
            return out;
          },
          [&](std::span<const ValueId> a) {
            Values out{b.op(Opcode::AddI, {a[0], b.i32(1)})};
            Values rest = inner(a.subspan(1));
            out.insert(out.end(), rest.begin(), rest.end());
            return out;
          });
    }
    }
    p.insert(p.end(), r.begin(), r.end());
  }
  void atomic(Pool &p) {
    ValueId v = i32Tensor(p);
    const Type t = type(v);
    ValueId at = b.op(Opcode::AddPtr, {b.splat(buffers[size_t(pick(2))], t.shape),
                                       b.op(Opcode::RemUI, {index(t.shape, 1, 7), konst(t.shape, 50 + pick(100))})});
    static const Rmw kinds[] = {Rmw::Add, Rmw::Max, Rmw::UMin, Rmw::Xor};
    b.atomicRmw(kinds[pick(4)], at, v, pick(2) ? maskOf(t.shape) : kNone);
  }
  void dot(Pool &p) {
    int64_t M = int64_t(1) << (2 + pick(4)), N = int64_t(1) << (pick(6)), K = int64_t(1) << (1 + pick(5));
    auto operand = [&](const std::vector<int64_t> &s) {
      ValueId v = pick(2) ? load(s) : b.op(Opcode::AddI, {index(s, 1, 1), konst(s, 3)});
      if (type(v).elem == Elem::F32)
        v = b.op(Opcode::AddI, {index(s, 5, 1), konst(s, 3)});
      v = b.convert(Opcode::TruncI, v, Elem::I8);
      return v;
    };
    ValueId a = pick(2) ? operand({M, K}) : b.transpose(operand({K, M}), {1, 0});
    ValueId c = pick(2) ? operand({K, N}) : b.transpose(operand({N, K}), {1, 0});
    Type t = Builder::tensor({M, N}, Elem::I32);
    ValueId acc = konst({M, N}, pick(2));
    p.push_back(b.op(Opcode::Dot, {a, c, acc}, t));
  }
  void body(Pool &p, int steps, int depth) {
    for (int i = 0; i < steps; ++i) {
      int k = pick(24);
      if (k < 8)
        p.push_back(elementwise(p));
      else if (k < 12)
        p.push_back(reshaped(p));
      else if (k < 16)
        whole(p);
      else if (k < 18)
        p.push_back(load(shape()));
      else if (k < 20)
        store(p);
      else if (k == 20)
        atomic(p);
      else if (k == 21)
        dot(p);
      else if (depth < 2)
        control(p, depth);
    }
  }

  Builder b;
  Module &m;
  std::mt19937 g;
  std::vector<ValueId> buffers;
  ValueId floats = kNone;
};

std::vector<uint8_t> words(unsigned seed, bool real) {
  std::mt19937 g(seed);
  std::vector<uint8_t> v(kWords * 4);
  for (int64_t i = 0; i < kWords; ++i) {
    float f = float(int(g() % 2001) - 1000) / 8;
    int32_t w = int32_t(g() % 2001) - 1000;
    std::memcpy(v.data() + i * 4, real ? static_cast<void *>(&f) : &w, 4);
  }
  return v;
}

Module generate(unsigned seed) {
  Module m;
  m.options.push_back({"fp_fusion", 0});
  Generator(m, seed).kernel(4 + int(seed % 22));
  return m;
}

std::string check(const Module &m, const std::string &target) {
  Oracle o;
  o.buffers = {words(1, false), words(2, false), words(3, true)};
  if (!o.run(m, 1, target))
    return o.error.substr(0, 3000);
  for (size_t k = 0; k < 3; ++k)
    for (int64_t i = 0; i < kWords; ++i) {
      uint32_t x, y;
      std::memcpy(&x, o.expected[k].data() + i * 4, 4);
      std::memcpy(&y, o.actual[k].data() + i * 4, 4);
      bool nan = k == 2 && (x & 0x7fffffff) > 0x7f800000 && (y & 0x7fffffff) > 0x7f800000;
      if (x != y && !nan)
        return "buffer " + std::to_string(k) + " word " + std::to_string(i) + ": expected " +
               std::to_string(int32_t(x)) + ", got " + std::to_string(int32_t(y));
    }
  return "";
}

// Seed 1795673319: the result of a map whose region branches had taken the memory of an operand that a gather still reads.
TEST(CpuRandomKernels, AMapLeavesItsOperandsAlone) {
  ParseResult p = parse(R"(
kernel @k(%b: ptr<i32>) {
  %a = constant {value = -50} : tensor<2x4x32xi32>
  %j = join %a, %a : tensor<2x4x32x2xi32>
  %x = reshape %j : tensor<1x8x64xi32>
  %i = constant {value = 5} : tensor<1x8x64xi32>
  %g = gather %x, %i {axis = 2} : tensor<1x8x64xi32>
  %m = map_elementwise %x, %g {pack = 1} : tensor<1x8x64xi32> {
    (%u: i32, %v: i32)
    %c = cmpi %u, %v {predicate = slt} : i1
    %r = if %c : i32 {
      %s = subi %v, %u : i32
      yield %s
    } {
      %t = constant {value = 5} : i32
      yield %t
    }
    yield %r
  }
  %q = splat %b : tensor<1x8x64xptr<i32>>
  %k0 = arange {start = 0, end = 64} : tensor<64xi32>
  %k1 = expand_dims %k0 {axis = 0} : tensor<1x64xi32>
  %k2 = expand_dims %k1 {axis = 1} : tensor<1x1x64xi32>
  %k3 = broadcast %k2 : tensor<1x8x64xi32>
  %to = addptr %q, %k3
  store %to, %m
  return
})");
  ASSERT_TRUE(p) << p.error;
  Oracle o;
  o.buffers = {std::vector<uint8_t>(64 * 4)};
  ASSERT_TRUE(o.run(*p.module)) << o.error;
  EXPECT_EQ(o.expected, o.actual);
}

TEST(CpuRandomKernels, AgreeWithTheInterpreter) {
  const char *first = getenv("TESSERA_TEST_SEED"), *count = getenv("TESSERA_TEST_COUNT"),
             *full = getenv("TESSERA_FULL_TESTS");
  bool isFull = full && *full == '1'; // new seeds each time
  unsigned from = first    ? unsigned(strtoul(first, nullptr, 10))
                  : isFull ? unsigned(time(nullptr))
                           : 1,
           n = count    ? unsigned(strtoul(count, nullptr, 10))
               : isFull ? 1000
                        : 40;
  printf("report: random kernels of whole-tile ops, seeds %u to %u\n", from, from + n - 1);
  const std::vector<std::string> targets = targetsHere();
  int failures = 0;
  for (unsigned s = from; s < from + n && failures < 25; ++s) {
    std::string target = targets[s % targets.size()];
    Module m = generate(s);
    std::string why = check(m, target);
    if (why.empty())
      continue;
    ++failures;
    ADD_FAILURE() << "seed " << s << ", " << target << ": " << why;
    if (getenv("TESSERA_TEST_SHRINK")) {
      shrink(m, [&] {
        std::string w = check(m, target);
        return !w.empty() && !w.starts_with("interpreter") && !w.starts_with("compile");
      });
      fprintf(stderr, "%s\n%s\n", print(m).c_str(), check(m, target).c_str());
      setenv("TESSERA_TEST_DUMP", "1", 1);
      check(m, target);
      unsetenv("TESSERA_TEST_DUMP");
    }
  }
}

} // namespace
