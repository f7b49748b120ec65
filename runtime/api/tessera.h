/* tessera.h - run compiled kernels: devices, memory, streams, modules, launches
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * The C interface of libtessera. C11 and C++, <stdint.h> only. It loads drivers through the plugin ABI and contains no compiler:
 * what it runs is a compiled kernel file, as `tessera compile -o` writes it. docs/reference/runtime.md shows it by example.
 *
 * Rules that hold everywhere, so that the functions need not repeat them
 *   Errors     Functions return a status: 0 done, 1 (TSR_NOT_READY) only from queries, negative an error. Then the calling
 *              thread's last error (tsr_error_message, tsr_error_diagnostic) says why; out parameters keep their value.
 *              Nothing aborts, throws or prints, except what kernels print.
 *   Threads    Every function may be called from any thread. Calls that name the same stream must not overlap; the same goes
 *              for destroying an object while another call uses it. Everything else is locked inside or needs no lock.
 *   Ownership  tsr_x_create, _open and _load give an object to the caller, who gives it back once with tsr_x_destroy, _close or
 *              _unload; NULL is allowed there and does nothing. Objects keep what they were made from alive, so the order does
 *              not matter. Strings and structs that a function returns belong to the object that was asked and live as long
 *              as it does. Arguments are read during the call and not kept, unless it says so.
 *   Streams    NULL for a stream is the device's default stream. Work on one stream runs in order; streams run side by side,
 *              the default stream too. A device may do work at once, in the caller (the processor does): the calls then return
 *              later, nothing else changes.
 *   Faults     When a kernel faults or an assertion of it fails, its stream is broken: the launch, or the next call that
 *              notices, gives the error, and so does every later call on that stream. Destroy the stream and create another.
 *              The default stream mends itself: it reports the error once and is then a fresh one.
 */
#ifndef TESSERA_H
#define TESSERA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(TSR_BUILDING_RUNTIME) || defined(__GNUC__)
#define TSR_API __attribute__((visibility("default")))
#else
#define TSR_API
#endif

/* ---- status ------------------------------------------------------------------------------------------------------------ */

typedef int32_t tsr_status;
#ifndef TSR_OK /* the plugin ABI has the same list */
#define TSR_OK 0
#define TSR_NOT_READY 1        /* a query: the work is still running */
#define TSR_E_INVALID (-1)     /* an argument breaks a rule: a defect of the caller */
#define TSR_E_UNSUPPORTED (-2) /* this device cannot do it */
#define TSR_E_NOT_FOUND (-3)   /* no such plugin, device, kernel, file */
#define TSR_E_OOM_HOST (-4)    /* host memory: free some, try again */
#define TSR_E_OOM_DEVICE (-5)  /* device memory: free some, try again */
#define TSR_E_TOO_NEW (-6)     /* made by a later Tessera than this one */
#define TSR_E_TOO_OLD (-7)     /* made by an earlier Tessera that this one no longer understands */
#define TSR_E_CAPTURE (-8)
#define TSR_E_CANCELLED (-9)
#define TSR_E_TIMEOUT (-10)
#define TSR_E_DEVICE_LOST (-11)   /* close the device and open it again */
#define TSR_E_LAUNCH_FAILED (-12) /* a kernel faulted */
#define TSR_E_UNAVAILABLE (-13)   /* no hardware, no vendor runtime, or one that is too old */
#define TSR_E_BAD_ARTIFACT (-14)  /* a compiled kernel is damaged or for another target */
#define TSR_E_INTERNAL (-15)      /* a defect of Tessera or of a plugin */
#define TSR_E_ASSERT (-16)        /* an assertion in a kernel failed */
#endif

/* "TSR_E_INVALID" and so on; never NULL. */
TSR_API const char *tsr_status_name(tsr_status status);
/* One sentence about the calling thread's last failed call; "" before the first. Valid until its next failed call. */
TSR_API const char *tsr_error_message(void);
/* What the driver said about that failure, oldest first: rendered diagnostics. index at or past the end: NULL. */
TSR_API const char *tsr_error_diagnostic(uint32_t index);
/* "0.1.0". */
TSR_API const char *tsr_version(void);

/* ---- objects ----------------------------------------------------------------------------------------------------------- */

typedef struct TsrDevice TsrDevice; /* one device of one plugin, opened */
typedef struct TsrBuffer TsrBuffer; /* device memory */
typedef struct TsrStream TsrStream; /* ordered work */
typedef struct TsrEvent TsrEvent;   /* a point in a stream, with its time */
typedef struct TsrModule TsrModule; /* a compiled kernel file, on a device */
typedef struct TsrKernel TsrKernel; /* one kernel of a module, which it does not outlive; never destroyed by itself */

