// Where records live, and what a process knows of them.
//
//   <share>/tuned/*.tuned     shipped: beside the libraries, lib/../share/halo/tuned
//   <cache>/tuned/*.tuned     this user's: HALO_CACHE_DIR, else $XDG_CACHE_HOME/halo, ~/.cache/halo
//
// One file for each class of GPU and kernel: nvidia-h200-132-sms.causal-conv1d.tuned. Both folders
// are merged by the rule of TuningRecords.h. Writers read, change and rename under a lock, so that
// several may tune at once.
#pragma once

#include "runtime/Export.h"
#include "runtime/Result.h"
#include "runtime/TuningRecords.h"

#include <functional>
#include <string>
#include <vector>

namespace halo {

class Device;

/// This user's folder; empty where there is no home and no HALO_CACHE_DIR.
HALO_API std::string tunedFolder();
/// What came with the libraries.
HALO_API std::string shippedFolder();
/// The version of what runs kernels, "580.95.05" on cuda; the device's kind elsewhere.
HALO_API std::string driverOf(const Device &device);

/// Adds a folder's records. A folder that is missing has none. A file that cannot be read and a
/// line that is no record are skipped with a sentence in `complaints`.
HALO_API void readRecords(const std::string &folder, TuningRecords &records,
                          std::vector<std::string> &complaints);
/// Changes a folder's records, which are made where missing. Lines that are no records are lost
/// where their file is written again.
HALO_API Result<void> changeRecords(const std::string &folder,
                                    const std::function<void(TuningRecords &)> &change);

/// Shipped and this user's records, read once per process when first asked for; what is skipped is
/// a warning (Warning.h). What tuning writes later is for the next process.
HALO_API const TuningRecords &tunedRecords();

} // namespace halo
