// HostValue.cpp - making and reading compile-time values
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/HostValue.h"

namespace tessera::py {

HostValue HostValue::boolean(bool v) {
  HostValue out(HostKind::Bool);
  out.int_ = v;
  return out;
}
HostValue HostValue::integer(int64_t v) {
  HostValue out(HostKind::Int);
  out.int_ = v;
  return out;
}
HostValue HostValue::integer(const BigInt &v) {
  if (auto small = v.toI64())
    return integer(*small);
  HostValue out(HostKind::Int);
  auto object = std::make_shared<BigIntObject>();
  object->value = v;
  out.object_ = std::move(object);
  return out;
}
HostValue HostValue::real(double v) {
  HostValue out(HostKind::Float);
  out.float_ = v;
  return out;
}
HostValue HostValue::string(std::string v) {
  auto object = std::make_shared<StrObject>();
  object->value = std::move(v);
  return HostValue::object(HostKind::Str, std::move(object));
}
HostValue HostValue::tuple(std::vector<HostValue> elements) {
  auto object = std::make_shared<SequenceObject>();
  object->elements = std::move(elements);
  return HostValue::object(HostKind::Tuple, std::move(object));
}
HostValue HostValue::list(std::vector<HostValue> elements) {
  HostValue v = tuple(std::move(elements));
  v.kind_ = HostKind::List;
  return v;
}
HostValue HostValue::object(HostKind kind, std::shared_ptr<HostObject> object) {
  HostValue out(kind);
  out.object_ = std::move(object);
  return out;
}
HostValue HostValue::foreign(std::shared_ptr<ForeignObject> object) {
  return HostValue::object(HostKind::Foreign, std::move(object));
}

bool HostValue::boolValue() const {
  assert(isBool());
  return int_ != 0;
}
std::optional<int64_t> HostValue::toI64() const {
  if (!isIntOrBool() || object_)
    return std::nullopt;
  return int_;
}
BigInt HostValue::bigInt() const {
  assert(isIntOrBool());
  return object_ ? get<BigIntObject>()->value : BigInt(int_);
}
double HostValue::floatValue() const {
  assert(isFloat());
  return float_;
}
std::optional<double> HostValue::toDouble() const {
  if (isFloat())
    return float_;
  if (isIntOrBool())
    return object_ ? get<BigIntObject>()->value.toDouble() : static_cast<double>(int_);
  return std::nullopt;
}
const std::string &HostValue::str() const {
  assert(isStr());
  return get<StrObject>()->value;
}
std::vector<HostValue> &HostValue::elements() const {
  assert(isTuple() || isList());
  return get<SequenceObject>()->elements;
}

bool HostValue::isSame(const HostValue &o) const {
  if (kind_ != o.kind_)
    return false;
  switch (kind_) {
  case HostKind::None:
  case HostKind::Ellipsis:
  case HostKind::NotImplemented:
    return true;
  case HostKind::Bool:
    return int_ == o.int_;
  case HostKind::Int:
    return object_ || o.object_ ? object_ == o.object_ : int_ == o.int_;
  case HostKind::Float:
    return float_ == o.float_;
  case HostKind::Str:
    return str() == o.str();
  case HostKind::Opaque:
    return get<OpaqueObject>()->path == o.get<OpaqueObject>()->path;
  case HostKind::Foreign:
    return object_ == o.object_ || get<ForeignObject>()->equals(*o.get<ForeignObject>());
  default:
    return object_ == o.object_;
  }
}

int64_t RangeObject::size() const {
  if (step > 0)
    return start < stop
               ? static_cast<int64_t>(
                     (static_cast<uint64_t>(stop) - static_cast<uint64_t>(start) - 1) / static_cast<uint64_t>(step) + 1)
               : 0;
  return start > stop ? static_cast<int64_t>((static_cast<uint64_t>(start) - static_cast<uint64_t>(stop) - 1) /
                                                 (0 - static_cast<uint64_t>(step)) +
                                             1)
                      : 0;
}

const HostValue *ClassObject::find(std::string_view name) const {
  for (auto it = members.rbegin(); it != members.rend(); ++it)
    if (it->first == name)
      return &it->second;
  for (const HostValue &b : bases)
    if (b.kind() == HostKind::Class)
      if (const HostValue *v = b.get<ClassObject>()->find(name))
        return v;
  return nullptr;
}

HostValue *InstanceObject::find(std::string_view name) {
  for (auto &[n, v] : fields)
    if (n == name)
      return &v;
  return nullptr;
}

} // namespace tessera::py
