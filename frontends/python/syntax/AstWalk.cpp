// AstWalk.cpp - one switch over all kinds of nodes
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/AstWalk.h"

#include <utility>
#include <vector>

namespace tessera::py {

namespace {
using Visit = std::function<void(const Node *)>;

struct Walker {
  const Visit &visit;

  void one(const Node *n) const {
    if (n)
      visit(n);
  }
  template <class T> void all(std::span<T *> list) const {
    for (T *n : list)
      one(n);
  }
  void all(std::span<Keyword> list) const {
    for (const Keyword &k : list)
      one(k.value);
  }
  void all(std::span<Comprehension> list) const {
    for (const Comprehension &c : list) {
      one(c.target);
      one(c.iter);
      all(c.ifs);
    }
  }
  void all(std::span<TypeParam> list) const {
    for (const TypeParam &p : list)
      one(p.bound);
  }
  void all(std::span<Arg> list) const {
    for (const Arg &a : list)
      one(a.annotation);
  }
  void args(const Arguments *a) const {
    if (!a)
      return;
    all(a->posonlyargs);
    all(a->args);
    if (a->vararg)
      one(a->vararg->annotation);
    all(a->kwonlyargs);
    if (a->kwarg)
      one(a->kwarg->annotation);
    all(a->defaults);
    all(a->kwDefaults);
  }

