import pytest

from .backends import ALL, CUDA, backend_or_skip


@pytest.fixture(params=ALL)
def backend(request):
    """Each backend in turn."""
    return backend_or_skip(request.param)


@pytest.fixture(params=CUDA)
def device_backend(request):
    """The CUDA backend on each device in turn."""
    return backend_or_skip(request.param)