typedef struct {
  const char *key;
  const char *value;
} TsrOption;

/* ---- plugins and devices ------------------------------------------------------------------------------------------------ */

/* Adds the plugin with this manifest (*.tessera.json) in front of those that are found by themselves: TESSERA_PLUGINS or
 * TESSERA_ADD_PLUGINS, then the plugins.d folders. At any time. NOT_FOUND, INVALID (malformed). */
TSR_API tsr_status tsr_plugin_add(const char *manifest_path);

#define TSR_DEVICE_HOST_POINTERS 1u /* kernels work on host memory: any host pointer may be a kernel argument */

typedef struct {
  uint32_t size;      /* in: sizeof(TsrDeviceInfo) */
  uint32_t ordinal;   /* among the devices of its plugin */
  const char *plugin; /* "cpu" */
  const char *name;   /* for people */
  const char *target; /* what to compile for: "x86-64-v3" */
  uint64_t memory_bytes;
  uint64_t cache_bytes; /* last-level cache; 0: unknown */
  uint32_t units;       /* cores, multiprocessors */
  uint32_t flags;       /* TSR_DEVICE_* */
} TsrDeviceInfo;

/* Calls visit for every device of every plugin that can be loaded, best first, until it returns non-zero. Opens none. The
 * info lives until the visit returns. Plugins that fail are skipped; `tessera plugins` says why. */
TSR_API tsr_status tsr_device_list(int32_t (*visit)(void *user, const TsrDeviceInfo *info), void *user);

/* which: "cpu" or "cpu:0" (plugin and ordinal), or NULL or "native": the best accelerator, and the processor where there is
 * none. options: the driver's own; the cpu driver takes threads (1..4096), faults (0, 1), cache_bytes. Any driver may be given
 * target, what shall run there: UNSUPPORTED where it says that the device cannot. The environment has a say through
 * TESSERA_DEVICE (in place of NULL and "native"), TESSERA_DEVICE_OPTIONS ("PLUGIN.KEY=VALUE,…", where no option KEY is given) and
 * TESSERA_THREADS (where no option "threads" is given). INVALID: a value that an option
 * does not take, or TESSERA_DEVICE_OPTIONS that is no such list. An option that the driver does not know changes nothing, so that one list serves all devices.
 * *out: tsr_device_close. NOT_FOUND: no such plugin or ordinal, with the known ones named; UNAVAILABLE: no hardware. */
TSR_API tsr_status tsr_device_open(const char *which, const TsrOption *options, uint32_t n_options, TsrDevice **out);
/* Opens a device of a plugin table of the ABI (a const tsr_plugin_api * with the driver role), which must live as long as the
 * process. For programs that load plugins by themselves, and for tests. Reads no environment. */
TSR_API tsr_status tsr_device_open_plugin(const void *plugin_api, uint32_t ordinal, const TsrOption *options,
                                          uint32_t n_options, TsrDevice **out);
/* Waits for the default stream. The device itself ends with the last object that was made from it. */
TSR_API tsr_status tsr_device_close(TsrDevice *device);
/* Valid as long as the device. */
TSR_API tsr_status tsr_device_describe(TsrDevice *device, TsrDeviceInfo *inout_info);
/* Waits for the default stream, and fetches what kernels printed. Not for streams that the caller created. */
TSR_API tsr_status tsr_device_sync(TsrDevice *device);
/* Where device_print of kernels goes: whole lines, at syncs, on the syncing thread. NULL: the standard output (the default). */
TSR_API tsr_status tsr_device_set_print(TsrDevice *device, void (*print)(void *user, const char *text, uint64_t bytes),
                                        void *user);

/* ---- memory ------------------------------------------------------------------------------------------------------------ */

/* bytes may be 0. Contents unspecified. Aligned to 256 bytes. OOM_DEVICE. */
TSR_API tsr_status tsr_buffer_create(TsrDevice *device, uint64_t bytes, TsrBuffer **out);
/* The caller's own memory as a buffer, where kernels can work on it (TSR_DEVICE_HOST_POINTERS, else UNSUPPORTED). It must stay
 * as long as the buffer and the work on it. */
TSR_API tsr_status tsr_buffer_wrap(TsrDevice *device, void *memory, uint64_t bytes, TsrBuffer **out);
/* The caller has waited for work that uses it. */
TSR_API void tsr_buffer_destroy(TsrBuffer *buffer);
/* What kernels take as a pointer; 0 for 0 bytes. */
TSR_API uint64_t tsr_buffer_address(const TsrBuffer *buffer);
TSR_API uint64_t tsr_buffer_bytes(const TsrBuffer *buffer);
/* The same memory for the host, or NULL where the host cannot reach it. Work on it must have been waited for. */
TSR_API void *tsr_buffer_host_pointer(const TsrBuffer *buffer);

