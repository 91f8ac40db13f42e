// Everything a user of the runtime includes.
#pragma once

#include "runtime/CompileCache.h"
#include "runtime/CompilerLibrary.h"
#include "runtime/DType.h"
#include "runtime/Device.h"
#include "runtime/Environment.h"
#include "runtime/Kernel.h"
#include "runtime/KernelCompiler.h"
#include "runtime/KernelInfo.h"
#include "runtime/Launch.h"
#include "runtime/Problem.h"
#include "runtime/Result.h"
#include "runtime/Safetensors.h"
#include "runtime/Schedule.h"
#include "runtime/TuningPolicy.h"
#include "runtime/ScheduleChoice.h"
#include "runtime/Warning.h"
