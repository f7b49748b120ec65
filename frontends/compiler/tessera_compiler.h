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
 * Status: 0 ok; 1 the user's program or input is wrong (diagnostics were given); 2 an option of the request is; 3 a defect of the compiler; 4 the target or its
 * plugin is not available. The same numbers are the command line's exit codes.
 */
#ifndef TESSERA_COMPILER_H
#define TESSERA_COMPILER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TSC_API __attribute__((visibility("default")))

enum { TSC_OK = 0, TSC_USER_ERROR = 1, TSC_USAGE = 2, TSC_INTERNAL = 3, TSC_UNAVAILABLE = 4 };

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
  uint32_t flags;        /* bit 0: pointer that the kernel never writes through; a pointer without it may be written */
} tsc_arg;

typedef struct {
  uint32_t size, colour; /* colour: 1 = ANSI escapes in the text of diagnostics */
  void *user;
  /* severity: 0 error, 1 warning, 2 note, 3 bug. `text` is ready to print, `json` one object on one line, with the keys id, severity,
   * exception (the exception that Triton would raise: "ValueError", "CompileTimeAssertionFailure", …), message, help; the place as file,
   * line, column, end_line, end_column, function, first_line (of the source that was given), context (its lines up to the
   * place, 12 at most); and notes, a list with kind ("call": the place is a call on the way to the error, innermost first;
   * or "note"), message and place. */
  void (*diag)(void *user, uint32_t severity, tsc_str text, tsc_str json);
  /* An output: kind is "tile", "layout", "bytecode", "llvm", "asm", "obj", "disasm", "artifact", "timing", a dump's stage name, … */
  void (*emit)(void *user, tsc_str kind, tsc_str name, const void *bytes, uint64_t n);
  void (*kernel)(void *user, const tsc_kernel_info *info); /* once, before the artifact is emitted */
  /* Before each stage: "open-target", "load-plugin", "frontend", "read-tile", a row of core/pipeline/Stages.cpp, "bytecode", "compile".
   * plugin: whose code runs in it, empty for the core. What crashes or loops is then known by name. May be NULL. */
  void (*stage)(void *user, tsc_str stage, tsc_str plugin);
} tsc_sink;

/* Parses a file. NULL, with diagnostics, when it has syntax errors. */
TSC_API tsc_source *tsc_source_open(tsc_str file_name, tsc_str text, const tsc_sink *sink);
TSC_API void tsc_source_close(tsc_source *source);

/* ---- The host: a running Python that knows what names mean (tsc_source_open_function) ----
 *
 * The compiler parses jit functions itself and asks for everything else: a function's source, the value of a global, an operator on
 * an object. What comes back is copied before the next callback; what a callback receives lives during the callback.
 *
 * Handles are the host's: equal handles mean the same object (`is`), and a handle that crossed in a compile stays valid until that
 * compile returns; the compiler never releases one. Handles of TSC_HOST_RUNTIME are the compiler's, with the same lifetime.
 * Callbacks of one compile come on the thread that called, one at a time; different compiles, of one source too, call at once. A
 * host with a global lock must therefore release it around tsc_compile and take it in the callbacks.
 *
 * Every global that a compile used was asked through `global`, once for a function and name: the host that must find out later that
 * a global has changed records those calls. */
