// CallbackHost.cpp - globals, functions and operations by callback; exceptions of the host
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/CallbackHost.h"

#include "frontends/python/sema/Language.h"
#include "frontends/python/sema/Visitor.h"

using namespace tessera::py;

namespace tessera::compiler {

// ---- errors

Diagnostic CallbackHost::diagnosticHere(DiagId id, std::string message) const {
  Diagnostic d;
  d.id = id;
  d.severity = diagSeverity(id);
  d.message = std::move(message);
  if (visitor_) {
    d.place = visitor_->currentPlace();
    d.notes = visitor_->callNotes();
    d.function = visitor_->currentFunction();
  }
  return d;
}

void CallbackHost::fail(std::string type, const std::string &message) {
  Diagnostic d = diagnosticHere(DiagId::HostException, type + ": " + message);
  d.exception = std::move(type);
  throw SemaError{std::move(d)};
}

void CallbackHost::throwPending() {
  tsc_str rawType{}, rawMessage{};
  callbacks_.error(callbacks_.user, &rawType, &rawMessage);
  std::string type = text(rawType), message = text(rawMessage);
  if (failure_ && failure_->type == type && failure_->message == message) {
    Failure failure = std::move(*failure_);
    failure_.reset();
    if (failure.isInterrupt)
      throw Interrupt{std::move(*failure.diagnostic)};
    if (!failure.diagnostic)
      throw Suppressed{};
    throw SemaError{std::move(*failure.diagnostic)};
  }
  if (type == "KeyboardInterrupt" || type == "SystemExit") {
    Diagnostic d = diagnosticHere(DiagId::Interrupted, "the compile was interrupted");
    d.exception = type;
    throw Interrupt{std::move(d)};
  }
  Diagnostic d = diagnosticHere(DiagId::HostException, message.empty() ? type : type + ": " + message);
  d.exception = std::move(type);
  throw SemaError{std::move(d)};
}

void CallbackHost::attach(Visitor *visitor) {
  visitor_ = visitor;
  if (callbacks_.emitter)
    callbacks_.emitter(callbacks_.user, visitor ? &emitter_ : nullptr);
}

void CallbackHost::poll() {
  constexpr unsigned kStatements = 64;
  constexpr std::chrono::milliseconds kInterval(20);
  if (!callbacks_.poll || untilPoll_-- > 0)
    return;
  untilPoll_ = kStatements;
  auto now = std::chrono::steady_clock::now();
  if (now - lastPoll_ < kInterval)
    return;
  lastPoll_ = now;
  if (callbacks_.poll(callbacks_.user) != 2)
    return;
  try {
    throwPending();
  } catch (SemaError &e) { // a signal handler raised something else: that ends the compile as well
    throw Interrupt{std::move(e.diagnostic)};
  }
}

// ---- functions

HostValue CallbackHost::functionValue(uint64_t handle) {
  if (auto it = functions_.find(handle); it != functions_.end())
    return it->second;
  HostValue v = loadFunction(handle);
  functions_[handle] = v;
  return v;
}

HostValue CallbackHost::loadFunction(uint64_t handle) {
  tsc_host_function raw{};
  int32_t status = callbacks_.function(callbacks_.user, handle, &raw);
  if (status == 2)
    throwPending();
  if (status)
    fail("SystemError", "the host does not know the function that it named");
  if (raw.flags & 2)
    return HostValue::foreign(
        std::make_shared<CallbackObject>(*this, handle, TSC_OBJECT_CONSTEXPR_FUNCTION, text(raw.name)));
  auto f = std::make_shared<CallbackFunction>();
  f->handle = handle;
  f->name = text(raw.name);
  f->isJit = true;
  f->isNoinline = raw.flags & 1;
  DiagnosticList errors;
  f->source = functionSource(raw, errors);
  if (!f->source) {
    DiagnosticList &out = visitor_ ? visitor_->diags : *diagnostics_;
    for (const Diagnostic &d : errors.all())
      out.add(d);
    if (visitor_)
      ++visitor_->errors;
    throw Suppressed{};
  }
  f->def = f->source->def;
  f->file = f->source->file;
  if (std::find(files_.begin(), files_.end(), f->source->file) == files_.end())
    files_.push_back(f->source->file);
  // Defaults may be functions, whose loading ends the life of what `raw` points to.
  tsc_host_value all[2]{};
  all[0] = {TSC_HOST_LIST, 0, 0, 0, {}, 0, raw.n_defaults, raw.defaults, nullptr};
  all[1] = {TSC_HOST_LIST, 0, 0, 0, {}, 0, raw.n_kw_defaults, raw.kw_defaults, nullptr};
  tsc_host_value both{};
  both.kind = TSC_HOST_LIST;
  both.count = 2;
  both.items = all;
  HostValue f0 = HostValue::object(HostKind::Function, f);
  functions_[handle] = f0; // a function may be its own default
  HostValue defaults = take(both);
  f->defaults = defaults.elements()[0].elements();
  f->kwDefaults = defaults.elements()[1].elements();
  return f0;
}

std::optional<JitFunction> CallbackHost::kernel(uint64_t handle, DiagnosticList &out) {
  diagnostics_ = &out;
  std::optional<JitFunction> result;
  try {
    HostValue v = functionValue(handle);
    auto value = fromHost(v);
    if (value && value->kind == ValueKind::Function)
      result = *value->function;
    else
      out.add(DiagId::NotAKernel, {}, "`" + typeName(v) + "` is no jit function");
  } catch (const SemaError &e) {
    out.add(e.diagnostic);
  } catch (const Interrupt &i) {
    out.add(i.diagnostic);
  } catch (const Suppressed &) {
    // In `out` already.
  }
  diagnostics_ = nullptr;
  return result;
}

// ---- names

Evaluator &CallbackHost::evaluator() {
  if (!evaluator_)
    evaluator_ = std::make_unique<Evaluator>(*this);
  return *evaluator_;
}

std::optional<HostInterface::Global> CallbackHost::global(const JitFunction &from, std::string_view name) {
  auto *f = dynamic_cast<CallbackFunction *>(from.object.get());
  if (!f)
    return std::nullopt;
  auto key = std::pair(f->handle, name);
  if (auto it = globals_.find(key); it != globals_.end())
    return it->second;
  tsc_host_value raw{};
  int32_t status = callbacks_.global(callbacks_.user, f->handle, view(name), &raw);
  if (status == 2)
    throwPending();
  std::optional<Global> result;
  if (status == 0) {
    bool isConstexpr = raw.flags & TSC_FLAG_CONSTEXPR || raw.kind == TSC_HOST_CONSTEXPR;
    HostValue value = take(raw);
    result = Global{std::move(value), isConstexpr};
  }
  return globals_.emplace(key, std::move(result)).first->second;
}

std::vector<std::string> CallbackHost::globalNames(const JitFunction &from) {
  std::vector<std::string> out;
  auto *f = dynamic_cast<CallbackFunction *>(from.object.get());
  if (!f || !callbacks_.names)
    return out;
  callbacks_.names(callbacks_.user, f->handle, &out,
                   [](void *to, tsc_str name) { static_cast<std::vector<std::string> *>(to)->push_back(text(name)); });
  return out;
}

std::optional<HostValue> CallbackHost::resolve(std::string_view path) {
  std::string p = canonicalPath(path);
  return p.empty() ? std::nullopt : languageObject(p);
}

std::optional<HostValue> CallbackHost::languageName(std::string_view path) {
  if (auto it = languageNames_.find(path); it != languageNames_.end())
    return it->second;
  size_t dot = path.rfind('.');
  auto space = std::make_shared<OpaqueObject>();
  space->path = std::string(path.substr(0, dot));
  auto v = apply(TSC_OP_GETATTR, {HostValue::object(HostKind::Opaque, std::move(space)),
                                  HostValue::string(std::string(path.substr(dot + 1)))});
  if (v && v->kind() == HostKind::Opaque && !languageValue(v->get<OpaqueObject>()->path))
    v = std::nullopt; // the host says that it is the language's, which does not have it
  languageNames_.emplace(std::string(path), v);
  return v;
}

std::optional<HostValue> CallbackHost::member(const HostValue &of, std::string_view name, bool &isBound) {
  uint32_t flags = 0;
  auto v = apply(TSC_OP_GETATTR, {of, HostValue::string(std::string(name))}, {}, &flags);
  isBound = flags & TSC_FLAG_BOUND;
  return v;
}

// ---- operations

std::optional<HostValue> CallbackHost::apply(uint32_t op, const std::vector<HostValue> &operands,
                                             const std::vector<std::string> &keywords, uint32_t *flags) {
  HostValueWriter writer(this);
  std::vector<tsc_host_value> raw;
  raw.reserve(operands.size());
  for (const HostValue &o : operands)
    raw.push_back(writer.write(o));
  std::vector<tsc_str> names;
  for (const std::string &k : keywords)
    names.push_back(view(k));
  tsc_host_value out{};
  failure_.reset();
  int32_t status = callbacks_.apply(callbacks_.user, op, raw.data(), static_cast<uint32_t>(raw.size()), names.data(),
                                    static_cast<uint32_t>(names.size()), &out);
  if (status == 2)
    throwPending();
  if (status)
    return std::nullopt;
  if (flags)
    *flags = out.flags;
  return take(out);
}

uint64_t CallbackHost::runtimeHandle(const Value &v) {
  runtime_.push_back(v);
  return runtime_.size();
}
const Value *CallbackHost::runtimeValue(uint64_t handle) const {
  return handle && handle <= runtime_.size() ? &runtime_[handle - 1] : nullptr;
}

HostValue CallbackObject::self() const {
  auto copy = std::make_shared<CallbackObject>(host, handle, what, type);
  copy->plain = plain;
  return HostValue::foreign(std::move(copy));
}

std::string CallbackObject::textOf(uint32_t op) const {
  auto r = host.apply(op, {self()});
  return r && r->isStr() ? r->str() : "<" + type + " object>";
}
std::string CallbackObject::repr() const { return textOf(TSC_OP_REPR); }
std::string CallbackObject::str() const { return textOf(TSC_OP_STR); }

std::optional<HostValue> CallbackObject::getAttribute(Evaluator &, std::string_view name) {
  bool isModule = what == TSC_OBJECT_MODULE;
  if (isModule)
    if (auto it = host.moduleAttributes_.find({handle, std::string(name)}); it != host.moduleAttributes_.end())
      return it->second;
  auto v = host.apply(TSC_OP_GETATTR, {self(), HostValue::string(std::string(name))});
  if (isModule && v)
    host.moduleAttributes_.emplace(std::pair(handle, std::string(name)), *v);
  return v;
}

std::optional<HostValue> CallbackObject::getItem(Evaluator &, const HostValue &index) {
  return host.apply(TSC_OP_GETITEM, {self(), index});
}

std::optional<HostValue> CallbackObject::call(Evaluator &, std::vector<HostValue> &args, HostKeywords &keywords) {
  std::vector<HostValue> operands = {self()};
  operands.insert(operands.end(), args.begin(), args.end());
  std::vector<std::string> names;
  for (auto &[name, value] : keywords) {
    names.push_back(name);
    operands.push_back(value);
  }
  return host.apply(TSC_OP_CALL, operands, names);
}

bool CallbackObject::equals(const ForeignObject &o) const {
  auto *other = dynamic_cast<const CallbackObject *>(&o);
  return other && other->handle == handle;
}

LiveObject::Global CallbackObject::asGlobal() const {
  switch (what) {
  case TSC_OBJECT_FUNCTION:
    return Global::PlainFunction;
  case TSC_OBJECT_MODULE:
  case TSC_OBJECT_NAMED_TUPLE_CLASS:
  case TSC_OBJECT_AGGREGATE_CLASS:
  case TSC_OBJECT_CONSTEXPR_FUNCTION:
  case TSC_OBJECT_BUILTIN:
    return Global::Allowed;
  default:
    return Global::NotConstexpr;
  }
}

std::optional<HostValue> CallbackObject::apply(Evaluator &e, LiveOp op, std::vector<HostValue> operands) {
  static constexpr uint32_t kOps[] = {TSC_OP_BINARY,  TSC_OP_COMPARE, TSC_OP_UNARY,  TSC_OP_TRUTH,
                                      TSC_OP_REPR,    TSC_OP_STR,     TSC_OP_FORMAT, TSC_OP_ISINSTANCE,
                                      TSC_OP_ITERATE, TSC_OP_HASH,    TSC_OP_LEN};
  if (auto r = host.apply(kOps[static_cast<size_t>(op)], operands))
    return r;
  switch (op) {
  case LiveOp::Binary:
    return e.raise("TypeError", "unsupported operand type(s) for " + operands[0].str() + ": '" +
                                    py::typeName(operands[1]) + "' and '" + py::typeName(operands[2]) + "'");
  case LiveOp::Compare:
    return e.raise("TypeError", "'" + operands[0].str() + "' not supported between instances of '" +
                                    py::typeName(operands[1]) + "' and '" + py::typeName(operands[2]) + "'");
  case LiveOp::Unary:
    return e.raise("TypeError",
                   "bad operand type for unary " + operands[0].str() + ": '" + py::typeName(operands[1]) + "'");
  case LiveOp::Iterate:
    return e.raise("TypeError", "'" + type + "' object is not iterable");
  case LiveOp::Hash:
    return e.raise("TypeError", "unhashable type: '" + type + "'");
  case LiveOp::Length:
    return e.raise("TypeError", "object of type '" + type + "' has no len()");
  case LiveOp::IsInstance:
    return e.raise("TypeError", "isinstance() arg 2 must be a type or a tuple of types");
  case LiveOp::Repr:
  case LiveOp::Str:
    return HostValue::string("<" + type + " object>");
  default:
    return e.raise("TypeError", "'" + type + "' object does not support this operation");
  }
}

} // namespace tessera::compiler
