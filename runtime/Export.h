// HALO_API marks what libhalo_runtime.so exports; everything else is hidden.
#pragma once

#define HALO_API __attribute__((visibility("default")))
