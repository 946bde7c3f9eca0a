"""The whole stack on one machine: LocalStack, Lambda subprocesses and a SageMaker that trains real models."""
