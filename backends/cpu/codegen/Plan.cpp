// Plan.cpp - assigns roots to loops, then decides from the last op to the first which values get memory
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/codegen/Plan.h"

#include "backends/cpu/codegen/TileAddresses.h"

#include <algorithm>
#include <set>

using namespace tessera::tbc;

namespace tessera::cpu {

int FunctionFacts::newBuffer(const Type &t) {
  Buffer b;
  b.shape = t.shape;
  b.elem = t.elem;
  b.pointer = t.pointer;
  b.bytes = t.numElements() * t.elementBytes();
  buffers.push_back(std::move(b));
  return int(buffers.size()) - 1;
}

bool isStraightLine(const Region &r) {
  auto hasEffects = [](const Op &op) {
    return op.code == Opcode::Load || op.code == Opcode::Store || op.code == Opcode::AtomicRmw ||
           op.code == Opcode::AtomicCas || op.code == Opcode::Print || op.code == Opcode::Assert;
  };
  return std::none_of(r.ops.begin(), r.ops.end(), [&](const Op &op) { return !op.regions.empty() || hasEffects(op); });
}

bool isInline(const Module &m, const Op &op) {
  if (op.results.empty() || !m.typeOf(op.results[0]).isTensor())
    return false;
  unsigned n = unsigned(op.code);
  if (n >= unsigned(Opcode::AddI) && n <= unsigned(Opcode::Hint))
    return true;
  switch (op.code) {
  case Opcode::Constant:
  case Opcode::Arange:
  case Opcode::Splat:
  case Opcode::Philox:
  case Opcode::Poison:
  case Opcode::ExpandDims:
  case Opcode::Broadcast:
  case Opcode::Reshape:
  case Opcode::Transpose:
  case Opcode::Join:
  case Opcode::Split:
  case Opcode::Cat:
  case Opcode::Load:
  case Opcode::Gather:
    return true;
  case Opcode::MapElementwise:
    return op.intAttr(AttrId::Pack, 1) <= 1 && isStraightLine(op.regions[0]);
  default:
    return false;
  }
}

static bool movesElements(Opcode code) {
  return (unsigned(code) >= unsigned(Opcode::ExpandDims) && unsigned(code) <= unsigned(Opcode::Cat)) ||
         code == Opcode::Gather;
}

namespace {

struct Consumer {
  double pos;       // of the item
  bool identity;    // read at the loop's own index, through elementwise ops only
  bool foreign;     // inside a nested region, or by a yield without a loop
  bool buffer;      // must be in memory before that item
  int64_t elements; // of the item's loop
  auto operator<=>(const Consumer &) const = default;
};

class Planner {
public:
  Planner(FunctionFacts &f, const Region &r, const YieldPlan &y) : facts(f), m(*f.module), region(r), yields(y) {}
  BlockPlan run();

private:
  void scan();
  void placeRoots();
  void placeYields();
  void decide();
  Root makeRoot(Root::Kind kind, int index, const Op *op);
  void placeLoopRoot(Root root, std::vector<int64_t> shape, double dep, bool reads, bool writes);
  Item &append(int index);
  void single(int index, const Op &op);
  double available(ValueId v) const {
    auto it = avail.find(v);
    return it == avail.end() ? -1 : it->second;
  }
  double dependence(const Op &op) const;
  void collectUses(const Region &r, int owner, bool nested);
  void nestedEffects(const Op &op, bool &reads, bool &writes) const;
  std::map<int, bool>
  loadsOf(ValueId v) const; // indices of the loads evaluated with v: whether at other elements than its own
  std::vector<Consumer> consumersOf(ValueId v);
  void materialise(ValueId v, int index, const std::vector<Consumer> &consumers);
  int cost(ValueId v);
  bool affinePointer(ValueId pointer) const;
  bool overlapping(const Op &load, const Op &store, bool isMoved) const;
  bool sameArray(const Op &load, const Op &store) const;
  Item *itemAt(double pos) {
    for (Item &i : items)
      if (i.pos == pos)
        return &i;
    return nullptr;
  }
  void sortItems() {
    std::stable_sort(items.begin(), items.end(), [](const Item &a, const Item &b) { return a.pos < b.pos; });
  }

