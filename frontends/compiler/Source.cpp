// Source.cpp - opening a file, listing its kernels and their parameters
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/CallbackHost.h"

#include <algorithm>
#include <cstring>

#include <cstddef>

using namespace tessera;
using namespace tessera::compiler;

namespace tessera::compiler {

int32_t deliver(const tsc_sink *sink, const DiagnosticList &list) {
  int32_t status = TSC_OK;
  for (const Diagnostic &d : list.all()) {
    bool unavailable = diagCode(d.id).substr(0, 3) == "E04";
    if (d.severity == Severity::Bug)
      status = TSC_INTERNAL;
    else if (d.severity == Severity::Error && status == TSC_OK)
      status = unavailable ? TSC_UNAVAILABLE : d.id == DiagId::BadUsage ? TSC_USAGE : TSC_USER_ERROR;
    if (!sink || !sink->diag)
      continue;
    std::string rendered = renderDiagnostic(d, sink->colour), json = renderDiagnosticJson(d);
    uint32_t severity = d.severity == Severity::Error     ? 0
                        : d.severity == Severity::Warning ? 1
                        : d.severity == Severity::Note    ? 2
                                                          : 3;
    sink->diag(sink->user, severity, view(rendered), view(json));
  }
  return status;
}

void emit(const tsc_sink *sink, std::string_view kind, std::string_view name, std::string_view bytes) {
  if (sink && sink->emit)
    sink->emit(sink->user, view(kind), view(name), bytes.data(), bytes.size());
}

void enterStage(const tsc_sink *sink, std::string_view stage, std::string_view plugin) {
  if (sink && sink->size >= offsetof(tsc_sink, stage) + sizeof sink->stage && sink->stage)
    sink->stage(sink->user, view(stage), view(plugin));
}

} // namespace tessera::compiler

tsc_source *tsc_source_open(tsc_str file_name, tsc_str source_text, const tsc_sink *sink) {
  auto source = std::make_unique<tsc_source>();
  source->file = std::make_shared<SourceFile>();
  source->file->name = text(file_name);
  source->file->text = text(source_text);
  DiagnosticList list;
  source->module = source->host.load(source->file, list);
  deliver(sink, list);
  return source->module && !list.hasErrors() ? source.release() : nullptr;
}

void tsc_source_close(tsc_source *source) { delete source; }

tsc_source *tsc_source_open_function(const tsc_host *host, uint64_t function, const tsc_sink *sink) {
  auto source = std::make_unique<tsc_source>();
  // A host of an older header ends earlier: what it lacks is NULL.
  std::memcpy(&source->callbacks, host, std::min<size_t>(host->size, sizeof(tsc_host)));
  source->function = function;
  DiagnosticList list;
  bool isKernel = CallbackHost(source->callbacks).kernel(function, list).has_value();
  deliver(sink, list);
  return isKernel ? source.release() : nullptr;
}

void tsc_source_kernels(const tsc_source *source, void *user, void (*on_kernel)(void *, tsc_str, uint32_t)) {
  if (source->isLive()) {
    DiagnosticList list;
    if (auto kernel = CallbackHost(source->callbacks).kernel(source->function, list))
      on_kernel(user, view(kernel->name), kernel->def->span.line);
    return;
  }
  for (const std::string &name : py::FileHost::kernelNames(*source->module))
    on_kernel(user, view(name), 0);
}

namespace {

// The text of an expression, as the source has it.
std::string sourceText(const SourceFile &file, const py::Expr *e) {
  std::string out;
  if (!e)
    return out;
  for (uint32_t n = e->span.line; n <= e->span.endLine; ++n) {
    std::string_view line = file.line(n);
    uint32_t column = 1, from = n == e->span.line ? e->span.column : 1;
    for (size_t i = 0; i < line.size(); ++i) {
      bool isContinuation = (static_cast<unsigned char>(line[i]) & 0xC0) == 0x80;
      column += !isContinuation && i > 0;
      if (column >= from && (n != e->span.endLine || column < e->span.endColumn))
        out += line[i];
    }
    if (n != e->span.endLine)
      out += '\n';
  }
  return out;
}

std::vector<const py::Expr *> annotations(const py::FunctionDef &def) {
  std::vector<const py::Expr *> out;
  for (auto *list : {&def.args->posonlyargs, &def.args->args, &def.args->kwonlyargs})
    for (const py::Arg &a : *list)
      out.push_back(a.annotation);
  return out;
}

} // namespace

int32_t tsc_source_params(const tsc_source *source, tsc_str kernel, const tsc_sink *sink, void *user,
                          void (*on_param)(void *, const tsc_param *)) {
  auto &mutableSource = const_cast<tsc_source &>(*source);
  DiagnosticList list;
  std::optional<std::vector<py::FileHost::ParamInfo>> params;
  py::JitFunction function;
  if (source->isLive()) {
    CallbackHost host(source->callbacks);
    if (auto found = host.kernel(source->function, list)) {
      function = *found;
      params = py::FileHost::paramsOf(*function.def);
    }
  } else {
    std::lock_guard lock(mutableSource.mutex);
    if (auto object = mutableSource.host.findKernel(*source->module, text(kernel), list)) {
      function.def = object->def;
      function.file = object->module ? object->module->file() : source->file;
      params = py::FileHost::paramsOf(*object->def);
    }
  }
  int32_t status = deliver(sink, list);
  if (!params)
    return status ? status : TSC_USER_ERROR;
  std::vector<const py::Expr *> notes = annotations(*function.def);
  for (size_t i = 0; i < params->size(); ++i) {
    const auto &p = (*params)[i];
    std::string annotation = sourceText(*function.file, notes[i]);
    tsc_param raw{view(p.name), view(annotation), p.isConstexpr, p.hasDefault, 0, 0};
    on_param(user, &raw);
  }
  return TSC_OK;
}
