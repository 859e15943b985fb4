"""Each public function, made to hand out zeros of the right shape, makes a test fail."""

from pathlib import Path

import pytest
from mutations import Public, public_functions, zeroed

from pytest_tinytorch.core.course import load_course

COURSE = load_course(Path(__file__).parents[2])

# Zeros are right here, or there is nothing of which zeros could be made.
EXCEPTIONS = {
    "01_setup-best_seconds": "given, and held by tests/unit/test_course_measuring.py",
    "01_setup-cpu_seconds": "given, and held by tests/unit/test_course_measuring.py",
    "01_setup-times_as_long": "given, and held by tests/unit/test_course_measuring.py",
    "01_setup-peak_bytes": "given, and held by tests/unit/test_course_measuring.py",
    "01_setup-kept_bytes": "given, and held by tests/unit/test_course_measuring.py",
    "01_setup-growth": "given, and held by tests/unit/test_course_measuring.py",
    "02_tensor-primitive": "its result is a function",
    "02_tensor-Tensor.dtype": "a dtype has no zero",
    "02_tensor-Tensor.backward": "it has no result",
    "02_tensor-Tensor.__reduce_ex__": "given, and held by tests/unit/test_tensor_torch.py",
    "02_tensor-Tensor.__iadd__": "given, and held by tests/unit/test_tensor_torch.py",
    "02_tensor-Tensor.__isub__": "given, and held by tests/unit/test_tensor_torch.py",
    "02_tensor-Tensor.__imul__": "given, and held by tests/unit/test_tensor_torch.py",
    "02_tensor-Tensor.__itruediv__": "given, and held by tests/unit/test_tensor_torch.py",
    "02_tensor-Tensor.__ipow__": "given, and held by tests/unit/test_tensor_torch.py",
    "02_tensor-zeros": "zeros are what it makes",
    "02_tensor-manual_seed": "it has no result",
    "04_layers-Module.forward": "it raises until a subclass has its own",
    "04_layers-Module.load_state_dict": "it has no result",
    "04_layers-Module.train": "its result is the module itself",
    "04_layers-Module.eval": "its result is the module itself",
    "05_dense-Sequential.__getitem__": "its result is a layer",
    "09_autograd-no_grad": "its result is a block to work in",
    "09_autograd-enable_grad": "its result is a block to work in",
    "08_dataloader-Dataset.__init_subclass__": "it has no result",
    "08_dataloader-Compose.__init__": "a transform has no zero",
    "08_dataloader-download_mnist": "a path has no zero",
    "08_dataloader-download_cifar10": "a path has no zero",
    "10_optimizers-SGD.update": "it has no result",
    "10_optimizers-RMSprop.update": "it has no result",
    "10_optimizers-Adam.update": "it has no result",
    "10_optimizers-Adam.move": "it has no result",
    "10_optimizers-AdamW.update": "it has no result",
    "11_training-Trainer.__init__": "what it is given has no zero",
    "11_training-Trainer.measure": "its result is there for its gradient alone",
    "11_training-Trainer.save": "it has no result",
    "11_training-save_checkpoint": "it has no result",
    "12_compression-EarlyStopping.restore": "it has no result",
    "12_compression-PrunedOptimizer.step": "it has no result",
    "13_kernels-use_fast_kernels": "it has no result",
    "15_mlops-save_model": "it has no result",
    "15_mlops-save_safetensors": "it has no result",
    "15_mlops-export_onnx": "it has no result",
    "15_mlops-ModelRegistry.__init__": "a folder has no zero",
    "15_mlops-ModelRegistry.place": "a path has no zero",
    "15_mlops-ModelRegistry.promote": "it has no result",
    "15_mlops-ModelRegistry.event": "it has no result",
    "15_mlops-Metrics.count": "it has no result",
    "15_mlops-Metrics.observe": "it has no result",
    "15_mlops-ModelServer.serve_connection": "it has no result",
    "15_mlops-ModelServer.start": "its result is the server itself",
    "15_mlops-ModelServer.close": "it has no result",
    "15_mlops-ModelServer.__enter__": "its result is the server itself",
    "15_mlops-ModelServer.__exit__": "it has no result",
    "15_mlops-serve": "its result is a server",
    "15_mlops-ModelMonitor.record": "it has no result",
    "15_mlops-Canary.record": "it has no result",
    "16_capstone-BPETokenizer.index": "it has no result",
    "16_capstone-BPETokenizer.save": "it has no result",
    "16_capstone-BPETokenizer.load": "a tokenizer has no zero",
    "16_capstone-TinyGPT.new_cache": "its result is there to be filled",
    "16_capstone-token_windows": "its result is a data set",
    "14_benchmarking-Profiler.show": "it has no result",
    "14_benchmarking-Benchmark.ask": "it has no result",
}
PUBLIC = public_functions(COURSE)


@pytest.mark.parametrize("public", [p for p in PUBLIC if str(p) not in EXCEPTIONS], ids=str)
def test_zeros_fail_their_checkpoint(quick_laboratory, public: Public):
    source = COURSE.source_file(COURSE.module_by_name[public.module]).read_text("utf-8")
    record = quick_laboratory.grade(public.module, zeroed(source, public.name), "-x")
    failed = [test for test in record.tests if not test.passed]
    assert failed, f"{public} can give zeros, and every test passes"


def test_every_exception_is_about_a_function_that_is_there():
    assert set(EXCEPTIONS) <= {str(public) for public in PUBLIC}
