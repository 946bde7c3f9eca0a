"""SageMaker for the local cloud: requests, rules, states and files as AWS has them; models come from the engine."""
