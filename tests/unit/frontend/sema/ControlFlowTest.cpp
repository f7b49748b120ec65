// ControlFlowTest.cpp - branches, loops and early exits mean what Python means
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/frontend/sema/RunKernel.h"

#include <gtest/gtest.h>

using namespace tessera::py::test;

namespace {
// Runs k(p, n, m) on eight cells of -1 and gives them back.
std::vector<int32_t> cells(std::string_view source, int32_t n, int32_t m) {
  std::vector<int32_t> first;
  for (bool plain : {true, false}) {
    std::vector<int32_t> p(8, -1);
    EXPECT_EQ(run(source, {buffer("*i32", p), i32(n), i32(m)}, {}, plain), "");
    if (!plain)
      EXPECT_EQ(first, p) << "the pipeline changed the result";
    first = p;
  }
  return first;
}

TEST(ControlFlow, BreakAndContinueInNestedLoops) {
  const char *source = R"(
@triton.jit
def k(p, n, m):
    total = 0
    for i in range(n):
        j = 0
        while j < m:
            j += 1
            if j == 3:
                continue
            if j > 5:
                if i > 2:
                    break
                total += 100
            total += 1
        if total > 1000:
            break
        else:
            total += 2
        tl.store(p + 1, i)
    tl.store(p, total)
)";
  for (int n : {0, 1, 4, 9})
    for (int m : {0, 2, 5, 9}) {
      int total = 0, last = -1;
      for (int i = 0; i < n; ++i) {
        int j = 0;
        while (j < m) {
          ++j;
          if (j == 3)
            continue;
          if (j > 5) {
            if (i > 2)
              break;
            total += 100;
          }
          total += 1;
        }
        if (total > 1000)
          break;
        total += 2;
        last = i;
      }
      auto p = cells(source, n, m);
      EXPECT_EQ(p[0], total) << n << " " << m;
      EXPECT_EQ(p[1], last) << n << " " << m;
    }
}

TEST(ControlFlow, EarlyReturns) {
  const char *source = R"(
@triton.jit
def sign(x):
    if x > 0:
        if x > 10:
            return 2
        tag = 1
    else:
        if x == 0:
            return 0
        tag = -1
    return tag

@triton.jit
def k(p, n, m):
    tl.store(p, sign(n))
    if n > 5:
        if m > 5:
            tl.store(p + 1, 7)
            return
        tl.store(p + 2, 8)
    elif n == 4:
        return
    tl.store(p + 3, 9)
    if m == 3:
        return
    tl.store(p + 4, 10)
)";
  for (int n : {-3, 0, 4, 6, 11})
    for (int m : {3, 4, 6}) {
      std::vector<int32_t> e(8, -1);
      e[0] = n > 10 ? 2 : n > 0 ? 1 : n == 0 ? 0 : -1;
      [&] {
        if (n > 5) {
          if (m > 5) {
            e[1] = 7;
            return;
          }
          e[2] = 8;
        } else if (n == 4) {
          return;
        }
        e[3] = 9;
        if (m == 3)
          return;
        e[4] = 10;
      }();
      EXPECT_EQ(cells(source, n, m), e) << n << " " << m;
    }
}

TEST(ControlFlow, UnrolledLoopsLeaveEarly) {
  const char *source = R"(
@triton.jit
def find(p, n):
    for i in tl.static_range(1, 6):
        if i == 2:
            continue
        if i * i > n:
            return i
    return 100

@triton.jit
def k(p, n, m):
    tl.store(p, find(p, n))
    count = 0
    for i in tl.static_range(8):
        if i > m:
            break
        if i % 2 == 1:
            continue
        count += i
    tl.store(p + 1, count)
)";
  for (int n : {0, 1, 8, 24, 25})
    for (int m : {0, 3, 6, 9}) {
      int found = 100, count = 0;
      for (int i = 1; i < 6; ++i)
        if (i != 2 && i * i > n) {
          found = i;
          break;
        }
      for (int i = 0; i < 8 && i <= m; ++i)
        count += i % 2 ? 0 : i;
      auto p = cells(source, n, m);
      EXPECT_EQ(p[0], found) << n;
      EXPECT_EQ(p[1], count) << m;
    }
}

TEST(ControlFlow, RangesCountAsPythonDoes) {
  const char *source = R"(
@triton.jit
def k(p, n, m):
    s = 0
    for i in range(n, m, -2):
        s = s * 10 + i
        i += 5
    t = 0
    for j in tl.range(m, n, 3, num_stages=2):
        t = t * 10 + j
        if t > 100:
            break
    tl.store(p, s)
    tl.store(p + 1, t)
    u = 0
    for x in range(m, n, m + 1):
        u += x
    tl.store(p + 2, u)
)";
  for (int n : {0, 5, 6, 9})
    for (int m : {0, 1, 2}) {
      int s = 0, t = 0, u = 0;
      for (int i = n; i > m; i -= 2)
        s = s * 10 + i;
      for (int j = m; j < n; j += 3) {
        t = t * 10 + j;
        if (t > 100)
          break;
      }
      for (int x = m; x < n; x += m + 1)
        u += x;
      auto p = cells(source, n, m);
      EXPECT_EQ(p[0], s);
      EXPECT_EQ(p[1], t);
      EXPECT_EQ(p[2], u);
    }
}

TEST(ControlFlow, TuplesAndBlockPointersTravelThroughLoops) {
  const char *source = R"(
@triton.jit
def step(state, i):
    a, b = state
    return b, a + b + i

@triton.jit
def k(p, n, m):
    state = (1, 1)
    for i in range(n):
        state = step(state, i * 0)
    a, b = state
    bp = tl.make_block_ptr(p, (8,), (1,), (0,), (2,), (0,))
    for i in range(m):
        tl.store(bp, tl.full((2,), a, tl.int32) + tl.arange(0, 2) + i, boundary_check=(0,))
        bp = tl.advance(bp, (2,))
)";
  // Block pointers need the pipeline: the bytecode does not have them.
  std::vector<int32_t> p(8, -1);
  EXPECT_EQ(run(source, {buffer("*i32", p), i32(5), i32(5)}), "");
  EXPECT_EQ(p, (std::vector<int32_t>{8, 9, 9, 10, 10, 11, 11, 12}));
}

TEST(ControlFlow, ConditionsAndTernaries) {
  const char *source = R"(
@triton.jit
def k(p, n, m):
    a = n if n > m else m
    b = (n > 1) and (m > 1) or not (n == m)
    c = 0
    while (c < n) and (c < m):
        c += 1
    d = 5
    if n:
        d = 6
    if m > 0 and n > 0:
        e = 1
    else:
        e = 2
    tl.store(p, a)
    tl.store(p + 1, b.to(tl.int32))
    tl.store(p + 2, c)
    tl.store(p + 3, d)
    tl.store(p + 4, e)
)";
  for (int n : {0, 1, 3})
    for (int m : {0, 1, 5}) {
      auto p = cells(source, n, m);
      EXPECT_EQ(p[0], n > m ? n : m);
      EXPECT_EQ(p[1], ((n > 1 && m > 1) || n != m) ? 1 : 0);
      EXPECT_EQ(p[2], std::min(n, m));
      EXPECT_EQ(p[3], n ? 6 : 5);
      EXPECT_EQ(p[4], n > 0 && m > 0 ? 1 : 2);
    }
}
} // namespace