/* Host to device, and back; offset and bytes in bytes, inside the buffer (else INVALID). On the default stream (NULL) they are
 * done on return. On another one `data` must stay untouched until that stream was waited for. */
TSR_API tsr_status tsr_buffer_write(TsrBuffer *buffer, uint64_t offset, const void *data, uint64_t bytes,
                                    TsrStream *stream);
TSR_API tsr_status tsr_buffer_read(TsrBuffer *buffer, uint64_t offset, void *data, uint64_t bytes, TsrStream *stream);
/* Between buffers of one device; the two ranges must not overlap. */
TSR_API tsr_status tsr_buffer_copy(TsrBuffer *to, uint64_t to_offset, TsrBuffer *from, uint64_t from_offset,
                                   uint64_t bytes, TsrStream *stream);
/* Repeats the low pattern_bytes (1, 2, 4, 8) of pattern; bytes is a multiple of it. */
TSR_API tsr_status tsr_buffer_fill(TsrBuffer *buffer, uint64_t offset, uint64_t pattern, uint32_t pattern_bytes,
                                   uint64_t bytes, TsrStream *stream);

/* ---- streams and events ------------------------------------------------------------------------------------------------- */

#define TSR_STREAM_OWN_THREAD 1u /* the processor: work runs on a thread of the stream's own instead of in the caller */

/* priority: lower is more urgent, 0 the default. */
TSR_API tsr_status tsr_stream_create(TsrDevice *device, int32_t priority, uint32_t flags, TsrStream **out);
/* A stream that belongs to somebody else, by the vendor's own handle (a CUstream; 0: the vendor's default stream), so that work of this library and of
 * theirs keeps one order. Destroying the result leaves theirs alone. Launches of kernels that print wait for it and fetch what was printed, but for captured ones. UNSUPPORTED where the device has no such streams. */
TSR_API tsr_status tsr_stream_wrap(TsrDevice *device, uint64_t native, TsrStream **out);
/* Waits for its work. */
TSR_API void tsr_stream_destroy(TsrStream *stream);
/* Waits; fetches what kernels printed. */
TSR_API tsr_status tsr_stream_sync(TsrStream *stream);
/* TSR_OK: all done; TSR_NOT_READY. */
TSR_API tsr_status tsr_stream_query(TsrStream *stream);

/* UNSUPPORTED where the driver has no events. */
TSR_API tsr_status tsr_event_create(TsrDevice *device, TsrEvent **out);
TSR_API void tsr_event_destroy(TsrEvent *event);
/* The point after what is on the stream now. Recording again moves the event. */
TSR_API tsr_status tsr_event_record(TsrEvent *event, TsrStream *stream);
/* Later work of the stream waits for the event as it is recorded now. */
TSR_API tsr_status tsr_event_wait(TsrStream *stream, TsrEvent *event);
/* TSR_OK: reached, or never recorded; TSR_NOT_READY. */
TSR_API tsr_status tsr_event_query(TsrEvent *event);
/* The caller waits for it. */
TSR_API tsr_status tsr_event_sync(TsrEvent *event);
/* Nanoseconds from one to the other; TSR_NOT_READY while either is not reached; INVALID: never recorded. */
TSR_API tsr_status tsr_event_elapsed_ns(TsrEvent *start, TsrEvent *stop, uint64_t *out_ns);

/* ---- modules and kernels ------------------------------------------------------------------------------------------------ */

/* bytes: a compiled kernel file. Everything lazy happens here: a launch loads nothing. BAD_ARTIFACT: damaged, or for another
 * device, and the message says which. */
TSR_API tsr_status tsr_module_load(TsrDevice *device, const void *bytes, uint64_t n, TsrModule **out);
TSR_API tsr_status tsr_module_load_file(TsrDevice *device, const char *path, TsrModule **out);
/* The caller has waited for its launches. */
TSR_API void tsr_module_unload(TsrModule *module);
/* name NULL: the only kernel of the module. NOT_FOUND names those that are there. */
TSR_API tsr_status tsr_module_kernel(TsrModule *module, const char *name, TsrKernel **out);
TSR_API uint32_t tsr_module_kernel_count(TsrModule *module);
TSR_API TsrKernel *tsr_module_kernel_at(TsrModule *module, uint32_t index);

