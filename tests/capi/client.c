/* A C program of ABI 1: every function of its first version, in plain C99.
 *
 *   client DEVICE        "null", "sim", "cuda"
 *
 * prebuilt/ keeps it as it was compiled with the first version's header. Leave this file as it is:
 * what comes later is tested elsewhere. */
#include "runtime/halo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { L = 8, D = 32, K = 4, COUNT = L * D };

static int warnings;
static void hear(const char *sentence, void *user) {
  (void)sentence;
  ++*(int *)user;
}

static void fail(const char *what) {
  fprintf(stderr, "client: %s: %s\n", what, halo_last_error());
  exit(1);
}
#define OK(call) ((call) == HALO_OK ? (void)0 : fail(#call))
#define TRUE(fact) ((fact) ? (void)0 : fail(#fact))

static void *put(halo_device *device, size_t count, float value) {
  float values[COUNT];
  void *memory = NULL;
  size_t i;
  for (i = 0; i < count; ++i)
    values[i] = value;
  OK(halo_memory_allocate(device, count * sizeof(float), &memory));
  OK(halo_memory_upload(device, memory, values, count * sizeof(float)));
  return memory;
}

static halo_tensor tensor(const char *name, void *data, int32_t rank, int64_t a, int64_t b,
                          int64_t c) {
  halo_tensor made;
  int64_t stride = 1;
  int32_t i;
  memset(&made, 0, sizeof made);
  made.struct_size = sizeof made;
  made.name = name;
  made.data = data;
  made.dtype = HALO_F32;
  made.rank = rank;
  made.sizes[0] = a;
  made.sizes[1] = b;
  made.sizes[2] = c;
  for (i = rank; i-- > 0; stride *= made.sizes[i])
    made.strides[i] = stride;
  return made;
}

static float last(halo_device *device, const void *y) {
  float values[COUNT];
  OK(halo_memory_download(device, values, y, sizeof values));
  return values[COUNT - 1];
}

int main(int argc, char **argv) {
  const char *set[] = {"K=4", "layout=bld"};
  halo_device_options where = {sizeof where, NULL, 0, 0, 0};
  halo_operator_options what;
  halo_operand operand;
  halo_device *device = NULL;
  halo_operator *conv = NULL, *bad = NULL;
  halo_form *form = NULL;
  halo_tensor list[3];
  void *stream = NULL, *data[3];
  int64_t sizes[HALO_MAX_RANK];
  int32_t rank = 0;
  size_t count = 0, i;
  int runs;

  where.name = argc > 1 ? argv[1] : "null";
  halo_set_warning_sink(hear, &warnings);
  TRUE(halo_abi_version() == HALO_ABI_VERSION && halo_version()[0]);
  OK(halo_device_open(&where, &device));
  runs = strcmp(halo_device_kind(device), "null") != 0;
  printf("%s, %s\n", halo_device_name(device), halo_device_arch(device));

  memset(&what, 0, sizeof what);
  what.struct_size = sizeof what;
  what.kernel = "causal_conv1d";
  what.dtype = what.wdtype = "f32";
  what.set = set;
  what.set_count = 2;
  what.l = L;
  OK(halo_operator_create(device, &what, &conv));
  OK(halo_operator_prepare_align(conv, 16));
  OK(halo_operator_prepare(conv));
  halo_operator_freeze(conv);
  TRUE(strstr(halo_operator_problem(conv), "--set K=4"));

  OK(halo_operator_operand_count(conv, &count));
  TRUE(count == 3);
  for (i = 0; i < count; ++i) {
    memset(&operand, 0, sizeof operand);
    operand.struct_size = sizeof operand;
    OK(halo_operator_operand(conv, i, &operand));
    TRUE(operand.dtype == HALO_F32 && operand.output == (i == 2));
  }
  TRUE(strcmp(operand.name, "y") == 0 && operand.kind == HALO_VIEW && operand.layout == HALO_BLD);
  OK(halo_operator_operand_sizes(conv, 2, 1, D, L, sizes, &rank));
  TRUE(rank == 3 && sizes[0] == 1 && sizes[1] == L && sizes[2] == D);

  data[0] = put(device, COUNT, 2);
  data[1] = put(device, D * K, 1);
  data[2] = put(device, COUNT, 0);
  list[0] = tensor(NULL, data[0], 3, 1, L, D);
  list[1] = tensor(NULL, data[1], 2, D, K, 0);
  list[2] = tensor(NULL, data[2], 3, 1, L, D);
  OK(halo_stream_create(device, &stream));
  OK(halo_stream_synchronize(device, NULL));
  OK(halo_launch(conv, list, 3, stream));
  OK(halo_stream_synchronize(device, stream));
  TRUE(last(device, data[2]) == (runs ? 8 : 0));

  list[1].sizes[1] = 5;
  TRUE(halo_launch(conv, list, 3, stream) == HALO_INVALID && strstr(halo_last_error(), "conv_c2"));
  list[1].sizes[1] = K;
  list[0].name = "x";
  list[1].name = "weight";
  list[2].name = "y";
  OK(halo_form_create(conv, list, 3, &form));
  OK(halo_memory_release(device, data[0]));
  data[0] = put(device, COUNT, 3);
  OK(halo_stream_synchronize(device, NULL));
  OK(halo_form_launch(form, data, 3, stream));
  OK(halo_stream_synchronize(device, stream));
  TRUE(last(device, data[2]) == (runs ? 12 : 0));

  what.dtype = "f64";
  TRUE(halo_operator_create(device, &what, &bad) == HALO_INVALID && !bad);
  what.dtype = "f32";
  OK(halo_operator_create(device, &what, &bad));
  halo_set_frozen(1);
  TRUE(halo_operator_prepare(bad) == HALO_INVALID);
  halo_set_frozen(0);

  halo_form_destroy(form);
  halo_operator_destroy(bad);
  halo_operator_destroy(conv);
  for (i = 0; i < 3; ++i)
    OK(halo_memory_release(device, data[i]));
  OK(halo_stream_destroy(device, stream));
  halo_device_close(device);
  halo_set_warning_sink(NULL, NULL);
  printf("client of ABI %d: ok\n", HALO_ABI_VERSION);
  return 0;
}
