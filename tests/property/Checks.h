// What must hold for one case.
#pragma once

#include "tests/oracle/Compare.h"
#include "tests/property/Runner.h"

namespace halo::property {

struct Outcome {
  enum Kind { Passed, Failed, Skipped } kind = Passed;
  std::string reason; ///< Of a failure or a skip, one sentence.
};

/// Compiles, launches and checks. A forced schedule that the compiler refuses is a skip; the
/// analytic one never may be.
Outcome checkCase(Runner &runner, const Case &drawn);

/// Random inputs; filters have gains near one, so that outputs are at unit scale (Inputs.cpp).
TensorMap makeInputs(const Case &drawn);

/// The invariances a case asks for (Invariances.cpp), given its first launch.
struct FirstLaunch {
  std::shared_ptr<Device> device;
  Kernel kernel;
  TensorMap inputs, outputs;
};
Result<void> checkInvariances(const Case &drawn, const FirstLaunch &first);

/// Compares with the oracle: outputs by the law's bounds, the state bit by bit.
Result<void> checkOracle(const Problem &problem, const TensorMap &inputs, const TensorMap &outputs);

/// The storage type of the activations, whose roundings every output inherits, and the precision.
NumberClass classOf(const Problem &problem);

/// Within the law's bounds, or a sentence naming the element furthest out.
Result<void> checkClose(const std::string &what, const HostTensor &got, const HostTensor &want,
                        NumberClass from);

/// Equal bits, or a sentence naming the first element that differs.
Result<void> checkBits(const std::string &what, const HostTensor &got, const HostTensor &want);

} // namespace halo::property