enum {
  TSC_HOST_NONE,
  TSC_HOST_BOOL,  /* integer */
  TSC_HOST_INT,   /* integer; beyond 64 bits: TSC_FLAG_BIG, text: decimal digits with sign */
  TSC_HOST_FLOAT, /* real */
  TSC_HOST_STR,   /* text */
  TSC_HOST_ELLIPSIS,
  TSC_HOST_TUPLE, /* count items; names != NULL: a named tuple or an aggregate, handle: its class, text: the class's name */
  TSC_HOST_LIST,  /* count items */
  TSC_HOST_DICT,  /* count pairs: items[2i] key, items[2i+1] value */
  TSC_HOST_SLICE, /* 3 items */
  TSC_HOST_DTYPE, /* text: "i1", "i32", "u8", "fp16", "fp8e4nv", "void", "*fp32", "*kfp32"; a block: "block<[16,32],fp32>" */
  TSC_HOST_CONSTEXPR, /* one item: tl.constexpr(item) */
  TSC_HOST_LANGUAGE,  /* text: a path that is the language's: "triton.language", "triton.language.sum", "triton.cdiv",
                         "triton.language.extra.libdevice.sin"; and Python's own: "builtins.int" (to the host only, as a class) */
  TSC_HOST_FUNCTION,  /* handle: a jit function; the compiler asks `function` for its source */
  TSC_HOST_OBJECT, /* handle: anything else; text: its type's name, of a class or function its own; TSC_OBJECT_* in flags; where
                      it is a number or a text by inheritance (IntEnum, numpy.int64), one item: that plain value, which
                      operators then see */
  TSC_HOST_RUNTIME /* handle: a value of the kernel at run time; text: its type as in TSC_HOST_DTYPE, "block_ptr<[16,32],fp32>" or
                      "tensordesc<fp16[128,64]>"; methods, ranges and the like have none. Only in operands of TSC_OP_CALL,
                      TSC_OP_ISINSTANCE, TSC_OP_GETATTR of a TUPLE, and tsc_emitter_call, and in their results */
};
enum {
  TSC_FLAG_BIG = 1,       /* of TSC_HOST_INT */
  TSC_FLAG_ABSENT = 2,    /* no value: a keyword-only parameter without default (kind NONE) */
  TSC_FLAG_CONSTEXPR = 4, /* of what `global` gives: wrapped in tl.constexpr, or declared so */
  TSC_FLAG_AGGREGATE = 8, /* of TSC_HOST_TUPLE with names: an aggregate's fields */
  TSC_FLAG_BOUND =
      16, /* of what TSC_OP_GETATTR of a TUPLE with names gives: a FUNCTION that is no method (static). Without
             it the compiler passes the tuple as the first argument */
  /* TSC_HOST_OBJECT, what it is, as `flags & TSC_OBJECT_MASK`. Kernels may name modules, builtins, constexpr functions and the
   * classes of named tuples and aggregates among their globals; the rest only as constexpr, or as attributes of these. */
  TSC_OBJECT_MASK = 0xf00,
  TSC_OBJECT_OTHER = 0,
  TSC_OBJECT_MODULE = 0x100,
  TSC_OBJECT_CLASS = 0x200, /* any class that is none of the next two */
  TSC_OBJECT_NAMED_TUPLE_CLASS = 0x300,
  TSC_OBJECT_AGGREGATE_CLASS = 0x400,
  TSC_OBJECT_CONSTEXPR_FUNCTION = 0x500,
  TSC_OBJECT_BUILTIN = 0x600, /* a function for kernels, written in Python: it takes _semantic */
  TSC_OBJECT_FUNCTION = 0x700 /* a plain Python function: an error as a global */
};
typedef struct tsc_host_value {
  uint32_t kind, flags;
  int64_t integer;
  double real;
  tsc_str text;
  uint64_t handle, count;
  const struct tsc_host_value *items;
  const tsc_str *names; /* count field names */
} tsc_host_value;

/* A jit function as the host knows it. */
typedef struct {
  tsc_str name, file, text;           /* text: source of the def, decorators may be there; dedented */
  uint32_t first_line, column_offset; /* of text's first line in file (1-based); columns cut by the dedent */
  uint32_t flags; /* 1: noinline; 2: constexpr_function (then it is called through apply, not parsed) */
  uint32_t n_defaults, n_kw_defaults, pad;
  const tsc_host_value *defaults;    /* of the last n_defaults positional parameters */
  const tsc_host_value *kw_defaults; /* of all keyword-only parameters; TSC_FLAG_ABSENT: it has none */
  tsc_str key; /* identity: equal keys, same text; parsed trees are kept under it between compiles */
} tsc_host_function;