  void expr(const Node *n) const;
  void stmt(const Node *n) const;
  void pattern(const Node *n) const;
};

void Walker::expr(const Node *n) const {
  switch (n->kind) {
  case NodeKind::BoolOp:
    return all(as<BoolOp>(n)->values);
  case NodeKind::NamedExpr:
    one(as<NamedExpr>(n)->target);
    return one(as<NamedExpr>(n)->value);
  case NodeKind::BinOp:
    one(as<BinOp>(n)->left);
    return one(as<BinOp>(n)->right);
  case NodeKind::UnaryOp:
    return one(as<UnaryOp>(n)->operand);
  case NodeKind::Lambda:
    args(as<Lambda>(n)->args);
    return one(as<Lambda>(n)->body);
  case NodeKind::IfExp:
    one(as<IfExp>(n)->test);
    one(as<IfExp>(n)->body);
    return one(as<IfExp>(n)->orelse);
  case NodeKind::Dict:
    for (size_t i = 0; i < as<Dict>(n)->keys.size(); ++i) {
      one(as<Dict>(n)->keys[i]);
      one(as<Dict>(n)->values[i]);
    }
    return;
  case NodeKind::Set:
    return all(as<Set>(n)->elts);
  case NodeKind::ListComp:
    one(as<ListComp>(n)->elt);
    return all(as<ListComp>(n)->generators);
  case NodeKind::SetComp:
    one(as<SetComp>(n)->elt);
    return all(as<SetComp>(n)->generators);
  case NodeKind::GeneratorExp:
    one(as<GeneratorExp>(n)->elt);
    return all(as<GeneratorExp>(n)->generators);
  case NodeKind::DictComp:
    one(as<DictComp>(n)->key);
    one(as<DictComp>(n)->value);
    return all(as<DictComp>(n)->generators);
  case NodeKind::Await:
    return one(as<Await>(n)->value);
  case NodeKind::Yield:
    return one(as<Yield>(n)->value);
  case NodeKind::YieldFrom:
    return one(as<YieldFrom>(n)->value);
  case NodeKind::Compare:
    one(as<Compare>(n)->left);
    return all(as<Compare>(n)->comparators);
  case NodeKind::Call:
    one(as<Call>(n)->func);
    all(as<Call>(n)->args);
    return all(as<Call>(n)->keywords);
  case NodeKind::FormattedValue:
    one(as<FormattedValue>(n)->value);
    return one(as<FormattedValue>(n)->formatSpec);
  case NodeKind::JoinedStr:
    return all(as<JoinedStr>(n)->values);
  case NodeKind::Attribute:
    return one(as<Attribute>(n)->value);
  case NodeKind::Subscript:
    one(as<Subscript>(n)->value);
    return one(as<Subscript>(n)->slice);
  case NodeKind::Starred:
    return one(as<Starred>(n)->value);
  case NodeKind::List:
    return all(as<List>(n)->elts);
  case NodeKind::Tuple:
    return all(as<Tuple>(n)->elts);
  case NodeKind::Slice:
    one(as<Slice>(n)->lower);
    one(as<Slice>(n)->upper);
    return one(as<Slice>(n)->step);
  default:
    return;
  }
}

void Walker::stmt(const Node *n) const {
  switch (n->kind) {
  case NodeKind::FunctionDef: {
    auto *f = as<FunctionDef>(n);
    all(f->decorators);
    all(f->typeParams);
    args(f->args);
    one(f->returns);
    return all(f->body);
  }
  case NodeKind::ClassDef: {
    auto *c = as<ClassDef>(n);
    all(c->decorators);
    all(c->typeParams);
    all(c->bases);
    all(c->keywords);
    return all(c->body);
  }
  case NodeKind::Return:
    return one(as<Return>(n)->value);
  case NodeKind::Delete:
    return all(as<Delete>(n)->targets);
  case NodeKind::Assign:
    all(as<Assign>(n)->targets);
    return one(as<Assign>(n)->value);
  case NodeKind::TypeAlias:
    one(as<TypeAlias>(n)->name);
    all(as<TypeAlias>(n)->typeParams);
    return one(as<TypeAlias>(n)->value);
  case NodeKind::AugAssign:
    one(as<AugAssign>(n)->target);
    return one(as<AugAssign>(n)->value);
  case NodeKind::AnnAssign:
    one(as<AnnAssign>(n)->target);
    one(as<AnnAssign>(n)->annotation);
    return one(as<AnnAssign>(n)->value);
  case NodeKind::For:
    one(as<For>(n)->target);
    one(as<For>(n)->iter);
    all(as<For>(n)->body);
    return all(as<For>(n)->orelse);
  case NodeKind::While:
    one(as<While>(n)->test);
    all(as<While>(n)->body);
    return all(as<While>(n)->orelse);
  case NodeKind::If:
    one(as<If>(n)->test);
    all(as<If>(n)->body);
    return all(as<If>(n)->orelse);
  case NodeKind::With:
    for (const WithItem &i : as<With>(n)->items) {
      one(i.context);
      one(i.vars);
    }
    return all(as<With>(n)->body);
  case NodeKind::Match:
    one(as<Match>(n)->subject);
    for (const MatchCase &c : as<Match>(n)->cases) {
      one(c.pattern);
      one(c.guard);
      all(c.body);
    }
    return;
  case NodeKind::Raise:
    one(as<Raise>(n)->exc);
    return one(as<Raise>(n)->cause);
  case NodeKind::Try:
    all(as<Try>(n)->body);
    for (const ExceptHandler &h : as<Try>(n)->handlers) {
      one(h.type);
      all(h.body);
    }
    all(as<Try>(n)->orelse);
    return all(as<Try>(n)->finalbody);
  case NodeKind::Assert:
    one(as<Assert>(n)->test);
    return one(as<Assert>(n)->msg);
  case NodeKind::ExprStmt:
    return one(as<ExprStmt>(n)->value);
  default:
    return;
  }
}

void Walker::pattern(const Node *n) const {
  switch (n->kind) {
  case NodeKind::MatchValue:
    return one(as<MatchValue>(n)->value);
  case NodeKind::MatchSequence:
    return all(as<MatchSequence>(n)->patterns);
  case NodeKind::MatchMapping:
    all(as<MatchMapping>(n)->keys);
    return all(as<MatchMapping>(n)->patterns);
  case NodeKind::MatchClass:
    one(as<MatchClass>(n)->cls);
    all(as<MatchClass>(n)->patterns);
    return all(as<MatchClass>(n)->kwdPatterns);
  case NodeKind::MatchAs:
    return one(as<MatchAs>(n)->pattern);
  case NodeKind::MatchOr:
    return all(as<MatchOr>(n)->patterns);
  default:
    return;
  }
}
} // namespace

void forEachChild(const Node *node, const Visit &visit) {
  Walker w{visit};
  if (isExpr(node->kind))
    w.expr(node);
  else if (isStmt(node->kind))
    w.stmt(node);
  else
    w.pattern(node);
}

const Node *findDeeperThan(const Node *root, unsigned limit) {
  std::vector<std::pair<const Node *, unsigned>> todo{{root, 0}};
  while (!todo.empty()) {
    auto [node, depth] = todo.back();
    todo.pop_back();
    if (depth > limit)
      return node;
    forEachChild(node, [&, d = depth + 1](const Node *child) { todo.emplace_back(child, d); });
  }
  return nullptr;
}

} // namespace tessera::py
