/* plugin.h - the plugin ABI: what a Tessera host and a vendor's shared object say to each other
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * C11 (and C++17), <stdint.h> and <stddef.h> only, LP64 little-endian. Bytes, plain structs and opaque handles cross; no C++ object, no
 * bool, enum, size_t, long, bit-field or float in a struct. The rules R1..R12 that comments cite are docs/abi/rules.md.
 *
 * Reading order: 1 vocabulary, 2 negotiation, 3 targets, 4 compiler, 5 driver. A first plugin uses plugins/sdk instead.
 *
 * Words used throughout:
 *   borrowed    the callee may read it until the call returns, and keeps no pointer into it;
 *   owned       the caller destroys the handle with the slot named; destroying NULL is allowed and does nothing;
 *   required    the slot is never NULL; every other slot may be NULL, and then the host does without (R2).
 * Unless a comment says otherwise: a pointer argument is borrowed and not NULL; every function may be called from any
 * thread, several at once (R7); out_* is written only where the status is 0; a negative status comes with one error
 * diagnostic where there is a sink, else with a text from tsr_plugin_api.last_error.
 */
#ifndef TESSERA_PLUGINS_ABI_PLUGIN_H
#define TESSERA_PLUGINS_ABI_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "plugins/abi/build.h" /* TSR_ABI_BUILD: generated, see below */