/* Operations on host values. CALL: callee, arguments; keywords name the last n_keywords of them; constants come bare, and what
 * needs tl.constexpr around them wraps them. The operators' texts are Python's: "+", "//", "==", "is", "not in", unary "-", "~". */
enum {
  TSC_OP_GETATTR,    /* v, STR */
  TSC_OP_GETITEM,    /* v, index */
  TSC_OP_CALL,       /* callee, args… */
  TSC_OP_BINARY,     /* STR, a, b */
  TSC_OP_COMPARE,    /* STR, a, b -> BOOL */
  TSC_OP_UNARY,      /* STR, a */
  TSC_OP_TRUTH,      /* v -> BOOL */
  TSC_OP_REPR,       /* v -> STR */
  TSC_OP_STR,        /* v -> STR */
  TSC_OP_FORMAT,     /* v, STR -> STR */
  TSC_OP_ISINSTANCE, /* v, class or TUPLE -> BOOL */
  TSC_OP_ITERATE,    /* v -> LIST */
  TSC_OP_HASH,       /* v -> INT */
  TSC_OP_LEN         /* v -> INT */
};

typedef struct tsc_emitter tsc_emitter;

/* Callbacks give 0: *out is filled; 1: no such function, name, attribute or operation (the compiler words the error); 2: an exception
 * is pending (`error`). */
typedef struct {
  uint32_t size, pad;
  void *user;
  int32_t (*function)(void *user, uint64_t handle, tsc_host_function *out);
  /* A name that is none of the function's own: its closure, then its module. Not asked for Python's builtins. */
  int32_t (*global)(void *user, uint64_t function, tsc_str name, tsc_host_value *out);
  int32_t (*names)(void *user, uint64_t function, void *to,
                   void (*on_name)(void *to, tsc_str name)); /* for did-you-mean */
  int32_t (*apply)(void *user, uint32_t op, const tsc_host_value *operands, uint32_t n, const tsc_str *keywords,
                   uint32_t n_keywords, tsc_host_value *out);
  /* The pending exception: its type's name, "KeyboardInterrupt", and its text. Clears it for the compiler; the host may keep it as
   * the cause. KeyboardInterrupt and SystemExit end the compile at once; others become a diagnostic at the place in the kernel. */
  void (*error)(void *user, tsc_str *type, tsc_str *message);
  void (*emitter)(void *user,
                  tsc_emitter *emitter); /* may be NULL; at the start of a compile, and with NULL at its end */
  /* May be NULL. Asked every few ms of a long compile: 0: go on; 2: an exception is pending, stop. */
  int32_t (*poll)(void *user);
} tsc_host;

/* The source of a jit function that lives in the host: takes the place of tsc_source_open. `host` is copied; what it points to, and the
 * function, must outlive the source. tsc_request.kernel may be empty, or give the kernel another name. */
TSC_API tsc_source *tsc_source_open_function(const tsc_host *host, uint64_t function, const tsc_sink *sink);

/* From inside of a callback of the same compile: an operation on values of the kernel, emitted at the place of the kernel that is being
 * compiled. path: a function of the language ("triton.language.load"), "method:NAME", "attribute:NAME" or "operator:+" of the
 * first operand ("operator:[]": its item; "operator:()": calls it, also a TSC_HOST_FUNCTION; unary: one operand). *out lives until the
 * next call. 0: *out is filled; 1: an error, see tsc_emitter_error; the host should raise it, and where it reaches the compiler
 * unchanged, the diagnostic keeps its own place. */
TSC_API int32_t tsc_emitter_call(tsc_emitter *emitter, tsc_str path, const tsc_host_value *operands, uint32_t n,
                                 const tsc_str *keywords, uint32_t n_keywords, tsc_host_value *out);
