/* A whole program that needs this file, libhalo_runtime.so and the driver: packed PACK [DEVICE]
 * PACK is what `halo pack build tests/example/packed.json -o PACK` writes. */
#include "runtime/halo.h"
#include <math.h>
#include <stdio.h>

enum { L = 16, D = 32, K = 4 };
static float x[L][D], weight[D][K], y[L][D];

int main(int argc, char **argv) {
  halo_device_options where = {sizeof where};
  halo_operator_options what = {sizeof what};
  halo_tensor tensors[3] = {
      {sizeof *tensors, "x", NULL, HALO_F32, 3, {1, L, D}, {L * D, D, 1}},
      {sizeof *tensors, "weight", NULL, HALO_F32, 2, {D, K}, {K, 1}},
      {sizeof *tensors, "y", NULL, HALO_F32, 3, {1, L, D}, {L * D, D, 1}}};
  halo_device *device = NULL;
  halo_operator *conv = NULL;
  for (int i = 0; i < L * D; ++i)
    x[i / D][i % D] = (float)(i * 37 % 101) / 50 - 1;
  for (int i = 0; i < D * K; ++i)
    weight[i / K][i % K] = (float)(i * 53 % 89) / 44 - 1;

  where.name = argc > 2 ? argv[2] : NULL;
  what.problem = "causal_conv1d --dtype f32 --set K=4 layout=bld activation=silu";
  if (halo_pack_open(argc > 1 ? argv[1] : "") || halo_device_open(&where, &device) ||
      halo_operator_create(device, &what, &conv) || halo_operator_prepare(conv) ||
      halo_memory_allocate(device, sizeof x, &tensors[0].data) ||
      halo_memory_allocate(device, sizeof weight, &tensors[1].data) ||
      halo_memory_allocate(device, sizeof y, &tensors[2].data) ||
      halo_memory_upload(device, tensors[0].data, x, sizeof x) ||
      halo_memory_upload(device, tensors[1].data, weight, sizeof weight) ||
      halo_launch(conv, tensors, 3, NULL) ||
      halo_memory_download(device, y, tensors[2].data, sizeof y))
    return fprintf(stderr, "packed: %s\n", halo_last_error()), 1;

  for (int t = 0; t < L; ++t)
    for (int c = 0; c < D; ++c) {
      double sum = 0;
      for (int k = 0; k < K && k <= t; ++k)
        sum += (double)x[t - k][c] * weight[c][K - 1 - k];
      double want = sum / (1 + exp(-sum));
      if (halo_device_kind(device)[0] != 'n' && !(fabs(y[t][c] - want) <= 1e-4)) /* Not on null. */
        return fprintf(stderr, "packed: y[%d][%d] is %g, expected %g\n", t, c, y[t][c], want), 1;
    }
  printf("%d values on %s\n", L * D, halo_device_name(device));
  return halo_operator_destroy(conv), halo_device_close(device), 0;
}
