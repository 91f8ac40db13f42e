/* Halo's C API: devices, operators, launches; libhalo_runtime.so by its soname,
 * libhalo_runtime.so.1.
 *
 *   halo_device *device;
 *   halo_operator *conv;
 *   halo_operator_options options = {sizeof options};
 *   options.problem = "causal_conv1d --dtype bf16 --set K=4 layout=bld activation=silu";
 *   if (halo_device_open(NULL, &device) || halo_operator_create(device, &options, &conv) ||
 *       halo_operator_prepare(conv) || halo_launch(conv, tensors, 3, stream))
 *     puts(halo_last_error());
 *
 * Errors: what can fail returns a halo_status; its sentence is halo_last_error(). Nothing throws,
 * prints or aborts. What a failed call would have written stays as it was.
 *
 * Structs: `struct_size` is sizeof the struct, as the caller was compiled; all else zero asks for
 * the defaults. A later version adds fields at the end, so old programs go on; where a new program
 * sets a field that an old library does not know, it is refused.
 *
 * Handles: opaque, from the function that creates one, given back to the one that closes or
 * destroys it; a null handle is refused, and closing one does nothing. What a handle needs it keeps
 * alive: a device may be closed before its operators. Destroy no handle while another thread is
 * using it.
 *
 * Threads: all functions may be called from any thread at any time, the same handle included, but
 * for the destruction of what they use. Texts belong to the handle they come from, or are static.
 *
 * Old binaries: what is declared here stays. New functions come under a new version in
 * runtime/exports.map, so that a program that needs one says so when it is loaded. */
#ifndef HALO_H
#define HALO_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define HALO_C_API __attribute__((visibility("default")))
#else
#define HALO_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The number in the soname: it changes when a program has to be compiled again. */
#define HALO_ABI_VERSION 1
HALO_C_API uint32_t halo_abi_version(void);
/* "0.1.0". Static. */
HALO_C_API const char *halo_version(void);

typedef int32_t halo_status;
enum {
  HALO_OK = 0,
  HALO_FAILED = 1,     /* The computation or the machine failed. */
  HALO_INVALID = 2,    /* The request was wrong; nothing was launched or written. */
  HALO_UNAVAILABLE = 3 /* This machine lacks something the request needs. */
};

/* Of the last call in this thread that failed: one sentence in lower case that names the operand,
 * the rule's label and both numbers. Never null, empty before the first failure; valid until the
 * next failing call in this thread. */
HALO_C_API const char *halo_last_error(void);

/* What the library has to say where nobody asked: that the cache's folder cannot be written, say.
 * Called from any thread, which must not hold what the sink waits for; `sentence` is valid during
 * the call. Null silences it, as at the start. A warning that is on its way in another thread may
 * still reach the sink that was replaced. */
typedef void (*halo_warning_sink)(const char *sentence, void *user);
HALO_C_API void halo_set_warning_sink(halo_warning_sink sink, void *user);

/* Nonzero: from now on the process compiles and loads no kernel; what would have to is refused. */
HALO_C_API void halo_set_frozen(int32_t frozen);

/* ---- Devices */

typedef struct halo_device halo_device;

typedef struct halo_device_options {
  size_t struct_size;
  /* "cuda", "cuda:1", "sim", "null" (checks all, runs nothing); null or "": a GPU where there is
   * one, else sim. A GPU is used in the context that is current in the calling thread, where that
   * is one of this GPU, else in its primary context, which is retained until the last handle is
   * gone. */
  const char *name;
  /* sim. Zero: every access is checked, and tensors must lie in halo_memory_allocate's memory.
   * Nonzero: they may lie anywhere in this process, and only the rules of a launch are checked. */
  int32_t sim_unchecked;
  int32_t reserved;
  /* sim. Nonzero: threads run in an order drawn from it. */
  uint64_t sim_seed;
} halo_device_options;

/* `options` may be null. */
HALO_C_API halo_status halo_device_open(const halo_device_options *options, halo_device **device);
HALO_C_API void halo_device_close(halo_device *device);
/* "cuda", "sim", "null"; "NVIDIA H200", ...; "sm_90". The device's; null of a null handle. */
HALO_C_API const char *halo_device_kind(const halo_device *device);
HALO_C_API const char *halo_device_name(const halo_device *device);
HALO_C_API const char *halo_device_arch(const halo_device *device);