/* The error of the last call: the name of the exception that Triton would raise, and its message; until the next call. */
TSC_API void tsc_emitter_error(tsc_emitter *emitter, tsc_str *type, tsc_str *message);

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
  /* "*fp32", "i32", "fp16", "u1", …; empty: constexpr. A tuple: "(i32:16,*fp32:16,constexpr,(fp32,i32))", where ":16" says of a leaf
   * what `divisibility` says of a whole; its leaves become runtime parameters in order, named "x.0", "x.3.1". */
  tsc_str type;
  tsc_str value;        /* constexpr: a Python literal, a dtype (tl.float16) or the name of a function of the file */
  int64_t divisibility; /* 16: divides the value (an address: in bytes); 0 or 1: nothing known */
  /* A constexpr given as a value instead of text. With `type` a tuple: the tuple whose leaves that are constexpr count here (and whose
   * names and class are taken). */
  const tsc_host_value *constant;
} tsc_binding;

typedef struct {
  uint32_t size, num_bindings, num_options, pad;
  tsc_str kernel;
  const tsc_binding *bindings;
  tsc_str target; /* "x86-64-v3", "native", "mock", "plugin/arch"; empty with emits of "tile" only */
  /* Comma list: tile,tile_bytes,layout,bytecode,llvm,asm,obj,disasm,artifact, and the names that the target's plugin has for
   * some of these in its manifest ("ptx" for asm); the sink gets each under the name that stands here. What the target does not
   * make is left out. disasm: machine code as text; an error where the plugin has no means to show it. timing, beside others: [["frontend", 1200], …], nanoseconds of
   * each part in their order, by the name of what it makes (frontend, tile, layout, bytecode, llvm, asm, obj); "target": opening it, "compile":
   * the rest of the plugin's. tile_bytes: the verified module as it leaves the frontend,
   * before any pass, with the sources that its locations name. tile and tile_bytes alone need no target; then `kernel` of
   * the sink gets name and arguments, without offsets. */
  tsc_str emits;
  /* num_options pairs key, value: num_warps, num_stages, num_ctas, fp_fusion, dump_ir, dump_dir, time_passes, opt_level,
   * plugin_path, unsupported_fp8, extern_libs ("name=path", separated by ";": libraries for extern_elementwise), allow_non_constexpr_globals (1: any global of the host may be read), … */
  const tsc_str *options;
} tsc_request;

/* The frontend and everything after it. emits of "tile_bytes" alone stops after the frontend: the verified tile module
 * before any pass, as bytes for tsc_lower of the same build. With the option "unsupported_fp8" (tsc_target_info's text)
 * the frontend then asks no plugin, and loads none. */
TSC_API int32_t tsc_compile(const tsc_source *source, const tsc_request *request, const tsc_sink *sink);

/* What follows the frontend, from its "tile_bytes", or, with the option "file", from tile IR as text (what "tile" gave; one kernel; the option names
 * it in messages). Of the request, bindings are ignored; an empty kernel is the module's. E0308 where the bytes were damaged,
 * or are of another build; E0222, with its place, where the text is no tile IR. */
TSC_API int32_t tsc_lower(const void *bytes, uint64_t n, const tsc_request *request, const tsc_sink *sink);

/* What a frontend must know of a target. */
typedef struct {
  uint32_t size, takes_layouts;
  tsc_str name;                                 /* canonical: "x86-64-v3" for "host" */
  tsc_str plugin, plugin_version, plugin_build; /* build: the library's build id, in hex; empty where it has none */
  tsc_str unsupported_fp8;                      /* "fp8e4nv,fp8e4b8": element types that the target refuses */
} tsc_target_info;

/* Loads the target's plugin and calls on_facts once. TSC_UNAVAILABLE, with a diagnostic, where there is none. */
TSC_API int32_t tsc_target_facts(tsc_str target, const tsc_str *manifests, uint32_t num_manifests, const tsc_sink *sink,
                                 void *user, void (*on_facts)(void *user, const tsc_target_info *info));

/* Runs a kernel in the reference interpreter. A pointer argument names a buffer of `bytes` bytes, and in `bits` the address that is
 * passed where that is not the buffer's start (a view); a scalar gives its bits. */
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
