// Aggregates.cpp - construction, fields and methods of aggregates
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Aggregates.h"

#include "frontends/python/sema/HostTypes.h"
#include "frontends/python/sema/Scopes.h"
#include "frontends/python/sema/Visitor.h"

namespace tessera::py {

bool isAggregateClass(const HostValue &v) {
  if (v.kind() != HostKind::Class)
    return false;
  for (const std::string &d : v.get<ClassObject>()->decorators)
    if (std::string_view(d).ends_with("aggregate"))
      return true;
  return false;
}

namespace {
struct Field {
  std::string name;
  const Expr *annotation;
};
// The annotated names of a class and of its bases, the bases' first.
void collectFields(const ClassObject &cls, std::vector<Field> &out) {
  for (const HostValue &base : cls.bases)
    if (base.kind() == HostKind::Class)
      collectFields(*base.get<ClassObject>(), out);
  if (!cls.def)
    return;
  for (const Stmt *s : cls.def->body)
    if (auto *a = dyn<AnnAssign>(s))
      if (auto *n = dyn<Name>(a->target))
        if (llvm::none_of(out, [&](const Field &f) { return f.name == n->id; }))
          out.push_back({std::string(n->id), a->annotation});
}

std::string lastName(const Expr *e) {
  if (auto *n = dyn<Name>(e))
    return std::string(n->id);
  if (auto *a = dyn<Attribute>(e))
    return std::string(a->attr);
  if (auto *s = dyn<Subscript>(e))
    return lastName(s->value);
  return {};
}

// Whether the value can be what the annotation says. Names that are not of the language are classes of the file.
bool fits(const Value &v, const std::string &annotation, ModuleScope *module) {
  if (annotation == "tensor")
    return v.isTensor() || v.kind == ValueKind::BlockPtr;
  if (annotation == "constexpr")
    return !v.isTensor() && v.kind != ValueKind::BlockPtr && v.kind != ValueKind::Descriptor && !v.isAggregate();
  if (annotation == "tuple")
    return v.isTuple() && !v.isAggregate();
  if (annotation == "tensor_descriptor" || annotation == "tensor_descriptor_base")
    return v.kind == ValueKind::Descriptor;
  if (v.isTuple() && v.parts->cls.kind() == HostKind::Class) {
    std::vector<HostValue> classes = {v.parts->cls};
    for (size_t i = 0; i < classes.size(); ++i)
      if (classes[i].kind() == HostKind::Class) {
        if (classes[i].get<ClassObject>()->name == annotation)
          return true;
        for (const HostValue &base : classes[i].get<ClassObject>()->bases)
          classes.push_back(base);
      }
    return false;
  }
  auto named = module && !annotation.empty() ? module->lookup(annotation) : std::nullopt;
  return !named || !isAggregateClass(*named);
}
} // namespace

const FunctionObject *plainFunction(const HostValue &v) {
  if (v.kind() != HostKind::Function)
    return nullptr;
  auto *f = v.get<FunctionObject>();
  return f->def && !f->isJit && !f->isConstexpr ? f : nullptr;
}

Value functionValue(const HostValue &v, bool isConstructor) {
  auto *f = v.get<FunctionObject>();
  auto jit = std::make_shared<JitFunction>();
  jit->name = f->name;
  jit->def = f->def;
  jit->file = f->module ? f->module->file() : nullptr;
  jit->object = std::static_pointer_cast<FunctionObject>(v.shared());
  jit->isPlain = isConstructor || !f->isJit;
  jit->isConstructor = isConstructor;
  Value r;
  r.kind = ValueKind::Function;
  r.function = std::move(jit);
  r.host = v;
  return r;
}
Value Visitor::construct(const Value &cls, std::vector<Value> args, Keywords keywords) {
  auto *object = cls.host.get<ClassObject>();
  std::vector<Field> fields;
  collectFields(*object, fields);
  Value self = tuple({}, {}, object->name);
  auto *data = const_cast<TupleData *>(self.parts.get());
  data->cls = cls.host;
  data->aggregate = true;
  const HostValue *init = object->find("__init__");
  if (init && init->kind() == HostKind::Function && init->get<FunctionObject>()->def) {
    args.insert(args.begin(), self);
    unsigned before = errors;
    self = callFunction(functionValue(*init, true), std::move(args), std::move(keywords));
    if (errors != before)
      throw Suppressed{};
  } else { // without one, as a dataclass: the fields in order
    if (args.size() > fields.size())
      failArgument(object->name + "() takes " + std::to_string(fields.size()) + " arguments but " +
                   std::to_string(args.size()) + " were given");
    for (size_t i = 0; i < args.size(); ++i) {
      data->names.push_back(fields[i].name);
      data->items.push_back(std::move(args[i]));
    }
    for (auto &[name, value] : keywords) {
      data->names.push_back(std::string(name));
      data->items.push_back(std::move(value));
    }
  }
  auto ordered = std::make_shared<TupleData>(*self.parts);
  ordered->items.clear();
  ordered->names.clear();
  for (const std::string &name : self.parts->names)
    if (llvm::none_of(fields, [&](const Field &f) { return f.name == name; }))
      fail(DiagId::BadAttribute, object->name + " has no attribute '" + name + "'",
           "annotate it in the class: " + name + ": tl.tensor");
  for (const Field &f : fields) {
    auto it = llvm::find(self.parts->names, f.name);
    if (it == self.parts->names.end())
      fail(DiagId::BadAttribute, "constructor for " + object->name + " did not initialize attribute '" + f.name + "'");
    const Value &v = self.items()[it - self.parts->names.begin()];
    std::string annotation = lastName(f.annotation);
    if (!fits(v, annotation, object->module))
      failType("Expected " + annotation + " for attribute '" + f.name + "', got " + describeType(v));
    ordered->names.push_back(f.name);
    ordered->items.push_back(v);
  }
  self.parts = std::move(ordered);
  return self;
}

// `self.field = value` in a constructor.
void Visitor::assignField(const Attribute *target, const Value &value) {
  auto *object = dyn<Name>(target->value);
  Value *self = object ? frame().env.find(object->id) : nullptr;
  if (!self || !self->isAggregate())
    fail(DiagId::BadAssignment, "only attributes of the object under construction can be set");
  auto data = std::make_shared<TupleData>(*self->parts);
  auto it = llvm::find(data->names, target->attr);
  if (it != data->names.end()) {
    data->items[it - data->names.begin()] = value;
  } else {
    data->names.push_back(std::string(target->attr));
    data->items.push_back(value);
  }
  Value changed = *self;
  changed.parts = std::move(data);
  setVariable(object->id, std::move(changed));
}

// A method or constant of the class of a named tuple or an aggregate; methods are bound to `self`.
std::optional<Value> Visitor::memberOf(const Value &self, const HostValue &cls, std::string_view name) {
  const HostValue *member = cls.get<ClassObject>()->find(name);
  if (!member)
    return std::nullopt;
  HostValue v = unwrapConstexpr(*member);
  if (v.kind() != HostKind::Function) {
    auto r = fromHost(*member);
    return r ? r : std::optional(constant(v));
  }
  auto *f = v.get<FunctionObject>();
  Value callee = f->def && !f->isConstexpr ? functionValue(v, false) : constant(v);
  if (f->isStatic)
    return callee;
  Value r;
  r.kind = ValueKind::Bound;
  auto data = std::make_shared<TupleData>();
  data->items = {self, std::move(callee)};
  r.parts = std::move(data);
  if (f->isProperty)
    return call(r, {}, {});
  return r;
}

} // namespace tessera::py