  FunctionFacts &facts;
  const Module &m;
  const Region &region;
  const YieldPlan &yields;
  std::vector<Item> items;
  std::map<ValueId, double> avail;                           // item that completes it
  std::map<ValueId, int> definedAt;                          // op index in this block
  std::map<ValueId, std::vector<std::pair<int, bool>>> uses; // (op index, nested)
  std::map<ValueId, std::vector<Consumer>> consumerMemo;
  std::map<ValueId, double> materialised; // value -> item
  std::map<ValueId, int> costs;
  std::map<ValueId, int> inPlace;
  double nextPos = 1;
};

void Planner::collectUses(const Region &r, int owner, bool nested) {
  for (size_t i = 0; i < r.ops.size(); ++i) {
    const Op &op = r.ops[i];
    int index = nested ? owner : int(i);
    for (ValueId v : op.operands)
      if (m.typeOf(v).isTensor())
        uses[v].push_back({index, nested});
    for (const Region &sub : op.regions)
      collectUses(sub, index, true);
  }
}

void Planner::scan() {
  for (size_t i = 0; i < region.ops.size(); ++i)
    for (ValueId v : region.ops[i].results)
      definedAt[v] = int(i);
  collectUses(region, 0, false);
}

void Planner::nestedEffects(const Op &op, bool &reads, bool &writes) const {
  switch (op.code) {
  case Opcode::Load:
    reads = true;
    break;
  case Opcode::Store:
    writes = true;
    break;
  case Opcode::AtomicRmw:
  case Opcode::AtomicCas:
  case Opcode::Barrier:
  case Opcode::Print:
  case Opcode::Assert:
    reads = writes = true;
    break;
  default:
    break;
  }
  for (const Region &r : op.regions)
    for (const Op &o : r.ops)
      nestedEffects(o, reads, writes);
}

std::map<int, bool> Planner::loadsOf(ValueId v) const {
  std::map<int, bool> out;
  std::set<std::pair<ValueId, bool>> seen;
  std::vector<std::pair<ValueId, bool>> work{{v, false}};
  while (!work.empty()) {
    auto [x, isMoved] = work.back();
    work.pop_back();
    auto it = definedAt.find(x);
    if (it == definedAt.end() || !seen.insert({x, isMoved}).second)
      continue;
    const Op &op = region.ops[it->second];
    if (!isInline(m, op))
      continue;
    if (op.code == Opcode::Load)
      out[it->second] |= isMoved;
    for (ValueId operand : op.operands)
      work.emplace_back(operand, isMoved || movesElements(op.code));
  }
  return out;
}

double Planner::dependence(const Op &op) const {
  double d = -1;
  for (ValueId v : op.operands)
    d = std::max(d, available(v));
  return d;
}

Item &Planner::append(int index) {
  Item i;
  i.pos = nextPos++;
  i.index = index;
  items.push_back(std::move(i));
  return items.back();
}

// A load and a store in one loop: fine in different arrays, or at equal addresses where the loop loads its own element and no other lies at that place; else the
// load must come first as a whole. What scalars or masks tell of places, the loop asks (EmitterOverlap.cpp).
bool Planner::overlapping(const Op &load, const Op &store, bool isMoved) const {
  bool isOwn = !isMoved && sameValue(facts, load.operands[0], store.operands[0]) &&
               ownPlaces(facts, store.operands[0], store.operands.size() > 2) != OwnPlaces::No;
  return !isOwn && sameArray(load, store);
}

bool Planner::sameArray(const Op &load, const Op &store) const {
  ValueId a = pointerRoot(facts, load.operands[0]), b = pointerRoot(facts, store.operands[0]);
  return a == kNone || b == kNone || a == b;
}

void Planner::placeLoopRoot(Root root, std::vector<int64_t> shape, double dep, bool reads, bool writes) {
  std::map<int, bool> loads;
  auto collect = [&](ValueId v) {
    for (auto [l, isMoved] : loadsOf(v))
      loads[l] |= isMoved;
  };
  if (root.op)
    for (ValueId v : root.op->operands)
      collect(v);
  else
    collect(root.value);
  reads |= !loads.empty();
  for (size_t k = items.size(); k-- > 0;) {
    Item &g = items[k];
    if (g.pos <= dep)
      break;
    bool fits = g.loop && g.shape == shape;
    if (fits && writes) {
      // No load between may be left behind that must read before this store and cannot.
      for (int l = g.index; l < root.index && l < int(region.ops.size()); ++l)
        if (region.ops[l].code == Opcode::Load) {
          fits &= dependence(region.ops[l]) < g.pos;
          // Nor one that must see a store of the loop: it would have to come before the loop and after it.
          for (const Root &r : g.roots)
            fits &= r.kind != Root::Store || r.index > l || !sameArray(region.ops[l], *r.op);
        }
    }
    if (fits && g.writes)
      for (const Root &r : g.roots)
        if (r.kind == Root::Store)
          for (auto [l, isMoved] : loads)
            if (l > r.index || overlapping(region.ops[l], *r.op, isMoved))
              fits = false;
    if (fits && writes) {
      // The loads and stores of the loop so far against this store.
      for (const Root &r : g.roots) {
        if (r.kind == Root::Store && overlapping(*r.op, *root.op, false))
          fits = false;
        std::vector<ValueId> vs = r.op ? r.op->operands : std::vector<ValueId>{r.value};
        for (ValueId v : vs)
          for (auto [l, isMoved] : loadsOf(v))
            if (overlapping(region.ops[l], *root.op, isMoved))
              fits = false;
      }
    }
    if (fits) {
      g.roots.push_back(root);
      g.reads |= reads;
      g.writes |= writes;
      if (root.kind == Root::Reduce)
        for (ValueId v : root.op->results)
          avail[v] = g.pos;
      return;
    }
    if (writes || g.writes ||
        (g.single &&
         (g.single->code == Opcode::For || g.single->code == Opcode::While || g.single->code == Opcode::If)))
      break; // stores keep their order; nothing that reads crosses a write
  }
  Item &g = append(root.index);
  g.loop = true;
  g.shape = std::move(shape);
  g.reads = reads;
  g.writes = writes;
  if (root.kind == Root::Reduce)
    for (ValueId v : root.op->results)
      avail[v] = g.pos;
  g.roots.push_back(std::move(root));
}

void Planner::single(int index, const Op &op) {
  bool reads = false, writes = false;
  nestedEffects(op, reads, writes);
  for (ValueId v : op.operands)
    reads |= !loadsOf(v).empty();
  if (op.code == Opcode::Dot || op.code == Opcode::DotScaled) {
    // The accumulator is prepared in place, in a loop of its own.
    ValueId c = op.operands[2];
    const Op *d = facts.def[c];
    bool zero = d && d->code == Opcode::Splat && facts.def[d->operands[0]] ? false : false;
    const Op *konst = d && d->code == Opcode::Splat ? facts.def[d->operands[0]] : d;
    if (konst && konst->code == Opcode::Constant && konst->intAttr(AttrId::Value) == 0 &&
        konst->floatAttr(AttrId::FloatValue) == 0)
      zero = true;
    int buffer = facts.newBuffer(m.typeOf(op.results[0]));
    if (!zero) {
      Root r;
      r.kind = Root::Materialise;
      r.index = index;
      r.value = c;
      r.buffer = buffer;
      r.bind = false;
      Item &g = append(index);
      g.loop = true;
      g.shape = m.typeOf(c).shape;
      g.reads = !loadsOf(c).empty();
      g.roots.push_back(r);
    }
    Item &i = append(index);
    i.single = &op;
    i.reads = reads;
    i.results = {buffer};
    i.zeroInit = zero;
    avail[op.results[0]] = i.pos;
    return;
  }
  Item &i = append(index);
  i.single = &op;
  i.reads = reads;
  i.writes = writes;
  for (ValueId v : op.results) {
    avail[v] = i.pos;
    bool own = op.code != Opcode::For && op.code != Opcode::If && op.code != Opcode::While; // those manage their own
    i.results.push_back(own && m.typeOf(v).isTensor() ? facts.newBuffer(m.typeOf(v)) : -1);
  }
}

void Planner::placeRoots() {
  for (size_t n = 0; n < region.ops.size(); ++n) {
    const Op &op = region.ops[n];
    int index = int(n);
    bool tensorOperand = false;
    for (ValueId v : op.operands)
      tensorOperand |= m.typeOf(v).isTensor();
    if (op.code == Opcode::Yield || op.code == Opcode::Return || op.code == Opcode::Condition)
      break;
    if (isInline(m, op)) {
      double d = dependence(op);
      for (ValueId v : op.results)
        avail[v] = d;
      continue;
    }
    if (op.code == Opcode::Store && tensorOperand) {
      Root r;
      r.kind = Root::Store;
      r.index = index;
      r.op = &op;
      placeLoopRoot(r, m.typeOf(op.operands[0]).shape, dependence(op), false, true);
      continue;
    }
    if (op.code == Opcode::Reduce && isStraightLine(op.regions[0])) {
      Root r;
      r.kind = Root::Reduce;
      r.index = index;
      r.op = &op;
      for (ValueId v : op.results)
        r.results.push_back(m.typeOf(v).isTensor() ? facts.newBuffer(m.typeOf(v)) : -1);
      placeLoopRoot(r, m.typeOf(op.operands[0]).shape, dependence(op), false, false);
      continue;
    }
    unsigned c = unsigned(op.code);
    bool pureScalar =
        !tensorOperand && op.regions.empty() && ((c >= 16 && c <= unsigned(Opcode::Hint)) || op.code == Opcode::Poison);
    if (pureScalar) {
      double d = dependence(op);
      for (ValueId v : op.results)
        avail[v] = d;
      continue;
    }
    if (op.code == Opcode::Assume || op.code == Opcode::GridStride)
      continue;
    single(index, op);
  }
}

std::vector<Consumer> Planner::consumersOf(ValueId v) {
  auto memo = consumerMemo.find(v);
  if (memo != consumerMemo.end())
    return memo->second;
  std::vector<Consumer> out;
  auto it = uses.find(v);
  if (it != uses.end())
    for (auto [index, nested] : it->second) {
      const Op &op = region.ops[index];
      if (nested || op.code == Opcode::For || op.code == Opcode::While || op.code == Opcode::If) {
        for (Item &i : items)
          if (i.single == &op)
            out.push_back({i.pos, false, true, false, 0});
        if (!nested || !isInline(m, op))
          continue; // a region of reduce and the like holds no tensors
        continue;
      }
      if (isInline(m, op)) {
        for (ValueId r : op.results) {
          std::vector<Consumer> sub;
          auto mat = materialised.find(r);
          if (mat != materialised.end())
            sub.push_back({mat->second, true, false, false, m.typeOf(r).numElements()});
          else
            sub = consumersOf(r);
          for (Consumer c : sub) {
            c.foreign = mat == materialised.end() && c.foreign;
            c.identity &= !movesElements(op.code);
            c.buffer = op.code == Opcode::Gather && v == op.operands[0];
            out.push_back(c);
          }
        }
        continue;
      }
      // A root or a single op.
      for (Item &i : items) {
        if (i.single == &op) {
          bool accumulator = (op.code == Opcode::Dot || op.code == Opcode::DotScaled) && op.operands[2] == v;
          bool other = false;
          for (size_t k = 0; k < op.operands.size(); ++k)
            other |= op.operands[k] == v && !(accumulator && k == 2);
          if (!accumulator || other)
            out.push_back({i.pos, false, false, false, m.typeOf(v).numElements()});
        }
        for (Root &r : i.roots)
          if (r.op == &op)
            out.push_back({i.pos, true, false, false, [&] {
                             int64_t e = 1;
                             for (int64_t d : i.shape)
                               e *= d;
                             return e;
                           }()});
      }
    }
  for (Item &i : items)
    for (Root &r : i.roots)
      if (r.kind == Root::Materialise && r.value == v && !materialised.count(v))
        out.push_back({i.pos, true, false, false, m.typeOf(v).numElements()});
  // A value that is used twice by what is used twice, and so on, has few consumers and very many ways to them.
  std::sort(out.begin(), out.end(), [](const Consumer &a, const Consumer &b) { return (a <=> b) < 0; });
  out.erase(std::unique(out.begin(), out.end()), out.end());
  consumerMemo[v] = out;
  return out;
}

bool Planner::affinePointer(ValueId pointer) const {
  std::set<ValueId> seen;
  std::vector<ValueId> work{pointer};
  while (!work.empty()) {
    ValueId v = work.back();
    work.pop_back();
    if (!m.typeOf(v).isTensor() || !seen.insert(v).second)
      continue;
    const Op *op = facts.def[v];
    if (!op) {
      if (facts.argRoot[v] != kNone)
        work.push_back(facts.argRoot[v]);
      continue;
    }
    switch (op->code) {
    case Opcode::Constant:
    case Opcode::Splat:
    case Opcode::Arange:
      break;
    case Opcode::AddI:
    case Opcode::SubI:
    case Opcode::MulI:
    case Opcode::ShlI:
    case Opcode::ExtSI:
    case Opcode::ExtUI:
    case Opcode::TruncI:
    case Opcode::AddPtr:
    case Opcode::Hint:
    case Opcode::ExpandDims:
    case Opcode::Broadcast:
    case Opcode::Transpose:
    case Opcode::Reshape:
    case Opcode::RemSI:
    case Opcode::RemUI:
    case Opcode::Bitcast:
      work.insert(work.end(), op->operands.begin(), op->operands.end());
      break;
    default:
      return false;
    }
  }
  return true;
}

// Roughly the vector instructions it takes to evaluate v again. 0: index arithmetic, which mostly folds away.
int Planner::cost(ValueId v) {
  auto it = costs.find(v);
  if (it != costs.end())
    return it->second;
  const Op *op = facts.def[v];
  int c = 0;
  if (op && m.typeOf(v).isTensor() && definedAt.count(v) && isInline(m, *op) && !materialised.count(v)) {
    for (ValueId o : op->operands)
      c += cost(o);
    bool narrowFloat = !m.typeOf(v).pointer && isFloat(m.typeOf(v).elem) && elemBits(m.typeOf(v).elem) < 32;
    unsigned n = unsigned(op->code);
    if (op->code == Opcode::Load)
      c = affinePointer(op->operands[0]) && !op->intAttr(AttrId::Volatile) ? 1 : 40;
    else if (op->code == Opcode::Philox)
      c += 60;
    else if (op->code == Opcode::Gather)
      c += 40;
    else if (op->code == Opcode::MapElementwise)
      c += 20;
    else if (n >= unsigned(Opcode::AddF) && n <= unsigned(Opcode::Erfc))
      c += (n >= unsigned(Opcode::Exp) || op->code == Opcode::RemF    ? 20
            : n >= unsigned(Opcode::Sqrt) || op->code == Opcode::DivF ? 6
                                                                      : 1) +
           (narrowFloat ? 2 : 0);
    else if (op->code == Opcode::FPToFP)
      c += isFp8(m.typeOf(v).elem) || isFp8(m.typeOf(op->operands[0]).elem) ? 12 : narrowFloat ? 3 : 1;
    else if (op->code == Opcode::SIToFP || op->code == Opcode::UIToFP || op->code == Opcode::FPToSI ||
             op->code == Opcode::FPToUI)
      c += 1;
    else if (c > 0 && (op->code == Opcode::Select || op->code == Opcode::CmpF || op->code == Opcode::CmpI ||
                       (n >= 32 && n <= 55)))
      c += 1;
  }
  costs[v] = c = std::min(c, 1000);
  return c;
}

void Planner::materialise(ValueId v, int index, const std::vector<Consumer> &consumers) {
  const Type &t = m.typeOf(v);
  double first = 1e30;
  bool needBuffer = false;
  for (const Consumer &c : consumers)
    if (c.pos < first)
      first = c.pos;
  bool isMovedThere = false;
  for (const Consumer &c : consumers) {
    needBuffer |= c.pos == first && c.buffer;
    isMovedThere |= c.pos == first && !c.identity;
  }
  // A load goes before the first write that follows it, and after those that it must see.
  std::map<int, bool> loads = loadsOf(v);
  double limit = first, seen = -1;
  for (const Item &i : items)
    if (i.writes && i.pos < first && i.pos > available(v))
      for (auto [l, isMoved] : loads) {
        bool follows = i.single && i.index > l, precedes = i.single && i.index < l;
        for (const Root &r : i.roots)
          if (r.kind == Root::Store) {
            follows |= r.index > l;
            precedes |= r.index < l && sameArray(region.ops[l], *r.op);
          }
        if (follows)
          limit = std::min(limit, i.pos);
        if (precedes)
          seen = std::max(seen, i.pos);
      }
  // Some of its loads before a write and others after: decide() comes to the earlier ones by and by and keeps what they read.
  if (limit <= seen)
    limit = first;
  bool forced = limit < first;
  Root root;
  root.kind = Root::Materialise;
  root.index = index;
  root.value = v;
  root.buffer = facts.newBuffer(t);
  Item *g = itemAt(first);
  bool overlap = false;
  if (g && g->loop && g->writes)
    for (const Root &r : g->roots)
      if (r.kind == Root::Store)
        for (auto [l, isMoved] : loads)
          overlap |= overlapping(region.ops[l], *r.op, isMoved || isMovedThere);
  if (!forced && !needBuffer && !overlap && g && g->loop && g->shape == t.shape) {
    g->roots.push_back(root);
    g->reads |= !loads.empty();
    materialised[v] = g->pos;
  } else {
    // Before the first consumer (or the first write); an earlier loop of the same kind takes it where it can.
    double before = std::min(first, limit), prev = -1;
    Item *last = nullptr;
    for (Item &i : items)
      if (i.pos < before && i.pos > prev) {
        prev = i.pos;
        last = &i;
      }
    bool onlyMaterialise = last && last->loop && last->shape == t.shape && !last->writes && last->pos > available(v);
    if (onlyMaterialise && !needBuffer) {
      last->roots.push_back(root);
      last->reads |= !loads.empty();
      materialised[v] = last->pos;
    } else {
      Item i;
      i.loop = true;
      i.shape = t.shape;
      i.index = index;
      i.pos = (std::max(prev, 0.0) + before) / 2;
      i.reads = !loads.empty();
      i.roots.push_back(root);
      materialised[v] = i.pos;
      items.push_back(std::move(i));
      sortItems();
    }
  }
  consumerMemo.clear();
  costs.clear();
}

void Planner::decide() {
  for (int n = int(region.ops.size()) - 1; n >= 0; --n) {
    const Op &op = region.ops[n];
    if (!isInline(m, op))
      continue;
    for (ValueId v : op.results) {
      std::vector<Consumer> cs = consumersOf(v);
      if (cs.empty())
        continue;
      std::set<double> where, movedAt;
      bool foreign = false, buffer = false, expanded = false;
      int64_t own = m.typeOf(v).numElements();
      for (const Consumer &c : cs) {
        where.insert(c.pos);
        if (!c.identity)
          movedAt.insert(c.pos);
        foreign |= c.foreign;
        buffer |= c.buffer;
        expanded |= c.elements > own;
      }
      bool hazard = false;
      std::map<int, bool> loads = loadsOf(v);
      if (op.code == Opcode::Load)
        for (const Item &w : items)
          if (w.writes)
            for (double pos : where) {
              int writeIndex = w.single ? w.index : -1;
              const Op *store = nullptr;
              for (const Root &r : w.roots)
                if (r.kind == Root::Store) {
                  writeIndex = r.index;
                  store = r.op;
                  hazard |= w.pos == pos && writeIndex > n && overlapping(op, *store, movedAt.contains(pos));
                }
              hazard |= w.pos < pos && writeIndex > n;
              // In a single op (scan, atomic, …) that writes memory itself, reads come first as a whole.
              hazard |= w.pos == pos && w.single != nullptr && w.single->code != Opcode::Store;
            }
      int c = cost(v);
      bool wanted = buffer || hazard || (foreign && (c > 0 || !loads.empty())) || (c > 6 && where.size() > 1) ||
                    (c > 2 && expanded) || (c > 3 && where.size() > 3);
      if (op.code == Opcode::Load && op.intAttr(AttrId::Volatile) && where.size() > 1)
        wanted = true;
      if (wanted)
        materialise(v, n, cs);
    }
  }
}

void Planner::placeYields() {
  int end = int(region.ops.size());
  std::vector<Root> direct;
  for (size_t i = 0; i < yields.values.size(); ++i) {
    ValueId y = yields.values[i];
    if (yields.buffers[i] < 0 || y == yields.args[i])
      continue;
    Root r;
    r.kind = Root::Materialise;
    r.index = end + int(i);
    r.value = y;
    r.buffer = yields.buffers[i];
    r.bind = false;
    // A dot that accumulates into the carried tile writes the carried buffer itself.
    ValueId arg = yields.args[i];
    auto at = definedAt.find(y);
    if (arg != kNone && at != definedAt.end() && region.ops[at->second].code == Opcode::Dot) {
      const Op &dot = region.ops[at->second];
      Item *d = nullptr, *init = nullptr;
      for (Item &it : items) {
        if (it.single == &dot)
          d = &it;
        for (Root &root : it.roots)
          if (root.kind == Root::Materialise && root.index == at->second && !root.bind && root.value == dot.operands[2])
            init = &it;
      }
      bool ok = d != nullptr;
      double start = init ? init->pos : d ? d->pos : 0;
      for (const Consumer &c : consumersOf(arg))
        ok &= c.pos < start || (init && c.pos == start && c.identity);
      for (size_t j = 0; j < yields.values.size(); ++j)
        ok &= j == i || yields.values[j] != arg;
      if (ok) {
        int old = d->results[0];
        d->results[0] = r.buffer;
        if (init) {
          for (Root &root : init->roots)
            if (root.buffer == old)
              root.buffer = r.buffer;
          if (dot.operands[2] == arg) { // nothing to copy; other roots of that loop stay
            std::erase_if(init->roots, [&](const Root &root) { return root.buffer == r.buffer; });
            std::erase_if(items, [&](const Item &x) { return &x == init && x.roots.empty(); });
          }
        }
        inPlace[y] = r.buffer;
        consumerMemo.clear();
        continue;
      }
    }
    placeLoopRoot(r, m.typeOf(y).shape, available(y), false, false);
    consumerMemo.clear();
  }
}

BlockPlan Planner::run() {
  scan();
  placeRoots();
  placeYields();
  decide();
  // A carried buffer may be written in place only when every other reader of the old value is done by then.
  std::vector<Item> copies;
  for (Item &i : items)
    for (Root &r : i.roots)
      for (size_t k = 0; k < yields.values.size(); ++k) {
        if (r.kind != Root::Materialise || r.bind || r.index != int(region.ops.size()) + int(k) ||
            yields.args[k] == kNone)
          continue;
        bool ok = true;
        consumerMemo.clear();
        for (const Consumer &c : consumersOf(yields.args[k]))
          ok &= c.pos < i.pos || (c.pos == i.pos && c.identity);
        if (ok)
          continue;
        Root copy = r;
        r.buffer = facts.newBuffer(m.typeOf(r.value));
        r.bind = true;
        Item late;
        late.loop = true;
        late.shape = i.shape;
        late.pos = nextPos++;
        late.index = r.index;
        late.roots.push_back(copy);
        copies.push_back(std::move(late));
      }
  for (Item &c : copies)
    items.push_back(std::move(c));
  sortItems();
  for (Item &i : items)
    std::stable_sort(i.roots.begin(), i.roots.end(), [](const Root &a, const Root &b) { return a.index < b.index; });
  return {std::move(items), std::move(inPlace)};
}

} // namespace

BlockPlan planBlock(FunctionFacts &facts, const Region &region, const YieldPlan &yields) {
  return Planner(facts, region, yields).run();
}

} // namespace tessera::cpu
