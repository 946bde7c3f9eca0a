"""Who calls the local cloud, what the caller's role may do, and a refusal in AWS's words of what it may not."""
