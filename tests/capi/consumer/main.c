/* What a user of an installation writes; check_install.py builds and runs it. */
#include <halo/halo.h>
#include <stdio.h>

int main(void) {
  halo_device_options where = {sizeof where, "null", 0, 0, 0};
  halo_device *device;
  if (halo_device_open(&where, &device))
    return fprintf(stderr, "%s\n", halo_last_error()), 1;
  printf("halo %s: %s\n", halo_version(), halo_device_name(device));
  halo_device_close(device);
  return 0;
}