/* Memory of the device, for programs without an allocator of their own: 256-byte aligned, contents
 * undefined, never null. Released in the device it came from, and before that is closed. */
HALO_C_API halo_status halo_memory_allocate(halo_device *device, size_t bytes, void **memory);
HALO_C_API halo_status halo_memory_release(halo_device *device, void *memory);
/* Copies to and from the host, done when they return; ordered after all work on the null stream. */
HALO_C_API halo_status halo_memory_upload(halo_device *device, void *to, const void *host,
                                          size_t bytes);
HALO_C_API halo_status halo_memory_download(halo_device *device, void *host, const void *from,
                                            size_t bytes);

/* A stream is the caller's own CUstream or cudaStream_t on cuda; elsewhere one of
 * halo_stream_create. Null is the default stream. A new stream does not wait for the default one.
 */
HALO_C_API halo_status halo_stream_create(halo_device *device, void **stream);
HALO_C_API halo_status halo_stream_destroy(halo_device *device, void *stream);
HALO_C_API halo_status halo_stream_synchronize(halo_device *device, void *stream);

/* ---- Packs: kernels compiled ahead, in one file, which need no compiler */

/* Opens a pack, or all of a folder (*.halopack), for the rest of the process: operators take their
 * kernels from packs before they ask the kernel cache and the compiler. What is no pack, is damaged or
 * of another version is refused. Packs that HALO_PACKS names are asked after these. A pack that is
 * open may be replaced by a rename, but must not be written to. */
HALO_C_API halo_status halo_pack_open(const char *path);
/* Reads every byte of a pack: refused where one is not as it was written. Opens it for nobody. */
HALO_C_API halo_status halo_pack_verify(const char *path);
/* Loads each kernel of a pack that this device can run and compares what it makes of the pack's own
 * inputs with the pack's own outputs; fails at the first that differs. `tested` may be null: how many
 * were run. Milliseconds each; waits for the device. */
HALO_C_API halo_status halo_pack_self_test(halo_device *device, const char *path, size_t *tested);

/* ---- Tensors */

enum { HALO_F32 = 0, HALO_F16 = 1, HALO_BF16 = 2, HALO_I32 = 3, HALO_I64 = 4 };

#define HALO_MAX_RANK 8

/* A strided tensor in the device's memory, which stays the caller's. In an array all have the same
 * struct_size, which is also the distance from one to the next. */
typedef struct halo_tensor {
  size_t struct_size;
  /* The operand's; null in all tensors of a launch: they come in the order of the operands. Of a
   * state that is an input and an output, the first of its name is the input. */
  const char *name;
  void *data;
  int32_t dtype;
  int32_t rank;
  int64_t sizes[HALO_MAX_RANK];   /* Outermost first; `rank` of them are read. */
  int64_t strides[HALO_MAX_RANK]; /* In elements. */
} halo_tensor;

/* ---- Operators: one problem on one device, for whatever tensors come */

typedef struct halo_operator halo_operator;

typedef struct halo_operator_options {
  size_t struct_size;
  /* What the command line takes after its verb: "hcs --dtype bf16 --set K=7 --with skip". With
   * "--set invariant=true" calls of other B and L give a row, up to any position, the same bits. */
  const char *problem;
  /* Or the same in parts: a built-in name or the path of a text that ends in .mlir; the element
   * types of activations and weights ("f32", "f16", "bf16"; null: the kernel's default); "K=4",
   * ...; the optional operands that are there. Exactly one of `problem` and `kernel` is set; the
   * rest adds to either, and what is set twice is refused. */
  const char *kernel;
  const char *dtype;
  const char *wdtype;
  const char *const *set;
  size_t set_count;
  const char *const *with;
  size_t with_count;
  /* Forces a schedule, whole or in part ("block_n=64,stages=2"); null: a tuned one, else a chosen.
   */
  const char *schedule;
  /* A typical launch, for that choice; zeros where unknown. */
  int64_t b, d, l;
} halo_operator_options;

