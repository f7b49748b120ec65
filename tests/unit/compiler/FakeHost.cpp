// FakeHost.cpp - tables behind the callbacks of tsc_host
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/compiler/FakeHost.h"

#include <cstring>

namespace tessera::test {

V V::boolean(bool v) {
  V out;
  out.kind = TSC_HOST_BOOL;
  out.integer = v;
  return out;
}
V V::integerOf(int64_t v) {
  V out;
  out.kind = TSC_HOST_INT;
  out.integer = v;
  return out;
}
V V::big(std::string digits) {
  V out;
  out.kind = TSC_HOST_INT;
  out.flags = TSC_FLAG_BIG;
  out.text = std::move(digits);
  return out;
}
V V::realOf(double v) {
  V out;
  out.kind = TSC_HOST_FLOAT;
  out.real = v;
  return out;
}
static V withText(uint32_t kind, std::string text) {
  V out;
  out.kind = kind;
  out.text = std::move(text);
  return out;
}
static V withItems(uint32_t kind, std::vector<V> items) {
  V out;
  out.kind = kind;
  out.items = std::move(items);
  return out;
}
V V::str(std::string s) { return withText(TSC_HOST_STR, std::move(s)); }
V V::tuple(std::vector<V> items) { return withItems(TSC_HOST_TUPLE, std::move(items)); }
V V::list(std::vector<V> items) { return withItems(TSC_HOST_LIST, std::move(items)); }
V V::dict(std::vector<V> flat) { return withItems(TSC_HOST_DICT, std::move(flat)); }
V V::dtype(std::string s) { return withText(TSC_HOST_DTYPE, std::move(s)); }
V V::constexprOf(V v) { return withItems(TSC_HOST_CONSTEXPR, {std::move(v)}); }
V V::language(std::string path) { return withText(TSC_HOST_LANGUAGE, std::move(path)); }
V V::function(uint64_t handle) {
  V out;
  out.kind = TSC_HOST_FUNCTION;
  out.handle = handle;
  return out;
}

static std::string textOf(tsc_str s) { return std::string(s.p ? s.p : "", s.p ? s.n : 0); }

static uint64_t itemCount(const tsc_host_value &v) {
  switch (v.kind) {
  case TSC_HOST_DICT:
    return v.count * 2;
  case TSC_HOST_SLICE:
    return 3;
  default:
    return v.count;
  }
}

V ownedCopy(const tsc_host_value &v) {
  V out;
  out.kind = v.kind;
  out.flags = v.flags;
  out.integer = v.integer;
  out.real = v.real;
  out.text = textOf(v.text);
  out.handle = v.handle;
  for (uint64_t i = 0; v.items && i < itemCount(v); ++i)
    out.items.push_back(ownedCopy(v.items[i]));
  for (uint64_t i = 0; v.names && i < v.count; ++i)
    out.names.push_back(textOf(v.names[i]));
  return out;
}

FakeHost::FakeHost() {
  globals["tl"] = V::language("triton.language");
  globals["triton"] = V::language("triton");
}

V FakeHost::addFunction(Function f) {
  uint64_t handle = next_++;
  V out = V::function(handle);
  out.text = f.name;
  functions_[handle] = std::move(f);
  return out;
}
V FakeHost::addObject(Object o) {
  V out;
  out.kind = TSC_HOST_OBJECT;
  out.flags = o.what;
  out.handle = next_++;
  out.text = o.type;
  out.items = o.plain;
  objects_[out.handle] = std::move(o);
  return out;
}

void FakeHost::spoil() {
  for (std::string &s : texts_)
    std::fill(s.begin(), s.end(), '?');
  for (auto &list : items_)
    std::memset(static_cast<void *>(list.data()), 0xEE, list.size() * sizeof(tsc_host_value));
  for (auto &list : names_)
    std::memset(static_cast<void *>(list.data()), 0xEE, list.size() * sizeof(tsc_str));
  texts_.clear();
  items_.clear();
  names_.clear();
}

tsc_str FakeHost::keep(const std::string &s) {
  texts_.push_back(s);
  return {texts_.back().data(), texts_.back().size()};
}

tsc_host_value FakeHost::give(const V &v) {
  tsc_host_value out{};
  out.kind = v.kind;
  out.flags = v.flags;
  out.integer = v.integer;
  out.real = v.real;
  out.text = keep(v.text);
  out.handle = v.handle;
  std::vector<tsc_host_value> items;
  for (const V &i : v.items)
    items.push_back(give(i));
  out.count = v.kind == TSC_HOST_DICT ? items.size() / 2 : items.size();
  out.items = items_.emplace_back(std::move(items)).data();
  if (!v.names.empty()) {
    std::vector<tsc_str> names;
    for (const std::string &n : v.names)
      names.push_back(keep(n));
    out.names = names_.emplace_back(std::move(names)).data();
  }
  return out;
}

template <class F> int32_t FakeHost::guarded(F f) {
  try {
    return f();
  } catch (const PyError &e) {
    pending_ = e;
    return 2;
  }
}

int32_t FakeHost::apply(uint32_t op, const std::vector<V> &operands, const Keywords &keywords, tsc_host_value *out) {
  auto object = [&](const V &v) -> Object * {
    auto it = v.kind == TSC_HOST_OBJECT || (v.kind == TSC_HOST_TUPLE && v.handle) || v.kind == TSC_HOST_FUNCTION
                  ? objects_.find(v.handle)
                  : objects_.end();
    return it == objects_.end() ? nullptr : &it->second;
  };
  auto answer = [&](const V &v) {
    *out = give(v);
    return 0;
  };
  switch (op) {
  case TSC_OP_GETATTR: {
    if (operands[0].kind == TSC_HOST_LANGUAGE) {
      auto it = globals.find(operands[0].text + "." + operands[1].text);
      return it == globals.end() ? 1 : answer(it->second);
    }
    Object *o = object(operands[0]);
    if (!o)
      return 1;
    if (auto property = o->operations.find("property " + operands[1].text); property != o->operations.end())
      return answer(property->second(operands));
    auto it = o->attributes.find(operands[1].text);
    return it == o->attributes.end() ? 1 : answer(it->second);
  }
  case TSC_OP_CALL: {
    Object *o = object(operands[0]);
    if (!o || !o->call)
      return 1;
    return answer(o->call({operands.begin() + 1, operands.end()}, keywords));
  }
  default:
    break;
  }
  static const std::map<uint32_t, const char *> kNames = {
      {TSC_OP_GETITEM, "item"},  {TSC_OP_TRUTH, "truth"},     {TSC_OP_REPR, "repr"},
      {TSC_OP_STR, "str"},       {TSC_OP_FORMAT, "format"},   {TSC_OP_ISINSTANCE, "isinstance"},
      {TSC_OP_HASH, "hash"},     {TSC_OP_ITERATE, "iterate"}, {TSC_OP_LEN, "len"},
      {TSC_OP_BINARY, "binary"}, {TSC_OP_COMPARE, "compare"}, {TSC_OP_UNARY, "unary"}};
  std::string name = kNames.at(op);
  bool hasOperator = op == TSC_OP_BINARY || op == TSC_OP_COMPARE || op == TSC_OP_UNARY;
  if (hasOperator)
    name += " " + operands[0].text;
  for (const V &v : operands)
    if (Object *o = object(v))
      if (auto it = o->operations.find(name); it != o->operations.end())
        return answer(it->second(operands));
  if (op == TSC_OP_COMPARE && operands[0].text == "==")
    return answer(V::boolean(operands[1].handle == operands[2].handle));
  if (op == TSC_OP_TRUTH)
    return answer(V::boolean(true));
  if (op == TSC_OP_HASH)
    return answer(V::integerOf(static_cast<int64_t>(operands[0].handle)));
  return 1;
}

tsc_host FakeHost::callbacks() {
  tsc_host h{};
  h.size = sizeof h;
  h.user = this;
  h.function = [](void *user, uint64_t handle, tsc_host_function *out) -> int32_t {
    auto &self = *static_cast<FakeHost *>(user);
    self.spoil();
    ++self.functionCalls;
    auto it = self.functions_.find(handle);
    if (it == self.functions_.end())
      return 1;
    const Function &f = it->second;
    *out = {};
    out->name = self.keep(f.name);
    out->file = self.keep(f.file);
    out->text = self.keep(f.text);
    out->key = self.keep(f.key);
    out->first_line = f.firstLine;
    out->column_offset = f.columnOffset;
    out->flags = f.flags;
    tsc_host_value defaults = self.give(V::list(f.defaults)), kw = self.give(V::list(f.kwDefaults));
    out->defaults = defaults.items;
    out->n_defaults = static_cast<uint32_t>(defaults.count);
    out->kw_defaults = kw.items;
    out->n_kw_defaults = static_cast<uint32_t>(kw.count);
    return 0;
  };
  h.global = [](void *user, uint64_t, tsc_str name, tsc_host_value *out) -> int32_t {
    auto &self = *static_cast<FakeHost *>(user);
    self.spoil();
    self.asked.push_back(textOf(name));
    auto it = self.globals.find(textOf(name));
    if (it == self.globals.end())
      return 1;
    *out = self.give(it->second);
    return 0;
  };
  h.names = [](void *user, uint64_t, void *to, void (*on_name)(void *, tsc_str)) -> int32_t {
    for (auto &[name, value] : static_cast<FakeHost *>(user)->globals)
      on_name(to, {name.data(), name.size()});
    return 0;
  };
  h.apply = [](void *user, uint32_t op, const tsc_host_value *operands, uint32_t n, const tsc_str *keywords,
               uint32_t numKeywords, tsc_host_value *out) -> int32_t {
    auto &self = *static_cast<FakeHost *>(user);
    self.spoil();
    return self.guarded([&] {
      std::vector<V> args;
      Keywords named;
      for (uint32_t i = 0; i < n; ++i)
        if (i + numKeywords < n)
          args.push_back(ownedCopy(operands[i]));
        else
          named[textOf(keywords[i + numKeywords - n])] = ownedCopy(operands[i]);
      return self.apply(op, args, named, out);
    });
  };
  h.error = [](void *user, tsc_str *type, tsc_str *message) {
    auto &self = *static_cast<FakeHost *>(user);
    self.errorTexts_ = {self.pending_.type, self.pending_.message};
    *type = {self.errorTexts_[0].data(), self.errorTexts_[0].size()};
    *message = {self.errorTexts_[1].data(), self.errorTexts_[1].size()};
  };
  h.emitter = [](void *user, tsc_emitter *e) { static_cast<FakeHost *>(user)->emitter = e; };
  h.poll = [](void *user) -> int32_t {
    auto &self = *static_cast<FakeHost *>(user);
    if (!self.onPoll)
      return 0;
    return self.guarded([&] { return self.onPoll(); });
  };
  return h;
}

V FakeHost::emit(const std::string &path, const std::vector<V> &operands, const Keywords &keywords) {
  // In storage of its own: callbacks may come while the call runs.
  FakeHost storage;
  std::vector<tsc_host_value> raw;
  std::vector<tsc_str> names;
  for (const V &v : operands)
    raw.push_back(storage.give(v));
  for (auto &[name, v] : keywords) {
    names.push_back(storage.keep(name));
    raw.push_back(storage.give(v));
  }
  tsc_host_value out{};
  int32_t status = tsc_emitter_call(emitter, {path.data(), path.size()}, raw.data(), static_cast<uint32_t>(raw.size()),
                                    names.data(), static_cast<uint32_t>(names.size()), &out);
  if (!status)
    return ownedCopy(out);
  tsc_str type{}, message{};
  tsc_emitter_error(emitter, &type, &message);
  throw PyError{textOf(type), textOf(message)};
}

Outcome FakeHost::compile(const V &kernel, const std::vector<Binding> &bindings, const std::string &emits,
                          const std::vector<std::pair<std::string, std::string>> &options) {
  Outcome outcome;
  tsc_sink sink{};
  sink.size = sizeof sink;
  sink.user = &outcome;
  sink.diag = [](void *user, uint32_t, tsc_str text, tsc_str json) {
    static_cast<Outcome *>(user)->text.push_back(textOf(text));
    static_cast<Outcome *>(user)->json.push_back(textOf(json));
  };
  sink.emit = [](void *user, tsc_str kind, tsc_str, const void *bytes, uint64_t n) {
    static_cast<Outcome *>(user)->outputs[textOf(kind)] = std::string(static_cast<const char *>(bytes), n);
  };
  sink.kernel = [](void *user, const tsc_kernel_info *info) {
    for (uint32_t i = 0; i < info->num_args; ++i)
      static_cast<Outcome *>(user)->argFlags[textOf(info->args[i].name)] = info->args[i].flags;
  };
  tsc_host host = callbacks();
  tsc_source *source = tsc_source_open_function(&host, kernel.handle, &sink);
  if (!source) {
    outcome.status = TSC_USER_ERROR;
    return outcome;
  }
  FakeHost storage; // of the bindings: they live through all callbacks
  std::vector<tsc_host_value> constants;
  constants.reserve(bindings.size());
  std::vector<tsc_binding> raw;
  for (const Binding &b : bindings) {
    tsc_binding r{};
    r.name = {b.name.data(), b.name.size()};
    r.type = {b.type.data(), b.type.size()};
    r.divisibility = b.divisibility;
    if (b.hasConstant) {
      constants.push_back(storage.give(b.constant));
      r.constant = &constants.back();
    }
    raw.push_back(r);
  }
  std::vector<tsc_str> flat;
  for (auto &[key, value] : options) {
    flat.push_back({key.data(), key.size()});
    flat.push_back({value.data(), value.size()});
  }
  tsc_request request{};
  request.size = sizeof request;
  request.num_bindings = static_cast<uint32_t>(raw.size());
  request.bindings = raw.data();
  request.emits = {emits.data(), emits.size()};
  request.num_options = static_cast<uint32_t>(options.size());
  request.options = flat.data();
  outcome.status = tsc_compile(source, &request, &sink);
  tsc_source_close(source);
  return outcome;
}

} // namespace tessera::test
