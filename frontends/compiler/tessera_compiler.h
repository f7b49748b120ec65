/* tessera_compiler.h - libtessera_compiler: kernel source in, bytecode and machine code out
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * C11, <stdint.h> only. The library contains the frontend, the core and MLIR, all hidden; it is loaded only when something
 * must be compiled or interpreted. It never touches a device. Calls may run at once from several threads on different
 * requests; one tsc_source may be used by several threads after tsc_source_open returned.
 *
 * Ownership: inputs are borrowed for the call; what callbacks receive is valid during the callback only; tsc_source is freed
 * by tsc_source_close. Every struct starts with its size; a field beyond the size given is taken as 0, and 0 is the default.
 * Status: 0 ok; 1 the user's program or input is wrong (diagnostics were given); 3 a defect of the compiler; 4 the target or its
 * plugin is not available. The same numbers are the command line's exit codes.
 */
#ifndef TESSERA_COMPILER_H
#define TESSERA_COMPILER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TSC_API __attribute__((visibility("default")))

enum { TSC_OK = 0, TSC_USER_ERROR = 1, TSC_INTERNAL = 3, TSC_UNAVAILABLE = 4 };

typedef struct {
  const char *p;
  uint64_t n;
} tsc_str; /* UTF-8, not NUL-terminated */
typedef struct tsc_source tsc_source;

/* One launch fact sheet of a compiled kernel; mirrors tsr_kernel_info (plugins/abi). */
typedef struct {
  uint32_t size, num_args;
  tsc_str name;
  uint32_t arg_bytes, arg_align, flags, regs, spills, num_warps;
  uint64_t shared_bytes, scratch_bytes;
  const struct tsc_arg *args;
} tsc_kernel_info;

typedef struct tsc_arg {
  tsc_str name;          /* parameter of the source */
  uint32_t offset, size; /* bytes in the packed argument block */
  uint32_t kind;         /* 0 integer, 1 float, 2 pointer */
  uint32_t flags;        /* bit 0: pointer that the kernel never writes through */
} tsc_arg;

typedef struct {
  uint32_t size, colour; /* colour: 1 = ANSI escapes in the text of diagnostics */
  void *user;
  /* severity: 0 error, 1 warning, 2 note, 3 bug. `text` is ready to print, `json` one object on one line. */
  void (*diag)(void *user, uint32_t severity, tsc_str text, tsc_str json);
  /* An output: kind is "tile", "layout", "bytecode", "llvm", "asm", "obj", "artifact", "timing", a dump's stage name, … */
  void (*emit)(void *user, tsc_str kind, tsc_str name, const void *bytes, uint64_t n);
  void (*kernel)(void *user, const tsc_kernel_info *info); /* once, before the artifact is emitted */
} tsc_sink;

/* Parses a file. NULL, with diagnostics, when it has syntax errors. */
TSC_API tsc_source *tsc_source_open(tsc_str file_name, tsc_str text, const tsc_sink *sink);
TSC_API void tsc_source_close(tsc_source *source);

typedef struct {
  tsc_str name, annotation; /* annotation: source text, empty where none */
  uint32_t is_constexpr, has_default, do_not_specialize, pad;
} tsc_param;

/* Calls on_kernel for every function that is decorated as a kernel, in order of the file. */
TSC_API void tsc_source_kernels(const tsc_source *source, void *user,
                                void (*on_kernel)(void *user, tsc_str name, uint32_t line));
/* The parameters of a kernel. TSC_USER_ERROR, with a diagnostic, where there is no such kernel. */
TSC_API int32_t tsc_source_params(const tsc_source *source, tsc_str kernel, const tsc_sink *sink, void *user,
                                  void (*on_param)(void *user, const tsc_param *param));

/* How a parameter is specialised: a runtime type or a constexpr value. */
typedef struct {
  tsc_str name;
  tsc_str type;         /* "*fp32", "i32", "fp16", "u1", …; empty: constexpr */
  tsc_str value;        /* constexpr: a Python literal, a dtype (tl.float16) or the name of a function of the file */
  int64_t divisibility; /* 16: divides the value (an address: in bytes); 0 or 1: nothing known */
} tsc_binding;

typedef struct {
  uint32_t size, num_bindings, num_options, pad;
  tsc_str kernel;
  const tsc_binding *bindings;
  tsc_str target; /* "x86-64-v3", "native", "mock", "plugin/arch"; empty with emits of "tile" only */
  tsc_str emits;  /* comma list: tile,layout,bytecode,llvm,asm,obj,artifact */
  const tsc_str
      *options; /* num_options pairs key, value: num_warps, num_stages, num_ctas, fp_fusion, dump_ir, dump_dir,
                   time_passes, opt_level, plugin_path, … */
} tsc_request;

TSC_API int32_t tsc_compile(const tsc_source *source, const tsc_request *request, const tsc_sink *sink);

/* Runs a kernel in the reference interpreter. A pointer argument names a buffer of `bytes` bytes; a scalar gives its bits. */
typedef struct {
  uint64_t bits;
  void *buffer;
  uint64_t bytes;
  uint32_t is_pointer, uninitialised; /* uninitialised: 1 = reading before writing is an error */
} tsc_value;

typedef struct {
  uint32_t size, num_values;
  const tsc_value *values; /* in order of the kernel's runtime parameters, constants left out */
  int64_t grid[3];
  void (*print)(void *user, const char *text, uint64_t n);
  void *user;
} tsc_interpretation;

TSC_API int32_t tsc_interpret(const tsc_source *source, const tsc_request *request, const tsc_interpretation *run,
                              const tsc_sink *sink);

/* A text that changes whenever the compiler may produce other bytes; part of every cache key. Static storage. */
TSC_API const char *tsc_build_id(void);

#ifdef __cplusplus
}
#endif
#endif
