"""What AWS answers, for every test of deployments."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.unit.endpoint_answers import Answers


@pytest.fixture
def answers(stub: Callable[[Any], Stubber]) -> Answers:
    return Answers.make(stub)