/* Compiles nothing yet, and copies the texts. */
HALO_C_API halo_status halo_operator_create(halo_device *device,
                                            const halo_operator_options *options,
                                            halo_operator **op);
HALO_C_API void halo_operator_destroy(halo_operator *op);
/* Compiles and loads whatever tensors may need: a variant for aligned, one for all others. */
HALO_C_API halo_status halo_operator_prepare(halo_operator *op);
/* The same for one of them: 16 is the variant for aligned tensors, 1 takes any. */
HALO_C_API halo_status halo_operator_prepare_align(halo_operator *op, int32_t align);
/* From now on this operator compiles and loads nothing; a launch that would have to is refused. */
HALO_C_API void halo_operator_freeze(halo_operator *op);
/* The problem's text, with every default once the operator is prepared. The operator's. */
HALO_C_API const char *halo_operator_problem(const halo_operator *op);

/* Checks the tensors and enqueues one launch on `stream`. It takes no lock, allocates nothing and
 * does not synchronise, so that it may be captured in a CUDA graph; but where the variant for these
 * tensors is not loaded, it is compiled first, or refused where the operator or the process is
 * frozen or the stream is being captured. The tensors' memory must live until the launch has
 * finished. */
HALO_C_API halo_status halo_launch(halo_operator *op, const halo_tensor *tensors, size_t count,
                                   void *stream);

/* A form is all of a launch but the memory: the operator, and element types, sizes and strides of
 * its tensors, whose `data` does not matter. For callers to whom building halo_tensors is the cost.
 */
typedef struct halo_form halo_form;

/* Copies the tensors; checks nothing but that it can. Keeps the operator. */
HALO_C_API halo_status halo_form_create(halo_operator *op, const halo_tensor *tensors, size_t count,
                                        halo_form **form);
HALO_C_API void halo_form_destroy(halo_form *form);
/* halo_launch with `data` in the place of the tensors', in their order. */
HALO_C_API halo_status halo_form_launch(const halo_form *form, void *const *data, size_t count,
                                        void *stream);

/* ---- What an operator takes */

enum {
  HALO_VIEW = 0,    /* [B, C, L], [B, L, C], [B, C] or [C, L], as `layout` says; C = streams * D. */
  HALO_TAPS = 1,    /* [C / group, taps] */
  HALO_CHANNEL = 2, /* [C] */
  HALO_STATE = 3,   /* [B, C, taps - 1], newest last; [N, ..] with N sequences packed in a row. */
  HALO_MODES = 4,   /* [D, modes], f32. */
  HALO_MODAL_STATE = 5, /* [B, D, modes], f32. */
  HALO_INDICES = 6 /* i32: a number per row, [B], per position, [B, L], or per end, [N + 1]. */
};
enum { HALO_BDL = 0, HALO_BLD = 1, HALO_BD = 2, HALO_DL = 3 };

typedef struct halo_operand {
  size_t struct_size;
  const char *name; /* The operator's. */
  int32_t kind;
  int32_t dtype;
  int32_t output; /* Nonzero: written. */
  int32_t layout; /* Of a view. */
  int32_t rank;
  int32_t reserved;
  int64_t streams;  /* Channels in memory per channel of the kernel. */
  int64_t taps;     /* Of taps and states: K. */
  int64_t group;    /* Of taps: channels that share a row. */
  int64_t channels; /* Of a view: C where it is fixed, else 0. */
  int64_t modes;
} halo_operand;

/* These three need a prepared operator. Inputs come before outputs. */
HALO_C_API halo_status halo_operator_operand_count(const halo_operator *op, size_t *count);
HALO_C_API halo_status halo_operator_operand(const halo_operator *op, size_t index,
                                             halo_operand *operand);
/* The sizes this operand has in a launch of B, D, L: what to allocate for an output. `sizes` has
 * room for HALO_MAX_RANK. Where N sequences are packed by bounds, which this is not told, the first of a
 * state's sizes is N in the place of B. */
HALO_C_API halo_status halo_operator_operand_sizes(const halo_operator *op, size_t index, int64_t b,
                                                   int64_t d, int64_t l, int64_t *sizes,
                                                   int32_t *rank);

#ifdef __cplusplus
}
#endif

#endif
