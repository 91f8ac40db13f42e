#include "compiler/sim/Passes.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/IPO/AlwaysInliner.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"

using namespace llvm;

namespace halo::sim {

uint32_t addSite(SimProgram &program, const Instruction &at, Site site) {
  if (const DebugLoc &loc = at.getDebugLoc())
    site.where = " at " + loc->getFilename().str() + ":" + std::to_string(loc.getLine());
  program.sites.push_back(std::move(site));
  return uint32_t(program.sites.size() - 1);
}

/// Attributes and globals that mean something to NVPTX only, or would keep dead code alive.
static void dropDeviceOnly(Module &module, Function &kernel) {
  for (const char *name : {"llvm.used", "llvm.compiler.used", "llvm.global_ctors",
                           "llvm.global_dtors"})
    if (GlobalVariable *gv = module.getGlobalVariable(name))
      gv->eraseFromParent();
  for (Function &f : module) {
    if (f.isDeclaration())
      continue;
    f.setAttributes(f.getAttributes().removeFnAttributes(f.getContext()));
    f.setCallingConv(CallingConv::C);
    f.setComdat(nullptr);
    f.addFnAttr(Attribute::NoUnwind);
    if (&f == &kernel)
      continue;
    f.setLinkage(GlobalValue::InternalLinkage);
    f.addFnAttr(Attribute::AlwaysInline);
  }
  for (Function &f : module)
    for (Instruction &i : instructions(f))
      if (auto *call = dyn_cast<CallInst>(&i); call && call->getCalledFunction() &&
                                               !call->getCalledFunction()->isIntrinsic())
        call->setCallingConv(CallingConv::C);
}

static void inlineEverything(Module &module) {
  LoopAnalysisManager lam;
  FunctionAnalysisManager fam;
  CGSCCAnalysisManager cgam;
  ModuleAnalysisManager mam;
  PassBuilder builder;
  builder.registerModuleAnalyses(mam);
  builder.registerCGSCCAnalyses(cgam);
  builder.registerFunctionAnalyses(fam);
  builder.registerLoopAnalyses(lam);
  builder.crossRegisterProxies(lam, fam, cgam, mam);
  ModulePassManager passes;
  passes.addPass(AlwaysInlinerPass(/*InsertLifetimeIntrinsics=*/false));
  passes.addPass(GlobalDCEPass());
  passes.run(module, mam);
}

/// Moves the kernel's body into `void (ThreadRegisters *, void **params)`; params are those of a
/// launch: one address per parameter.
static Function *makeThreadFunction(Function &kernel, const AttributeList &attributes) {
  LLVMContext &context = kernel.getContext();
  Type *ptr = PointerType::getUnqual(context);
  auto *type = FunctionType::get(Type::getVoidTy(context), {ptr, ptr}, false);
  Function *thread = Function::Create(type, GlobalValue::ExternalLinkage, kThreadFunction,
                                      kernel.getParent());
  thread->addFnAttr(Attribute::NoUnwind);
  thread->setSubprogram(kernel.getSubprogram());
  kernel.setSubprogram(nullptr);
  thread->splice(thread->begin(), &kernel);
  IRBuilder<> b(&thread->getEntryBlock(), thread->getEntryBlock().begin());
  auto ours = [&](Instruction *i) {
    i->setMetadata(kOursMetadata, MDNode::get(context, {}));
    return i;
  };
  for (Argument &arg : kernel.args()) {
    Value *slot = b.CreateConstInBoundsGEP1_64(ptr, thread->getArg(1), arg.getArgNo());
    Value *address = ours(b.CreateLoad(ptr, slot));
    Value *value;
    if (Type *byVal = attributes.getParamByValType(arg.getArgNo())) {
      // The kernel owns its copy of an aggregate.
      const DataLayout &layout = kernel.getParent()->getDataLayout();
      AllocaInst *copy = b.CreateAlloca(byVal);
      copy->setAlignment(attributes.getParamAlignment(arg.getArgNo()).value_or(Align(16)));
      ours(b.CreateMemCpy(copy, copy->getAlign(), address, Align(1),
                          layout.getTypeAllocSize(byVal)));
      value = b.CreateAddrSpaceCast(copy, arg.getType());
    } else {
      value = ours(b.CreateAlignedLoad(arg.getType(), address, Align(1)));
    }
    arg.replaceAllUsesWith(value);
  }
  kernel.eraseFromParent();
  return thread;
}

Result<Function *> isolateKernel(Module &module, SimProgram &program) {
  Function *kernel = module.getFunction(program.name);
  if (!kernel || kernel->isDeclaration())
    return invalid("the module defines no kernel \"" + program.name + "\"");
  if (!kernel->getReturnType()->isVoidTy())
    return invalid("kernel " + program.name + " returns a value");
  Attribute bound = kernel->getFnAttribute("nvvm.maxntid");
  if (bound.isStringAttribute()) {
    program.maxThreads = 1;
    SmallVector<StringRef> parts;
    bound.getValueAsString().split(parts, ',');
    for (StringRef part : parts) {
      uint32_t n = 1;
      if (!part.trim().getAsInteger(10, n))
        program.maxThreads *= n;
    }
  }
  Attribute cluster = kernel->getFnAttribute("nvvm.cluster_dim");
  if (cluster.isStringAttribute()) {
    auto [x, rest] = cluster.getValueAsString().split(',');
    if (x.trim().getAsInteger(10, program.cluster) || !program.cluster || program.cluster > 8 ||
        (!rest.empty() && rest != "1,1"))
      return invalid("kernel " + program.name + " has clusters of " +
                     cluster.getValueAsString().str() + " blocks, expected up to 8,1,1");
  }
  AttributeList attributes = kernel->getAttributes();
  dropDeviceOnly(module, *kernel);
  inlineEverything(module);
  for (Function &f : module)
    if (!f.isDeclaration() && &f != kernel)
      return invalid("kernel " + program.name + ": function " + f.getName().str() +
                     " is recursive or called through a pointer, which is not simulated");
  Function *thread = makeThreadFunction(*kernel, attributes);
  for (Instruction &i : instructions(thread))
    if (auto *alloca = dyn_cast<AllocaInst>(&i); alloca && !alloca->isStaticAlloca())
      return invalid("kernel " + program.name + " allocates local memory of a variable size");
  return thread;
}

} // namespace halo::sim