#ifdef __cplusplus
extern "C" {
#endif

/* Major 0: anything may change, so each side accepts only a peer with its own TSR_ABI_BUILD and refuses others by name.
 * TSR_ABI_BUILD is a hash over this header, caps.def, structs.def and core/bytecode/Ops.def. From major 1 on, growth
 * follows R1 and R3 and the build string only serves messages. */
#define TSR_ABI_MAJOR 0u
#define TSR_ABI_MINOR 1u

/* Bytecode versions, the window a side reads: major << 16 | minor. */
#define TSR_IR_VERSION(major, minor) ((uint32_t)(major) << 16 | (uint32_t)(minor))

/* ---- 1 vocabulary --------------------------------------------------------------------------------------------------- */

/* 0: done. Positive: done, but. Negative: an error, and what the caller may do. Unknown negatives count as INTERNAL. */
typedef int32_t tsr_status;
#define TSR_OK 0
#define TSR_NOT_READY 1        /* a query: the work is still running */
#define TSR_E_INVALID (-1)     /* the caller broke a rule of this header: a defect of the caller */
#define TSR_E_UNSUPPORTED (-2) /* this plugin or target cannot do it; the text names op, type and target */
#define TSR_E_NOT_FOUND (-3)   /* no such target, kernel, ordinal */
#define TSR_E_OOM_HOST (-4)    /* host memory: free some, try again */
#define TSR_E_OOM_DEVICE (-5)  /* device memory: free some, try again */
#define TSR_E_TOO_NEW (-6)     /* the caller uses a field, kind or bytecode that this side does not know */
#define TSR_E_TOO_OLD (-7)     /* the caller offers less than this side needs */
#define TSR_E_CAPTURE (-8)     /* not legal while the stream is being captured; the capture survives (R10) */
#define TSR_E_CANCELLED (-9)   /* tsr_sink.cancelled said so */
#define TSR_E_TIMEOUT (-10)
#define TSR_E_DEVICE_LOST (-11)   /* sticky: close the device and open it again */
#define TSR_E_LAUNCH_FAILED (-12) /* a kernel faulted or could not start; sticky on its stream */
#define TSR_E_UNAVAILABLE (-13)   /* no hardware, no vendor runtime, or one that is too old */
#define TSR_E_BAD_ARTIFACT (-14)  /* truncated, corrupt, or built for another target */
#define TSR_E_INTERNAL (-15)      /* a defect of the plugin */
#define TSR_E_ASSERT (-16)        /* an assertion of a kernel failed; sticky on its stream; see drain_messages */

/* First member of every struct that may grow. size: sizeof of the struct as the side that made it knows it. kind: which
 * struct of a `next` chain this is, 0 in the first. next: NULL, or another struct that starts with tsr_hdr; a kind that
 * the callee does not know gives TSR_E_TOO_NEW unless TSR_KIND_OPTIONAL is set in it. */
typedef struct {
  uint32_t size;
  uint32_t kind;
  const void *next;
} tsr_hdr;
#define TSR_KIND_OPTIONAL 0x80000000u

/* Frozen: these four never grow, so they may sit inline in arrays and structs (R3). */
typedef struct {
  const char *p; /* UTF-8, not NUL-terminated; may be NULL where n is 0 */
  uint64_t n;    /* bytes */
} tsr_str;
typedef struct {
  const void *p;
  uint64_t n;
} tsr_bytes;
typedef struct {
  tsr_str key;
  tsr_str val;
} tsr_kv;
typedef struct {
  uint32_t id; /* TSR_CAP_*; an id that the reader does not know is skipped */
  uint32_t pad;
  uint64_t val;
} tsr_cap;

/* Opaque handles. A plugin puts what it likes behind them; the host only hands them back. */
typedef struct tsr_target tsr_target;
typedef struct tsr_device tsr_device;
typedef struct tsr_stream tsr_stream;
typedef struct tsr_event tsr_event;
typedef struct tsr_module tsr_module;
typedef struct tsr_kernel tsr_kernel;
typedef struct tsr_graph tsr_graph;
typedef struct tsr_gexec tsr_gexec;

/* Element types: the numbers of core/bytecode/Ops.def (a test compares them). */
#define TSR_I1 1u
#define TSR_I8 2u
#define TSR_I16 3u
#define TSR_I32 4u
#define TSR_I64 5u
#define TSR_F8E5M2 16u
#define TSR_F8E4M3FN 17u
#define TSR_F8E4M3FNUZ 18u
#define TSR_F8E5M2FNUZ 19u
#define TSR_F8E4B15 20u
#define TSR_F16 24u
#define TSR_BF16 25u
#define TSR_F32 26u
#define TSR_F64 27u

/* Capability ids, with unit and source in caps.def: TSR_CAP_LANES and so on. An absent capability is 0. */
enum {
#define TSR_CAPABILITY(number, name, unit, summary, source) TSR_CAP_##name = number,
#include "plugins/abi/caps.def"
  TSR_CAP_INVALID = 0
};

/* Severities of diagnostics and log lines. */
#define TSR_SEV_ERROR 0
#define TSR_SEV_WARNING 1
#define TSR_SEV_NOTE 2
#define TSR_SEV_DEBUG 3

/* One message. Borrowed by the callback that takes it. `code` is the plugin's own number, 0 for none. */
typedef struct {
  tsr_hdr h;
  int32_t severity; /* TSR_SEV_* */
  int32_t code;
  tsr_str message; /* one sentence: the rule and the offending value */
  tsr_str file;    /* place in the kernel's source, from the bytecode's locations; empty: none */
  tsr_str ir_op;   /* "dot", "load": the bytecode op at fault; empty: none */
  uint32_t line;   /* 1-based; 0: unknown */
  uint32_t col;    /* 1-based, in code points; 0: unknown */
  uint32_t depth;  /* 0: the message itself; n: a note to the message before it ("in the call of f here") */
  uint32_t pad;
} tsr_diag;

/* What tsr_sink.emit carries. */
#define TSR_EMIT_ARTIFACT 1u     /* what driver.module_load takes; exactly one a successful compile */
#define TSR_EMIT_ASM 2u          /* text, for people */
#define TSR_EMIT_IR_DUMP 3u      /* text; name = stage ("llvm", "llvm-opt") */
#define TSR_EMIT_REPRODUCER 4u   /* anything that helps the plugin's authors; name = file name */
#define TSR_EMIT_REMARK 5u       /* YAML, one document a remark */
#define TSR_EMIT_TIMING 6u       /* JSON object: stage name -> nanoseconds */
#define TSR_EMIT_DEVICE_PRINT 7u /* text of device_print: whole lines, UTF-8 (drain_messages) */
#define TSR_EMIT_OBJECT 8u       /* a relocatable object, where the target has such a thing */
/* Bit of a kind in tsr_compile_in.dump_mask. */
#define TSR_EMIT_BIT(kind) (1u << (kind))

/* The host's ear for one call. Valid during that call and on the calling thread only. Callbacks never throw and never call
 * back into the plugin. */
typedef struct {
  tsr_hdr h;
  void *user;
  void (*diag)(void *user, const tsr_diag *diag);                               /* required */
  tsr_status (*emit)(void *user, uint32_t kind, tsr_str name, tsr_bytes bytes); /* required; copies; < 0: stop */
  /* Non-zero: give up with TSR_E_CANCELLED; ask at least once a pass, or every 10 ms. */
  int32_t (*cancelled)(void *user);
} tsr_sink;

/* ---- 2 negotiation: the two symbols that a plugin exports, nothing else ------------------------------------------------ */

#define TSR_ROLE_COMPILER 1u
#define TSR_ROLE_DRIVER 2u
#define TSR_SANITIZE_ADDRESS 1u
#define TSR_SANITIZE_THREAD 2u

/* What a plugin says before any of its code runs: the descriptor of an ELF note {name "Tessera\0", type 1}, found through
 * PT_NOTE. Text fields are NUL-padded and NUL-terminated. */
typedef struct {
  char magic[8];      /* TSR_NOTE_MAGIC */
  uint32_t size;      /* sizeof(tsr_note) */
  uint32_t abi_major; /* TSR_ABI_MAJOR */
  uint32_t abi_minor; /* TSR_ABI_MINOR: advice, for messages (R4) */
  uint32_t ir_min;    /* bytecode it reads, from .. to; 0, 0 for a driver-only library */
  uint32_t ir_max;
  uint32_t roles;     /* TSR_ROLE_* that this library has: the two roles may live in two libraries */
  uint32_t sanitizer; /* TSR_SANITIZE_* that it was built with; must equal the host's */
  uint32_t pad;
  char name[32]; /* the plugin's name: [a-z][a-z0-9_]*; equals the manifest's */
  char version[32];
  char build_id[64];  /* changes with every build of a release; empty: the loader takes the library's GNU build id */
  char abi_build[32]; /* TSR_ABI_BUILD */
} tsr_note;
#define TSR_NOTE_MAGIC "TSRPLUG"
#define TSR_NOTE_OWNER "Tessera"
#define TSR_NOTE_TYPE 1u

/* The whole note as it lies in the file, section .note.tessera, 4-aligned. */
typedef struct {
  uint32_t namesz; /* 8 */
  uint32_t descsz; /* sizeof(tsr_note) */
  uint32_t type;   /* TSR_NOTE_TYPE */
  char owner[8];   /* TSR_NOTE_OWNER */
  tsr_note desc;
} tsr_elf_note;

/* What the host offers for the life of the process. */
typedef struct {
  tsr_hdr h;
  uint32_t abi_minor;
  uint32_t ir_min; /* bytecode that it can write */
  uint32_t ir_max;
  uint32_t pad;
  tsr_str host_version;
  tsr_str abi_build;
  void *user;
  /* The one callback that is legal from any thread at any time. severity: TSR_SEV_*. */
  void (*log)(void *user, int32_t severity, tsr_str component, tsr_str message);
  /* NULL where the host does not know `name`. Names are NUL-terminated: "tessera.ext.tma.v1". */
  const void *(*get_extension)(void *user, const char *name, uint32_t version);
} tsr_host_api;

struct tsr_target_api;
struct tsr_compiler_api;
struct tsr_driver_api;

/* The plugin's one table, static in the plugin, valid for ever: a library is never unloaded (R8). */
typedef struct {
  tsr_hdr h;
  tsr_str name; /* equal the note's, else the plugin is refused */
  tsr_str vendor;
  tsr_str version;
  tsr_str build_id;
  tsr_str cts_level; /* "L1": conformance level that the vendor claims; shown as unverified until a result matches */
  uint32_t rank;     /* order among plugins for `native`: higher first; a processor has 0 */
  uint32_t pad;
  /* Once, before anything else; starts no thread, opens no device, prints nothing (R12). NULL: nothing to do. */
  tsr_status (*init)(const tsr_sink *sink, const tsr_kv *options, uint32_t n_options);
  /* Once, when the host says so, with no call in flight; never from a static destructor (R8). NULL: nothing to do. */
  void (*shutdown)(void);
  const struct tsr_target_api *target;     /* required with the compiler role; else NULL or present */
  const struct tsr_compiler_api *compiler; /* NULL: role absent from this library */
  const struct tsr_driver_api *driver;     /* NULL: role absent from this library */
  /* Optional features that are no part of this header: "acme.ext.foo.v2". NULL where unknown. */
  const void *(*get_extension)(const char *name, uint32_t version);
  /* Text of this thread's last failed call that had no sink; valid until this thread's next call. Never fails. */
  tsr_str (*last_error)(void);
} tsr_plugin_api;

typedef struct {
  tsr_hdr h;
  const tsr_host_api *host; /* in; lives as long as the process */
  uint32_t plugin_minor;    /* out; advice */
  uint32_t ir_min;          /* out; as the note */
  uint32_t ir_max;          /* out */
  uint32_t pad;
  const tsr_plugin_api *api; /* out */
  tsr_str reason;            /* out, with a negative status: why this plugin refuses this host; static text */
} tsr_negotiate;

/* The exports. `_v0` is this major; a library may export several majors side by side, the host takes the highest it knows.
 * Negotiate: called once, on one thread, right after dlopen; may be called again and then gives the same table. */
typedef tsr_status (*tsr_negotiate_fn)(tsr_negotiate *inout);
#define TSR_NEGOTIATE_SYMBOL "tsr_plugin_negotiate_v0"
#define TSR_NOTE_SYMBOL "tsr_plugin_note_v0"

/* ---- 3 targets, capabilities, layouts, matrix instructions ------------------------------------------------------------- */

/* Input and output dims of a linear layout. */
#define TSR_DIM_REG 0u
#define TSR_DIM_LANE 1u
#define TSR_DIM_WARP 2u
#define TSR_DIM_BLOCK 3u
#define TSR_DIM_OFFSET 4u
#define TSR_LL_MAX_DIMS 32u

/* A linear layout over GF(2). Input bit j of input dim i (bits counted through the dims in order) toggles
 * bases[row * n_out + d] in tensor dim d. The host provides the buffers, TSR_LL_MAX_DIMS long each, and `bases` with room
 * for `cap` numbers; a callee that needs more sets n_in, n_out, n and gives TSR_E_INVALID with nothing else written. */
typedef struct {
  tsr_hdr h;
  uint32_t n_in;      /* out */
  uint32_t n_out;     /* out: rank of the tensor */
  uint32_t cap;       /* in: room in bases */
  uint32_t n;         /* out: numbers used in bases = sum(in_log2) * n_out */
  uint32_t *in_dim;   /* TSR_DIM_* */
  uint32_t *in_log2;  /* bits of each input dim */
  uint32_t *out_log2; /* bits of each tensor dim */
  int32_t *bases;
} tsr_ll;

/* Where the operands of a matrix instruction may live. */
#define TSR_SPACE_BIT_REG 1u
#define TSR_SPACE_BIT_SHARED 2u
#define TSR_SPACE_BIT_TENSOR 4u
#define TSR_MMA_ASYNC 1u
#define TSR_MMA_SPARSE24 2u
#define TSR_MMA_SCALED 4u

/* One matrix instruction: d = a @ b + c of shape m x n x k. 0 in an optional field: does not apply. */
typedef struct {
  tsr_hdr h;
  tsr_str id; /* the plugin's own name; what the compiler finds in LAYOUT bytecode */
  uint16_t m;
  uint16_t n_min;
  uint16_t n_max;
  uint16_t n_step;
  uint16_t k;
  uint16_t lanes; /* lanes that execute it together */
  uint8_t a;      /* element types, TSR_F16 and so on */
  uint8_t b;
  uint8_t c;
  uint8_t d;
  uint8_t scale;       /* element type of block scales */
  uint8_t scale_block; /* elements of k a scale covers */
  uint8_t pad[2];
  uint32_t a_space; /* TSR_SPACE_BIT_* */
  uint32_t b_space;
  uint32_t c_space;
  uint32_t flags;        /* TSR_MMA_* */
  uint32_t issue_cycles; /* cycles between two independent ones on one unit */
  uint32_t latency;      /* cycles until the result can be read */
  uint32_t pad2;
} tsr_mma;

#define TSR_IR_TILE 1u   /* takes bytecode without layouts: the plugin schedules everything */
#define TSR_IR_LAYOUT 2u /* takes bytecode whose tiles carry linear layouts */

/* What a target is. Owned by the plugin, valid until the target is released. */
typedef struct {
  tsr_hdr h;
  tsr_str canonical; /* the one spelling: parse(canonical) gives an equal target */
  tsr_str family;    /* "x86-64", "sm_90": what the manifest's globs match */
  uint32_t ir_min;
  uint32_t ir_max;
  uint32_t ir_levels; /* TSR_IR_* */
  uint32_t n_caps;
  uint32_t n_mma;
  uint32_t pad;
  const tsr_cap *caps;
  const tsr_mma *const *mma; /* array of pointers: tsr_mma may grow (R3) */
} tsr_target_desc;

/* What a layout is asked for: the numbers of core/target's Access. For the matrix accesses the answer is the fragment of ONE
 * instruction (shape m x k, k x n or m x n; num_warps: those that issue it together): the core repeats it over the tile. */
#define TSR_ACCESS_LOAD 0u /* distributed over registers, lanes, warps; neighbours in memory to neighbouring lanes */
#define TSR_ACCESS_STORE 1u
#define TSR_ACCESS_SHARED 2u /* offset in elements -> element, in shared memory */
#define TSR_ACCESS_MMA_OPERAND 3u
#define TSR_ACCESS_MMA_ACCUMULATOR 4u
#define TSR_ACCESS_COMPUTE 5u /* no memory in sight */
#define TSR_OPERAND_A 0u
#define TSR_OPERAND_B 1u
#define TSR_OPERAND_C 2u
typedef struct {
  tsr_hdr h;
  uint32_t rank;
  uint32_t dtype;     /* element type; of pointers: the pointee */
  uint32_t elem_bits; /* storage bits of an element; of pointers: 64 */
  uint32_t num_warps;
  uint32_t access;  /* TSR_ACCESS_* */
  uint32_t mma;     /* index into tsr_target_desc.mma + 1; 0: none */
  uint32_t operand; /* TSR_OPERAND_* */
  uint32_t pad;
  const uint32_t *shape;  /* rank extents, powers of two */
  const uint32_t *contig; /* rank numbers: known neighbours in memory by dim; lanes go along 1 before 0; NULL: all 1 */
} tsr_layout_req;

typedef struct {
  tsr_hdr h;
  uint32_t a; /* element types */
  uint32_t b;
  uint32_t c;
  uint32_t scale;
  uint32_t batch;
  uint32_t flags;     /* TSR_MMA_* that the op wants */
  uint32_t precision; /* least exact product the kernel allows: DotPrecision of core/bytecode/Module.h */
  uint32_t pad;
  uint64_t m;
  uint64_t n;
  uint64_t k;
} tsr_mma_problem;

#define TSR_RUNS_NO 0u
#define TSR_RUNS_YES 1u
#define TSR_RUNS_RECOMPILE 2u /* runs, but a build for this device would be better */

typedef struct tsr_target_api {
  tsr_hdr h;
  /* Required. Calls cb once for each target worth listing: its canonical name and a line of help. */
  tsr_status (*enumerate)(void *user, void (*cb)(void *user, tsr_str canonical, tsr_str help));
  /* Required. "sm_90a", "gfx942:xnack-", "x86-64-v3": the part of --target= behind `plugin/` and before `@`.
   * *out_target: owned, release. NOT_FOUND: no such target; UNSUPPORTED: exists, but not in this build. */
  tsr_status (*parse)(const tsr_sink *sink, tsr_str spec, tsr_target **out_target);
  /* Required. Never fails. Valid until release; equal for equal targets. */
  const tsr_target_desc *(*describe)(const tsr_target *target);
  /* Required. */
  void (*release)(tsr_target *target);
  /* May code built for one run on the other? *out_verdict: TSR_RUNS_*. NULL: equal canonical names run, others do not. */
  tsr_status (*runs_on)(const tsr_target *built_for, const tsr_target *device, uint32_t *out_verdict);
  /* Required where ir_levels has TSR_IR_LAYOUT. UNSUPPORTED: no such layout; the core takes another way. */
  tsr_status (*layout)(const tsr_target *target, const tsr_layout_req *req, tsr_ll *out_layout);
  /* Cycles of a conversion between two register layouts of elements of `bits` bits. NULL: the core's own model. */
  tsr_status (*convert_cost)(const tsr_target *target, const tsr_ll *from, const tsr_ll *to, uint32_t bits,
                             uint64_t *out_cycles);
  /* Entries of the matrix menu that fit, best first. *inout_n: room in out_index, then the number of entries.
   * NULL: the core ranks by issue_cycles. */
  tsr_status (*mma_rank)(const tsr_target *target, const tsr_mma_problem *problem, uint32_t *out_index,
                         uint32_t *inout_n);
} tsr_target_api;

/* ---- 4 compiler: bytes in, bytes out; never touches a device, the environment or the current directory (R9) ------------- */

typedef struct {
  tsr_hdr h;
  const tsr_target *target; /* of the same library */
  tsr_bytes ir;             /* portable bytecode; not trusted to be well-formed */
  uint32_t ir_version;      /* TSR_IR_VERSION that it was written as */
  uint32_t ir_level;        /* TSR_IR_TILE or TSR_IR_LAYOUT */
  uint32_t opt_level;       /* 0 default (= 3), 1 quick, 2, 3 full */
  uint32_t dump_mask;       /* TSR_EMIT_BIT of what to emit beside the artifact */
  tsr_str entry;            /* kernel to compile; empty: all of them */
  const tsr_kv *opts; /* "fp_fusion" = "0": what follows `@` in --target=, and the core's; unknown keys: a warning */
  uint32_t n_opts;
  uint32_t pad;
} tsr_compile_in;

#define TSR_ARG_POINTER 1u
#define TSR_ARG_INT 2u
#define TSR_ARG_FLOAT 3u
#define TSR_ARG_UNSIGNED 1u /* flags */
#define TSR_ARG_READONLY 2u
#define TSR_ARG_BFLOAT 4u /* a float of two bytes: bfloat16; without it IEEE half */
/* One launch argument in the packed block. Frozen. */
typedef struct {
  tsr_str name;
  uint32_t offset; /* bytes from the start of the block */
  uint32_t size;   /* bytes */
  uint32_t kind;   /* TSR_ARG_* */
  uint32_t flags;
} tsr_arg;

/* Flags of launches. COOPERATIVE: all programs run at once or the launch fails, so that they may wait for each other.
 * DEPENDENT: may begin before the work queued ahead of it has ended; the kernel itself waits where it must. A device without
 * such a thing refuses the first and ignores the second. */
#define TSR_LAUNCH_COOPERATIVE 1u
#define TSR_LAUNCH_DEPENDENT 2u
/* In tsr_kernel_info.flags only: the kernel prints. What it prints is fetched behind a launch on somebody else's stream, which nobody here waits for. */
#define TSR_KERNEL_PRINTS 0x10000u

/* What the launcher must know of a kernel. The host copies it, keeps it with the artifact and gives it back to
 * driver.kernel_get: a driver never has to look into its own artifact for it. */
typedef struct {
  tsr_hdr h;
  tsr_str name;
  uint32_t arg_bytes; /* size of the packed arguments */
  uint32_t arg_align;
  uint32_t n_args;
  uint32_t flags; /* TSR_LAUNCH_* that every launch of it has, TSR_KERNEL_* */
  const tsr_arg *args;
  uint32_t block[3];     /* threads of a program, as launched; 0: not a SIMT target */
  uint32_t cluster[3];   /* 0: none */
  uint64_t smem_static;  /* bytes */
  uint64_t smem_dynamic; /* bytes that the launch has to ask for */
  uint64_t scratch;      /* bytes of memory a running program needs beside */
  uint32_t regs;         /* a thread; 0: unknown */
  uint32_t spills;       /* bytes a thread */
} tsr_kernel_info;

#define TSR_COMPILER_PREFER_WORKER 1u /* better off in a process of its own: it may crash, or keeps global state */

typedef struct tsr_compiler_api {
  tsr_hdr h;
  uint32_t max_concurrency; /* compiles at once; 0: any number */
  uint32_t flags;           /* TSR_COMPILER_* */
  /* Required. Emits one ARTIFACT and calls on_kernel once for every kernel in it, in the calling thread; a negative status
   * of either stops and is returned. The same input gives the same bytes. UNSUPPORTED: names op, type and target.
   * INVALID: the bytecode is malformed. OOM_HOST, CANCELLED, TOO_NEW (bytecode), INTERNAL. */
  tsr_status (*compile)(const tsr_sink *sink, const tsr_compile_in *in, void *user,
                        tsr_status (*on_kernel)(void *user, const tsr_kernel_info *info));
  /* Would compile accept this? Quick: legality and resources, no code. NULL: the host compiles to find out. */
  tsr_status (*check)(const tsr_sink *sink, const tsr_compile_in *in);
  /* Required. 32 bytes that change whenever the artifact of one and the same bytecode may change: plugin build, the tools
   * and libraries it uses, target, options. Touches no device. */
  tsr_status (*cache_key)(const tsr_target *target, const tsr_kv *opts, uint32_t n_opts, uint8_t out_key[32]);
  /* Emits ASM for an artifact. NULL: no text to be had. */
  tsr_status (*disassemble)(const tsr_sink *sink, const tsr_target *target, tsr_bytes artifact);
} tsr_compiler_api;

/* ---- 5 driver: devices, memory, launches ------------------------------------------------------------------------------- */

/* Memory spaces of addresses. */
#define TSR_MEM_DEVICE 0u  /* what kernels work on */
#define TSR_MEM_PINNED 1u  /* host memory that the device reads and writes */
#define TSR_MEM_MANAGED 2u /* moves by itself */
#define TSR_MEM_HOST 3u    /* ordinary host memory: in copies only, mem_alloc refuses it */

typedef struct {
  tsr_hdr h;
  tsr_str name;     /* for people; valid until the plugin is shut down, as target is */
  tsr_str target;   /* canonical target of this device: what `native` means here */
  uint8_t uuid[16]; /* equal for the same device in another process; zeros: none */
  uint64_t pci;     /* domain << 32 | bus << 16 | device << 8 | function; 0: none */
  uint64_t mem_bytes;
  uint64_t l2_bytes;
  uint32_t units;     /* multiprocessors, cores */
  uint32_t clock_khz; /* 0: unknown */
  uint32_t mem_khz;
  uint32_t bus_bits;
  uint32_t mem_spaces; /* bit i: memory space i; bit TSR_MEM_DEVICE always set */
  uint32_t flags;      /* TSR_DEVICE_* */
} tsr_device_info;
/* Device addresses are host pointers: the host reads and writes them without copies. */
#define TSR_DEVICE_HOST_MEMORY 1u

/* rows pieces of row_bytes bytes, dst_pitch and src_pitch apart; one row: a plain copy. */
typedef struct {
  tsr_hdr h;
  uint64_t dst;
  uint64_t src;
  uint64_t rows;
  uint64_t row_bytes;
  uint64_t dst_pitch;
  uint64_t src_pitch;
  uint32_t dst_space; /* TSR_MEM_* */
  uint32_t src_space;
  tsr_device *dst_dev; /* NULL: the stream's */
  tsr_device *src_dev;
} tsr_copy;

typedef struct {
  tsr_hdr h;
  uint32_t grid[3];  /* programs; a 0 launches nothing and succeeds */
  uint32_t block[3]; /* as tsr_kernel_info.block */
  uint32_t cluster[3];
  uint32_t smem_dynamic;
  uint32_t flags; /* TSR_LAUNCH_*, added to tsr_kernel_info.flags */
  uint32_t pad;
  const void *args; /* packed as tsr_kernel_info says; borrowed: the driver copies it before it returns */
  uint64_t arg_bytes;
} tsr_launch;

/* Flags of stream_create. 0: whatever is natural for the device; a host processor may then do the work at once, in the
 * calling thread. QUEUE: never in the calling thread; a device that is asynchronous anyway ignores it. */
#define TSR_STREAM_QUEUE 1u

/* What `native` is asked for. */
#define TSR_NATIVE_DEVICE 1u
#define TSR_NATIVE_STREAM 2u
#define TSR_NATIVE_EVENT 3u
#define TSR_NATIVE_KERNEL 4u

/* Modes of capture_begin: whose calls outside of the stream are refused while it lasts. */
#define TSR_CAPTURE_GLOBAL 0u  /* every thread's that could break it */
#define TSR_CAPTURE_THREAD 1u  /* those of the thread that began it */
#define TSR_CAPTURE_RELAXED 2u /* none but those on the stream itself */

/* Failures of queued work are sticky: the first one is returned by stream_sync and stream_query of its stream from then on.
 * The host serialises the calls on one stream, one graph, one module. NULL for a stream is legal in mem_alloc and
 * mem_free only: at once. */
typedef struct tsr_driver_api {
  tsr_hdr h;
  /* Required. Number of devices; no context, no thread. UNAVAILABLE: no hardware or no vendor runtime, and last_error says
   * which. Quick enough for start-up (<= 100 ms) and safe to call again. */
  tsr_status (*probe)(uint32_t *out_devices);
  /* Required. h.size of *inout_info is set by the caller. NOT_FOUND: no such ordinal. */
  tsr_status (*device_info)(uint32_t ordinal, tsr_device_info *inout_info);
  /* Required. *out_device: owned, device_close. Options are the driver's own, and one that it does not know is no error.
   * "target", if given, is what shall run on the device, as parse() takes it: UNSUPPORTED, with the reason as the text, where
   * such code cannot. A driver that leaves it unread says so with BAD_ARTIFACT in module_load. */
  tsr_status (*device_open)(const tsr_sink *sink, uint32_t ordinal, const tsr_kv *options, uint32_t n_options,
                            tsr_device **out_device);
  /* Required. Waits for queued work; everything of the device must be destroyed before. */
  tsr_status (*device_close)(tsr_device *device);
  /* Required. stream NULL: synchronous. align: a power of two, 0 = 256. bytes 0 gives address 0. OOM_DEVICE. */
  tsr_status (*mem_alloc)(tsr_device *device, tsr_stream *stream, uint64_t bytes, uint64_t align, uint32_t space,
                          uint64_t *out_address);
  /* Required. After the work queued on `stream` before; NULL: the caller has waited. Address 0: nothing to do. */
  tsr_status (*mem_free)(tsr_device *device, tsr_stream *stream, uint64_t address);
  /* Required. Queued; memory of space HOST may be used by the caller only after a sync. */
  tsr_status (*copy)(tsr_stream *stream, const tsr_copy *copy);
  /* Required. pattern_bytes: 1, 2, 4, 8; bytes a multiple of it. */
  tsr_status (*fill)(tsr_stream *stream, uint64_t address, uint64_t pattern, uint32_t pattern_bytes, uint64_t bytes);
  /* Required. priority: lower is more urgent, 0 the default. *out_stream: owned, stream_destroy. */
  tsr_status (*stream_create)(tsr_device *device, int32_t priority, uint32_t flags, tsr_stream **out_stream);
  /* Required. Waits for the work queued on it. */
  tsr_status (*stream_destroy)(tsr_stream *stream);
  /* Required. Waits; the sticky error of the stream, if any. */
  tsr_status (*stream_sync)(tsr_stream *stream);
  /* Required. NOT_READY, OK, or the sticky error. */
  tsr_status (*stream_query)(tsr_stream *stream);
  /* Required. Never lazy: after it and kernel_get a launch loads nothing. *out_module: owned, module_unload. `artifact` is
   * borrowed and not trusted. BAD_ARTIFACT: corrupt, or for another target; CAPTURE. */
  tsr_status (*module_load)(const tsr_sink *sink, tsr_device *device, tsr_bytes artifact, tsr_module **out_module);
  /* Required. Frees its kernels; no launch of them may be queued. */
  tsr_status (*module_unload)(tsr_module *module);
  /* Required. `info` as compile gave it. *out_kernel lives as long as the module. NOT_FOUND: no kernel of that name. */
  tsr_status (*kernel_get)(tsr_module *module, const tsr_kernel_info *info, tsr_kernel **out_kernel);
  /* Required. Packed arguments, no compilation, no allocation that may block. LAUNCH_FAILED, INVALID (grid, arg_bytes). */
  tsr_status (*launch)(tsr_stream *stream, tsr_kernel *kernel, const tsr_launch *launch);

  /* Streams of another runtime (a framework's). *out_stream: owned, stream_destroy, which leaves the other's alone. */
  tsr_status (*stream_wrap)(tsr_device *device, uint64_t native, tsr_stream **out_stream);
  /* The vendor's own handle of an object. kind: TSR_NATIVE_*. */
  tsr_status (*native)(const void *object, uint32_t kind, uint64_t *out_native);

  /* Group "event", all or none. Without it the host waits for streams. *out_event: owned, event_destroy. */
  tsr_status (*event_create)(tsr_device *device, uint32_t flags, tsr_event **out_event);
  tsr_status (*event_destroy)(tsr_event *event);
  tsr_status (*event_record)(tsr_event *event, tsr_stream *stream);
  tsr_status (*event_wait)(tsr_stream *stream, tsr_event *event);
  tsr_status (*event_query)(tsr_event *event);
  tsr_status (*event_elapsed_ns)(tsr_event *start, tsr_event *stop, uint64_t *out_ns);

  /* Group "graph", all or none. While a stream captures, only launch, copy, fill, event_record and event_wait are legal
   * (R10). *out_graph, *out_exec: owned, graph_destroy and gexec_destroy. */
  tsr_status (*capture_begin)(tsr_stream *stream, uint32_t mode);
  tsr_status (*capture_end)(tsr_stream *stream, tsr_graph **out_graph);
  tsr_status (*graph_destroy)(tsr_graph *graph);
  tsr_status (*graph_instantiate)(const tsr_sink *sink, tsr_graph *graph, tsr_gexec **out_exec);
  tsr_status (*graph_update)(tsr_gexec *exec, uint32_t node, const tsr_launch *launch);
  tsr_status (*graph_launch)(tsr_gexec *exec, tsr_stream *stream);
  tsr_status (*gexec_destroy)(tsr_gexec *exec);

  /* Descriptors of bulk tensor copies. Fields, numbers in decimal or 0x, lists with commas, outermost dim first: address;
   * dtype (number of an element type, TSR_F16 and so on); shape, box (elements); strides (bytes, all but the last dim's);
   * swizzle (0, 32, 64, 128 bytes); padding (zero, nan). *out_len: bytes used of out, or needed where cap is too small (INVALID). */
  tsr_status (*descriptor_encode)(tsr_device *device, const tsr_kv *fields, uint32_t n_fields, void *out, uint64_t cap,
                                  uint64_t *out_len);
  /* Programs of this launch that one unit holds at once. */
  tsr_status (*occupancy)(tsr_kernel *kernel, const tsr_launch *launch, uint32_t *out_blocks_per_unit);
  /* What kernels printed (emit, DEVICE_PRINT, in order) and which assertions failed (diag) since the last call. Legal after
   * a sync. NULL: the plugin prints nothing and reports assertions as a bare TSR_E_ASSERT. */
  tsr_status (*drain_messages)(tsr_device *device, const tsr_sink *sink);
} tsr_driver_api;

/* ---- reading structs safely (R1, R2) ----------------------------------------------------------------------------------- */

#define TSR_END_OF(type, field) ((uint32_t)(offsetof(type, field) + sizeof(((type *)0)->field)))
/* The struct that `p` points to covers `field`. Evaluates p twice. */
#define TSR_COVERS(type, p, field) ((p)->h.size >= TSR_END_OF(type, field))
/* The table has this function: its size covers the slot, and the slot is not NULL. */
#define TSR_HAS(type, table, slot) ((table) && TSR_COVERS(type, table, slot) && (table)->slot)

#ifdef __cplusplus
}
#endif
#endif