#define TSR_KIND_POINTER 1u
#define TSR_KIND_INT 2u
#define TSR_KIND_FLOAT 3u
#define TSR_FLAG_UNSIGNED 1u /* integers */
#define TSR_FLAG_READONLY 2u /* pointers: the kernel only reads */
#define TSR_FLAG_BFLOAT 4u   /* floats of two bytes: bfloat16; without it IEEE half */

typedef struct {
  const char *name;
  uint32_t offset; /* bytes from the start of the packed arguments */
  uint32_t size;   /* bytes */
  uint32_t kind;   /* TSR_KIND_* */
  uint32_t flags;  /* TSR_FLAG_* */
} TsrParameter;

typedef struct {
  const char *name;
  uint32_t arg_bytes; /* of the packed arguments */
  uint32_t n_parameters;
  const TsrParameter *parameters; /* what a launch passes, in order; specialised constants are not among them */
  uint64_t shared_bytes;
  uint64_t scratch_bytes;
  uint32_t registers; /* a thread; 0: unknown */
  uint32_t spills;    /* bytes a thread */
} TsrKernelInfo;

/* Valid as long as the module. Never NULL. */
TSR_API const TsrKernelInfo *tsr_kernel_describe(TsrKernel *kernel);

/* ---- launches ----------------------------------------------------------------------------------------------------------- */

#define TSR_ARG_IS_BUFFER 1u
#define TSR_ARG_IS_ADDRESS 2u
#define TSR_ARG_IS_INT 3u
#define TSR_ARG_IS_UINT 4u
#define TSR_ARG_IS_FLOAT 5u

/* One argument. Made by the functions below. */
typedef struct {
  uint32_t kind; /* TSR_ARG_IS_* */
  uint32_t pad;
  union {
    TsrBuffer *buffer;
    uint64_t address;
    int64_t i;
    uint64_t u;
    double f;
  } value;
} TsrArgument;

static inline TsrArgument tsr_arg_buffer(TsrBuffer *buffer) {
  TsrArgument a = {TSR_ARG_IS_BUFFER, 0, {0}};
  a.value.buffer = buffer;
  return a;
}
/* A device address, or a host pointer where the device takes those. */
static inline TsrArgument tsr_arg_pointer(const void *pointer) {
  TsrArgument a = {TSR_ARG_IS_ADDRESS, 0, {0}};
  a.value.address = (uint64_t)(uintptr_t)pointer;
  return a;
}
static inline TsrArgument tsr_arg_int(int64_t value) {
  TsrArgument a = {TSR_ARG_IS_INT, 0, {0}};
  a.value.i = value;
  return a;
}
static inline TsrArgument tsr_arg_uint(uint64_t value) {
  TsrArgument a = {TSR_ARG_IS_UINT, 0, {0}};
  a.value.u = value;
  return a;
}
static inline TsrArgument tsr_arg_float(double value) {
  TsrArgument a = {TSR_ARG_IS_FLOAT, 0, {0}};
  a.value.f = value;
  return a;
}

/* Runs the kernel on grid[0] * grid[1] * grid[2] programs. One argument a parameter, in order: buffers and addresses for
 * pointers, integers for integers (INVALID where the value does not fit the parameter), integers and floats for floats (rounded
 * to the parameter's type). A grid with a 0 does nothing; a negative one is INVALID. Errors of the kernel: see Faults above. */
TSR_API tsr_status tsr_kernel_launch(TsrKernel *kernel, TsrStream *stream, const int32_t grid[3],
                                     const TsrArgument *arguments, uint32_t n_arguments);
/* The same with arguments that are packed already, as tsr_kernel_describe says; bytes must equal arg_bytes. */
TSR_API tsr_status tsr_kernel_launch_packed(TsrKernel *kernel, TsrStream *stream, const int32_t grid[3],
                                            const void *arguments, uint64_t bytes);

/* ---- cache of compiled kernels ------------------------------------------------------------------------------------------ */

typedef struct {
  uint32_t size; /* in: sizeof(TsrCacheStats) */
  uint32_t pad;
  uint64_t entries;
  uint64_t bytes;
  uint64_t limit_bytes;
  char directory[4096];
} TsrCacheStats;

/* directory NULL: TESSERA_CACHE_DIR, else $XDG_CACHE_HOME/tessera, else ~/.cache/tessera. An absent folder is an empty cache. */
TSR_API tsr_status tsr_cache_stats(const char *directory, TsrCacheStats *inout_stats);
/* Removes every entry, and counts. */
TSR_API tsr_status tsr_cache_clear(const char *directory, uint64_t *out_removed);

#ifdef __cplusplus
}
#endif
#endif
